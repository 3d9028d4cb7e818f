"""Operating the cloud's set-up by the real commands: a worker at work, the emulators behind it.

The worker hears of nothing by itself: the buckets' own notifications go to another queue, so all it does was asked for.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.pubsub_v1 import PublisherClient  # type: ignore[import-untyped] # has no types

from tests.cloud.front import STORAGE_AGENT, Front
from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.guarantee.running import ROOT, RunningWorker
from tests.samples.catalogue import SAMPLES
from worker.document import key_for

PHOTO = SAMPLES[0].make()
KINDS = {"corrupt": b"\xff\xd8\xff", "text": b"this is no image at all", "empty": b""}
HEARD = "heard"


class Operator:
    """Somebody at a terminal, with the settings of the set-up."""

    def __init__(self, cloud: Cloud, **more: str) -> None:
        self._cloud = cloud
        self._environment = {
            **cloud.env,
            "IMAGEMETA_QUEUE": f"pubsub://{cloud.project}/{HEARD}-worker",
            "IMAGEMETA_TOPIC": f"pubsub://{cloud.project}/{HEARD}",
            "IMAGEMETA_DEAD_LETTERS": f"pubsub://{cloud.project}/{HEARD}-dead",
            "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
            **more,
        }

    def told(self, *arguments: str, codes: Iterable[int] = (0,)) -> Any:
        """The JSON that a command prints: one object, or the list of its lines."""
        done = subprocess.run(
            [sys.executable, "-m", "worker", *arguments, "--format", "json"],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in codes, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[0] if len(lines) == 1 else lines

    def filled(self, names: Iterable[str]) -> None:
        """Have a document of each object."""
        self.told("backfill", f"gs://{self._cloud.bucket}", "--warm")
        wait_until(lambda: set(self.by_name()) >= set(names), 120)

    def by_name(self) -> dict[str, dict[str, Any]]:
        return {fields["name"]: fields for fields in self._cloud.documents().values()}

    def counts(self, *options: str) -> dict[str, int]:
        """What differs between the bucket and its documents."""
        lines = self.told("reconcile", f"gs://{self._cloud.bucket}", *options, codes=(0, 1))
        (found,) = [line for line in (lines if isinstance(lines, list) else [lines]) if "target" in line]
        return {kind: number for kind, number in found.items() if kind != "target"}


@pytest.fixture
def operator(cloud: Cloud, tmp_path: Path) -> Iterator[Operator]:
    cloud.stack.create_queue(cloud.project, HEARD)
    queue = f"pubsub://{cloud.project}/{HEARD}-worker"
    with RunningWorker(cloud, tmp_path / "log", IMAGEMETA_QUEUE=queue):
        yield Operator(cloud)


def upload(cloud: Cloud, files: dict[str, bytes]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: cloud.upload(name, files[name]), files))


def forget(cloud: Cloud, names: Iterable[str]) -> None:
    """Delete documents, as no command of ours does."""
    client = firestore.Client(project=cloud.project)
    try:
        for name in names:
            client.collection(cloud.collection).document(key_for(cloud.bucket, name)).delete()
    finally:
        client.close()  # type: ignore[no-untyped-call] # the library's own annotation is missing


def test_reconcile_says_seven_five_three_and_after_the_repair_nothing(cloud: Cloud, operator: Operator) -> None:
    names = [f"{number:02} é.jpg" for number in range(40)]
    upload(cloud, dict.fromkeys(names, PHOTO))
    operator.filled(names)
    assert not any(operator.counts().values())
    forget(cloud, names[:7])
    upload(cloud, dict.fromkeys(names[7:12], PHOTO + b"another"))
    for name in names[12:15]:
        cloud.delete(name)
    assert operator.counts() == {"missing": 7, "stale": 5, "orphaned": 3, "failed": 0}
    operator.counts("--repair")
    wait_until(lambda: not any(operator.counts().values()), 60)
    assert {operator.by_name()[name]["status"] for name in names[12:15]} == {"deleted"}


def test_a_redrive_of_one_kind_publishes_its_hundred_and_the_fourth_of_one_is_refused(
    cloud: Cloud, operator: Operator
) -> None:
    files = {f"{kind}/{number:03}.jpg": data for kind, data in KINDS.items() for number in range(100)}
    upload(cloud, files)
    operator.filled(files)
    shown = operator.told("failures")
    assert shown["total"] == 300
    assert [group["count"] for group in shown["groups"]] == [100] * 3
    assert operator.told("redrive", "code:unsupported_format", "--dry-run")["messages"] == 100
    assert operator.told("redrive", "code:unsupported_format")["published"] == 100
    for redrives in (1, 2, 3):
        wait_until(lambda: operator.by_name()["text/007.jpg"]["failure"]["redrives"] == redrives, 60)  # noqa: B023 -- waited for within this turn
        one = operator.told("redrive", "name:text/007.jpg", codes=(0, 1))
        assert (one["published"], one["refused"]) == ((1, 0) if redrives < 3 else (0, 1))


@pytest.mark.usefixtures("operator")
def test_pause_upload_fifty_resume_and_all_are_there(cloud: Cloud) -> None:
    front = Front(cloud)
    try:
        known = Operator(cloud, STORAGE_EMULATOR_HOST=front.variables["STORAGE_EMULATOR_HOST"])
        path = f"/storage/v1/b/{cloud.bucket}/notificationConfigs"
        config = {
            "topic": f"//pubsub.googleapis.com/projects/{cloud.project}/topics/{HEARD}",
            "payload_format": "JSON_API_V1",
            "event_types": ["OBJECT_FINALIZE", "OBJECT_DELETE"],
        }
        agent = {"role": "roles/pubsub.publisher", "members": [f"serviceAccount:{STORAGE_AGENT}"]}
        front.state.policies[f"/v1/projects/{cloud.project}/topics/{HEARD}"] = {"etag": "x", "bindings": [agent]}
        front.call("POST", path, config)
        known.told("pause", f"gs://{cloud.bucket}")
        assert not front.call("GET", path).get("items")
        upload(cloud, {f"{number:02}.jpg": PHOTO for number in range(50)})
        assert known.told("resume", f"gs://{cloud.bucket}", "--wait", "0")["published"] == 50
        (again,) = front.call("GET", path)["items"]
        assert again.items() >= config.items()
        wait_until(lambda: len(known.by_name()) == 50, 60)
        assert not known.told("status")["pauses"]
    finally:
        front.stop()


def test_replay_by_the_queue_and_from_the_store_change_nothing_that_is_right(cloud: Cloud, operator: Operator) -> None:
    earlier = datetime.now(UTC) - timedelta(minutes=5)
    cloud.stack.create_subscription(
        cloud.project, "kept", HEARD, ackDeadlineSeconds=10, retainAckedMessages=True, messageRetentionDuration="3600s"
    )
    names = [f"{number}.jpg" for number in range(20)]
    upload(cloud, dict.fromkeys(names, PHOTO))
    operator.filled(names)
    before = cloud.documents()
    assert operator.told("replay", "--since", "5m", "--from-store", "--dry-run")["documents"] == 20
    assert operator.told("replay", "--since", "5m", "--from-store")["published"] == 20
    seeking = Operator(cloud, IMAGEMETA_QUEUE=f"pubsub://{cloud.project}/kept")
    assert seeking.told("replay", "--since", earlier.isoformat(), "--dry-run")["reaches"] < earlier.isoformat()
    assert seeking.told("replay", "--since", earlier.isoformat())["state"] == "done"
    wait_until(lambda: operator.told("status")["workers"][0]["acked"] >= 40, 60)
    assert cloud.documents() == before


def test_dead_letters_are_written_down_by_the_worker_itself(cloud: Cloud, tmp_path: Path) -> None:
    cloud.stack.create_queue(cloud.project, HEARD)
    letter = {
        "eventType": "OBJECT_FINALIZE",
        "bucketId": cloud.bucket,
        "objectId": "lost.jpg",
        "objectGeneration": "7",
        "CloudPubSubDeadLetterSourceDeliveryCount": "20",
    }
    publisher = PublisherClient()
    publisher.publish(f"projects/{cloud.project}/topics/{HEARD}-dead", b"", **letter).result()
    publisher.stop()
    settings = {
        "IMAGEMETA_QUEUE": f"pubsub://{cloud.project}/{HEARD}-worker",
        "IMAGEMETA_DEAD_LETTERS": f"pubsub://{cloud.project}/{HEARD}-dead",
    }
    with RunningWorker(cloud, tmp_path / "log", **settings):
        wait_until(lambda: cloud.documents(), 60)
    (fields,) = cloud.documents().values()
    assert (fields["name"], fields["failure"]["code"]) == ("lost.jpg", "dead_letter")
    assert fields["notification"]["attributes"].items() >= letter.items()


def test_exactly_what_other_limits_made_is_made_anew(cloud: Cloud, tmp_path: Path) -> None:
    cloud.stack.create_queue(cloud.project, HEARD)
    queue = f"pubsub://{cloud.project}/{HEARD}-worker"
    operator = Operator(cloud)
    upload(cloud, {f"{number}.jpg": PHOTO for number in range(10)} | {"broken.jpg": KINDS["corrupt"]})
    with RunningWorker(cloud, tmp_path / "log", IMAGEMETA_QUEUE=queue) as worker:
        operator.filled([*(f"{number}.jpg" for number in range(10)), "broken.jpg"])
        assert operator.told("reextract", "--dry-run")["messages"] == 0
        assert worker.stop() == 0
    with RunningWorker(cloud, tmp_path / "log", IMAGEMETA_QUEUE=queue, IMAGEMETA_MAKERNOTES="always"):
        wait_until(lambda: operator.told("status")["workers"], 60)
        assert operator.told("reextract", "--dry-run")["messages"] == 11
        assert operator.told("reextract", "in:gs://photos/3", "--dry-run")["messages"] == 1
        assert operator.told("reextract")["published"] == 11
        wait_until(lambda: {fields["passes"] for fields in operator.by_name().values()} == {2}, 60)
        assert operator.told("reextract", "--dry-run")["messages"] == 0
