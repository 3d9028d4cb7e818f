"""The cloud worker as a user runs it: `imagemeta work` in a session of its own, to be stopped or killed."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import Cloud

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def status_of(port: int, path: str) -> int:
    """What a GET there answers; 0 where nobody does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


class RunningWorker:
    """A context manager. `kill` takes the supervisor and all its shards at once, as a lost machine would."""

    def __init__(self, cloud: Cloud, log: Path, **settings: str) -> None:
        self._environment = {
            **cloud.env,
            "IMAGEMETA_QUEUE": f"pubsub://{cloud.project}/{cloud.subscription}",
            "IMAGEMETA_OBJECTS": f"gs://{cloud.bucket}",
            "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/{cloud.database}/{cloud.collection}",
            "IMAGEMETA_HEALTH": "",
            "IMAGEMETA_SHARDS": "1",
            "IMAGEMETA_LEASE_SECONDS": "10",
            "IMAGEMETA_LOG_FORMAT": "json",
            **settings,
        }
        self._log = log
        self.process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def restart(self) -> None:
        """Another worker takes its place."""
        self.process = self._start()

    def kill(self) -> None:
        """SIGKILL to the whole group: nobody gets to say goodbye."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def stop(self) -> int:
        """SIGTERM to the supervisor, as a container's stop; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def logged(self) -> str:
        """All its log lines."""
        return self._log.read_text() if self._log.exists() else ""

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "worker", "work"]
            return subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=log, start_new_session=True)
