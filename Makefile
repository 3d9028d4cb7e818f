# `make demo` and `make test` need Python 3.11 to 3.13 and make; everything else is set up in .venv, as locked.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PICTURES := demo/pictures
# Processes that test side by side; each starts emulators and a browser of its own, and mostly waits for them.
TESTERS ?= 3
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --quiet

.PHONY: help demo test test-deep lint types check dev bench scaling figures screenshots assets lock image deploy clean

help:
	@echo 'make demo       sample pictures, through the worker, into a table'
	@echo 'make test       all tests but the long ones; make test-deep runs those'
	@echo 'make check      lint, types and tests: what CI runs'
	@echo 'make dev        Pub/Sub, Firestore and Cloud Storage emulators on this machine'
	@echo 'make bench      side by side with the client libraries'"' own guides"
	@echo 'make figures    recall and speed of extraction, where the image corpora are'
	@echo 'make screenshots  every page of the console, light, dark and narrow, into .screenshots'
	@echo 'make assets     fetch what the console is made with into the package, from npm'
	@echo 'make image      the worker'"'"'s image, in the registry of your project'
	@echo 'make deploy     the cloud: terraform apply'
	@echo 'make lock       renew the locked versions'
	@echo 'make clean      remove what the above made'

demo: $(READY)
	@$(BIN)/python -m tests.samples $(PICTURES)
	@IMAGEMETA_LOG_LEVEL=error $(BIN)/imagemeta up $(PICTURES) --once
	@echo 'Watch your own pictures: $(BIN)/imagemeta up ~/Pictures'

test: $(READY)
	$(BIN)/python -m pytest -m 'not deep' --numprocesses $(TESTERS) --dist loadfile

test-deep: $(READY)
	$(BIN)/python -m pytest -m deep

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

check: lint types test

dev: $(READY)
	$(BIN)/python -m deploy.stack

bench: $(READY)
	$(BIN)/python -m bench.pipeline

scaling: $(READY)
	$(BIN)/python -m bench.autoscale
	$(BIN)/python -m bench.cost

figures: $(READY)
	$(BIN)/python -m bench.recall
	$(BIN)/python -m bench.extraction

screenshots: $(READY)
	$(BIN)/python -m tests.web.console.screenshots

assets:
	deploy/assets.sh

lock: $(READY)
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra batches --output-file requirements-batches.lock
	$(COMPILE) pyproject.toml --group dev --output-file requirements-dev.lock
	$(COMPILE) --group build --output-file requirements-build.lock
	$(COMPILE) tests/terraform/requirements.in --output-file tests/terraform/requirements.lock
	$(COMPILE) tests/terraform/checkov.in --output-file tests/terraform/checkov.lock

image:
	deploy/image.sh

deploy:
	terraform -chdir=terraform init -input=false >/dev/null
	terraform -chdir=terraform apply

clean:
	rm -rf $(VENV) .screenshots .venv-tf .venv-checkov demo .stack .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
