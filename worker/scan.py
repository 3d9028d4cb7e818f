"""Metadata of files, folders and buckets, read now and kept nowhere: what `imagemeta extract` prints.

The same functions make these records and the stored documents, so the two cannot differ.
"""

import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import orjson

from worker.bootstrap import bucket_of, folder_url, object_name, open_folder, open_objects
from worker.crew import SECONDS, Crew
from worker.document import Attempt, extracted
from worker.entries import Entry, Kind, Result
from worker.errors import (
    INTERNAL,
    Misconfigured,
    ObjectGone,
    Poison,
    SourceUnavailable,
    UnsupportedFormat,
    WorkerError,
    code_of,
)
from worker.explain import explained
from worker.extract import extract, sidecar
from worker.model import Event, Limits, Metadata, Notification, ObjectRef, Status
from worker.ports import ObjectStore
from worker.settings import Settings, load
from worker.sidecars import NEIGHBOURS, sidecar_of

CLOUD = "gs://"

_AT_ONCE = 16
"""Reads in flight per process where the bytes come over a network."""
_STORES = 64
_OF_THE_QUEUE = ("event_time", "attempt", "worker", "processed_at", "recipe", "passes")
"""Fields of a stored document that speak of how it came to be stored."""
_OF_THE_CATALOG = ("search",)
"""Fields that repeat others, for searches."""
_OF_THE_BUCKET = ("bucket", "name", "uri", "generation", "metageneration")
"""Fields that mean nothing where there is no bucket."""
_CLAIMS = frozenset(
    f"image/{name}" for name in ("jpeg", "png", "webp", "tiff", "gif", "heic", "heif", "avif", "jxl", "x-adobe-dng")
)
"""What a name or content type may claim: what claims this and is no image has failed, anything else is skipped."""
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that would steer a terminal, reorder its text, or end a line for some readers of lines."""


def scan(
    targets: Iterable[str],
    settings: Settings,
    *,
    recursive: bool = True,
    processes: int = 0,
    seconds: float = SECONDS,
    explain: bool = False,
) -> Generator[Result]:
    """Results in the order of the targets, and within a folder or bucket by name; each as soon as it is there.

    A target is a path, `gs://BUCKET`, `gs://BUCKET/PREFIX` or `gs://BUCKET/OBJECT`. `processes` read at once (0: one
    per core); what does not end within `seconds` is given up. Memory does not grow with the number of files. With
    `explain`, each result says which ranges were read and where each value came from.
    """
    entries = find(targets, recursive=recursive)
    read = Reader(settings.limits, explain, settings.sidecars == "on")
    if isinstance(targets, Sequence) and len(targets) == 1:
        first = list(islice(entries, 2))
        if len(first) == 1:
            yield read(first[0])  # nothing but the file itself could be lost: no process of its own
            return
        entries = chain(first, entries)
    crew: Crew[Entry, Result] = Crew(read, _poisoned, processes or len(os.sched_getaffinity(0)), seconds)
    yield from crew.map(_batches(entries))


def find(targets: Iterable[str], *, recursive: bool = True) -> Iterator[Entry]:
    """The entries of the targets. Hidden and temporary files in folders are passed by, links are not followed."""
    for target in targets:
        found = _in_cloud(target) if target.startswith(CLOUD) else _on_disk(Path(target))
        try:
            yield from (entry for entry in found if recursive or not entry.deep)
        except WorkerError as error:
            yield Entry(object_name(target), error=error)
        except OSError as error:  # a name that is too long, a folder on the way that may not be entered
            yield Entry(object_name(target), error=Misconfigured(error.strerror or str(error)))


def count(targets: Iterable[str], recursive: bool) -> int | None:
    """How many entries there will be; None for targets that can be gone through only once."""
    return sum(1 for _ in find(targets, recursive=recursive)) if isinstance(targets, Sequence) else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one entry, with the sidecar that lies beside it if `sidecars` says so; never raises."""

    limits: Limits
    explain: bool = False
    sidecars: bool = True

    def __call__(self, entry: Entry) -> Result:
        """What came of it."""
        try:
            return self._result(entry)
        except Exception as error:  # noqa: BLE001 -- whatever it was, it is this entry's result
            return _failure(entry, error)

    def _result(self, entry: Entry) -> Result:
        if entry.ref is None:
            raise entry.error or ObjectGone(f"there is no {entry.file}")
        store = _store(entry.objects)
        metadata = self._read(store, entry.ref)
        if self.sidecars and (beside := _beside(store, entry.ref, in_cloud=entry.file.startswith(CLOUD))):
            metadata = sidecar.merged(metadata, sidecar_of(beside), self._read_beside(store, beside))
        document = extracted(Notification(Event.FINALIZE, entry.ref), metadata, Attempt())
        without = _OF_THE_QUEUE + _OF_THE_CATALOG + (() if entry.file.startswith(CLOUD) else _OF_THE_BUCKET)
        shown = {name: value for name, value in document.fields.items() if name not in without}
        record: dict[str, object] = {"file": entry.file, **shown}
        return Result(entry.file, Kind.READ, _json(record), notes=tuple(explained(metadata)) if self.explain else ())

    def _read(self, store: ObjectStore, ref: ObjectRef) -> Metadata:
        with store.open(ref) as image:
            return extract(image, self.limits)

    def _read_beside(self, store: ObjectStore, ref: ObjectRef) -> Metadata | str:
        try:
            return self._read(store, ref)
        except WorkerError as error:
            return f"{code_of(error)}: {error}"


