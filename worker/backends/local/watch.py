"""Announces what happens in a folder as Cloud Storage announces it for a bucket.

The truth is the folder itself: an event of the operating system only says where to look, and what is announced is the
difference between what is there and what was announced before (seen.py). So nothing depends on the order or the
completeness of events: what changed while the watcher was down is found when it starts, and what the kernel's event
queue dropped (watchfiles does not say when, samuelcolvin/watchfiles#348) is found at the next look at the whole folder.
"""

import logging
import math
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from threading import Event as Stop
from typing import TypeVar

from watchfiles import watch
from watchfiles._rust_notify import WatchfilesRustInternalError

from worker.backends.local.folder import FolderStore
from worker.backends.local.names import name_of, path_of
from worker.backends.local.seen import Seen
from worker.decode import encode
from worker.errors import Misconfigured, SourceUnavailable, Transient
from worker.model import Event, Message, Notification, ObjectRef
from worker.ports import Publisher

PAUSED = "paused"
"""The file in a catalog that holds its watcher back (intake.py)."""

_log = logging.getLogger("imagemeta.watch")

_PAUSED = "%s is paused: nothing that happens to it is announced until it is resumed"
_RESUMED = "%s is resumed: it is looked through for what happened meanwhile"
_PAGE = 500
_LONGEST_PAUSE = 30.0
_RETRY_SECONDS = 1.0
_EVERYTHING = ""

_T = TypeVar("_T")
_Difference = tuple[str, ObjectRef | None, int | None]
"""A name, what is there, and the generation that was announced."""


