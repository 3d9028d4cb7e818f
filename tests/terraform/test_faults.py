"""Faults that an engineer might make on a Friday, planted one by one: each must be refused, or be found."""

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.terraform.conftest import BUCKET, PROJECT
from tests.terraform.problems import problems
from tests.terraform.stack import Stack
from tests.terraform.test_privileges import (
    BATCHED,
    BATCHES,
    BIGQUERY,
    BY_IAP,
    CHANGES,
    EVERYWHERE,
    ONLY,
    OPERATES,
    OPERATOR,
    PAUSES,
    TOLD,
    TOLD_BY_CONSOLE,
    table,
)
from tests.terraform.workspace import Workspace


class Fault(NamedTuple):
    """In `file`, `old` becomes `new`; with `runtime`, what is said of it contains `found`."""

    name: str
    file: str
    old: str
    new: str
    found: str
    runtime: str = "mig"


WISHES = {
    "batches": BATCHED,
    "changes": TOLD,
    "jobs": {"enabled": ["backfill", "export", "reconcile"]},
    "web": {**OPERATOR, "pause": True},
}
"""Everything on, so that every fault shows."""
GRANTED = table(EVERYWHERE + BATCHES + CHANGES + BIGQUERY + TOLD_BY_CONSOLE + BY_IAP + OPERATES + PAUSES)

_TABLE = tomllib.loads((Path(__file__).parent / "faults.toml").read_text())
FAULTS = [Fault(name, **columns) for name, columns in _TABLE.items()]


def said(workspace: Workspace, fault: Fault) -> str:
    """What terraform says, or what is wrong with the stack that it makes."""
    workspace.write_variables(project_id=PROJECT, bucket=BUCKET, worker={"runtime": fault.runtime}, **WISHES)
    done = workspace.apply()
    if done.returncode:
        return re.sub(r"[│╷╵\s]+", " ", done.stderr)
    stack = Stack(workspace.state())
    missing = (GRANTED | table(ONLY[fault.runtime])) - stack.grants()
    return "\n".join([*problems(stack), *(f"missing grant: {' '.join(grant)}" for grant in missing)])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(workspace: Workspace, tmp_path: Path, fault: Fault) -> None:
    copy = workspace.copy(tmp_path / "terraform")
    file = copy.folder / fault.file
    text = file.read_text()
    assert fault.old in text, f"{fault.file} no longer has what the fault replaces"
    file.write_text(text.replace(fault.old, fault.new))
    assert fault.found in said(copy, fault)


def test_without_a_fault_nothing_is_said(workspace: Workspace, tmp_path: Path) -> None:
    sound = Fault("none", "", "", "", "")
    assert said(workspace.copy(tmp_path / "terraform"), sound) == ""
