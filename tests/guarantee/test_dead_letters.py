"""A message that kills its worker before the worker can tell: it ends as a failure, and everybody else's is done.

Its object is never opened, so no strike is written: only the queue sees that it comes back again and again.
"""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import wait_until
from tests.guarantee.test_quarantine import FOLDER, announced
from worker.backends.local.documents import LocalDocuments
from worker.backends.local.folder import FolderStore
from worker.backends.local.queue import LocalPublisher, LocalSubscription, queue_stats
from worker.bootstrap import wire
from worker.decode import encode
from worker.duties import Duties, on_duty
from worker.in_flight import Board
from worker.model import Event, Notification
from worker.ports import Delivery
from worker.settings import Settings, load
from worker.shard import Order, Shard
from worker.supervisor import Supervisor

GOOD = 20
DEATHS = 5


def settings(folder: Path) -> Settings:
    return load(
        {
            "IMAGEMETA_QUEUE": f"sqlite://{folder}/queue.db",
            "IMAGEMETA_DOCUMENTS": f"sqlite://{folder}/catalog.db",
            "IMAGEMETA_OBJECTS": f"file://photos{folder}/pictures",
            "IMAGEMETA_THREADS": "4",
            "IMAGEMETA_GRACE_SECONDS": "2",
        }
    )


def fragile_shard(order: Order) -> None:
    """A shard that dies at the sight of one message, and notes that it did."""
    folder = Path(os.environ[FOLDER])
    board = Board(order.settings.threads, order.board)
    wiring = wire(order.settings, board)
    handle = wiring.worker.handle

    def fragile(delivery: Delivery) -> None:
        if delivery.message.attributes["objectId"] == "kill.jpg":
            with (folder / "deaths").open("a") as deaths:
                deaths.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        handle(delivery)

    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    subscription = LocalSubscription(folder / "queue.db", 4, ack_deadline=0.5, min_backoff=0.1, max_attempts=DEATHS)
    with on_duty(Duties(order.settings, wiring, board, order.number)):
        wiring.worker.handle = fragile  # type: ignore[method-assign] # the one fault that is tested
        Shard(wiring, subscription, board).run(stopped, 2.0)


def test_a_message_that_kills_its_worker_five_times_ends_as_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))  # for the processes that are spawned
    refs = [ref for ref in announced(tmp_path) if ref.name != "hang.jpg"]
    with closing(LocalPublisher(tmp_path / "queue.db")) as publisher:
        publisher.publish(encode(Notification(Event.FINALIZE, ref)) for ref in refs)
    supervisor, stopped = Supervisor(settings(tmp_path), 1, fragile_shard), threading.Event()
    running = threading.Thread(target=supervisor.run, args=(stopped, threading.Event()))
    running.start()
    with closing(LocalDocuments(tmp_path / "catalog.db")) as documents:
        try:
            wait_until(lambda: sum(documents.counts().values()) == GOOD + 1, 120)
            wait_until(lambda: not queue_stats(tmp_path / "queue.db").leased, 20)
        finally:
            stopped.set()
            running.join(20)
        made: dict[str, Any] = {str(fields["name"]): fields for _, fields in documents.scan()}
    stats = queue_stats(tmp_path / "queue.db")
    assert (stats.waiting, stats.leased, stats.dead) == (0, 0, 0)
    assert (tmp_path / "deaths").read_text() == "x" * DEATHS
    assert made["kill.jpg"]["status"] == "failed"
    assert made["kill.jpg"]["failure"]["code"] == "dead_letter"
    assert made["kill.jpg"]["notification"]["attributes"]["CloudPubSubDeadLetterSourceDeliveryCount"] == str(DEATHS)
    assert [made[ref.name]["status"] for ref in refs if ref.name != "kill.jpg"] == ["ok"] * GOOD
    assert FolderStore(tmp_path / "pictures", "photos").live("photos", "kill.jpg")