class Watcher:
    """Publishes a notification for every file of `root` that appears, changes or vanishes. Times are seconds.

    A file is announced once it has been left alone for `quiet`; if it changes again, it is announced again, so the
    last announcement is of the final state. The whole folder is compared every `rescan`. With `polling` that is all:
    no events of the kernel are waited for, as network file systems have none. (What watchfiles offers as polling looks
    at whole seconds of modification times, and misses what a comparison of generations finds.)

    While a file `paused` lies beside `seen`, nothing is announced, and catching up has to wait.
    """

    def __init__(
        self,
        root: Path,
        bucket: str,
        publisher: Publisher,
        seen: Path,
        *,
        quiet: float = 0.5,
        rescan: float = 600.0,
        polling: bool = False,
    ) -> None:
        self._root = root.resolve()
        self._bucket = bucket
        self._store = FolderStore(root, bucket)
        self._publisher = publisher
        self._seen = Seen(seen)
        self._pause = seen.with_name(PAUSED)
        self._quiet = quiet
        self._rescan = rescan
        self._polling = polling
        self._pending: dict[str, float] = {}
        """Names to look at, and from when on; an empty name is the whole folder."""
        self._looked = False
        self._stopped = Stop()
        self.paused = Stop()
        """Set while announcing is held back."""
        self.caught_up = Stop()
        """Set once all that was there at the start is announced, what was being written meanwhile included."""

    def run(self, stopped: Stop) -> None:
        """Catch up, then follow, until `stopped` is set. Raises Misconfigured where the folder cannot be read."""
        self._stopped = stopped
        self._pending[_EVERYTHING] = 0.0
        with closing(self._seen):
            self._store.probe()
            for changes in self._changes(stopped):
                for path in changes:
                    self._notice(path)
                self._look(time.monotonic())

    # --- where to look ---

    def _changes(self, stopped: Stop) -> Iterator[Iterable[str]]:
        """The paths that something happened to; nothing now and then, so that what is pending gets its turn.

        Events cannot be had where the kernel allows no more watches (fs.inotify.max_user_watches), and they end when
        a file turns up whose name is not UTF-8, which watchfiles cannot tell. Then the whole folder is looked at, after
        growing pauses, until events can be had again.
        """
        pause = self._quiet
        while self._polling and not stopped.wait(self._quiet):
            yield ()
        while not stopped.is_set():
            began = time.monotonic()
            try:
                yield from self._events(stopped)
            except (OSError, WatchfilesRustInternalError) as error:
                self._store.probe()
                _log.warning("no events of the file system for %.1f s: %s", pause, error)
                pause = self._quiet if time.monotonic() - began > _LONGEST_PAUSE else pause
                stopped.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                self._pending[_EVERYTHING] = 0.0
                yield ()
                self._pending[_EVERYTHING] = 0.0  # once more when events are back: for what fell between

    def _events(self, stopped: Stop) -> Iterator[Iterable[str]]:
        tick = int(self._quiet * 1000) or 1
        for changes in watch(
            self._root,
            watch_filter=None,  # a filter would wait on while there are only events that it drops: the catalog's own
            debounce=max(tick, 50),
            step=50,
            stop_event=stopped,
            rust_timeout=tick,
            yield_on_timeout=True,
            force_polling=False,
            ignore_permission_denied=True,
            raise_interrupt=False,
        ):
            yield [path for _change, path in changes]

    def _below_root(self, path: str) -> str | None:
        """The name of a path, or None where it is none of ours."""
        name = name_of(os.fsencode(path.removeprefix(str(self._root)).lstrip("/")))
        return name if name == _EVERYTHING or path_of(name) else None

    def _notice(self, path: str) -> None:
        name = self._below_root(path)
        if name == _EVERYTHING:  # is not put off by the next event
            self._pending[name] = min(self._pending.get(name, math.inf), time.monotonic() + self._quiet)
        elif name:
            self._pending[name] = time.monotonic() + self._quiet

    def _look(self, now: float) -> None:
        """Announce what is new at the places whose time has come. A place that could not be seen to is kept."""
        if self._held():
            return
        due = [name for name, at in self._pending.items() if at <= now]
        for name in due:
            del self._pending[name]
        try:
            if _EVERYTHING in due:
                self._look_at_everything()
            self._announce(self._different(name for name in due if name != _EVERYTHING))
        except Transient as error:
            _log.warning("not announced yet: %s", error)
            self._pending = dict.fromkeys(due, now + _RETRY_SECONDS) | self._pending
        if self._looked and len(self._pending) == 1:  # nothing but the next look at everything
            self.caught_up.set()

    def _held(self) -> bool:
        """Whether we are to wait. All places together are one: what happens meanwhile need not be kept."""
        held = self._pause.exists()
        if held:
            self._pending = {_EVERYTHING: 0.0}
        if held != self.paused.is_set():
            turn, sentence = (self.paused.set, _PAUSED) if held else (self.paused.clear, _RESUMED)
            turn()
            _log.warning(sentence, self._root)
        return held

    def _look_at_everything(self) -> None:
        self._store.probe()
        facts = self._root.stat()
        identity = f"{facts.st_dev}:{facts.st_ino}"
        if self._seen.folder() not in {None, identity} and not any(self._root.iterdir()):
            raise Misconfigured(
                f"{self._root} is another folder than before, and empty: is a disk not mounted? Nothing is taken for"
                " deleted. If it is meant to be empty, put any file into it, a hidden one will do"
            )
        self._announce(self._different_under(""))
        self._seen.record_folder(identity)
        self._looked = True
        self._pending[_EVERYTHING] = time.monotonic() + self._rescan

    # --- what is different ---

    def _different(self, names: Iterable[str]) -> Iterator[_Difference]:
        """Of these names; one that is no file may be, or have been, a folder."""
        for page in _pages(names):
            known = self._seen.generations(page)
            for name in page:
                ref, old = self._store.live(self._bucket, name), known.get(name)
                if _generation(ref) != old:
                    yield name, ref, old
                if ref is None:
                    yield from self._different_under(f"{name}/")

    def _different_under(self, prefix: str) -> Iterator[_Difference]:
        """Of all that is there and all that was, side by side: both come in the order of their names' bytes."""
        unreadable: list[SourceUnavailable] = []
        here = ((ref.name, ref, None) for ref in self._store.walk(prefix, unreadable=unreadable.append))
        there = ((name, None, old) for name, old in self._seen.under(prefix))
        sides: Iterator[_Difference] = merge(here, there, key=_in_bytes)
        for name, facts in groupby(sides, key=itemgetter(0)):
            if self._stopped.is_set():  # the next start goes on here; a large folder takes minutes
                return
            both = list(facts)
            ref = next((ref for _, ref, _ in both if ref), None)
            old = next((old for _, _, old in both if old is not None), None)
            if _generation(ref) != old:
                yield name, ref, old
        if unreadable:
            _log.warning("%d files or folders cannot be read, among them %s", len(unreadable), unreadable[0])

    # --- what is announced ---

    def _announce(self, differences: Iterable[_Difference]) -> None:
        for page in _pages(differences):
            settled = [each for each in page if self._settled(*each)]
            messages = [_message(self._bucket, *each) for each in settled]
            if messages and self._pause.exists():
                raise Transient("paused meanwhile")
            if messages:
                self._publisher.publish(messages)
                self._seen.record({name: _generation(ref) for name, ref, _ in settled})

    def _settled(self, name: str, ref: ObjectRef | None, _old: int | None) -> bool:
        """Whether it is certain: a file that is being written is looked at later, one that may be there is not gone."""
        if ref is None:
            try:
                return self._store.live(self._bucket, name) is None
            except SourceUnavailable:
                return False
        if 0 <= time.time() - ref.generation / 1e9 < self._quiet:
            self._pending[name] = time.monotonic() + self._quiet
            return False
        return True


def _message(bucket: str, name: str, ref: ObjectRef | None, old: int | None) -> Message:
    """As Cloud Storage would send it. A file that is replaced is finalized anew, and not deleted before."""
    if ref is None:
        gone = ObjectRef(bucket, name, old or 0)
        return encode(Notification(Event.DELETE, gone, datetime.now(UTC)))
    message = encode(Notification(Event.FINALIZE, ref, ref.updated))
    if old is None:
        return message
    return replace(message, attributes={**message.attributes, "overwroteGeneration": str(old)})


def _generation(ref: ObjectRef | None) -> int | None:
    return ref.generation if ref else None


def _in_bytes(difference: _Difference) -> bytes:
    return difference[0].encode()


def _pages(things: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(things)
    while page := list(islice(rest, _PAGE)):
        yield page
