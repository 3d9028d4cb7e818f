"""`imagemeta up`, as a user runs it: a folder in, a catalog out."""

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import DEADLINE, HOSTILE, children, group, imagemeta, on_a_terminal, records, started
from tests.fakes import wait_until
from tests.samples import SAMPLES, write_all
from tests.samples.packets import xmp

OF_THE_QUEUE = {
    "recipe",
    "passes",
    "search",
    "bucket",
    "name",
    "uri",
    "generation",
    "metageneration",
    "event_time",
    "attempt",
    "worker",
    "processed_at",
}


def documents(catalog: Path) -> dict[str, dict[str, Any]]:
    """The documents by name; empty as long as there is no catalog."""
    path = catalog / "catalog.db"
    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return {name: json.loads(fields) for name, fields in db.execute("SELECT name, fields FROM documents")}
    except sqlite3.OperationalError:  # it is just being made
        return {}


def statuses(folder: Path) -> dict[str, str]:
    return {name: fields["status"] for name, fields in documents(folder / ".imagemeta").items()}


@contextmanager
def up(folder: Path, *more: str) -> Iterator[Any]:
    """The program at work on a folder, with one shard."""
    with started("up", folder, "--shards", "1", *more, IMAGEMETA_LOG_LEVEL="warning") as program:
        yield program


# --- once --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The samples after one pass, and what it printed."""
    folder = tmp_path_factory.mktemp("pictures")
    write_all(folder)
    return folder, imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error")


def table(output: str) -> list[list[str]]:
    """The cells of a printed table; its columns begin where its headings do."""
    heading, *lines = output.partition("\n\n")[0].split("\n")
    starts = [heading.index(name) for name in ("file", "status", "camera", "taken", "position", "size")]
    # Some letters take two columns of a terminal: count columns, not letters.
    wide = [line.encode("gb18030").decode("latin-1") if not line.isascii() else line for line in lines]
    return [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in wide]


def test_the_table_of_the_samples_says_what_is_in_them(once: tuple[Path, Any]) -> None:
    folder, result = once
    assert (result.returncode, result.stderr) == (0, "")
    found = table(result.stdout)
    expected = sorted(SAMPLES, key=lambda sample: sample.name)
    assert [row[1:5] for row in found] == [
        [sample.status, sample.camera, sample.taken, sample.position] for sample in expected
    ]
    assert [row[5].rpartition(", ")[0] for row in found] == [sample.pixels for sample in expected]
    assert [row[0] for row in found[:-1]] == [sample.name for sample in expected[:-1]]
    assert "\n京都の桜.jpg " in result.stdout
    assert f"The catalog is {folder}/.imagemeta/catalog.db (SQLite).\n" in result.stdout


def test_a_stored_document_and_an_extracted_record_are_the_same(once: tuple[Path, Any]) -> None:
    folder, _ = once
    stored = documents(folder / ".imagemeta")
    read = {record["file"]: record for record in records(imagemeta("extract", ".", cwd=folder).stdout)}
    assert set(stored) == set(read) == {sample.name for sample in SAMPLES}
    for name, fields in stored.items():
        if fields["status"] == "failed":
            assert fields["errors"][0]["code"] == read[name]["error"]["code"]
        else:
            without = {field: value for field, value in fields.items() if field not in {*OF_THE_QUEUE, "search"}}
            assert {"file": name, **without} == read[name]


def test_a_second_pass_changes_nothing(once: tuple[Path, Any]) -> None:
    folder, first = once
    before = documents(folder / ".imagemeta")
    second = imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error")
    assert second.stdout == first.stdout
    assert documents(folder / ".imagemeta") == before


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path, photo: bytes) -> None:
    for name in HOSTILE:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(photo)
    code, shown, output = on_a_terminal("up", tmp_path, "--once")
    assert code == 0
    assert not set("\x1b\x07\u202e") & set(output)
    assert r"\x1b[31mred\x1b]0;owned\x07.jpg" in output
    assert r"new\nline.jpg" in output
    assert "[bold]x[red].jpg" in output
    assert "owned" not in shown


