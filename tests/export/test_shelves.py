"""What every shelf keeps to: a folder's, and a bucket's."""

import random
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.cloud.storage import Client  # type: ignore[import-untyped] # has no types

from tests.conftest import Cloud
from tests.export.reading import merged, rows
from tests.export.rig import FORMATS, Breaking, Killed, World, a_picture, a_tombstone
from worker.backends.gcp.shelf import COMPOSED_AT_ONCE, BucketShelf
from worker.backends.local.shelf import LocalShelf
from worker.errors import Misconfigured
from worker.export.compact import compact
from worker.export.series import Shelved
from worker.exports import Wanted
from worker.outlet import Shelf
from worker.shelving import maker_of

PICTURES = 60


@dataclass(frozen=True)
class Rig:
    """A shelf of its own for one test, and where its content can be looked at."""

    shelf: Shelf
    cloud: Cloud | None
    folder: Path

    def names(self) -> set[str]:
        """All that is there, what is on its way included."""
        if self.cloud:
            with closing(Client.create_anonymous_client()) as client:
                return {str(blob.name).removeprefix("exports/") for blob in client.list_blobs(self.cloud.bucket)}
        return {path.name for path in self.folder.iterdir()}

    def file(self, name: str) -> Path:
        """A copy that a program can read."""
        copy = self.folder / name
        if self.cloud:
            with copy.open("wb") as out:
                out.writelines(self.shelf.read(name))
        return copy


@pytest.fixture(params=["local", pytest.param("gcp", marks=pytest.mark.emulators)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    cloud: Cloud | None = request.getfixturevalue("cloud") if request.param == "gcp" else None
    with closing(BucketShelf(cloud.bucket, "exports/") if cloud else LocalShelf(tmp_path)) as shelf:
        yield Rig(shelf, cloud, tmp_path)


def content(shelf: Shelf, name: str) -> bytes:
    return b"".join(shelf.read(name))


def test_a_draft_grows_and_is_found_again(rig: Rig) -> None:
    with rig.shelf.draft("a.csv") as draft:
        draft.append(0, b"one\n")
        draft.append(4, b"two\n")
    assert rig.shelf.size("a.csv") is None
    with rig.shelf.draft("a.csv") as draft:
        assert draft.size() == 8
        assert b"".join(draft.read()) == b"one\ntwo\n"
        draft.append(4, b"2\n")
        assert (draft.size(), b"".join(draft.read())) == (6, b"one\n2\n")
        draft.publish()
    assert (rig.shelf.size("a.csv"), content(rig.shelf, "a.csv")) == (6, b"one\n2\n")
    assert rig.names() == {"a.csv"}


def test_a_name_is_taken_over_at_once(rig: Rig) -> None:
    for text in (b"old", b"new"):
        with rig.shelf.draft("a.csv") as draft:
            draft.append(0, text)
            draft.publish()
    assert content(rig.shelf, "a.csv") == b"new"


def test_nothing_is_a_file_too(rig: Rig) -> None:
    with rig.shelf.draft("a.jsonl") as draft:
        draft.append(0, b"")
        draft.publish()
    assert (rig.shelf.size("a.jsonl"), content(rig.shelf, "a.jsonl")) == (0, b"")


def test_more_pieces_than_can_be_composed_at_once(rig: Rig) -> None:
    pieces = [bytes([number]) * (1 + number % 3) for number in range(2 * COMPOSED_AT_ONCE + 5)]
    with rig.shelf.draft("a.bin") as draft:
        at = 0
        for piece in pieces:
            draft.append(at, piece)
            at += len(piece)
        draft.publish()
    assert content(rig.shelf, "a.bin") == b"".join(pieces)
    assert rig.names() == {"a.bin"}


def test_parts_are_copied_whole_or_in_part(rig: Rig) -> None:
    data = random.Random(1).randbytes(100_000)
    with rig.shelf.draft("a.bin") as draft:
        draft.append(0, data)
        draft.publish()
    with rig.shelf.draft("b.bin") as draft:
        at = draft.copy(0, "a.bin", 0, len(data))
        at = draft.copy(at, "a.bin", 10, 50_000)
        assert draft.copy(at, "a.bin", 7, 7) == at == draft.size()
        draft.publish()
    assert content(rig.shelf, "b.bin") == data + data[10:50_000]


def test_a_file_that_was_made_elsewhere(rig: Rig) -> None:
    with rig.shelf.draft("a.bin") as draft:
        draft.append(0, b"waiting")
        with draft.workspace() as folder:
            (folder / "made").write_bytes(b"made")
            draft.publish_file(folder / "made")
    assert content(rig.shelf, "a.bin") == b"made"
    assert rig.names() == {"a.bin"}


def test_what_is_not_there(rig: Rig) -> None:
    rig.shelf.remove("nothing")
    assert rig.shelf.size("nothing") is None
    with pytest.raises(Misconfigured, match="export anew"):
        content(rig.shelf, "nothing")


@pytest.mark.parametrize("form", FORMATS)
def test_a_killed_export_comes_to_the_same_bytes(form: str, rig: Rig) -> None:
    name = form if form == "geo.txt" else f"images.{form}"
    whole = World(rig.shelf, PICTURES)
    whole.export(Wanted(), name)
    expected = content(rig.shelf, name)
    rig.shelf.remove(name)
    for fuse in (5, 12, 13, 14):
        world = World(rig.shelf, PICTURES)
        with suppress(Killed):
            world.export(Wanted(), name, shelf=Breaking(rig.shelf, fuse))
        world.export(Wanted(), name)
        assert content(rig.shelf, name) == expected
    assert rig.names() == {name, f".{name}.recent"}


@pytest.mark.parametrize("form", ["csv", "jsonl", "geojson", "parquet", "sqlite"])
def test_parts_and_their_union(form: str, rig: Rig) -> None:
    name = f"images.{form}"
    world = World(rig.shelf, PICTURES)
    run, _ = world.export(Wanted(), name)
    world.put(a_tombstone(4, run.at))
    world.put(a_picture(5, run.at, text={"title": "Changed"}))
    world.export(Wanted(since="last"), name)
    parts = [rig.file(name), rig.file(f"images.00002.{form}")]
    assert len(rows(parts[1], form)) == 2
    union = merged(parts, form)
    compact(rig.shelf, Shelved(world.records), name, maker_of(form))
    assert merged([rig.file(name)], form) == union
    assert rig.names() - {f"images.00002.{form}"} == {name, f".{name}.recent"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="make it first"):
        LocalShelf(tmp_path / "nothing")


@pytest.mark.emulators
@pytest.mark.usefixtures("cloud")
def test_a_bucket_that_is_not_there() -> None:
    with closing(BucketShelf("nothing", "")) as shelf, pytest.raises(Misconfigured), shelf.draft("x") as draft:
        draft.append(0, b"x")
