"""The emulators as people start them: `python -m deploy.stack`, the compose file, and the tools that talk to them."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from deploy.emulators import EVENTS, Programs, call, firestore_command, pubsub_command, storage_flags
from deploy.stack import Stack
from tests.conftest import Cloud
from tests.fakes import wait_until

ROOT = Path(__file__).parent.parent
PICTURE = b"\xff\xd8\xff\xe0 not much of a picture"


def start_stack(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.stack", "--folder", str(folder)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline().startswith("ready")
    return process


def children(process: "subprocess.Popen[str]") -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.usefixtures("stack")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_however_the_stack_ends_no_emulator_stays_behind(tmp_path: Path, number: signal.Signals) -> None:
    process = start_stack(tmp_path)
    try:
        servers = children(process)
        assert len(servers) == 3
        process.send_signal(number)
        assert process.wait(20) == (-number if number is signal.SIGKILL else 0)
        wait_until(lambda: not any(map(is_running, servers)))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.usefixtures("stack")
def test_its_env_file_can_be_sourced(tmp_path: Path) -> None:
    process = start_stack(tmp_path / "it's here")
    try:
        script = f"set -eu; . {shlex.quote(str(tmp_path))}/it\\'s\\ here/env; echo $STORAGE_EMULATOR_HOST $BOTO_CONFIG"
        printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20).stdout
        assert printed.startswith("http://127.0.0.1:")
        assert "it's here" in printed
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "CLOUDSDK_ROOT_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "deploy.stack", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    for name in ("java", "pubsub-emulator", "cloud-firestore-emulator"):
        assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_stacks_do_not_meet(stack: Stack, tmp_path: Path) -> None:
    other = Stack(tmp_path, stack.programs)
    try:
        assert {other.pubsub, other.firestore}.isdisjoint({stack.pubsub, stack.firestore})
        other.create_topic("project", "images")
        other.create_topic("another", "images")
    finally:
        other.stop()


# --- the tools that people use -----------------------------------------------------------------------------


def notified(cloud: Cloud) -> set[str]:
    """The objects of which the queue speaks now."""
    from worker.backends.gcp.pubsub import PubSubDeadLetters

    found = PubSubDeadLetters(cloud.project, cloud.subscription).pull(10)
    return {delivery.message.attributes["objectId"] for delivery in found}


@pytest.mark.parametrize("tool", [["gcloud", "storage", "cp"], ["gsutil", "-q", "cp"]], ids=["gcloud", "gsutil"])
def test_googles_own_tools_upload_and_the_queue_hears_of_it(cloud: Cloud, tmp_path: Path, tool: list[str]) -> None:
    if shutil.which(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not installed")
    picture = tmp_path / "Dusk & dawn.jpg"
    picture.write_bytes(PICTURE)
    upload = [*tool, str(picture), f"gs://{cloud.bucket}/in/"]
    done = subprocess.run(upload, env=cloud.env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "in/Dusk & dawn.jpg" in notified(cloud)


# --- docker ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def services() -> Any:
    return yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]


def flags(words: list[str]) -> dict[str, str]:
    """`-a b -c=d` as a mapping."""
    joined = " ".join(words).replace("=", " ").split()
    return dict(zip(joined[::2], joined[1::2], strict=True))


def test_compose_gives_the_storage_server_the_flags_of_the_stack(services: Any) -> None:
    ours = storage_flags("0.0.0.0", 4443, 4444, "storage:4443", "demo-imagemeta", "images")  # noqa: S104 -- in its container
    theirs = flags(services["storage"]["command"])
    assert theirs.pop("-external-url") == "http://127.0.0.1:4443"
    expected = flags(ours)
    del expected["-external-url"]
    assert theirs == expected
    assert theirs["-event.list"] == EVENTS


def test_compose_starts_the_emulators_as_the_stack_does(services: Any) -> None:
    programs = Programs("java", Path("pubsub.jar"), Path("firestore.jar"), Path("storage"))
    host = "0.0.0.0"  # noqa: S104 -- in its container
    for name, command in (
        ("pubsub", pubsub_command(programs, Path("/tmp/patch"), host, 8085)),  # noqa: S108 -- in its container
        ("firestore", firestore_command(programs, host, 8086)),
    ):
        script = " ".join(services[name]["command"][-1].split())
        for word in command:
            if ".jar" not in word:
                assert word in script


def test_compose_publishes_on_loopback_only(services: Any) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) >= 5
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_sets_only_settings_that_exist(services: Any) -> None:
    from worker.settings import load

    settings = load(services["worker"]["environment"])
    assert settings.queue == "pubsub://demo-imagemeta/images-worker"


def test_the_setup_of_compose_makes_what_the_stack_makes(stack: Stack, services: Any) -> None:
    script = services["setup"]["command"][-1].replace("http://pubsub:8085", f"http://{stack.pubsub}")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=dict(os.environ))
    stack.create_queue("like-compose", "images")
    for name in ("images-worker", "images-dead"):
        assert subscription(stack, "demo-imagemeta", name) == subscription(stack, "like-compose", name)


def subscription(stack: Stack, project: str, name: str) -> Any:
    status, body = call(stack.pubsub, "GET", f"/v1/projects/{project}/subscriptions/{name}")
    assert status == 200
    return orjson.loads(body.replace(project.encode(), b"PROJECT"))
