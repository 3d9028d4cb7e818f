"""What bad files and bad moments do to their neighbours: nothing."""

import signal
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cloud
from tests.extract.build import box, full_box, heif
from tests.fakes import wait_until
from tests.faults import FaultyFirestore
from tests.guarantee.running import RunningWorker, free_port, status_of
from tests.guarantee.test_uploads import assert_all_acknowledged, count, pictures
from worker.document import key_for

GOOD = 100
SECONDS = 15.0


def poison() -> bytes:
    """A JPEG of 122 bytes whose maker note claims 1,006,641,184 entries: stock exifread never comes back from it."""
    maker_note = struct.pack("<HHII", 0x927C, 7, 1_006_641_184, 26)
    ifd0 = struct.pack("<HHHII", 2, 0x010F, 2, 4, int.from_bytes(b"Can\0", "little"))
    ifd0 += struct.pack("<HHIII", 0x8769, 4, 1, 38, 0)
    tiff = b"II*\0\x08\0\0\0" + ifd0 + struct.pack("<H", 1) + maker_note + bytes(4)
    payload = b"Exif\0\0" + tiff
    whole = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    return (whole + b"\xff\xda" + bytes(120))[:120] + b"\xff\xd9"


def broken_heics() -> list[bytes]:
    """One that ends within its directory of items, and one whose items claim to be everywhere."""
    everywhere = full_box(b"iloc", b"\x44\x40\xff\xff" + b"\xff" * 4000, version=1)
    meta = full_box(b"meta", everywhere)
    return [heif()[:90], box(b"ftyp", b"heic\0\0\0\0heicmif1") + meta]


@pytest.mark.timeout(120)
def test_a_poison_jpeg_and_two_broken_heics_among_a_hundred_good_images(cloud: Cloud, tmp_path: Path) -> None:
    assert len(poison()) == 122
    bad = {"poison.jpg": poison(), "broken 1.heic": broken_heics()[0], "broken 2.heic": broken_heics()[1]}
    with RunningWorker(cloud, tmp_path / "log") as worker:
        wait_until(lambda: '"pulling"' in worker.logged(), 30)
        started = time.monotonic()
        for number, (name, data, _) in enumerate(pictures(GOOD)):
            cloud.upload(name, data)
            if number in (20, 50, 80):
                name, data = bad.popitem()
                cloud.upload(name, data)
        wait_until(lambda: count(cloud) == GOOD + 3, SECONDS)
        assert time.monotonic() - started < SECONDS
        assert worker.process.poll() is None
        assert "shard_died" not in worker.logged()
        assert "shard_hung" not in worker.logged()
    documents = cloud.documents()
    states = {name: documents[key_for(cloud.bucket, name)] for name in ("poison.jpg", "broken 1.heic", "broken 2.heic")}
    assert states["poison.jpg"]["status"] == "partial"
    for fields in states.values():
        assert fields["status"] in {"partial", "failed"}
        errors: Any = fields["errors"]
        assert errors, "a bad file's document says what is wrong"
        assert errors[0]["message"]
    assert sum(fields["status"] == "ok" for fields in documents.values()) == GOOD


@pytest.mark.timeout(120)
def test_a_stop_under_load_loses_nothing_and_takes_at_most_eight_seconds(cloud: Cloud, tmp_path: Path) -> None:
    for name, data, _ in pictures(300):
        cloud.upload(name, data)
    with RunningWorker(cloud, tmp_path / "log") as worker:
        wait_until(lambda: count(cloud) >= 50, 60)
        started = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - started < 8
        worker.restart()
        wait_until(lambda: count(cloud) == 300, 60)
        wait_until(lambda: worker.logged().count('"acked"') >= 300, 30)
        assert worker.stop() == 0
    assert_all_acknowledged(cloud)


@pytest.mark.timeout(180)
def test_while_the_store_is_down_nothing_is_acknowledged_and_nothing_worn_out(cloud: Cloud, tmp_path: Path) -> None:
    with FaultyFirestore(cloud.stack.firestore, share=0.0) as store:
        port = free_port()
        environment = {
            "FIRESTORE_EMULATOR_HOST": store.address,
            "IMAGEMETA_THREADS": "8",
            "IMAGEMETA_HEALTH": f"127.0.0.1:{port}",
        }
        with RunningWorker(cloud, tmp_path / "log", **environment) as worker:
            wait_until(lambda: status_of(port, "/readyz") == 200, 30)
            store.down = True
            for name, data, _ in pictures(60):
                cloud.upload(name, data)
            wait_until(lambda: "breaker_opened" in worker.logged(), 60)
            assert '"acked"' not in worker.logged()
            wait_until(lambda: status_of(port, "/readyz") == 503)
            assert status_of(port, "/healthz") == 200, "an outage is no reason to replace the machine"
            store.down = False
            wait_until(lambda: count(cloud) == 60, 90)
            wait_until(lambda: worker.logged().count('"acked"') >= 60, 30)
            assert "breaker_closed" in worker.logged()
            wait_until(lambda: status_of(port, "/readyz") == 200)
            assert worker.stop() == 0
    assert_all_acknowledged(cloud)


@pytest.mark.timeout(120)
def test_a_second_signal_ends_at_once(cloud: Cloud, tmp_path: Path) -> None:
    with RunningWorker(cloud, tmp_path / "log", IMAGEMETA_GRACE_SECONDS="60") as worker:
        wait_until(lambda: '"pulling"' in worker.logged(), 30)
        worker.process.send_signal(signal.SIGINT)
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.wait(10) in (0, 1)


@pytest.mark.timeout(60)
def test_a_subscription_that_does_not_exist_is_one_clear_line_and_exit_code_78(cloud: Cloud, tmp_path: Path) -> None:
    queue = f"pubsub://{cloud.project}/nobody"
    with RunningWorker(cloud, tmp_path / "log", IMAGEMETA_QUEUE=queue) as worker:
        assert worker.process.wait(30) == 78
        assert "nobody" in worker.logged()
        assert "Traceback" not in worker.logged()
