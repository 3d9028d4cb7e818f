"""`imagemeta push` behind a real push subscription of the emulator."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.guarantee.running import ROOT, free_port, status_of
from tests.guarantee.test_uploads import count, pictures


def test_pushed_uploads_become_documents_and_a_stop_is_clean(cloud: Cloud, tmp_path: Path) -> None:
    port = free_port()
    endpoint = {"pushEndpoint": f"http://127.0.0.1:{port}/"}
    cloud.stack.create_subscription(cloud.project, "pushed", cloud.topic, ackDeadlineSeconds=10, pushConfig=endpoint)
    environment = {
        **cloud.env,
        "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
        "IMAGEMETA_PUSH_ADDRESS": f"127.0.0.1:{port}",
        "IMAGEMETA_HEALTH": "",
    }
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "worker", "push"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, start_new_session=True)
        try:
            wait_until(lambda: status_of(port, "/readyz") == 200, 60)
            for name, data, _ in pictures(20):
                cloud.upload(name, data)
            wait_until(lambda: count(cloud) == 20, 60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    assert {fields["status"] for fields in cloud.documents().values()} == {"ok"}


def test_to_listen_everywhere_without_a_token_is_refused(cloud: Cloud) -> None:
    environment = {
        **cloud.env,
        "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
        "IMAGEMETA_PUSH_ADDRESS": f":{free_port()}",
        "IMAGEMETA_HEALTH": "",
    }
    command = [sys.executable, "-m", "worker", "push"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "IMAGEMETA_PUSH_AUDIENCE" in done.stderr
