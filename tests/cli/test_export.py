"""`imagemeta export`, as a user runs it."""

import json
import signal
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.cli.program import imagemeta, on_a_terminal, started
from tests.export.reading import merged, rows
from tests.export.rig import FORMATS, a_picture, a_tombstone
from tests.fakes import wait_until
from worker.backends.local.documents import LocalDocuments
from worker.model import Document
from worker.ports import Create, Replace

PICTURES = 20_000
PLACED = sum(number % 3 > 0 for number in range(PICTURES))


def catalog_of(folder: Path, pictures: int) -> Path:
    """A folder with a catalog of that many pictures."""
    (folder / ".imagemeta").mkdir(parents=True)
    with closing(LocalDocuments(folder / ".imagemeta" / "catalog.db")) as documents:
        for first in range(0, pictures, 1000):
            batch = [Create(a_picture(number)) for number in range(first, min(first + 1000, pictures))]
            assert set(documents.commit(batch)) == {None}
    return folder


@pytest.fixture(scope="session")
def twenty_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog that is only read, and exported from."""
    return catalog_of(tmp_path_factory.mktemp("catalog") / "pictures", PICTURES)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A catalog of fifty pictures."""
    return catalog_of(tmp_path / "pictures", 50)


def told(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
    result = imagemeta("export", *arguments, "--json")
    assert result.returncode == code, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_killed_in_the_middle_the_same_command_comes_to_the_same_bytes(
    form: str, twenty_thousand: Path, tmp_path: Path
) -> None:
    name = form if form == "geo.txt" else f"images.{form}"
    (tmp_path / "whole").mkdir()
    whole, file = tmp_path / "whole" / name, tmp_path / name
    expected = PLACED if form in {"geojson", "kml", "geo.txt"} else PICTURES
    assert told("--folder", twenty_thousand, "--to", whole)["rows"] == expected
    part = file.with_name(f"{name}.part")
    arguments = ("export", "--folder", twenty_thousand, "--to", file)
    with started(*arguments) as process:
        wait_until(lambda: part.exists() and part.stat().st_size > 10_000, seconds=60)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not file.exists()
    assert part.exists()
    again = told(*arguments[1:])
    assert again["run"]["continued"] == 1
    assert again["run"]["seen"] == PICTURES
    assert file.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*.part")) == []


def test_a_query_and_columns(few: Path, tmp_path: Path) -> None:
    file = tmp_path / "sony.csv"
    result = imagemeta("export", "make:Sony", "--folder", few, "--to", file, "--columns", "name,make,tag:IFD0:Make")
    assert result.returncode == 0, result.stderr
    found = rows(file, "csv")
    assert result.stdout.startswith(f"{len(found)} rows, ")
    assert 0 < len(found) < 50
    assert {(row["make"], row["tag:IFD0:Make"]) for row in found} == {("Sony", "SONY")}
    names = [row["name"] for row in found]
    assert names == sorted(names, reverse=True), "newest first"


def test_changes_and_compaction_by_hand(few: Path, tmp_path: Path) -> None:
    file = tmp_path / "images.jsonl"
    assert told("--folder", few, "--to", file, "--gzip")["rows"] == 50
    packed = tmp_path / "images.jsonl.gz"
    assert told("--folder", few, "--to", packed, "--dry-run", "--since", "1h")["rows"] == 0
    now = datetime.now(UTC)
    changed = [a_tombstone(3, now), a_picture(4, now, text={"title": "Changed"})]
    with closing(LocalDocuments(few / ".imagemeta" / "catalog.db")) as documents:
        assert documents.commit([_replace(documents, document) for document in changed]) == [None, None]
    second = told("--folder", few, "--to", packed, "--gzip", "--since", "last")
    assert (second["rows"], second["file"]) == (2, str(tmp_path / "images.00002.jsonl.gz"))
    union = merged([packed, Path(second["file"])], "jsonl")
    assert len(union) == 49
    assert told("--folder", few, "--to", packed, "--compact")["rows"] == 52
    assert merged([packed], "jsonl") == union
    assert not Path(second["file"]).exists()


def _replace(documents: LocalDocuments, document: Document) -> Replace:
    (head,) = documents.heads([document.key])
    assert head
    return Replace(document, head.version)


def test_stdout_takes_a_stream(few: Path) -> None:
    for form in ("csv", "jsonl", "geojson", "kml", "geo.txt", "tsv"):
        result = imagemeta("export", "--folder", few, "--to", "-", "--format", form)
        assert result.returncode == 0, result.stderr
        assert len(result.stdout.splitlines()) >= 33
    assert imagemeta("export", "--folder", few, "--to", "-", "--since", "1h", "--format", "csv").returncode == 78


def test_a_stream_is_what_a_file_is(few: Path, tmp_path: Path) -> None:
    told("--folder", few, "--to", tmp_path / "a.parquet")
    with started("export", "--folder", few, "--to", "-", "--format", "geojson") as process:
        assert process.stdout
        streamed = process.stdout.read()
    told("--folder", few, "--to", tmp_path / "a.geojson")
    assert json.loads(streamed) == json.loads((tmp_path / "a.geojson").read_text())
    assert duckdb.connect().execute(f"SELECT count(*) FROM '{tmp_path}/a.parquet'").fetchall() == [(50,)]  # noqa: S608


def test_a_watched_folder_is_no_place_unless_it_is_hidden(few: Path) -> None:
    result = imagemeta("export", "--folder", few, "--to", few / "images.csv")
    assert result.returncode == 78
    assert "taken for pictures" in result.stderr
    assert not (few / "images.csv").exists()
    (few / ".exports").mkdir()
    assert told("--folder", few, "--to", few / ".exports" / "images.csv")["rows"] == 50


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        ((), 78, "--to images.csv"),
        (("--to", "images.xls"), 78, "--format"),
        (("--to", "nowhere/images.csv"), 78, "make it first"),
        (("--to", "."), 78, "names no file"),
        (("--to", "images.csv", "--columns", "mak"), 78, "did you mean make"),
        (("--to", "images.csv", "--since", "yesterday"), 78, "7d"),
        (("--to", "images.csv", "--compact"), 78, "nothing was exported"),
        (("make:", "--to", "images.csv"), 2, "docs/search.md"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: tuple[str, ...], code: int, hint: str, few: Path, tmp_path: Path
) -> None:
    result = imagemeta("export", *arguments, "--folder", few, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert hint in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_terminal_sees_how_far_it_is(few: Path, tmp_path: Path) -> None:
    code, shown, out = on_a_terminal("export", "--folder", few, "--to", tmp_path / "a.csv")
    assert code == 0
    assert "50/50" in shown
    assert "50 rows" in out
