"""The local queue under processes that die, and several at once; its back-off and its figures."""

import itertools
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.fakes import wait_until
from worker.backends.local.queue import LocalDeadLetters, LocalPublisher, LocalSubscription, queue_stats
from worker.errors import Misconfigured
from worker.model import Message
from worker.ports import Delivery, Handler

LEASE = 1.5
PROCESSES = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def publish(path: Path, *names: str) -> None:
    with closing(LocalPublisher(path)) as publisher:
        publisher.publish(Message("", {"objectId": name}) for name in names)


def name_of(delivery: Delivery) -> str:
    return delivery.message.attributes["objectId"]


def acknowledging(handled: list[str]) -> Handler:
    """A handler that notes the names of what it acknowledges."""

    def handle(delivery: Delivery) -> None:
        handled.append(name_of(delivery))
        delivery.ack()

    return handle


def work(journal: Path, path: Path, ready: Connection) -> None:
    """Handle messages until killed: write the name down, then acknowledge."""

    def handle(delivery: Delivery) -> None:
        with journal.open("a") as file:  # one short write: whole lines, whoever else writes
            file.write(f"{name_of(delivery)}\n")
        delivery.ack()

    LocalSubscription(path, 4, ack_deadline=LEASE).start(handle)
    ready.send("ready")
    threading.Event().wait()


def is_empty(path: Path) -> bool:
    stats = queue_stats(path)  # of one moment: between two looks a lease may run out, and be seen by neither
    return stats.waiting + stats.leased == 0


def has_lines(journal: Path, least: int) -> bool:
    return len(journal.read_text().splitlines()) >= least


def start_worker(journal: Path, path: Path) -> multiprocessing.process.BaseProcess:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(journal, path, there), daemon=True)
    process.start()
    assert here.poll(60)
    return process


def test_eight_processes_share_one_queue_and_lose_nothing(path: Path, tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(4000)]
    publish(path, *names[:2000])
    journals = [tmp_path / f"journal-{number}" for number in range(PROCESSES)]
    processes = [start_worker(journal, path) for journal in journals]
    try:
        publish(path, *names[2000:])
        wait_until(partial(is_empty, path), 120)
    finally:
        for process in processes:
            process.kill()
            process.join()
    handled = Counter(line for journal in journals if journal.exists() for line in journal.read_text().splitlines())
    assert set(handled) == set(names)
    assert queue_stats(path).dead == 0


def test_processes_that_are_killed_again_and_again_lose_nothing(path: Path, tmp_path: Path) -> None:
    names = [f"{number}.jpg" for number in range(2000)]
    publish(path, *names)
    journal = tmp_path / "journal"
    journal.touch()
    for round_number in range(1, 6):
        process = start_worker(journal, path)
        wait_until(partial(has_lines, journal, round_number * 300), 60)
        process.kill()
        process.join()
    process = start_worker(journal, path)
    try:
        wait_until(partial(is_empty, path), 120)
    finally:
        process.kill()
        process.join()
    assert set(journal.read_text().splitlines()) == set(names)


def test_a_message_that_kills_whoever_handles_it_becomes_a_dead_letter(path: Path) -> None:
    publish(path, "poison.jpg")
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        victim = context.Process(target=be_poisoned, args=(path,), daemon=True)
        victim.start()
        victim.join(60)
        assert victim.exitcode == -signal.SIGKILL
    survivor = LocalSubscription(path, 1, max_attempts=2)
    survivor.start(lambda delivery: delivery.ack())
    wait_until(lambda: queue_stats(path).dead == 1)
    survivor.stop(5)
    with closing(LocalDeadLetters(path)) as dead_letters:
        (letter,) = dead_letters.pull(5)
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "2"


def be_poisoned(path: Path) -> None:
    LocalSubscription(path, 1, ack_deadline=0.5).start(lambda _: os.kill(os.getpid(), signal.SIGKILL))
    threading.Event().wait()


def test_the_pause_doubles_with_each_attempt(path: Path) -> None:
    publish(path, "a.jpg")
    times: list[float] = []

    def nack(delivery: Delivery) -> None:
        times.append(time.monotonic())
        delivery.nack()

    subscription = LocalSubscription(path, 1, min_backoff=0.1, max_backoff=0.4, max_attempts=5)
    subscription.start(nack)
    wait_until(lambda: len(times) == 5)
    subscription.stop(5)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    for pause, least in zip(pauses, [0.1, 0.2, 0.4, 0.4], strict=True):
        assert pause >= least


def test_stats_tell_waiting_leased_dead_and_age(path: Path) -> None:
    with pytest.raises(Misconfigured):
        queue_stats(path)
    publish(path, *(f"{number}.jpg" for number in range(10)))
    stats = queue_stats(path)
    assert (stats.waiting, stats.leased, stats.dead) == (10, 0, 0)
    assert stats.oldest is not None
    release = threading.Event()
    subscription = LocalSubscription(path, 1, max_attempts=1)

    def hold(delivery: Delivery) -> None:
        assert release.wait(20)
        delivery.nack()

    subscription.start(hold)
    wait_until(lambda: queue_stats(path).leased)
    release.set()
    wait_until(lambda: queue_stats(path).dead == 10)
    subscription.stop(5)
    assert queue_stats(path).oldest is None


def test_leases_of_an_earlier_boot_are_void(path: Path) -> None:
    publish(path, "a.jpg")
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("UPDATE messages SET holder = 1, due = 1e12, attempts = 1")
        plain.execute("UPDATE boot SET id = 'another'")
    handled: list[str] = []
    subscription = LocalSubscription(path, 1)
    subscription.start(acknowledging(handled))
    wait_until(lambda: handled)
    subscription.stop(5)


def test_a_queue_that_is_deleted_ends_the_pulling(path: Path) -> None:
    publish(path, "a.jpg")
    handled: list[str] = []
    subscription = LocalSubscription(path, 1)
    subscription.start(acknowledging(handled))
    wait_until(lambda: handled)
    for file in path.parent.glob("queue.db*"):
        file.unlink()
    wait_until(subscription.failure)
    assert isinstance(subscription.failure(), Misconfigured)
    subscription.stop(5)


def test_starting_and_stopping_leaves_nothing_behind(path: Path) -> None:
    publish(path, *(f"{number}.jpg" for number in range(300)))
    handled: list[str] = []
    threads = threading.active_count()
    files = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(30):
        subscription = LocalSubscription(path, 4)
        subscription.start(acknowledging(handled))
        subscription.stop(5)
    wait_until(lambda: threading.active_count() == threads)
    assert len(list(Path("/proc/self/fd").iterdir())) == files
    stats = queue_stats(path)
    assert stats.leased == 0
    assert stats.waiting == 300 - len(set(handled))
    assert len(handled) == len(set(handled))
