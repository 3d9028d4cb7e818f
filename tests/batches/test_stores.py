"""What every store of items, and every place for outputs, does: in memory, on one machine, in the cloud."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.batches.fakes import MemoryItems, MemoryOutputs
from tests.conftest import Cloud
from tests.fakes import a_document
from worker.backends.gcp.items import FirestoreItems
from worker.backends.gcp.outputs import BucketOutputs
from worker.backends.local.items import LocalItems, items_beside
from worker.backends.local.outputs import FolderOutputs
from worker.errors import Misconfigured
from worker.model import FailedAttempt, Status
from worker.ports import Create, Items, Outputs


@contextmanager
def memory_items(_: pytest.FixtureRequest) -> Iterator[Items]:
    yield MemoryItems()


@contextmanager
def local_items(request: pytest.FixtureRequest) -> Iterator[Items]:
    folder: Path = request.getfixturevalue("tmp_path")
    with closing(LocalItems(items_beside(folder / "catalog.db"))) as items:
        assert (folder / "catalog-items.db").exists()
        yield items


@contextmanager
def gcp_items(request: pytest.FixtureRequest) -> Iterator[Items]:
    cloud: Cloud = request.getfixturevalue("cloud")
    with closing(FirestoreItems(cloud.project)) as items:
        yield items


@dataclass(frozen=True)
class Place:
    """Outputs, and what is found under a name."""

    outputs: Outputs
    read: Callable[[str], bytes]
    url: str


@contextmanager
def memory_outputs(_: pytest.FixtureRequest) -> Iterator[Place]:
    outputs = MemoryOutputs()
    yield Place(outputs, outputs.files.__getitem__, "memory://")


@contextmanager
def local_outputs(request: pytest.FixtureRequest) -> Iterator[Place]:
    folder: Path = request.getfixturevalue("tmp_path") / "ou t"
    yield Place(FolderOutputs(folder), lambda name: (folder / name).read_bytes(), f"{folder.as_uri()}/")


@contextmanager
def gcp_outputs(request: pytest.FixtureRequest) -> Iterator[Place]:
    from worker.backends.gcp.storage import CloudStorage

    cloud: Cloud = request.getfixturevalue("cloud")
    storage = CloudStorage()

    def read(name: str) -> bytes:
        ref = storage.live(cloud.bucket, f"some/where/{name}")
        assert ref
        assert ref.content_type == "image/jpeg"
        with storage.open(ref) as reader:
            return reader.read(0, 1000)

    with closing(storage), closing(BucketOutputs(cloud.bucket, "some/where")) as outputs:
        yield Place(outputs, read, f"gs://{cloud.bucket}/some/where/")


EMULATED = pytest.mark.emulators
ITEMS = [
    pytest.param(memory_items, id="memory"),
    pytest.param(local_items, id="local"),
    pytest.param(gcp_items, id="gcp", marks=EMULATED),
]
OUTPUTS = [
    pytest.param(memory_outputs, id="memory"),
    pytest.param(local_outputs, id="local"),
    pytest.param(gcp_outputs, id="gcp", marks=EMULATED),
]
Make = Callable[[pytest.FixtureRequest], AbstractContextManager[Items]]


@pytest.fixture(params=ITEMS)
def items(request: pytest.FixtureRequest) -> Iterator[Items]:
    with request.param(request) as made:
        yield made


@pytest.fixture(params=OUTPUTS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with request.param(request) as made:
        yield made


def test_items_are_counted_by_batch_and_status(items: Items) -> None:
    states = [Status.OK, Status.OK, Status.FAILED, Status.NONE, Status.PARTIAL]
    of_one = [a_document(f"a{number}", status=state, bucket="one") for number, state in enumerate(states)]
    other = a_document("b", status=Status.FAILED, bucket="two")
    assert list(items.commit([Create(each) for each in (*of_one, other)])) == [None] * 6
    assert dict(items.tally("one")) == {Status.OK: 2, Status.FAILED: 1, Status.NONE: 1, Status.PARTIAL: 1}
    assert dict(items.tally("two")) == {Status.FAILED: 1}
    assert dict(items.tally("three")) == {}


def test_items_of_one_state_are_listed_page_by_page(items: Items) -> None:
    failed = [a_document(f"f{number}", status=Status.FAILED, bucket="one", row=number) for number in range(5)]
    others = [a_document("g", bucket="one"), a_document("f9", status=Status.FAILED, bucket="two")]
    items.commit([Create(each) for each in (*reversed(failed), *others)])
    first = items.listed("one", Status.FAILED, limit=3)
    rest = items.listed("one", Status.FAILED, first[-1][0], limit=3)
    assert [(key, fields["row"]) for key, fields in (*first, *rest)] == [(f"f{number}", number) for number in range(5)]
    assert list(items.listed("one", Status.PARTIAL)) == []


def test_items_are_found_by_their_keys_in_order(items: Items) -> None:
    items.commit([Create(a_document(key, row=number)) for number, key in enumerate("abc")])
    found = items.fields(["c", "x", "a"])
    assert [fields and fields["row"] for fields in found] == [2, None, 0]
    assert list(items.fields([])) == []


def test_items_on_one_machine_go_when_they_expire(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    ends = {"gone": now - timedelta(seconds=1), "soon": now + timedelta(days=1)}
    with closing(LocalItems(tmp_path / "items.db")) as items:
        items.commit([Create(a_document(key, bucket="b", expires_at=end)) for key, end in ends.items()])
        items.commit([Create(a_document("stays", bucket="b"))])
        items.attempted("gone", FailedAttempt(now, "w1", "site_unavailable", "down"))
    with closing(LocalItems(tmp_path / "items.db")) as items:
        assert dict(items.tally("b")) == {Status.OK: 2}
        assert [fields is None for fields in items.fields(["gone", "soon", "stays"])] == [True, False, False]
        assert items.attempts("gone") == []


def test_what_is_put_is_there_under_its_url(place: Place) -> None:
    url = place.outputs.put("batch/abc.jpg", b"data", "image/jpeg")
    assert url == f"{place.url}batch/abc.jpg"
    assert place.read("batch/abc.jpg") == b"data"


def test_who_puts_the_same_again_changes_nothing(place: Place) -> None:
    first = place.outputs.put("batch/abc.jpg", b"data", "image/jpeg")
    assert place.outputs.put("batch/abc.jpg", b"data", "image/jpeg") == first
    assert place.read("batch/abc.jpg") == b"data"


def test_urls_may_begin_as_the_web_server_has_it(tmp_path: Path) -> None:
    outputs = FolderOutputs(tmp_path, "https://img.example.com/batches/")
    assert outputs.put("b/a.jpg", b"x", "image/jpeg") == "https://img.example.com/batches/b/a.jpg"


def test_no_half_is_left_behind(tmp_path: Path) -> None:
    outputs = FolderOutputs(tmp_path)
    (tmp_path / "b" / "a.jpg").mkdir(parents=True)
    with pytest.raises(Exception, match=r"a\.jpg cannot be written now"):
        outputs.put("b/a.jpg", b"x", "image/jpeg")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["a.jpg"]


def test_a_bucket_that_does_not_exist_is_told(cloud: Cloud) -> None:
    with closing(BucketOutputs("nothing-here")) as outputs, pytest.raises(Misconfigured):
        outputs.put("b/a.jpg", b"x", "image/jpeg")
    assert cloud.bucket != "nothing-here"
