"""What stands beside the code: the READMEs' tables, the start-up unit, the scripts, the lines of the policies."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.terraform.conftest import Applied
from tests.terraform.readme import MODULES, blocks, tables, written
from tests.terraform.workspace import ROOT, RUNTIMES

DEPLOY = ROOT / "deploy"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_the_tables_are_what_the_code_says(module: Path) -> None:
    assert (module / "README.md").read_text() == written(module), "python -m tests.terraform.readme"
    assert tables(module) in written(module)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_links_lead_somewhere(module: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (module / "README.md").read_text()):
        assert (module / target).exists(), target


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
@pytest.mark.parametrize("kind", ["variable", "output"])
def test_variables_and_outputs_are_sorted_and_described(module: Path, kind: str) -> None:
    found = list(blocks(module, kind))
    assert [name for name, _ in found] == sorted(name for name, _ in found)
    assert all(re.search(r'^  description = ".+"', body, re.MULTILINE) for _, body in found)


def cloud_config(applied: Applied) -> str:
    return str(applied("mig").all("compute_region_instance_template")[0]["metadata"]["user-data"])


def test_the_machine_starts_one_unit_from_one_file(applied: Applied) -> None:
    text = cloud_config(applied)
    config = yaml.safe_load(text)
    assert text.startswith("#cloud-config\n")
    assert set(config) == {"write_files", "runcmd"}
    files = {file["path"]: file for file in config["write_files"]}
    assert files["/etc/imagemeta/env"]["permissions"] == "0600"
    assert config["runcmd"] == ["systemctl daemon-reload", "systemctl enable --now imagemeta.service"]
    for line in files["/etc/imagemeta/env"]["content"].splitlines():
        assert re.fullmatch(r"[A-Z_]+=[^\s\"']+", line), f"docker takes the rest of the line as it is: {line}"


def unit(applied: Applied) -> dict[str, dict[str, list[str]]]:
    """The systemd unit: section, name, values."""
    files = yaml.safe_load(cloud_config(applied))["write_files"]
    text = next(file["content"] for file in files if file["path"].endswith(".service"))
    parsed: dict[str, dict[str, list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = parsed.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, value = line.split("=", 1)
            section.setdefault(name, []).append(value)
    return parsed


def test_the_unit_is_one_that_systemd_takes(applied: Applied) -> None:
    parsed = unit(applied)
    assert set(parsed) == {"Unit", "Service", "Install"}
    assert {name: len(values) for name, values in parsed["Service"].items() if len(values) > 1} == {"ExecStartPre": 3}
    for command in (
        command for name, values in parsed["Service"].items() if name.startswith("Exec") for command in values
    ):
        assert command.lstrip("-").startswith(("/usr/bin/", "/bin/")), f"systemd wants a path: {command}"
        assert not re.search(r"%[^%]", command), f"systemd would expand it: {command}"


def test_the_container_has_no_right_it_does_not_need(applied: Applied) -> None:
    (command,) = unit(applied)["Service"]["ExecStart"]
    for option in (
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--tmpfs=/tmp",
        "--log-opt=max-size=",
    ):
        assert option in command
    assert "--privileged" not in command
    assert command.endswith(" work")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_alerts_speak_of_lines_and_metrics_that_exist(applied: Applied, runtime: str) -> None:
    source = (ROOT / "worker" / "events.py").read_text()
    policies = applied(runtime).all("monitoring_alert_policy")
    text = " ".join(policy.block("documentation")["content"] for policy in policies)
    for metric in re.findall(r"`(imagemeta\.[a-z_.]+)`", text):
        assert f'"{metric}"' in source
    for line in ("misconfigured", "breaker_opened", "shard_died", "shard_hung", "nacked"):
        assert line in text
        assert f'"{line}"' in source


def test_cloud_build_makes_scans_and_lists_before_it_pushes() -> None:
    build = yaml.safe_load((DEPLOY / "cloudbuild.yaml").read_text())
    steps = [step["id"] for step in build["steps"]]
    assert steps == ["build", "list", "scan", "push"]
    assert build["options"]["logging"] == "CLOUD_LOGGING_ONLY"  # an account of ours has no bucket for logs
    assert all(":" in step["name"] and not step["name"].endswith(":latest") for step in build["steps"])


def test_either_builder_installs_what_the_stack_needs() -> None:
    assert re.search(r"^pillow==", (ROOT / "requirements-batches.lock").read_text(), re.MULTILINE)
    assert "ARG LOCK=" in (ROOT / "Dockerfile").read_text()
    build = yaml.safe_load((DEPLOY / "cloudbuild.yaml").read_text())
    assert "LOCK=${_LOCK}" in build["steps"][0]["args"]
    script = (DEPLOY / "image.sh").read_text()
    assert script.count("LOCK=$lock") == 2
    assert set(re.findall(r"(_[A-Z]+)=", script)) == set(build["substitutions"])


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="needs shellcheck")
def test_the_scripts_have_no_pitfalls() -> None:
    command = ["shellcheck", *sorted(map(str, DEPLOY.glob("*.sh")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", ["image.sh", "smoke.sh"])
def test_the_scripts_are_bash(script: str) -> None:
    done = subprocess.run(["bash", "-n", DEPLOY / script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (DEPLOY / script).stat().st_mode & 0o111
