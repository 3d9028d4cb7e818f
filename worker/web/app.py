"""All that is served, in one application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from importlib import import_module
from importlib.util import find_spec

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from worker.errors import WorkerError
from worker.site import Site
from worker.web import problems
from worker.web.access import Access
from worker.web.api import router as api
from worker.web.api.answers import Parts
from worker.web.guard import BOUNDS, Bounds, Guard
from worker.web.problems import Problem

CONSOLE = "worker.web.console"
_NO_SPANS: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own would tell what was asked for, and a search may hold a place; events.served does not."""


def application(site: Site, access: Access, bounds: Bounds = BOUNDS) -> FastAPI:
    """The API under /v1, its documentation, the two checks of health, and the console's pages.

    Endpoints find `request.app.state.site`, `request.app.state.parts` and `request.state.viewer`.
    """
    parts = Parts(site)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(parts.close)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=life, telemetry=_NO_SPANS)
    app.state.site = site
    app.state.parts = parts
    app.add_middleware(Guard, access=access, bounds=replace(bounds, table_bytes=site.settings.batch_bytes))
    app.add_api_route("/healthz", _healthy, include_in_schema=False)
    app.add_api_route("/readyz", _healthy, include_in_schema=False)
    app.include_router(api.router)
    if find_spec(CONSOLE):
        app.include_router(import_module(f"{CONSOLE}.router").router, include_in_schema=False)
    _explain_errors(app)
    return app


def _healthy() -> Response:
    return PlainTextResponse("ok\n")


def _explain_errors(app: FastAPI) -> None:
    """Every error is a problem."""

    @app.exception_handler(WorkerError)
    def ours(_: Request, error: WorkerError) -> Response:
        return problems.of(error).response()

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> Response:
        if isinstance(error, Problem):
            return error.response()
        status = HTTPStatus(error.status_code)
        return Problem(status, status.phrase.lower().replace(" ", "_"), str(error.detail)).response()

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        faults = [{"at": ".".join(map(str, fault["loc"])), "message": fault["msg"]} for fault in error.errors()]
        detail = "; ".join(f"{fault['at']}: {fault['message']}" for fault in faults)
        return Problem(HTTPStatus.BAD_REQUEST, "bad_request", detail, {"errors": faults}).response()
