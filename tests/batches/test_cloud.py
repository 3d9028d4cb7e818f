"""Batches in the cloud: through Pub/Sub, Firestore and a bucket, by a worker that is killed in the middle."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batches.images import saved
from tests.batches.server import Site, serving, slowly, status
from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.guarantee.running import ROOT, RunningWorker
from tests.samples.drawing import draw
from worker.backends.gcp.items import FirestoreItems

PHOTO = saved(draw(3, (320, 200)), "JPEG", quality=95)
COUNT = 60


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(slowly(0.05, serving(PHOTO))) as site:
        yield site


def settings(cloud: Cloud, site: Site) -> dict[str, str]:
    return {
        "IMAGEMETA_TOPIC": f"pubsub://{cloud.project}/{cloud.topic}",
        "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
        "IMAGEMETA_BATCH_OUTPUT": f"gs://{cloud.bucket}/batches",
        "IMAGEMETA_FETCH_ALLOW": site.address,
        "IMAGEMETA_THREADS": "4",
    }


def imagemeta(environment: dict[str, str], *arguments: str | Path) -> str:
    command = [sys.executable, "-m", "worker", "batch", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.emulators
def test_a_batch_goes_through_the_cloud_and_a_death(cloud: Cloud, site: Site, tmp_path: Path) -> None:
    table = tmp_path / "products.csv"
    table.write_text("id,url\n" + "".join(f"{number},{site.url(f'/{number}.jpg')}\n" for number in range(COUNT)))
    site.answers["/7.jpg"] = status(404)
    more = settings(cloud, site)
    environment = {**cloud.env, **more}
    batch = imagemeta(environment, "submit", table).strip()
    items = FirestoreItems(cloud.project)

    def settled() -> int:
        return sum(items.tally(batch).values())

    with RunningWorker(cloud, tmp_path / "worker.log", **more) as worker:
        wait_until(lambda: settled() > 10, 60)
        worker.kill()
        assert settled() < COUNT, "it was faster than the kill"
        worker.restart()
        wait_until(lambda: settled() == COUNT, 90)
        progress = json.loads(imagemeta(environment, "status", batch, "-f", "json"))
        assert (progress["state"], progress["done"], progress["failed"]) == ("done", COUNT - 1, 1)
        rows = list(csv.DictReader(io.StringIO(imagemeta(environment, "output", batch))))
        assert [row["id"] for row in rows] == [str(number) for number in range(COUNT)]
        assert [row["id"] for row in rows if row["Status"] != "done"] == ["7"]
        assert rows[0]["Output Image Url"].startswith(f"gs://{cloud.bucket}/batches/{batch}/")

        site.answers.clear()
        before = site.visits()
        assert imagemeta(environment, "retry", batch) == "1 URLs are fetched again\n"
        wait_until(lambda: json.loads(imagemeta(environment, "status", batch, "-f", "json"))["done"] == COUNT, 60)
        assert dict(site.visits() - before) == {"/7.jpg": 1}
        assert worker.stop() == 0
    items.close()
