"""deploy/smoke.sh, as after a deployment, against the emulators and a real worker."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Cloud
from tests.guarantee.running import RunningWorker
from tests.terraform.workspace import ROOT


def smoke(cloud: Cloud, seconds: int) -> subprocess.CompletedProcess[str]:
    documents = f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}"
    wishes = {"BUCKET": f"gs://{cloud.bucket}", "DOCUMENTS": documents, "SECONDS_TO_WAIT": str(seconds)}
    command = [ROOT / "deploy" / "smoke.sh"]
    return subprocess.run(command, env=cloud.env | wishes, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.skipif(not shutil.which("gcloud") or not shutil.which("curl"), reason="needs gcloud and curl")
def test_it_sees_a_document_and_a_tombstone(cloud: Cloud, tmp_path: Path) -> None:
    with RunningWorker(cloud, tmp_path / "log"):
        done = smoke(cloud, 60)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["none", "deleted"]


@pytest.mark.skipif(not shutil.which("gcloud") or not shutil.which("curl"), reason="needs gcloud and curl")
def test_it_fails_where_nobody_works(cloud: Cloud) -> None:
    done = smoke(cloud, 1)
    assert done.returncode == 1
    assert "no document with status" in done.stderr
