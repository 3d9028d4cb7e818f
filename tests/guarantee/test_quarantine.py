"""An object that hangs or kills who reads it: replaced, struck, read alone, written down; its neighbours lose nothing.

No file is known that does so (tests/extract sees to that), so a bucket of ours does it by the object's name.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import wait_until
from tests.samples.catalogue import SAMPLES
from worker.attempts import Maker
from worker.backends.local.documents import LocalDocuments
from worker.backends.local.folder import FolderStore
from worker.backends.local.queue import LocalPublisher, LocalSubscription, queue_stats
from worker.bootstrap import Wiring
from worker.breaker import Breaker
from worker.clock import SystemClock
from worker.decode import encode
from worker.group_commit import GroupCommit
from worker.group_lookup import GroupLookup
from worker.in_flight import Board
from worker.model import DIED, Event, FailedAttempt, Limits, Notification, ObjectRef
from worker.ports import RangeReader
from worker.processor import Processor
from worker.reading import Reading, ReadingAlone
from worker.settings import Settings, load
from worker.shard import Order, Shard
from worker.supervisor import Supervisor
from worker.worker import Worker
from worker.write_ladder import WriteLadder

FOLDER = "EVIL_FOLDER"
GOOD = 20


class EvilFolder(FolderStore):
    """A folder in which opening `hang.jpg` never ends, and opening `kill.jpg` is the end."""

    def open(self, ref: ObjectRef) -> AbstractContextManager[RangeReader]:  # type: ignore[override]  # as the port says
        if ref.name == "hang.jpg":
            time.sleep(10_000)
        if ref.name == "kill.jpg":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().open(ref)


def evil_folder() -> EvilFolder:
    return EvilFolder(Path(os.environ[FOLDER]) / "pictures", "photos")


def evil_shard(order: Order) -> None:
    """A shard as worker.shard makes it, over the evil folder."""
    folder = Path(os.environ[FOLDER])
    board, clock = Board(order.settings.threads, order.board), SystemClock()
    objects, documents = evil_folder(), LocalDocuments(folder / "catalog.db")
    for key in order.strikes:
        documents.attempted(key, FailedAttempt(datetime.now(UTC), "", DIED, "it died"))
    commit = GroupCommit(documents, clock)
    ladder = WriteLadder(commit, documents, objects, clock)
    alone = ReadingAlone(evil_folder, Limits(), seconds=4.0)
    processor = Processor(objects, documents, ladder, Reading(objects, Limits(), board), alone)
    breaker = Breaker(clock)
    lookup = GroupLookup(documents)
    wiring = Wiring(Worker(processor, breaker), breaker, commit, lookup, objects, documents, ladder, Maker())
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    subscription = LocalSubscription(folder / "queue.db", order.settings.threads, ack_deadline=2.0, min_backoff=0.1)
    Shard(wiring, subscription, board).run(stopped, 2.0)


def announced(folder: Path) -> Iterator[ObjectRef]:
    pictures = folder / "pictures"
    pictures.mkdir()
    data = SAMPLES[0].make()
    for name in ["hang.jpg", "kill.jpg", *(f"good {number}.jpg" for number in range(GOOD))]:
        (pictures / name).write_bytes(data)
    yield from FolderStore(pictures, "photos").list("photos")


def settings() -> Settings:
    return load({"IMAGEMETA_THREADS": "4", "IMAGEMETA_HANG_SECONDS": "2", "IMAGEMETA_GRACE_SECONDS": "2"})


def test_what_hangs_or_kills_is_quarantined_and_nobody_else_suffers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))  # for the processes that are spawned
    with closing(LocalPublisher(tmp_path / "queue.db")) as publisher:
        publisher.publish(encode(Notification(Event.FINALIZE, ref)) for ref in announced(tmp_path))
    supervisor, stopped = Supervisor(settings(), 1, evil_shard), threading.Event()
    running = threading.Thread(target=supervisor.run, args=(stopped, threading.Event()))
    running.start()
    with closing(LocalDocuments(tmp_path / "catalog.db")) as documents:
        try:
            wait_until(lambda: sum(documents.counts().values()) == GOOD + 2, 90)
            wait_until(lambda: queue_stats(tmp_path / "queue.db").leased == 0, 20)
        finally:
            stopped.set()
            running.join(20)
        made = {str(fields["name"]): fields for _, fields in documents.scan()}
    stats = queue_stats(tmp_path / "queue.db")
    assert (stats.waiting, stats.leased, stats.dead) == (0, 0, 0)
    for name in ("hang.jpg", "kill.jpg"):
        assert made[name]["status"] == "failed"
        errors: Any = made[name]["errors"]
        assert errors[0]["code"] == "poison", errors
    assert [made[name]["status"] for name in made if name.startswith("good")] == ["ok"] * GOOD
