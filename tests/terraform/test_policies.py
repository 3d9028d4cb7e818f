"""checkov's policies for Google Cloud. Skips stand in terraform/.checkov.yaml, each with its reason."""

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.terraform.workspace import HERE, STACK, Workspace, environment

CONFIGURATION = STACK / ".checkov.yaml"


@pytest.mark.deep
def test_the_stack_breaks_no_policy(workspace: Workspace, tmp_path: Path) -> None:
    stack = workspace.copy(tmp_path / "terraform").folder
    command = environment("checkov", HERE / "checkov.lock") / "checkov"
    where = ["--config-file", str(CONFIGURATION), "--directory", str(stack), "--skip-path", "examples"]
    done = subprocess.run(
        [command, *where, "--output", "json"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    summary = json.loads(done.stdout)["summary"]
    assert (summary["failed"], summary["parsing_errors"]) == (0, 0)
    assert summary["passed"] > 30


def test_each_skip_has_a_reason() -> None:
    lines = CONFIGURATION.read_text().split("skip-check:")[1].strip("\n").splitlines()
    for before, line in pairwise(lines):
        if re.search(r"- CKV", line):
            assert before.lstrip().startswith("#"), f"{line.strip()} has no reason"
    assert lines[0].lstrip().startswith("#")
