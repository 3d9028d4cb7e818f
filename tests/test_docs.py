"""The docs say what the code does: commands, settings, metrics, codes, links, and the example document."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.samples.catalogue import SAMPLES
from worker import errors
from worker.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TO_BE_WRITTEN = {"terraform/terraform.tfvars"}
"""Files of whoever uses it."""
VARYING = ("created", "updated", "size", "generation")


def shell_lines(page: Path) -> list[str]:
    blocks = re.findall(r"```(?:console|bash|sh)\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`(imagemeta [a-z][^`]*)`", page.read_text())
    return [line for line in [*lines, *inline] if line]


def commands() -> list[tuple[str, str]]:
    found = [(page.name, line) for page in PAGES for line in shell_lines(page)]
    return sorted({(page, line) for page, line in found if re.match(r"(\.venv/bin/)?imagemeta ", line)})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    for named in re.findall(r"`((?:worker|tests|bench|deploy|terraform)/[\w./-]+)`", page.read_text()):
        assert named in TO_BE_WRITTEN or (ROOT / named).exists(), f"{page.name} names {named}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"IMAGEMETA_[A-Z_]+[A-Z]", page.read_text()))
    assert named <= known | {name for name in named if page.name == "CHANGELOG.md"}


def help_of(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "worker", *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_and_their_options_exist(page: str, line: str) -> None:
    words = line.removeprefix(".venv/bin/").split()[1:]
    if words[0].startswith("--"):
        return
    shown = help_of(words[0])
    if "\nCommands:" in shown.stdout and len(words) > 1:
        shown = help_of(*words[:2])
    assert shown.returncode == 0, f"{page}: {line}: {shown.stderr}"
    for option in (word for word in words if word.startswith("--")):
        assert option in shown.stdout, f"{page}: {line}"


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"`?make ([a-z-]+)`?(?:\s|`|$)", " ".join(shell_lines(page))):
            assert f"\n{target}:" in makefile, f"{page.name}: make {target}"
        for target in re.findall(r"`make ([a-z-]+)`", page.read_text()):
            assert f"\n{target}:" in makefile, f"{page.name}: make {target}"


def test_metrics_that_are_named_exist() -> None:
    source = (ROOT / "worker" / "events.py").read_text()
    named = set(re.findall(r"`(imagemeta\.[a-z_.]+)`", (ROOT / "docs" / "operations.md").read_text()))
    made = set(re.findall(r'"(imagemeta\.[a-z_.]+)"', source))
    assert named == made


def test_every_code_of_a_failed_document_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    table = page.split("## Failures")[1]
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    refusals = (errors.BadInput, errors.QueryError, errors.Forbidden)  # of requests, not of messages
    known = {kind.code for kind in kinds if issubclass(kind, errors.WorkerError) and not issubclass(kind, refusals)}
    kept = known - {"transient", "permanent", "misconfigured", "object_gone"}
    assert set(re.findall(r"`([a-z_]+)`(?=[,` |])", table)) - {"status", "errors", "code"} >= kept


def test_the_example_is_what_the_sample_says(tmp_path: Path) -> None:
    page = ROOT / "docs" / "documents.md"
    shown = re.search(r"<!-- example -->\n```json\n(.*?)\n```\n<!-- /example -->", page.read_text(), re.DOTALL)
    assert shown, "docs/documents.md has no example: python -m tests.test_docs writes it"
    assert json.loads(shown[1]) == example(tmp_path)


def example(folder: Path) -> dict[str, Any]:
    """What `imagemeta extract` prints of one sample, without what depends on when and where."""
    sample = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg")
    (folder / sample.name).write_bytes(sample.make())
    command = [sys.executable, "-m", "worker", "extract", sample.name, "--format", "jsonl"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    fields: dict[str, Any] = json.loads(done.stdout)
    return {name: value for name, value in fields.items() if name not in VARYING}


def main() -> None:
    """Write the example into docs/documents.md."""
    page = ROOT / "docs" / "documents.md"
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(example(Path(folder)), indent=1, ensure_ascii=False)
    text = re.sub(
        r"\{\s+(\"id\".*?)\s+\}", lambda match: "{" + re.sub(r"\s*\n\s*", " ", match[1]) + "}", text, flags=re.DOTALL
    )
    block = f"<!-- example -->\n```json\n{text}\n```\n<!-- /example -->"
    old = page.read_text()
    page.write_text(re.sub(r"<!-- example -->.*<!-- /example -->", lambda _: block, old, flags=re.DOTALL))


if __name__ == "__main__":
    main()
