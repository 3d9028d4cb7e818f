"""Fixtures: terraform with the stand-in provider. Where terraform is absent the tests skip with one line; with CI=true
they fail."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.stack import Stack
from tests.terraform.workspace import SCHEMAS, Workspace, provider

PROJECT, BUCKET = "acme-photos", "acme-pictures"
Applied = Callable[[str], Stack]
"""Given a runtime, what the stack applied with it is."""
Wished = Callable[..., Stack]
"""Given more variables, what the stack applied with them is."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("terraform")


@pytest.fixture(scope="session")
def terraform() -> str:
    """Where the terraform command is."""
    if found := shutil.which("terraform"):
        return found
    if os.environ.get("CI") == "true":
        pytest.fail("terraform is not installed", pytrace=False)
    pytest.skip("terraform is not installed")


@pytest.fixture(scope="session")
def workspaces(terraform: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Workspace]]:
    """By provider version: the stack, initialised, with the two variables that it needs."""
    with ExitStack() as running:
        made = {}
        for version, schema in SCHEMAS.items():
            folder = tmp_path_factory.mktemp("stack") / "terraform"
            workspace = Workspace(folder, terraform, running.enter_context(provider(schema)))
            workspace.succeed("init", "-input=false")
            made[version] = workspace
        yield made


@pytest.fixture(scope="session")
def workspace(workspaces: dict[str, Workspace]) -> Workspace:
    """The stack with the newest provider."""
    return workspaces["8.7.0"]


@pytest.fixture(scope="session")
def wished(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Wished:
    """Applies the stack with more variables than it needs."""

    def apply(**variables: Any) -> Stack:
        copy = workspace.copy(tmp_path_factory.mktemp("wished") / "terraform")
        copy.write_variables(project_id=PROJECT, bucket=BUCKET, **variables)
        done = copy.apply()
        assert done.returncode == 0, done.stderr
        return Stack(copy.state())

    return apply


@pytest.fixture(scope="session")
def applied(wished: Wished) -> Applied:
    """Applies the stack, once per runtime."""

    @cache
    def apply(runtime: str) -> Stack:
        return wished(worker={"runtime": runtime})

    return apply
