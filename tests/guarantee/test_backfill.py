"""A backfill that is killed twenty times at random: the documents are the objects, none missing, none twice."""

import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import sleep
from typing import Self

import pytest

from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.guarantee.running import ROOT, RunningWorker
from tests.samples.catalogue import SAMPLES
from worker.backends.gcp.records import FirestoreRecords
from worker.operate.conveyor import PORTION
from worker.operate.runs import Ledger, State

KILLS = 20
FILLED = "filled"


@pytest.mark.parametrize("objects", [1000, pytest.param(5000, marks=pytest.mark.deep)])
@pytest.mark.timeout(900)
def test_a_backfill_killed_twenty_times_misses_nothing(cloud: Cloud, tmp_path: Path, objects: int) -> None:
    names = uploaded(cloud, objects)
    cloud.stack.create_queue(cloud.project, FILLED)  # the uploads' own notifications go to another queue
    queue = f"pubsub://{cloud.project}/{FILLED}-worker"
    chance, most, rate = random.Random(objects), objects // 1000, objects // 5
    with (
        closing(FirestoreRecords(cloud.project)) as records,
        RunningWorker(cloud, tmp_path / "log", IMAGEMETA_QUEUE=queue),
    ):
        ledger = Ledger(records)
        for _ in range(KILLS):
            with Backfill(cloud, "--rate", str(rate)) as backfill:
                portions = chance.choices(range(most + 1), weights=range(most + 1, 0, -1))[0]
                backfill.live(ledger, portions, longer=chance.uniform(0, 0.2))
        with Backfill(cloud, "--warm") as backfill:
            assert backfill.process.wait(120) == 0
        runs = ledger.newest()
        assert {run.state for run in runs} == {State.DONE}
        assert sum(run.continued for run in runs) + len(runs) == KILLS + 1
        assert {run.seen for run in runs} == {objects}
        wait_until(lambda: counted(cloud) >= objects, 600)
    made = cloud.documents()
    assert {fields["name"] for fields in made.values()} == names
    assert {fields["status"] for fields in made.values()} == {"ok"}


class Backfill:
    """`imagemeta backfill` at work, in a process of its own."""

    def __init__(self, cloud: Cloud, *options: str) -> None:
        command = [sys.executable, "-m", "worker", "backfill", f"gs://{cloud.bucket}", *options]
        environment = {
            **cloud.env,
            "IMAGEMETA_TOPIC": f"pubsub://{cloud.project}/{FILLED}",
            "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
        }
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def live(self, ledger: Ledger, portions: int, longer: float) -> None:
        """Return, and so kill it, when it has come so many portions further, and a moment later."""
        lives, seen = so_far(ledger)
        wait_until(lambda: so_far(ledger)[0] > lives and so_far(ledger)[1] >= seen + PORTION * portions, 60)
        sleep(longer)  # it may die at any place, not only after a portion


def so_far(ledger: Ledger) -> tuple[int, int]:
    """How often runs were begun or gone on with, and how many objects they have looked at."""
    runs = ledger.newest()
    return sum(run.continued + 1 for run in runs), sum(run.seen for run in runs)


def uploaded(cloud: Cloud, count: int) -> set[str]:
    """The names of so many objects in the bucket."""
    data = SAMPLES[0].make()
    names = {f"{number % 10}/{number:04}.jpg" for number in range(count)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: cloud.upload(name, data), names))
    return names


def counted(cloud: Cloud) -> int:
    """How many documents there are."""
    from google.cloud import firestore

    client = firestore.Client(project=cloud.project)
    try:
        return int(client.collection(cloud.collection).count().get()[0][0].value)  # type: ignore[no-untyped-call] # has no types
    finally:
        client.close()  # type: ignore[no-untyped-call] # the library's own annotation is missing
