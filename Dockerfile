# syntax=docker/dockerfile:1
# One image for every command: `work`, `push`, `extract`, ... Two stages, so that no compiler and no pip travels along.
# Nothing is written at run time: run it with a read-only root file system and a tmpfs at /tmp.

FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/imagemeta
# With --build-arg LOCK=requirements-batches.lock it can compress images, too (docs/batches.md).
ARG LOCK=requirements.lock
COPY requirements.lock requirements-batches.lock /src/
RUN /opt/imagemeta/bin/python -m pip install --require-hashes --no-deps -r "/src/$LOCK"
COPY requirements-build.lock /src/
RUN python -m pip install --require-hashes --no-deps -r /src/requirements-build.lock
COPY pyproject.toml README.md LICENSE /src/
COPY worker /src/worker
# The wheel is built by the locked build backend, and installed without asking any index.
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels /src \
 && /opt/imagemeta/bin/python -m pip install --no-deps --no-index /wheels/*.whl \
 && /opt/imagemeta/bin/python -m compileall -q /opt/imagemeta

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="imagemeta" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin imagemeta
COPY --from=build /opt/imagemeta /opt/imagemeta
ENV PATH=/opt/imagemeta/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
USER 10001:10001
WORKDIR /tmp
STOPSIGNAL SIGTERM
ENTRYPOINT ["imagemeta"]
CMD ["work"]
