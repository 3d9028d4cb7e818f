"""Exports that break off go on, and come to the same bytes; parts tell what changed, and nothing else."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.export.reading import merged, rows
from tests.export.rig import FORMATS, Breaking, Killed, World, a_picture, a_tombstone
from worker.backends.local.shelf import LocalShelf
from worker.document import key_for
from worker.errors import Misconfigured, QueryError, StoreUnavailable
from worker.export.compact import compact
from worker.export.series import Shelved, name_of_part
from worker.exports import Wanted
from worker.model import Value
from worker.operate.runs import State
from worker.shelving import maker_of

PICTURES = 137
MERGEABLE = [form for form in FORMATS if form != "geo.txt"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(LocalShelf(tmp_path), PICTURES)


def name_for(form: str) -> str:
    return form if form == "geo.txt" else f"images.{form}"


@pytest.mark.parametrize("form", FORMATS)
def test_killed_at_any_step_it_comes_to_the_same_bytes(form: str, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = World(LocalShelf(tmp_path / "whole"), PICTURES)
    whole.export(Wanted(), name_for(form))
    expected = (tmp_path / "whole" / name_for(form)).read_bytes()
    fuse = deaths = 0
    alive = False
    while not alive:
        fuse += 1
        (tmp_path / str(fuse)).mkdir()
        file = tmp_path / str(fuse) / name_for(form)
        world = World(LocalShelf(file.parent), PICTURES)
        alive = dies(world, form, fuse)
        deaths += not alive
        if not alive:
            assert not file.exists() or file.read_bytes() == expected, "a half had the file's name"
        run, part = world.export(Wanted(), file.name)
        assert file.read_bytes() == expected
        assert (run.state, part.bytes) == (State.DONE, len(expected))
        assert [path.name for path in file.parent.iterdir() if ".part" in path.name] == []
    assert deaths > 8


def dies(world: World, form: str, fuse: int) -> bool:
    """Whether an export comes through on a shelf with that fuse."""
    try:
        world.export(Wanted(), name_for(form), shelf=Breaking(world.shelf, fuse))
    except Killed:
        return False
    return True


def test_what_was_written_before_the_checkpoint_is_not_asked_for_again(world: World, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        world.export(Wanted(), "images.csv", shelf=Breaking(world.shelf, 10))
    begun = (tmp_path / "images.csv.part").read_bytes()
    run, _ = world.export(Wanted(), "images.csv")
    assert run.continued == 1
    assert run.seen == run.published == PICTURES
    assert (tmp_path / "images.csv").read_bytes().startswith(begun)


def test_a_lost_part_begins_anew(world: World, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        world.export(Wanted(), "images.csv", shelf=Breaking(world.shelf, 10))
    (tmp_path / "images.csv.part").unlink()
    run, part = world.export(Wanted(), "images.csv")
    assert (run.seen, run.published, part.rows) == (PICTURES, PICTURES, PICTURES)
    assert len(rows(tmp_path / "images.csv", "csv")) == PICTURES


def test_a_page_that_fails_is_asked_for_again(world: World, tmp_path: Path) -> None:
    world.documents = Stumbling(world)  # type: ignore[assignment] # a reader is enough
    _, part = world.export(Wanted(), "images.jsonl")
    assert part.rows == PICTURES
    assert len(world.clock.slept) > 2
    assert len({row["key"] for row in rows(tmp_path / "images.jsonl", "jsonl")}) == PICTURES


class Stumbling:
    """A reader that fails twice in each scan: at its beginning, and after some documents."""

    def __init__(self, world: World) -> None:
        self._documents = world.documents
        self._turn = 0

    def get(self, key: str) -> dict[str, Value] | None:
        return self._documents.get(key)

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        self._turn += 1
        for number, row in enumerate(self._documents.scan(start_after)):
            if (self._turn, number) in {(1, 0), (2, 40), (3, 110)}:
                raise StoreUnavailable("not now")
            yield row

    def close(self) -> None:
        pass


def test_a_store_that_stays_down_stops_the_run_and_loses_nothing(world: World, tmp_path: Path) -> None:
    whole, world.documents = world.documents, Down()  # type: ignore[assignment] # a reader is enough
    with pytest.raises(StoreUnavailable):
        world.export(Wanted(), "images.csv")
    assert (world.ledger.newest()[0].state, world.ledger.newest()[0].why) == (State.STOPPED, "down")
    world.documents = whole
    world.export(Wanted(), "images.csv")
    assert len(rows(tmp_path / "images.csv", "csv")) == PICTURES


class Down(Stumbling):
    def __init__(self) -> None:
        pass

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        raise StoreUnavailable(f"down{start_after}")


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_an_export_too(form: str, tmp_path: Path) -> None:
    run, part = World(LocalShelf(tmp_path)).export(Wanted(), name_for(form))
    assert (run.state, part.rows) == (State.DONE, 0)
    assert rows(tmp_path / name_for(form), form) == []


def test_two_at_once_are_one_too_many(world: World) -> None:
    with world.shelf.draft("images.csv"), pytest.raises(Misconfigured, match="another export"):
        world.export(Wanted(), "images.csv")


# --- what changed ------------------------------------------------------------------------------------------


def change(world: World, now: datetime) -> None:
    """Of the pictures one is made anew, one patched, two deleted, one comes."""
    world.put(a_picture(3, now, text={"title": "Changed"}))
    patched = a_picture(4)
    world.put(a_picture(4, patched_at=now, content_type="image/x-new"))
    world.put(a_tombstone(5, now))
    world.put(a_tombstone(7, now))
    world.put(a_picture(PICTURES, now))
    assert patched.key


CHANGED = {3, 4, 5, 7, PICTURES}


def keys(numbers: set[int]) -> set[str]:
    return {key_for("photos", f"trip/{number:07}.jpg") for number in numbers}


@pytest.mark.parametrize(
    ("form", "packed"),
    [(form, False) for form in MERGEABLE] + [(form, True) for form in ("csv", "tsv", "jsonl", "geojson", "kml")],
)
def test_the_second_part_holds_the_changes_alone_and_the_union_is_all(form: str, packed: bool, tmp_path: Path) -> None:
    world = World(LocalShelf(tmp_path))
    young = datetime.now(UTC) - timedelta(seconds=30)
    for number in range(PICTURES):  # all of it is younger than the overlap
        world.put(a_picture(number, young + timedelta(milliseconds=number)))
    name = f"images.{form}{'.gz' * packed}"
    columns = ("key", "status", "generation", "title", "content_type", "latitude", "longitude", "deleted_at", "tags")
    wanted = Wanted(columns=columns)
    world.export(wanted, name)
    change(world, datetime.now(UTC))
    _, second = world.export(Wanted(columns=columns, since="last"), name)
    parts = [tmp_path / name, tmp_path / second.name]
    told = {row["key"]: row for row in rows(parts[1], form)}
    assert set(told) == keys(CHANGED)
    assert {key for key, row in told.items() if row["status"] == "deleted"} == keys({5, 7})
    assert all(told[key]["deleted_at"] for key in keys({5, 7}))
    _, third = world.export(Wanted(columns=columns, since="last"), name)
    assert (third.rows, third.name) == (0, name_of_part(name, 3))
    world.export(wanted, f"full.{name}")
    placed = form in {"geojson", "kml"}
    assert shown(merged([*parts, tmp_path / third.name], form), placed) == shown(
        merged([tmp_path / f"full.{name}"], form), placed
    )
    compact(world.shelf, Shelved(world.records), name, maker_of(form))
    assert shown(merged([tmp_path / name], form), placed) == shown(merged([tmp_path / f"full.{name}"], form), placed)
    assert sorted(path.name for path in tmp_path.glob("images.*")) == [name]
    _, next_part = world.export(Wanted(columns=columns, since="last"), name)
    assert (next_part.rows, next_part.name) == (0, name_of_part(name, 2))


def shown(union: dict[str, dict[str, object]], placed: bool) -> dict[str, dict[str, object]]:
    """Of the formats for maps, what a map shows."""
    return {key: row for key, row in union.items() if not placed or row.get("geometry") or row.get("point")}


def test_with_a_query_what_no_longer_matches_is_told(world: World, tmp_path: Path) -> None:
    wanted = Wanted("iso:100", columns=("key", "status", "name"))
    world.export(wanted, "images.jsonl")
    assert {row["name"] for row in rows(tmp_path / "images.jsonl", "jsonl")} == {
        f"trip/{number:07}.jpg" for number in range(0, PICTURES, 32)
    }
    now = datetime.now(UTC)
    world.put(a_picture(32, now, exposure={"iso": 999}))
    world.put(a_picture(33, now, exposure={"iso": 100}))
    world.put(a_tombstone(64, now))
    world.export(Wanted("iso:100", columns=wanted.columns, since="last"), "images.jsonl")
    files = [tmp_path / "images.jsonl", tmp_path / "images.00002.jsonl"]
    assert {row["key"]: row["status"] for row in rows(files[1], "jsonl")} == {
        a_picture(32).key: "unmatched",
        a_picture(33).key: "ok",
        a_picture(64).key: "deleted",
    }
    world.export(wanted, "full.jsonl")
    assert merged(files, "jsonl") == merged([tmp_path / "full.jsonl"], "jsonl")


def test_what_becomes_durable_late_is_in_the_next_part(world: World, tmp_path: Path) -> None:
    world.export(Wanted(), "images.csv")
    world.put(a_picture(500, datetime.now(UTC) - timedelta(minutes=5)))
    world.export(Wanted(since="last"), "images.csv")
    assert {row["key"] for row in rows(tmp_path / "images.00002.csv", "csv")} == keys({500})


def test_since_a_time(world: World, tmp_path: Path) -> None:
    change(world, datetime.now(UTC))
    moment = datetime.now(UTC) - timedelta(hours=1)
    world.export(Wanted(since="1h", moment=moment), "images.csv")
    assert {row["key"] for row in rows(tmp_path / "images.csv", "csv")} == keys(CHANGED)


@pytest.mark.parametrize("form", [form for form in MERGEABLE if form != "kml"])
def test_a_second_part_that_is_killed_comes_to_the_same_bytes(form: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    found: set[bytes] = set()
    for fuse in range(1, 40):
        (tmp_path / str(fuse)).mkdir()
        world = World(LocalShelf(tmp_path / str(fuse)), PICTURES)
        world.export(Wanted(), f"images.{form}")
        change(world, now)
        wanted = Wanted(since="last")
        try:
            world.export(wanted, f"images.{form}", shelf=Breaking(world.shelf, fuse), rows=2)
        except Killed:
            world.export(wanted, f"images.{form}", rows=2)
        found.add((tmp_path / str(fuse) / f"images.00002.{form}").read_bytes())
        assert not (tmp_path / str(fuse) / f"images.00003.{form}").exists()
    assert len(found) == 1


@pytest.mark.parametrize("form", MERGEABLE)
def test_compacting_that_is_killed_is_finished_by_the_same_call(form: str, tmp_path: Path) -> None:
    found: set[bytes] = set()
    now = datetime.now(UTC)
    for fuse in range(1, 20):
        (tmp_path / str(fuse)).mkdir()
        shelf = LocalShelf(tmp_path / str(fuse))
        world = World(shelf, PICTURES)
        world.export(Wanted(), f"images.{form}")
        change(world, now)
        world.export(Wanted(since="last"), f"images.{form}")
        series = Shelved(world.records)
        try:
            compact(Breaking(shelf, fuse), series, f"images.{form}", maker_of(form))
        except Killed:
            compact(shelf, series, f"images.{form}", maker_of(form))
        found.add((tmp_path / str(fuse) / f"images.{form}").read_bytes())
        assert {path.name for path in (tmp_path / str(fuse)).glob("images*")} == {f"images.{form}"}
    assert len(found) == 1


def test_killed_just_before_it_could_say_that_it_is_done(world: World, tmp_path: Path) -> None:
    world.export(Wanted(), "images.csv")
    world.put(a_picture(500, datetime.now(UTC)))
    run, part = world.export(Wanted(since="last"), "images.csv")
    world.ledger.save(replace(run, state=State.RUNNING))
    again, same = world.export(Wanted(since="last"), "images.csv")
    assert (again.id, again.state, same) == (run.id, State.DONE, part)
    assert not (tmp_path / "images.00003.csv").exists()


def test_all_anew_takes_old_parts_away(world: World, tmp_path: Path) -> None:
    world.export(Wanted(), "images.csv")
    world.export(Wanted(since="last"), "images.csv")
    assert (tmp_path / "images.00002.csv").exists()
    world.export(Wanted(), "images.csv")
    assert not (tmp_path / "images.00002.csv").exists()


@pytest.mark.parametrize(
    ("wanted", "name", "hint"),
    [
        (Wanted(since="last"), "images.csv", "once without --since"),
        (Wanted(since="1h", moment=datetime.now(UTC), columns=("name",)), "images.csv", "key and status"),
        (Wanted(since="1h", moment=datetime.now(UTC)), "geo.txt", "whole, without --since"),
        (Wanted(gzip=True), "images.parquet", "without --gzip"),
        (Wanted(columns=("nme",)), "images.csv", "did you mean name"),
        (Wanted(columns=("tag:",)), "images.csv", "tag:IFD0:Make"),
        (Wanted(), "images.xls", "--format"),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(wanted: Wanted, name: str, hint: str, world: World) -> None:
    with pytest.raises(Misconfigured, match=hint):
        world.export(wanted, name)


def test_a_series_is_gone_on_with_as_it_was_begun(world: World) -> None:
    world.export(Wanted(), "images.csv")
    with pytest.raises(Misconfigured, match="exported otherwise"):
        world.export(Wanted(since="last", columns=("key", "status")), "images.csv")
    with pytest.raises(QueryError):
        world.export(Wanted("make:"), "images.csv")


def test_counting_writes_nothing(world: World, tmp_path: Path) -> None:
    assert world.job(Wanted(), "images.csv").count() == PICTURES
    assert world.job(Wanted("iso:100"), "images.csv").count() == 5
    assert list(tmp_path.iterdir()) == []
    assert not world.ledger.newest()


def test_deleted_images_are_no_rows_unless_they_are_asked_for(world: World, tmp_path: Path) -> None:
    world.put(a_tombstone(5, datetime.now(UTC)))
    world.export(Wanted(), "images.jsonl")
    world.export(Wanted("status:deleted"), "deleted.jsonl")
    assert len(rows(tmp_path / "images.jsonl", "jsonl")) == PICTURES - 1
    (row,) = rows(tmp_path / "deleted.jsonl", "jsonl")
    assert row["deleted_at"]


def test_sqlite_has_tags_and_words(world: World, tmp_path: Path) -> None:
    world.export(Wanted(), "images.sqlite")
    with sqlite3.connect(tmp_path / "images.sqlite") as db:
        (found,) = db.execute("SELECT count(*) FROM images_fts WHERE images_fts MATCH 'sunset'").fetchone()
        (titled,) = db.execute("SELECT count(*) FROM images WHERE title = 'Sunset'").fetchone()
        assert found == titled > 0
        assert db.execute("SELECT count(*), typeof(value) FROM tags WHERE name = 'ExifIFD:FNumber'").fetchone() == (
            PICTURES,
            "real",
        )
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
