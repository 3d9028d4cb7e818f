"""docs/api.md says what the API does: its examples are run as they stand."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import imagemeta
from tests.samples import SAMPLES, write_all
from tests.web.api.client import description
from worker.local import settings_in
from worker.web.api.schemas import Image
from worker.web.guard import BOUNDS
from worker.web.runner import MOST
from worker.web.serving import served

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "api.md").read_text()
PAGE_OF_DOCUMENTS = (DOCS / "documents.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = [line for block in BLOCKS for line in block.splitlines()]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("page") / "photos"
    write_all(folder)
    assert imagemeta("up", folder, "--once").returncode == 0
    with served(settings_in(folder, {})) as url:
        yield folder, url


def test_every_example_does_what_the_page_says(pictures: tuple[Path, str], tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (tmp_path / "photo.jpg").write_bytes(SAMPLES[0].make())
    assert len(EXAMPLES) > 15
    for example in EXAMPLES:
        done = subprocess.run(
            ["bash", "-c", example],
            cwd=tmp_path,
            env={"API": pictures[1], "PATH": "/usr/bin:/bin"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{example}: {done.stderr!r}"
        if written := re.search(r" -o (\S+)$", example):
            assert (tmp_path / written[1]).stat().st_size
            continue
        answer = json.loads(done.stdout)
        if "mke" in example:
            shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
            assert shown
            expected = json.loads(shown[1])
            assert answer["detail"].startswith(expected["detail"].removesuffix("…"))
            assert {**answer, "detail": ""} == {**expected, "detail": ""}
        elif "uri=" in example or "/inspect" in example:
            assert answer["camera"]["make"]


def test_every_endpoint_is_on_the_page() -> None:
    for path in description()["paths"]:
        named = path.removesuffix("/{id}")
        assert f"{named}`" in PAGE or f"{named}?" in PAGE or f"{path}`" in PAGE, path


def test_every_field_of_a_document_can_be_asked_for() -> None:
    table = (PAGE_OF_DOCUMENTS.split("## Fields")[1]).split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)}
    assert named - {"search"} <= set(Image.model_fields)


def test_the_figures_on_the_page_are_those_of_the_code() -> None:
    assert (
        f"({BOUNDS.body_bytes >> 20} MiB; {BOUNDS.upload_bytes >> 20} MiB for a picture; `IMAGEMETA_BATCH_BYTES` for"
        in PAGE
    )
    assert f"({BOUNDS.rate:.0f} a second, {BOUNDS.burst:.0f} at once" in PAGE
    assert MOST == 4
    assert "Four runs are at work at once" in PAGE
    assert (BOUNDS.seconds, BOUNDS.long_seconds) == (60, 300)
