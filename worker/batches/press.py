"""Where strangers' images are decoded: in processes of their own, with caps on memory and time.

An image that kills its process, by a bug in a decoder or by its size, costs its own cell. The processes stay and are
used again, because starting one takes longer than most images do.
"""

import multiprocessing
import os
import resource
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from worker import interrupts
from worker.batches.policy import Caps, Policy
from worker.errors import LimitExceeded, Misconfigured, Poison, SourceUnavailable
from worker.extract import extract
from worker.model import Metadata, ObjectRef

if TYPE_CHECKING:
    from worker.batches.compress import Compressed

MEMORY = 3 * 1024**3
"""Address space of one process: a hundred million pixels with alpha, three times."""
_START_SECONDS = 60.0
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of one image."""

    metadata: Metadata
    result: "Compressed"


@dataclass(frozen=True, slots=True)
class Job:
    """An image and what is to become of it; `ref` names it for the extractor."""

    ref: ObjectRef
    data: bytes
    policy: Policy


Work = Callable[[Job, Caps], Pressed]


def press(job: Job, caps: Caps) -> Pressed:
    """Read the metadata, compress the pixels. The child's work."""
    from worker.batches.compress import compressed

    metadata = extract(Whole(job.ref, job.data), caps.limits)
    return Pressed(metadata, compressed(job.data, metadata, job.policy, caps))


def check_installed() -> None:
    """Raise Misconfigured where what decodes images is not there."""
    try:
        import PIL.Image  # noqa: F401 -- whether it is there
        import pillow_heif  # noqa: F401
    except ImportError as error:
        raise Misconfigured(f"{error.name} is not installed: pip install 'imagemeta[batches]'") from error


class Press:
    """`processes` of them, started when they are first needed. Thread-safe; a caller waits for a free one."""

    def __init__(self, processes: int, caps: Caps, work: Work = press) -> None:
        self._seats = [_Seat(work, caps) for _ in range(processes)]
        self._free: SimpleQueue[_Seat] = SimpleQueue()
        for seat in self._seats:
            self._free.put(seat)

    def __call__(self, job: Job) -> Pressed:
        """Raises UnsupportedFormat, CorruptImage or LimitExceeded, Poison for what kills two processes, and
        SourceUnavailable where it is being closed."""
        seat = self._free.get()
        try:
            return seat.ask(job) or seat.ask(job) or _poisoned()
        finally:
            self._free.put(seat)

    def close(self) -> None:
        """End the processes, whatever they do."""
        for seat in self._seats:
            seat.end()
        with suppress(Empty):
            while True:
                self._free.get_nowait().vacate()


class _Seat:
    """The place of one process. Used by one thread at a time."""

    def __init__(self, work: Work, caps: Caps) -> None:
        self._work = work
        self._caps = caps
        self._sitting: tuple[BaseProcess, Connection] | None = None
        self._ended = False

    def ask(self, job: Job) -> Pressed | None:
        """The answer, raised where it is an error; None where the process died over it."""
        _, to = self._sitting = self._sitting or self._start()
        try:
            to.send(job)
            if not to.poll(self._caps.seconds):
                self.vacate()
                raise LimitExceeded(f"compressing it did not end within {self._caps.seconds:g} s")
            answer: Pressed | Exception = to.recv()
        except (OSError, EOFError):
            self.vacate()
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        """Kill the process, and start no more: who waits for it is answered by its death. From any thread."""
        self._ended = True
        if sitting := self._sitting:
            sitting[0].kill()

    def vacate(self) -> None:
        """End the process, whatever it does."""
        if self._sitting:
            process, to = self._sitting
            to.close()
            process.kill()
            process.join()
        self._sitting = None

    def _start(self) -> tuple[BaseProcess, Connection]:
        if self._ended:
            raise _unavailable(self._ended)
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_live, args=(theirs, self._work, self._caps), daemon=True)
        with interrupts.blocked():
            process.start()
        theirs.close()
        self._sitting = process, ours
        if not ours.poll(_START_SECONDS) or not (said := _heard(ours)):
            self.vacate()
            raise _unavailable(self._ended)
        if said != _READY:
            self.vacate()
            raise Misconfigured(said)
        return process, ours


def _heard(ours: Connection) -> str:
    try:
        return str(ours.recv())
    except (OSError, EOFError):
        return ""


def _unavailable(ended: bool) -> SourceUnavailable:
    return SourceUnavailable("the worker is stopping" if ended else "no process for decoding images could be started")


def _poisoned() -> Pressed:
    raise Poison("it killed the process that decoded it, twice")


def _live(to: Connection, work: Work, caps: Caps) -> None:
    """The life of a process: image by image, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; whoever asks ends this by hanging up
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        check_installed()
    except Misconfigured as error:
        to.send(str(error))
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")  # what Pillow thinks of a file is not for our log
    to.send(_READY)
    try:
        while True:
            to.send(_answer(work, to.recv(), caps))
    except (EOFError, OSError):
        os._exit(0)


def _end_with_parent() -> None:
    """Nobody would wait for what is being made, or end it."""
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)


def _answer(work: Work, job: Job, caps: Caps) -> Pressed | Exception:
    try:
        return work(job, caps)
    except MemoryError:
        return LimitExceeded("compressing it takes more memory than one image may have")
    except Exception as error:  # noqa: BLE001 -- whoever asked decides what it means
        return error


class Whole:
    """Bytes in memory, as the extractor reads them."""

    def __init__(self, ref: ObjectRef, data: bytes) -> None:
        self.ref = ref
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        """The bytes [offset, offset + length), cut at the end."""
        return self._data[offset : offset + length]