def test_the_catalog_may_lie_elsewhere(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(photo)
    result = imagemeta("up", tmp_path / "pictures", "--once", "--catalog", tmp_path / "catalog")
    assert result.returncode == 0
    assert list(documents(tmp_path / "catalog")) == ["a.jpg"]
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["a.jpg"]


def test_a_folder_with_an_odd_name_works(tmp_path: Path, photo: bytes) -> None:
    folder = tmp_path / "café 100% ?#[x]:\n"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(photo)
    assert imagemeta("up", folder, "--once").returncode == 0
    assert statuses(folder) == {"a.jpg": "ok"}


def test_a_folder_that_cannot_be_watched_is_one_line(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    result = imagemeta("up", folder, "--once")
    assert result.returncode == 78
    assert result.stderr.endswith("is not valid UTF-8, so it cannot be watched; rename it\n")


# --- what it refuses ---------------------------------------------------------------------------------------


def test_a_catalog_that_would_be_watched_is_refused(tmp_path: Path) -> None:
    result = imagemeta("up", tmp_path, "--once", "--catalog", tmp_path / "catalog")
    assert result.returncode == 78
    assert "would be watched" in result.stderr
    assert "--catalog" in result.stderr


def test_a_catalog_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "pictures").mkdir()
    result = imagemeta("up", tmp_path / "pictures", "--once", "--catalog", tmp_path / "file" / "x")
    assert result.returncode == 78
    assert result.stderr == (
        f"imagemeta: the catalog {tmp_path}/file/x cannot be written: Not a directory;"
        " choose another place with --catalog\n"
    )


def test_a_folder_that_is_not_there_is_told() -> None:
    result = imagemeta("up", "/no/such/folder")
    assert result.returncode == 2
    assert "does not exist" in result.stderr


def test_two_on_one_catalog_are_refused(tmp_path: Path) -> None:
    with up(tmp_path):
        wait_until(lambda: (tmp_path / ".imagemeta" / "seen.db").exists())
        result = imagemeta("up", tmp_path, "--once")
    assert result.returncode == 78
    assert "another imagemeta is at work" in result.stderr


# --- following ---------------------------------------------------------------------------------------------


def test_it_follows_what_is_added_changed_and_removed(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "there.jpg").write_bytes(photo)
    with up(tmp_path) as program:
        wait_until(lambda: statuses(tmp_path) == {"there.jpg": "ok"})
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "added.jpg").write_bytes(photo)
        wait_until(lambda: statuses(tmp_path).get("new/added.jpg") == "ok")
        (tmp_path / "there.jpg").write_text("no longer a picture")
        wait_until(lambda: statuses(tmp_path).get("there.jpg") == "failed")
        (tmp_path / "new" / "added.jpg").unlink()
        wait_until(lambda: statuses(tmp_path).get("new/added.jpg") == "deleted")
        program.terminate()
        assert program.wait(DEADLINE) == 0


def test_what_happened_while_it_was_down_is_caught_up(tmp_path: Path, photo: bytes) -> None:
    for name in ("stays.jpg", "changes.jpg", "goes.jpg"):
        (tmp_path / name).write_bytes(photo)
    assert imagemeta("up", tmp_path, "--once").returncode == 0
    (tmp_path / "changes.jpg").write_text("no longer a picture")
    (tmp_path / "goes.jpg").unlink()
    (tmp_path / "comes.jpg").write_bytes(photo)
    assert imagemeta("up", tmp_path, "--once").returncode == 0
    assert statuses(tmp_path) == {
        "stays.jpg": "ok",
        "changes.jpg": "failed",
        "goes.jpg": "deleted",
        "comes.jpg": "ok",
    }


def test_being_killed_loses_nothing(tmp_path: Path, photo: bytes) -> None:
    for number in range(200):
        (tmp_path / f"{number}.jpg").write_bytes(photo)
    with up(tmp_path) as program:
        wait_until(lambda: len(statuses(tmp_path)) > 5)
        program.kill()
        wait_until(lambda: not group(program.pid))
    assert imagemeta("up", tmp_path, "--once").returncode == 0
    assert statuses(tmp_path) == {f"{number}.jpg": "ok" for number in range(200)}


# --- sidecars ----------------------------------------------------------------------------------------------

PACKET = xmp({"dc:title": {"x-default": "Mine"}})
VARYING = {"event_time", "processed_at", "created", "updated", "generation", "sidecar"}


def merged(folder: Path, name: str) -> dict[str, Any]:
    """The image's document without what depends on when; its sidecar must be the one of that name."""
    fields = documents(folder / ".imagemeta")["IMG.jpg"]
    assert fields["sidecar"]["name"] == name
    return {field: value for field, value in fields.items() if field not in VARYING}


@pytest.mark.parametrize("name", ["IMG.xmp", "IMG.jpg.xmp", "IMG.XMP"])
def test_a_sidecar_is_merged_whether_it_comes_before_the_image_or_after(
    tmp_path: Path, photo: bytes, name: str
) -> None:
    found = []
    for first, second in (("IMG.jpg", name), (name, "IMG.jpg")):
        folder = tmp_path / first / "pictures"
        folder.mkdir(parents=True)
        for file in (first, second):
            (folder / file).write_bytes(photo if file == "IMG.jpg" else PACKET)
            assert imagemeta("up", folder, "--once").returncode == 0
        assert statuses(folder) == {"IMG.jpg": "ok", name: "ok"}
        found.append(merged(folder, name))
    assert found[0] == found[1]
    assert found[0]["text"]["title"] == "Mine"


