"""What decodes strangers' images: whatever it does to its process, it costs one image."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.batches.images import grainy, saved
from tests.fakes import wait_until
from tests.guarantee.running import ROOT
from worker.batches.policy import Caps, Policy
from worker.batches.press import Job, Press, Pressed, press
from worker.errors import CorruptImage, LimitExceeded, Poison, SourceUnavailable, WorkerError
from worker.model import ObjectRef


def job(data: bytes) -> Job:
    return Job(ObjectRef("batch", "1/1", 1, size=len(data)), data, Policy())


PHOTO = saved(grainy(), "PNG")


def treacherous(job: Job, caps: Caps) -> Pressed:
    """Does what stands in the image; runs in the child."""
    command, _, argument = job.data[:200].decode("latin-1").partition(" ")
    if command == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if command == "die-once":
        path = Path(argument)
        if not path.exists():
            path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return press(Job(job.ref, PHOTO, job.policy), caps)
    if command == "hang":
        time.sleep(60)
    if command == "eat":
        eaten = [bytes(256 * 1024 * 1024) for _ in range(40)]
        raise AssertionError(len(eaten))
    if command == "bug":
        raise ZeroDivisionError("a bug")
    return press(job, caps)


EARLIER: set[int] = set()


@pytest.fixture(autouse=True)
def _earlier() -> None:
    """Other tests' processes may live as long as the session, and are none of this module's business."""
    EARLIER.clear()
    EARLIER.update(spawned())


@contextmanager
def pressing(processes: int = 1, seconds: float = 20.0) -> Iterator[Press]:
    with closing(Press(processes, Caps(seconds=seconds), treacherous)) as made:
        yield made


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"die", Poison, "killed the process that decoded it, twice"),
        (b"hang", LimitExceeded, "did not end within 3 s"),
        (b"eat", LimitExceeded, "more memory"),
        (b"bug", ZeroDivisionError, "a bug"),
        (PHOTO[:3000], CorruptImage, "cannot be decoded"),
    ],
)
def test_a_bad_image_is_named_and_the_next_one_is_fine(data: bytes, error: type[Exception], says: str) -> None:
    with pressing(seconds=3) as made:
        with pytest.raises(error, match=says):
            made(job(data))
        assert made(job(PHOTO)).result.width == 320


def test_a_death_that_was_an_accident_is_got_over(tmp_path: Path) -> None:
    with pressing() as made:
        assert made(job(f"die-once {tmp_path}/died ".encode())).result.width == 320


def test_processes_are_used_again_and_no_more_than_there_may_be() -> None:
    with pressing(2) as made:
        threads = [threading.Thread(target=made, args=(job(PHOTO),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(children()) == 2
    wait_until(lambda: not children())


def test_closing_waits_for_nobody() -> None:
    with pressing(2) as made, ThreadPoolExecutor(1) as pool:
        made(job(PHOTO))
        answer = pool.submit(made, job(b"hang"))
        wait_until(lambda: len(children()) == 2)
        started = time.monotonic()
        made.close()
        with pytest.raises(SourceUnavailable, match="is stopping"):
            answer.result(20)
        assert time.monotonic() - started < 10
    wait_until(lambda: not children())


def test_it_ends_with_its_parent() -> None:
    code = (
        "from tests.batches.test_press import *\n"
        "import threading\n"
        "if __name__ == '__main__':\n"
        "    made = Press(1, Caps(), treacherous)\n"
        "    made(job(PHOTO))\n"
        "    threading.Thread(target=made, args=(job(b'hang'),)).start()\n"
        "    print(*children(), flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not Path(f"/proc/{child}").exists())


def test_without_its_libraries_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['PIL'] = None; from worker.batches.press import *; check_installed()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "pip install 'imagemeta[batches]'" in done.stderr


def test_errors_arrive_as_they_were_raised() -> None:
    with pressing() as made, pytest.raises(WorkerError) as raised:
        made(job(b"no image"))
    assert raised.value.code == "unsupported_format"


def children() -> set[int]:
    """The processes for decoding that live: what this test's process has spawned and no earlier test had."""
    return spawned() - EARLIER


def spawned() -> set[int]:
    """The living processes that this one has spawned."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
            command = (entry.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z" and b"spawn_main" in command:
            found.add(int(entry.parent.name))
    return found