def _in_cloud(target: str) -> Iterator[Entry]:
    bucket, _, name = target.removeprefix(CLOUD).partition("/")
    if not bucket:
        raise Misconfigured(f"{target} names no bucket: write gs://BUCKET, gs://BUCKET/PREFIX or gs://BUCKET/OBJECT")
    url = f"{CLOUD}{bucket}"
    store = _store(url)
    if name and not name.endswith("/") and (ref := store.live(bucket, name)):
        yield Entry(ref.uri, url, ref, named=True)
        return
    found = False
    for ref in store.list(bucket, name):
        found = True
        if not ref.name.endswith("/"):  # what consoles make to show an empty folder
            yield Entry(ref.uri, url, ref, deep="/" in ref.name.removeprefix(name))
    if name and not found:
        raise ObjectGone(f"there is no object {target}, and none whose name begins so")


def _on_disk(path: Path) -> Iterator[Entry]:
    if path.is_dir():
        yield from _in_folder(path)
        return
    file = path.resolve()  # a link that was named is followed
    if not file.is_file():
        raise ObjectGone("it is no plain file" if file.exists() else "there is no such file or folder")
    ref = open_folder(file.parent).live(bucket_of(file.parent), object_name(file.name))
    if ref is None:
        raise ObjectGone("it has the name of a hidden or temporary file; rename it")
    yield Entry(object_name(str(path)), folder_url(file.parent), ref, named=True)


def _in_folder(path: Path) -> Iterator[Entry]:
    url = folder_url(path)
    unreadable: list[SourceUnavailable] = []
    prefix = "" if path == Path() else object_name(str(path)).rstrip("/") + "/"
    for ref in open_folder(path).walk(unreadable=unreadable.append):
        yield from (Entry(object_name(str(path)), error=error) for error in unreadable)
        unreadable.clear()
        yield Entry(f"{prefix}{ref.name}", url, ref, deep="/" in ref.name)
    yield from (Entry(object_name(str(path)), error=error) for error in unreadable)


def _beside(store: ObjectStore, image: ObjectRef, *, in_cloud: bool) -> ObjectRef | None:
    """The sidecar that counts. A bucket is asked once for all names; a folder by name, for to list it costs more."""
    names = sidecar.candidates(image.name)
    if not in_cloud:
        return next(filter(None, (store.live(image.bucket, name) for name in names)), None)
    near = islice(store.list(image.bucket, f"{sidecar.prefix(names[-1])}."), NEIGHBOURS) if names else ()
    listed = {ref.name: ref for ref in near}
    return next((listed[name] for name in names if name in listed), None)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Files one by one, objects of a bucket a few together: while one waits for its bytes, others are read."""
    together: list[Entry] = []
    for entry in entries:
        together.append(entry)
        if len(together) == _AT_ONCE or not entry.file.startswith(CLOUD):
            yield together
            together = []
    if together:
        yield together


@lru_cache(_STORES)
def _store(url: str) -> ObjectStore:
    return open_objects(load({"IMAGEMETA_OBJECTS": url}))


def _failure(entry: Entry, error: Exception) -> Result:
    code, text = code_of(error), str(error)
    if code == INTERNAL:
        text = f"{type(error).__name__}: {text}"
    text = object_name(text)  # it may hold a name that is not valid text
    record: dict[str, object] = {
        "file": entry.file,
        "status": str(Status.FAILED),
        "error": {"code": code, "message": text},
    }
    return Result(entry.file, _kind_of(entry, error), _json(record), text)


def _kind_of(entry: Entry, error: Exception) -> Kind:
    claim = entry.ref.content_type if entry.ref else None
    if isinstance(error, UnsupportedFormat) and not entry.named and claim not in _CLAIMS:
        return Kind.SKIPPED
    asked_for = entry.named or entry.ref is None
    barred = isinstance(error, Misconfigured) or isinstance(error.__cause__, PermissionError)
    return Kind.UNREACHABLE if barred or (asked_for and isinstance(error, ObjectGone)) else Kind.FAILED


def _poisoned(entry: Entry, reason: str) -> Result:
    return _failure(entry, Poison(reason))


def _json(record: dict[str, object]) -> bytes:
    """One line of JSON that is safe to look at, too."""
    text = orjson.dumps(record, option=orjson.OPT_UTC_Z).decode()
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()