def test_a_sidecar_is_followed_when_it_changes_and_when_it_goes(tmp_path: Path, photo: bytes) -> None:
    def title() -> object:
        return documents(tmp_path / ".imagemeta").get("IMG.jpg", {}).get("text", {}).get("title")

    (tmp_path / "IMG.jpg").write_bytes(photo)
    with up(tmp_path):
        wait_until(lambda: title() == "Sunrise over the Aletsch")
        (tmp_path / "IMG.xmp").write_bytes(PACKET)
        wait_until(lambda: title() == "Mine")
        (tmp_path / "IMG.xmp").write_bytes(xmp({"dc:title": {"x-default": "Newer"}}))
        wait_until(lambda: title() == "Newer")
        (tmp_path / "IMG.xmp").unlink()
        wait_until(lambda: title() == "Sunrise over the Aletsch")
    assert "sidecar" not in documents(tmp_path / ".imagemeta")["IMG.jpg"]


def test_sidecars_can_be_left_alone(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "IMG.jpg").write_bytes(photo)
    (tmp_path / "IMG.xmp").write_bytes(PACKET)
    assert imagemeta("up", tmp_path, "--once", IMAGEMETA_SIDECARS="off").returncode == 0
    assert statuses(tmp_path) == {"IMG.jpg": "ok", "IMG.xmp": "ok"}
    assert "sidecar" not in documents(tmp_path / ".imagemeta")["IMG.jpg"]


def test_up_and_extract_agree_about_a_sidecar(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "IMG.jpg").write_bytes(photo)
    (tmp_path / "IMG.xmp").write_bytes(PACKET)
    assert imagemeta("up", tmp_path, "--once").returncode == 0
    (record,) = records(imagemeta("extract", tmp_path / "IMG.jpg").stdout)
    stored = documents(tmp_path / ".imagemeta")["IMG.jpg"]
    assert {**record, "file": None} == {
        "file": None,
        **{field: value for field, value in stored.items() if field not in OF_THE_QUEUE},
    }


# --- signals and terminals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_drains_and_ends_it(tmp_path: Path, photo: bytes, number: signal.Signals) -> None:
    (tmp_path / "a.jpg").write_bytes(photo)
    with up(tmp_path) as program:
        wait_until(lambda: statuses(tmp_path) == {"a.jpg": "ok"})
        os.killpg(program.pid, number)
        assert program.wait(DEADLINE) == 0
        assert program.stderr.read() == ""
        wait_until(lambda: not group(program.pid))


def test_without_a_terminal_it_logs_json_and_no_place(tmp_path: Path, samples: Path) -> None:
    (tmp_path / "lagoon.jpg").write_bytes((samples / "lagoon.jpg").read_bytes())
    result = imagemeta("up", tmp_path, "--once")
    lines = records(result.stderr)
    acked = [line for line in lines if line["message"] == "acked"]
    assert [line["object"] for line in acked] == [f"gs://{tmp_path.name}/lagoon.jpg"]
    assert "49.57" not in result.stderr


def test_on_a_terminal_one_line_says_how_far_it_is(tmp_path: Path, photo: bytes) -> None:
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(photo)
    (tmp_path / "broken.jpg").write_text("no picture")
    code, shown, output = on_a_terminal("up", tmp_path, "--once")
    assert code == 0
    assert "waiting" in shown
    assert "severity" not in shown
    assert len(table(output)) == 21


def test_ctrl_c_while_shards_start_is_quiet(tmp_path: Path) -> None:
    with up(tmp_path) as program:
        wait_until(lambda: children(program.pid))
        os.killpg(program.pid, signal.SIGINT)
        assert program.stderr.read() == ""
        assert program.wait(DEADLINE) == 0


def test_a_second_signal_ends_it_at_once(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(photo)
    with started("up", tmp_path, "--shards", "1", IMAGEMETA_GRACE_SECONDS="300") as program:
        wait_until(lambda: statuses(tmp_path) == {"a.jpg": "ok"})
        for pid in children(program.pid):
            os.kill(pid, signal.SIGSTOP)  # a shard that never finishes what is in hand
        program.send_signal(signal.SIGTERM)
        program.send_signal(signal.SIGINT)
        assert program.wait(DEADLINE) == 1
        wait_until(lambda: not group(program.pid))
