"""What can happen to the SQLite file of the documents, and what it is told as."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.fakes import a_document
from worker.backends.local import queue_file
from worker.backends.local.documents import LocalDocuments
from worker.errors import Misconfigured, StoreUnavailable
from worker.ports import Create


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def documents(path: Path) -> Iterator[LocalDocuments]:
    with closing(LocalDocuments(path)) as documents:
        yield documents


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses this process to write beyond that many bytes of a file: nearest to a full disk without one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_others_see_a_commit_once_it_returned(documents: LocalDocuments, path: Path) -> None:
    documents.commit([Create(a_document("a"))])
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert plain.execute("SELECT name, generation FROM documents").fetchall() == [("a.jpg", 1)]


def test_versions_are_in_the_order_of_writes(documents: LocalDocuments) -> None:
    documents.commit([Create(a_document(key)) for key in "cab"])
    documents.commit([Create(a_document("a")), Create(a_document("d"))])
    versions = [int(head.version) for head in documents.heads(list("cabd")) if head]
    assert versions == sorted(versions)
    assert len(set(versions)) == 4


def test_a_file_that_another_process_keeps_locked_is_unavailable(path: Path) -> None:
    with closing(LocalDocuments(path, busy_seconds=0.1)) as documents, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            documents.commit([Create(a_document("a"))])
        with pytest.raises(StoreUnavailable):
            documents.probe()
        assert documents.get("a") is None  # readers are not held up
        other.rollback()
        assert list(documents.commit([Create(a_document("a"))])) == [None]


def test_a_disk_without_room_is_unavailable_until_there_is_some(documents: LocalDocuments) -> None:
    documents.commit([Create(a_document("before"))])
    large = Create(a_document("large", tags={"XMP:All": "x" * 900_000}))
    with largest_file(256 * 1024), pytest.raises(StoreUnavailable):
        documents.commit([Create(a_document("beside")), large])
    assert [key for key, _ in documents.scan()] == ["before"]
    assert list(documents.commit([large])) == [None]


def test_a_deleted_file_is_misconfigured_and_not_written_into_the_void(documents: LocalDocuments, path: Path) -> None:
    documents.commit([Create(a_document("a"))])
    for file in path.parent.glob("catalog.db*"):
        file.unlink()
    with pytest.raises(Misconfigured):
        documents.commit([Create(a_document("b"))])
    with pytest.raises(Misconfigured):
        documents.probe()


def test_a_file_of_another_kind_is_refused_untouched(path: Path) -> None:
    path.write_bytes(b"these are not the bytes of a database" * 100)
    with pytest.raises(Misconfigured):
        LocalDocuments(path)
    assert path.read_bytes().startswith(b"these are")


def test_the_queue_is_not_taken_for_the_catalog(path: Path) -> None:
    queue_file.QueueFile(path, create=True).close()
    with pytest.raises(Misconfigured, match="another kind"):
        LocalDocuments(path)
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'documents'").fetchone() == (0,)


def test_a_file_from_the_future_is_refused(documents: LocalDocuments, path: Path) -> None:
    documents.close()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA user_version = 99")
    with pytest.raises(Misconfigured, match="newer"):
        LocalDocuments(path)


def test_a_place_that_does_not_exist_is_misconfigured(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        LocalDocuments(tmp_path / "nowhere" / "catalog.db")


def test_after_close_nothing_is_taken(documents: LocalDocuments) -> None:
    documents.close()
    with pytest.raises(StoreUnavailable):
        documents.commit([Create(a_document("a"))])
