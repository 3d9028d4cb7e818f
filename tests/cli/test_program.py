"""The program as such: version, help, completion, settings, and what it takes to start."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import imagemeta
from worker import __version__

ROOT = Path(__file__).parents[2]
COMMANDS = ["extract", "up", "work", "push", "settings"]


def test_version() -> None:
    result = imagemeta("--version")
    assert (result.returncode, result.stdout) == (0, f"imagemeta {__version__}\n")


def test_help_names_every_command_and_each_has_examples() -> None:
    top = imagemeta("--help").stdout
    for command in COMMANDS:
        assert f"\n  {command} " in top
        assert f"imagemeta {command}" in imagemeta(command, "--help").stdout


def test_an_unknown_command_is_told_with_a_guess() -> None:
    result = imagemeta("extrct", "x.jpg")
    assert result.returncode == 2
    assert "Did you mean 'extract'" in result.stderr


def test_the_shell_completes_commands() -> None:
    result = imagemeta(_IMAGEMETA_COMPLETE="complete_bash", COMP_WORDS="imagemeta ext", COMP_CWORD="1")
    assert result.stdout.split() == ["extract"]


@pytest.mark.parametrize(("command", "missing"), [("work", "IMAGEMETA_QUEUE"), ("push", "IMAGEMETA_DOCUMENTS")])
def test_a_worker_without_its_settings_says_which(command: str, missing: str) -> None:
    result = imagemeta(command)
    assert result.returncode == 78
    assert result.stderr == f"imagemeta: {missing} is not set; `imagemeta settings` says what it takes\n"


def test_a_misspelt_setting_is_told_with_a_guess() -> None:
    result = imagemeta("work", IMAGEMETA_QUEU="x")
    assert result.returncode == 78
    assert result.stderr == "imagemeta: there is no setting IMAGEMETA_QUEU; did you mean IMAGEMETA_QUEUE?\n"


def test_a_queue_of_no_known_kind_is_told(tmp_path: Path) -> None:
    result = imagemeta(
        "work",
        IMAGEMETA_QUEUE="carrier://pigeon",
        IMAGEMETA_DOCUMENTS=f"sqlite://{tmp_path}/catalog.db",
        IMAGEMETA_OBJECTS=f"file://{tmp_path}",
        IMAGEMETA_HEALTH="",
        IMAGEMETA_SHARDS="1",
    )
    assert result.returncode == 78
    assert "IMAGEMETA_QUEUE: no backend for 'carrier'; known: pubsub, sqlite" in result.stderr


def test_settings_show_the_values_in_force() -> None:
    assert "IMAGEMETA_THREADS=7\n" in imagemeta("settings", IMAGEMETA_THREADS="7").stdout


def test_the_page_of_settings_is_current() -> None:
    page = imagemeta("settings", "--markdown").stdout
    assert (ROOT / "docs" / "settings.md").read_text() == page, "run: imagemeta settings --markdown > docs/settings.md"


@pytest.mark.parametrize("module", ["worker.cli.app", "worker.scan", "worker.local"])
def test_without_the_cloud_no_cloud_package_is_loaded(module: str) -> None:
    cloud = "google.cloud google.auth google.api_core grpc obstore starlette uvicorn"
    code = f"import sys, {module}; print([name for name in '{cloud}'.split() if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout == "[]\n"
