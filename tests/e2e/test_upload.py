"""`gcloud storage cp`, and a document is in Firestore."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.guarantee.running import RunningWorker
from tests.samples.catalogue import SAMPLES
from worker.document import key_for

ALPS = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg")
COPY = {"gcloud": ["gcloud", "storage", "cp"], "gsutil": ["gsutil", "cp"]}


@pytest.mark.parametrize("tool", COPY)
def test_what_google_s_own_tool_uploads_becomes_a_document(cloud: Cloud, tmp_path: Path, tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} on this machine")
    picture = tmp_path / "Sunrise – über den Alpen.jpg"
    picture.write_bytes(ALPS.make())
    with RunningWorker(cloud, tmp_path / "log") as worker:
        target = f"gs://{cloud.bucket}/holiday/"
        done = subprocess.run(
            [*COPY[tool], str(picture), target], check=False, env=cloud.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        wait_until(lambda: '"acked"' in worker.logged(), 60)
    fields: dict[str, Any] = cloud.documents()[key_for(cloud.bucket, f"holiday/{picture.name}")]
    assert (fields["status"], fields["camera"]["model"], fields["taken"]["offset"]) == ("ok", "EOS R6", "+02:00")
    assert fields["tags"]["IFD0:Make"]["value"] == "Canon"
    assert fields["text"]["title"] == "Sunrise over the Aletsch"
    assert fields["content_type"] == "image/jpeg"


def test_overwrite_and_delete_are_followed(cloud: Cloud, tmp_path: Path) -> None:
    key = key_for(cloud.bucket, "a.jpg")
    lagoon = next(sample for sample in SAMPLES if sample.name == "lagoon.jpg")
    with RunningWorker(cloud, tmp_path / "log") as worker:
        cloud.upload("a.jpg", ALPS.make())
        wait_until(lambda: worker.logged().count('"acked"') >= 1, 60)
        assert cloud.documents()[key]["camera"]["model"] == "EOS R6"
        generation = cloud.upload("a.jpg", lagoon.make())
        wait_until(lambda: worker.logged().count('"acked"') >= 3, 60)
        fields = cloud.documents()[key]
        assert (fields["generation"], fields["camera"]["make"]) == (generation, "Sony")
        cloud.delete("a.jpg")
        wait_until(lambda: worker.logged().count('"acked"') >= 4, 60)
        fields = cloud.documents()[key]
        assert (fields["status"], fields["generation"]) == ("deleted", generation)
        assert "camera" not in fields
