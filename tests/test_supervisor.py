"""A shard that dies or hangs is replaced, who did it is read alone, and a stop is a clean one."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import wait_until
from worker.document import key_for
from worker.errors import Misconfigured, Poison
from worker.in_flight import Board, ShardState
from worker.model import Limits, ObjectRef
from worker.reading import ReadingAlone
from worker.settings import load
from worker.shard import EXIT_CONFIG, Order
from worker.supervisor import Supervisor

BAD = ObjectRef("photos", "bad.jpg", 1, size=4)
GOOD = ObjectRef("photos", "good.jpg", 1, size=4)


def note(order: Order, text: str) -> None:
    """Leave word for the test, through a file that a killed process cannot take with it."""
    with Path(order.settings.documents).open("a") as file:
        file.write(text + "\n")


def words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def pull_until_stopped(order: Order, board: Board) -> None:
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    note(order, "pulling")
    while not stopped.wait(0.05):
        board.beat(ShardState.PULLING)
    note(order, "drained")


def steady(order: Order) -> None:
    pull_until_stopped(order, Board(order.settings.threads, order.board))


def first_life(order: Order) -> Board | None:
    """The board of a shard without a predecessor. The successor of one that died reports the strikes and works."""
    board = Board(order.settings.threads, order.board)
    if not order.strikes:
        return board
    note(order, "strikes:" + ",".join(order.strikes))
    pull_until_stopped(order, board)
    return None


def hangs_once(order: Order) -> None:
    """Hangs over one object, with another in hand now and then."""
    if board := first_life(order):
        with board.working(BAD):
            while True:
                with board.working(GOOD):
                    board.beat(ShardState.PULLING)
                time.sleep(0.01)


def goes_silent(order: Order) -> None:
    """Holds the interpreter's lock in C, so that not even the heart beats."""
    if board := first_life(order):
        with board.working(BAD):
            board.beat(ShardState.PULLING)
            ctypes.PyDLL(None).sleep(1000)


def crashes(order: Order) -> None:
    if board := first_life(order):
        with board.working(BAD):
            board.beat(ShardState.PULLING)
            os.kill(os.getpid(), signal.SIGKILL)


def misconfigured(order: Order) -> None:
    note(order, "tried")
    raise SystemExit(EXIT_CONFIG)


def ignores_sigterm(order: Order) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    board = Board(order.settings.threads, order.board)
    note(order, "pulling")
    while True:
        board.beat(ShardState.PULLING)
        time.sleep(0.05)


class Running:
    """A supervisor in a thread of the test."""

    def __init__(self, target: object, report: Path, shards: int = 1, **settings: object) -> None:
        known = load({"IMAGEMETA_THREADS": "4"}).model_copy(
            update={"documents": str(report), "hang_seconds": 1.0, "grace_seconds": 1.0, **settings}
        )
        self.supervisor = Supervisor(known, shards, target)  # type: ignore[arg-type]  # any target of this file
        self.stopped, self.now = threading.Event(), threading.Event()
        self.error: list[Exception] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.supervisor.run(self.stopped, self.now)
        except Misconfigured as error:
            self.error.append(error)

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def running(target: object, report: Path, shards: int = 1, **settings: object) -> Iterator[Running]:
    run = Running(target, report, shards, **settings)
    try:
        yield run
    finally:
        run.now.set()
        run.stop()


@pytest.mark.parametrize("target", [hangs_once, goes_silent, crashes])
def test_who_dies_or_hangs_is_replaced_and_its_object_gets_a_strike(target: object, tmp_path: Path) -> None:
    report = tmp_path / "report"
    with running(target, report) as run:
        wait_until(lambda: "pulling" in words(report), 60)
        assert words(report)[0] == f"strikes:{key_for('photos', 'bad.jpg')}"
        wait_until(lambda: run.supervisor.ready() is None)


def test_readiness_follows_the_shards(tmp_path: Path) -> None:
    with running(steady, tmp_path / "report", shards=2) as run:
        wait_until(lambda: run.supervisor.ready() is None, 60)
        assert run.supervisor.healthy() is None
    assert run.supervisor.ready() is not None


def test_a_stop_drains_every_shard(tmp_path: Path) -> None:
    report = tmp_path / "report"
    with running(steady, report, shards=2) as run:
        wait_until(lambda: words(report).count("pulling") == 2, 60)
        run.stop()
    assert words(report).count("drained") == 2


def test_a_shard_that_does_not_drain_in_time_is_killed(tmp_path: Path) -> None:
    report = tmp_path / "report"
    with running(ignores_sigterm, report) as run:
        wait_until(lambda: "pulling" in words(report), 60)
        run.stop()


def test_a_wrong_configuration_ends_the_run_instead_of_restarting_for_ever(tmp_path: Path) -> None:
    report = tmp_path / "report"
    with running(misconfigured, report) as run:
        run.thread.join(60)
        assert run.error
    assert words(report) == ["tried"]


def test_the_board_outlives_the_process_that_wrote_it(tmp_path: Path) -> None:
    board = Board(4, tmp_path / "board")
    with board.working(BAD):
        assert [item.key for item in Board(4, tmp_path / "board").in_hand()] == [key_for("photos", "bad.jpg")]
    assert Board(4, tmp_path / "board").in_hand() == []


def test_a_board_has_a_slot_for_each_thread() -> None:
    board = Board(2)
    with board.working(BAD, 3), board.working(GOOD):
        assert [(item.uri, item.attempt) for item in board.in_hand()] == [
            ("gs://photos/bad.jpg", 3),
            ("gs://photos/good.jpg", 0),
        ]


class Deadly:
    """An object store whose objects kill, hang or fill the memory of who opens them."""

    def __init__(self, how: str) -> None:
        self.how = how

    def open(self, _: ObjectRef) -> object:
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "memory":
            return bytearray(64 * 1024**3)
        if self.how == "error":
            raise Misconfigured("no permission")
        time.sleep(1000)
        return None


def kills() -> Deadly:
    return Deadly("kill")


def hangs() -> Deadly:
    return Deadly("hang")


def devours() -> Deadly:
    return Deadly("memory")


def fails() -> Deadly:
    return Deadly("error")


@pytest.mark.parametrize(
    ("store", "error"), [(kills, Poison), (hangs, Poison), (devours, MemoryError), (fails, Misconfigured)]
)
def test_what_is_read_alone_harms_only_itself(store: object, error: type[Exception]) -> None:
    seconds = 3.0 if store is hangs else 60.0
    with pytest.raises(error):
        ReadingAlone(store, Limits(), seconds)(BAD)  # type: ignore[arg-type]  # a store with `open` only


def test_the_exit_code_tells_how_it_ended(tmp_path: Path) -> None:
    """In a process of its own, for it takes the signals."""
    report = tmp_path / "report"
    code = (
        "import sys; from tests.test_supervisor import *; from worker.supervisor import run_until_signalled;"
        "settings = load({}).model_copy(update=dict("
        f"documents={str(report)!r}, grace_seconds=3.0));"
        "sys.exit(run_until_signalled(Supervisor(settings, 1, globals()[sys.argv[1]])))"
    )
    for target, signals, expected in [
        ("steady", [signal.SIGTERM], 0),
        ("steady", [signal.SIGINT], 0),
        ("ignores_sigterm", [signal.SIGTERM, signal.SIGTERM], 1),
        ("misconfigured", [], EXIT_CONFIG),
    ]:
        report.unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-c", code, target], cwd=Path(__file__).parent.parent)
        wait_until(lambda: words(report), 60)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.3)
        assert process.wait(20) == expected
