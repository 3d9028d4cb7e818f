"""Local mode: a folder is the bucket, SQLite files are its queue and its documents, and one command does it all.

The files lie in the folder's catalog: `catalog.db` has the documents, `queue.db` the work that waits, `seen.db` what
was announced, so that what changed while nobody watched is found at the next start.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from worker import shard
from worker.backends.local.documents import LocalDocuments
from worker.backends.local.names import hidden
from worker.backends.local.queue import LocalPublisher, queue_stats
from worker.backends.local.watch import Watcher
from worker.bootstrap import bucket_of, folder_url, sqlite_url
from worker.errors import Misconfigured, Transient
from worker.model import Message, Status, Value
from worker.settings import Settings, load
from worker.supervisor import Supervisor, run_until_signalled

EXIT_INTERRUPTED = 130

_ONCE_ATTEMPTS = "3"
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is: messages settled since the start, waiting and in hand; `failed` documents in the catalog;
    whether new ones are held back."""

    settled: int
    waiting: int
    in_hand: int
    failed: int
    paused: bool


class LocalMode:
    """Keeps the catalog of a folder's pictures. `catalog` is its folder; without one it is a hidden one in `folder`.

    Raises Misconfigured, saying what to do, where the catalog cannot be written or lies where it would be watched.
    Settings come from the environment, as far as they are not about where things are.
    """

    def __init__(
        self,
        folder: Path,
        catalog: Path | None = None,
        *,
        once: bool = False,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.folder = _legible(folder.resolve())
        self.catalog = catalog_at(self.folder, (catalog or self.folder / ".imagemeta").resolve())
        self.settings = settings_for(self.folder, self.catalog, environment, once=once)
        self._once = once
        self._finished = False
        self._failure: Exception | None = None
        self._publisher: _Counted | None = None
        self._watcher: Watcher | None = None
        self._documents = LocalDocuments(self.documents_path)

    @property
    def documents_path(self) -> Path:
        """The SQLite file that holds the documents."""
        return self.catalog / "catalog.db"

    def run(self, shards: int = 0) -> int:
        """Catch up and follow until a signal, or until there is nothing left to do (`once`). The exit code.

        Raises what makes watching impossible. To be called in the main thread.
        """
        stopped = threading.Event()
        with alone(self.catalog), closing(_Counted(self.catalog / "queue.db")) as publisher:
            self._publisher = publisher
            self._watcher = watcher = Watcher(self.folder, bucket_of(self.folder), publisher, self.catalog / "seen.db")
            processes = shards or self.settings.shards or len(os.sched_getaffinity(0))
            beside = [self._watch, self._finish] if self._once else [self._watch]
            with _threads(beside, watcher, stopped):
                code = run_until_signalled(Supervisor(self.settings, processes, shard.main), stopped)
        if self._failure:
            raise self._failure
        return code or (EXIT_INTERRUPTED if self._once and not self._finished else 0)

    def progress(self) -> Progress | None:
        """How far the work is; None before it has begun."""
        if self._publisher is None:
            return None
        stats = queue_stats(self.catalog / "queue.db")
        settled = self._publisher.published - stats.waiting - stats.leased
        failed = self._documents.counts().get(Status.FAILED, 0)
        paused = self._watcher is not None and self._watcher.paused.is_set()
        return Progress(max(0, settled), stats.waiting, stats.leased, failed, paused)

    def documents(self) -> Iterator[dict[str, Value]]:
        """All documents of the catalog."""
        return (fields for _, fields in self._documents.scan())

    def close(self) -> None:
        """Free the catalog."""
        self._documents.close()

    def _watch(self, watcher: Watcher, stopped: threading.Event) -> None:
        try:
            watcher.run(stopped)
        except Exception as error:  # noqa: BLE001 -- raised again by `run`, in the main thread
            self._failure = error
        finally:
            stopped.set()  # without its watcher the rest would wait for nothing

    def _finish(self, watcher: Watcher, stopped: threading.Event) -> None:
        """Stop when all that was found is settled."""
        while not stopped.wait(_POLL_SECONDS):
            if watcher.caught_up.is_set() and self._idle():
                self._finished = True
                stopped.set()

    def _idle(self) -> bool:
        """Whether nothing is on the queue; a queue that does not answer now is asked again."""
        with suppress(Transient):
            stats = queue_stats(self.catalog / "queue.db")
            return not stats.waiting and not stats.leased
        return False


class _Counted:
    """A publisher that counts, from what was on the queue before."""

    def __init__(self, queue: Path) -> None:
        self._publisher = LocalPublisher(queue)
        stats = queue_stats(queue)
        self.published = stats.waiting + stats.leased

    def publish(self, messages: Iterable[Message]) -> int:
        """As a publisher does."""
        count = self._publisher.publish(messages)
        self.published += count
        return count

    def close(self) -> None:
        """Free everything."""
        self._publisher.close()


def _legible(folder: Path) -> Path:
    """The folder. What tells of its changes (watchfiles) knows no paths that are not UTF-8."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise Misconfigured(f"the path {folder} is not valid UTF-8, so it cannot be watched; rename it") from None
    return folder


def settings_for(folder: Path, catalog: Path, environment: Mapping[str, str], *, once: bool) -> Settings:
    """The environment's settings, but for where things are: in the folder and its catalog."""
    places = {
        "QUEUE": sqlite_url(catalog / "queue.db"),
        "TOPIC": "",
        "DEAD_LETTERS": "",
        "OBJECTS": folder_url(folder),
        "DOCUMENTS": sqlite_url(catalog / "catalog.db"),
        "HEALTH": "",
    }
    # In the folder itself they would be taken for pictures that have just come.
    usual = {"IMAGEMETA_BATCH_OUTPUT": folder_url(catalog / "batches")}
    if once:  # who asked for one pass does not want to wait minutes for a file that cannot be read now
        usual["IMAGEMETA_MAX_ATTEMPTS"] = _ONCE_ATTEMPTS
    return load({**usual, **environment, **{f"IMAGEMETA_{name}": value for name, value in places.items()}})


def settings_in(folder: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a folder's usual catalog. Raises Misconfigured where there is none."""
    if not has_catalog(folder):
        raise Misconfigured(f"there is no catalog in {folder}: `imagemeta up {folder}` makes it")
    return settings_for(folder.resolve(), folder.resolve() / ".imagemeta", environment, once=False)


def has_catalog(folder: Path) -> bool:
    """Whether `imagemeta up` has made a catalog in this folder."""
    return (folder / ".imagemeta" / "catalog.db").is_file()


def catalog_at(folder: Path, catalog: Path) -> Path:
    """The catalog's folder, made if need be. Raises Misconfigured where it cannot be, or would be watched."""
    elsewhere = "choose another place with --catalog"
    if catalog.is_relative_to(folder):
        below = catalog.relative_to(folder).parts
        if not any(hidden(os.fsencode(part)) for part in below):
            raise Misconfigured(f"the catalog {catalog} would be watched as a part of {folder}; {elsewhere}")
    try:
        catalog.mkdir(parents=True, exist_ok=True)
        (catalog / "lock").touch()
    except OSError as error:
        raise Misconfigured(f"the catalog {catalog} cannot be written: {error.strerror}; {elsewhere}") from error
    return catalog


@contextmanager
def _threads(
    targets: Iterable[Callable[[Watcher, threading.Event], None]], watcher: Watcher, stopped: threading.Event
) -> Iterator[None]:
    """These run meanwhile; whatever ends the work ends them."""
    threads = [threading.Thread(target=target, args=(watcher, stopped), name=target.__name__) for target in targets]
    try:
        for thread in threads:
            thread.start()
        yield
    finally:
        stopped.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


@contextmanager
def alone(catalog: Path) -> Iterator[None]:
    """Nobody else works on the catalog meanwhile: two watchers would do everything twice."""
    with (catalog / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(f"another imagemeta is at work on {catalog}; stop it first") from None
        yield
