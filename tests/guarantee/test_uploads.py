"""A thousand uploads, a third of all writes failing, five kills: a thousand documents, and not one dead letter."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deploy.emulators import call
from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.faults import FaultyFirestore
from tests.guarantee.running import RunningWorker
from tests.samples.catalogue import SAMPLES
from worker.document import key_for

UPLOADS = 1000
KILLS = 5
ACK_DEADLINE = 10.0
PICTURES = {sample.name: (sample.make(), sample) for sample in SAMPLES if sample.status == "ok"}


def pictures(count: int) -> Iterator[tuple[str, bytes, str]]:
    """Names, bytes, and the camera that each must come out with."""
    made = list(PICTURES.values())
    for number in range(count):
        data, sample = made[number % len(made)]
        yield f"folder {number % 7}/{number:04}-{sample.name.rsplit('/', 1)[-1]}", data, sample.camera


def upload_all(cloud: Cloud, count: int) -> dict[str, tuple[int, str]]:
    """Upload them; the generation and the camera by document key."""

    def upload(picture: tuple[str, bytes, str]) -> tuple[str, tuple[int, str]]:
        name, data, camera = picture
        return key_for(cloud.bucket, name), (cloud.upload(name, data), camera)

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(upload, pictures(count)))


def count(cloud: Cloud) -> int:
    """The number of documents, by Firestore's own count."""
    path = f"/v1/projects/{cloud.project}/databases/{cloud.database}/documents:runAggregationQuery"
    query = {"structuredQuery": {"from": [{"collectionId": cloud.collection}]}}
    body = {"structuredAggregationQuery": {**query, "aggregations": [{"alias": "n", "count": {}}]}}
    status, reply = call(cloud.stack.firestore, "POST", path, body, {"authorization": "Bearer owner"})
    assert status == 200, reply
    import json

    return int(json.loads(reply)[0]["result"]["aggregateFields"]["n"]["integerValue"])


def waiting(cloud: Cloud, subscription: str) -> int:
    """How many messages a pull finds now."""
    import json

    path = f"/v1/projects/{cloud.project}/subscriptions/{subscription}:pull"
    status, reply = call(cloud.stack.pubsub, "POST", path, {"maxMessages": 1000, "returnImmediately": True})
    assert status == 200, reply
    return len(json.loads(reply).get("receivedMessages", []))


def assert_all_acknowledged(cloud: Cloud) -> None:
    """Nothing comes again, although every lease has run out by now; nothing was given up."""
    deadline = time.monotonic() + ACK_DEADLINE + 2
    while time.monotonic() < deadline:
        assert waiting(cloud, cloud.subscription) == 0, "a message was not acknowledged"
        time.sleep(0.5)
    assert waiting(cloud, cloud.dead_letters) == 0, "a message was given up"


def assert_right(documents: dict[str, dict[str, Any]], uploads: dict[str, tuple[int, str]]) -> None:
    assert set(documents) == set(uploads)
    for key, (generation, camera) in uploads.items():
        fields = documents[key]
        assert (fields["status"], fields["generation"]) == ("ok", generation), key
        shown = fields.get("camera", {})
        model = shown.get("model", "")
        assert bool(model) == bool(camera), key
        assert model in camera, key
        assert fields["tags"], key


@pytest.mark.timeout(600)
def test_a_thousand_uploads_with_failing_writes_and_five_kills(cloud: Cloud, tmp_path: Path) -> None:
    dice = random.Random(7)
    with FaultyFirestore(cloud.stack.firestore, seed=7) as faulty:
        environment = {"FIRESTORE_EMULATOR_HOST": faulty.address}
        with RunningWorker(cloud, tmp_path / "log", **environment) as worker, ThreadPoolExecutor(1) as pool:
            uploading = pool.submit(upload_all, cloud, UPLOADS)
            for kill in range(KILLS):
                target = UPLOADS * (kill + 1) // (KILLS + 2) + dice.randrange(50)
                wait_until(lambda enough=target: count(cloud) >= enough, 180)  # type: ignore[misc]  # bound at once
                worker.kill()
                worker.restart()
            uploads = uploading.result()
            wait_until(lambda: count(cloud) == UPLOADS, 180)
            wait_until(lambda: settled(worker) >= 1, 30)
            time.sleep(0.5)  # let the last acknowledgements leave; the drain below would send them as well
            assert worker.stop() == 0
        assert sum(faulty.failed.values()) > faulty.writes / 5, "the store was meant to fail"
        assert {"before", "after", "item"} <= set(faulty.failed)
    assert_all_acknowledged(cloud)
    assert_right(cloud.documents(), uploads)


def settled(worker: RunningWorker) -> int:
    return worker.logged().count('"acked"')
