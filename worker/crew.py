"""Processes that work through tasks, for commands: answers come in the order of the tasks, and none is lost.

A process that dies or hangs costs the task that it died over and nothing else: what it had in hand is tried once more,
each task alone in a new process, and a second death is proof. The processes end with their parent, however it ends.
"""

import multiprocessing
import os
import resource
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Generic, TypeVar

from worker import interrupts

T = TypeVar("T")
R = TypeVar("R")

SECONDS = 30.0
"""What a process may take for one batch before it counts as hung."""
_MEMORY = 4 * 1024**3
_THREADS = 64
"""More than any batch; they are started as they are needed."""
_AHEAD = 64
"""Batches in hand, or done and waiting for one before them. It bounds memory."""


class Death(Exception):
    """A process died or hung over its tasks; the text says how."""


class Crew(Generic[T, R]):
    """`processes` processes that each call `work` on the tasks of one batch, in as many threads.

    `work` must be importable in a new process and does not raise. `lost` makes the answer for a task that two
    processes died over, from the task and the reason.
    """

    def __init__(
        self, work: Callable[[T], R], lost: Callable[[T, str], R], processes: int, seconds: float = SECONDS
    ) -> None:
        self._work = work
        self._lost = lost
        self._processes = processes
        self._seconds = seconds

    def map(self, batches: Iterable[list[T]]) -> Generator[R]:
        """The answers in the order of the tasks, each as soon as its batch and all before it are done.

        A batch is one task for work that computes, more for work that waits. Batches are taken by other threads, a
        bounded number ahead; what the iterable raises is raised here.
        """
        shift: _Shift[T, R] = _Shift(iter(batches))
        try:
            for _ in range(self._processes):
                threading.Thread(target=self._serve, args=(shift,), daemon=True).start()
            for _ in range(self._processes):
                while (answers := shift.handed_out.get()) is not None:
                    yield from answers.result()
                    shift.room.release()
        finally:
            shift.end(self._processes)

    def _serve(self, shift: "_Shift[T, R]") -> None:
        """The life of one thread, which asks one process at a time."""
        seat = _Seat(self._work, self._seconds, shift)
        while (order := shift.take()) is not None:
            tasks, answers = order
            try:
                answers.set_result(self._answers(seat, tasks))
            except BaseException as error:  # noqa: BLE001 -- it is raised where the answers are asked for
                answers.set_exception(error)
        seat.vacate()
        shift.handed_out.put(None)

    def _answers(self, seat: "_Seat[T, R]", tasks: list[T]) -> list[R]:
        try:
            return seat.ask(tasks)
        except Death:
            return [self._alone(seat, task) for task in tasks]

    def _alone(self, seat: "_Seat[T, R]", task: T) -> R:
        try:
            return seat.ask([task])[0]
        except Death as death:
            return self._lost(task, str(death))


class _Shift(Generic[T, R]):
    """What the threads of one `map` share: the tasks, and the answers in the order in which tasks were taken."""

    def __init__(self, batches: Iterator[list[T]]) -> None:
        self._batches = batches
        self._lock = threading.Lock()
        self._ended = False
        self._starting = threading.Lock()
        self.room = threading.Semaphore(_AHEAD)
        self.handed_out: SimpleQueue[Future[list[R]] | None] = SimpleQueue()

    def take(self) -> tuple[list[T], "Future[list[R]]"] | None:
        """The next tasks and the place of their answers, or None where there are no more."""
        self.room.acquire()
        answers: Future[list[R]] = Future()
        with self._lock:
            try:
                tasks = [] if self._ended else next(self._batches, [])
            except BaseException as error:  # noqa: BLE001 -- it is raised where the answers are asked for
                answers.set_exception(error)
                tasks, self._ended = [], True
            if tasks or answers.done():
                self.handed_out.put(answers)
        return (tasks, answers) if tasks else None

    def start(self, process: BaseProcess) -> None:
        """Start a process, unless it is over: what is half started when the program ends complains loudly."""
        with self._starting:
            if self._ended:
                raise Death("the work was stopped")
            with interrupts.blocked():
                process.start()

    def end(self, threads: int) -> None:
        """Hand out no more, start no more."""
        self._ended = True
        self.room.release(threads)
        with self._starting:
            return  # whoever was at it has finished


class _Seat(Generic[T, R]):
    """The place of one process, which is started when it is first asked, and after each death."""

    def __init__(self, work: Callable[[T], R], seconds: float, shift: _Shift[T, R]) -> None:
        self._work = work
        self._shift = shift
        self._seconds = seconds
        self._sitting: tuple[BaseProcess, Connection] | None = None

    def ask(self, tasks: list[T]) -> list[R]:
        """The answers to the tasks. Raises Death where the process gives none."""
        process, to = self._sitting = self._sitting or self._start()
        try:
            to.send(tasks)
            if not to.poll(self._seconds):
                self.vacate()
                raise Death(f"reading it did not end within {self._seconds:g} s, in a process of its own")
            answers: list[R] = to.recv()
        except (OSError, EOFError):
            process.join(1.0)
            self.vacate()
            raise Death(f"it killed the process that read it (exit code {process.exitcode}), twice") from None
        return answers

    def vacate(self) -> None:
        """End the process, whatever it does."""
        if self._sitting:
            process, to = self._sitting
            to.close()
            process.kill()
            process.join()
        self._sitting = None

    def _start(self) -> tuple[BaseProcess, Connection]:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_live, args=(theirs, self._work), daemon=True)
        self._shift.start(process)
        theirs.close()
        return process, ours


def _live(to: Connection, work: Callable[[T], R]) -> None:
    """The life of a process: batch by batch, until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            while True:
                tasks: list[T] = to.recv()
                to.send([work(task) for task in tasks] if len(tasks) == 1 else list(pool.map(work, tasks)))
        except (EOFError, OSError):
            os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
