"""Documents without files, made as the worker makes them, in the catalog of a folder."""

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from worker.backends.local.documents import LocalDocuments
from worker.backends.local.queue import LocalPublisher
from worker.decode import encode
from worker.document import Attempt, extracted, failed
from worker.errors import CorruptImage
from worker.model import (
    Block,
    BlockStatus,
    Camera,
    Document,
    Event,
    Exposure,
    ImageInfo,
    Metadata,
    Notification,
    ObjectRef,
    Position,
    Tag,
    Taken,
    Text,
)
from worker.ports import Create

WHEN = datetime(2024, 7, 14, 5, 42, 10, tzinfo=UTC)


def catalog_in(folder: Path) -> Path:
    """An empty catalog, as `imagemeta up` leaves it."""
    catalog = folder / ".imagemeta"
    catalog.mkdir(parents=True)
    LocalDocuments(catalog / "catalog.db").close()
    LocalPublisher(catalog / "queue.db").close()
    return catalog


def put(catalog: Path, documents: Iterable[Document]) -> None:
    """Store them."""
    with closing(LocalDocuments(catalog / "catalog.db")) as store:
        assert set(store.commit([Create(document) for document in documents])) <= {None}


def notice(bucket: str, name: str) -> Notification:
    """That an object of that name has come."""
    ref = ObjectRef(bucket, name, generation=1, size=1000, content_type="image/jpeg", created=WHEN, updated=WHEN)
    return Notification(Event.FINALIZE, ref, WHEN)


def picture(bucket: str, name: str, words: list[str]) -> Document:
    """A picture of which everything that is text is one of these words."""
    at = iter(words * 30)
    tags = {f"XMP-dc:{word}": Tag(word, word, word, next(at)) for word in words} | {
        f"{word}:Name": Tag(7, "ASCII", [word, {word: word}], word) for word in words
    }
    metadata = Metadata(
        ImageInfo(next(at), next(at), 480, 320, 1, 8, next(at), next(at)),
        tags,
        {"exif": Block(BlockStatus.OK), next(at): Block(BlockStatus.PARTIAL, next(at))},
        taken=Taken("2024-07-14T05:42:10", next(at), "second", "high"),
        position=Position(next(at), 46.57754321, 7.98512345, flags=(next(at),)),
        camera=Camera(next(at), next(at), next(at), next(at)),
        exposure=Exposure(iso=100, f_number=8, focal_length=35, flash=next(at), metering=next(at)),
        text=Text(next(at), next(at), tuple(words), (next(at),), next(at), 5),
        sources={"camera.make": next(at), "text.title": next(at)},
    )
    return extracted(notice(bucket, name), metadata, Attempt(1, next(at), WHEN))


def failure(bucket: str, name: str, word: str) -> Document:
    """A failure whose reason is this word."""
    about = notice(bucket, name)
    return failed(encode(about), about, CorruptImage(word), Attempt(1, word, WHEN))
