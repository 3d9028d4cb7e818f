"""Step 2 of the walk: one generation of an object becomes metadata, in this process or, for a suspect, in its own."""

import multiprocessing
import resource
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from worker import events
from worker.errors import Poison
from worker.extract import extract
from worker.in_flight import Board
from worker.model import Limits, Metadata, ObjectRef
from worker.ports import ObjectStore, RangeReader

ALONE_SECONDS = 20.0
"""What a suspect may take in a process of its own, starting it included."""
_ALONE_BYTES = 4 * 1024**3
_ALONE_AT_ONCE = 2


class Reading:
    """Reads objects in this process; each is on the board while it is read. Thread-safe."""

    def __init__(self, objects: ObjectStore, limits: Limits, board: Board) -> None:
        self._objects = objects
        self._limits = limits
        self._board = board

    def __call__(self, ref: ObjectRef) -> Metadata:
        """All that the object holds. Raises a Permanent for what cannot be read, a Transient for what cannot now."""
        with self._board.working(ref, events.attempt()), events.stage("extract"), self._objects.open(ref) as image:
            return extract(_Told(image), self._limits)


class ReadingAlone:
    """Reads objects that a process died over before, each in a process of its own with limits of memory and time.

    `make_objects` is called in that process and must be importable there. A death there is proof: Poison.
    """

    def __init__(self, make_objects: Callable[[], ObjectStore], limits: Limits, seconds: float = ALONE_SECONDS) -> None:
        self._make_objects = make_objects
        self._limits = limits
        self._seconds = seconds
        self._places = threading.Semaphore(_ALONE_AT_ONCE)

    def __call__(self, ref: ObjectRef) -> Metadata:
        """As `Reading`; raises Poison where the process did not live to answer."""
        with self._places, events.stage("extract"):
            return self._read(ref)

    def _read(self, ref: ObjectRef) -> Metadata:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe(duplex=False)
        child = spawn.Process(target=_answer, args=(theirs, self._make_objects, ref, self._limits), daemon=True)
        child.start()
        theirs.close()
        try:
            if not ours.poll(self._seconds):
                raise Poison(f"reading it did not end within {self._seconds:g} s, in a process of its own")
            answer: Metadata | Exception = ours.recv()
        except EOFError:
            child.join()
            reason = f"it killed the process that read it (exit code {child.exitcode}), for the second time"
            raise Poison(reason) from None
        finally:
            child.kill()
            child.join()
            ours.close()
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Told:
    """A reader that tells of each read."""

    def __init__(self, image: RangeReader) -> None:
        self._image = image
        self.ref = image.ref

    def read(self, offset: int, length: int) -> bytes:
        with events.stage("read"):
            data = self._image.read(offset, length)
        events.read(len(data))
        return data


def _answer(to: Connection, make_objects: Callable[[], ObjectStore], ref: ObjectRef, limits: Limits) -> None:
    """The child's whole life."""
    resource.setrlimit(resource.RLIMIT_AS, (_ALONE_BYTES, _ALONE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with make_objects().open(ref) as image:
            to.send(extract(image, limits))
    except Exception as error:  # noqa: BLE001 -- the parent decides what it means
        to.send(error)
