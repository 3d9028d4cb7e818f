"""`imagemeta doctor --folder`: a folder and its catalog, each of their parts broken in turn and mended by a shell."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.program import imagemeta, started
from tests.fakes import wait_until
from tests.samples import SAMPLES, write_all
from worker.examination import examine_folder, examine_settings
from worker.inspection import FileFacts
from worker.operate.doctor import of_folder
from worker.operate.findings import Finding, State
from worker.settings import load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The samples, with their catalog."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    write_all(folder)
    assert imagemeta("up", folder, "--once", "--shards", "1", IMAGEMETA_LOG_LEVEL="error").returncode == 0
    return folder


def findings(folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine_folder(folder, folder / ".imagemeta")}


def bad(folder: Path) -> dict[str, Finding]:
    return {name: each for name, each in findings(folder).items() if each.state not in {State.OK, State.UNKNOWN}}


def run(command: str) -> None:
    program = f'imagemeta() {{ {sys.executable} -m worker "$@"; }}'
    done = subprocess.run(["bash", "-c", f"{program}; {command}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_catalog_in_order_is_well(folder: Path) -> None:
    assert bad(folder) == {}
    assert {"catalog.db", "queue.db", "seen.db", "lock", "space", "watches", "clock"} <= set(findings(folder))
    done = imagemeta("doctor", "--folder", folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_settings_of_a_worker_in_local_mode_name_the_same(folder: Path) -> None:
    places = {
        "IMAGEMETA_QUEUE": f"sqlite://{folder}/.imagemeta/queue.db".replace(" ", "%20"),
        "IMAGEMETA_DOCUMENTS": f"sqlite://{folder}/.imagemeta/catalog.db".replace(" ", "%20"),
        "IMAGEMETA_OBJECTS": f"file://photos{folder}".replace(" ", "%20"),
    }
    assert [each.name for each in examine_settings(load(places), [])] == list(findings(folder))


@pytest.mark.parametrize("name", ["catalog.db", "queue.db", "seen.db"])
def test_a_damaged_file_is_set_aside_and_everything_is_found_again(folder: Path, name: str) -> None:
    path = folder / ".imagemeta" / name
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    finding = bad(folder)[name]
    assert finding.state is State.RED
    assert imagemeta("doctor", "--folder", folder).returncode == 1
    run(finding.command)
    assert bad(folder) == {}
    again = imagemeta("up", folder, "--once", "--shards", "1", IMAGEMETA_LOG_LEVEL="error")
    assert all(sample.name in again.stdout for sample in SAMPLES if sample.name.isascii())
    assert bad(folder) == {}


def test_a_file_of_a_later_version_asks_for_a_later_program(folder: Path) -> None:
    with closing(sqlite3.connect(folder / ".imagemeta" / "catalog.db")) as db:
        db.execute("PRAGMA user_version = 99")
    assert bad(folder)["catalog.db"].command == "pip install --upgrade imagemeta"


def test_a_file_of_another_kind_is_set_aside(folder: Path) -> None:
    (folder / ".imagemeta" / "queue.db").write_bytes((folder / ".imagemeta" / "catalog.db").read_bytes())
    finding = bad(folder)["queue.db"]
    assert "no file of ours" in finding.meaning
    run(finding.command)
    assert bad(folder) == {}


def test_a_pause_that_was_forgotten_is_told(folder: Path) -> None:
    (folder / ".imagemeta" / "paused").touch()
    finding = bad(folder)["pause"]
    assert finding.state is State.WARN
    run(finding.command)
    assert bad(folder) == {}


def test_who_is_at_work_is_told_and_not_disturbed(folder: Path) -> None:
    assert "nobody" in findings(folder)["lock"].meaning
    with started("up", folder, "--shards", "1", IMAGEMETA_LOG_LEVEL="warning") as program:
        wait_until(lambda: "an imagemeta is at work" in findings(folder)["lock"].meaning)
        assert bad(folder) == {}
        assert program.poll() is None


def test_a_folder_that_is_not_there_is_red(tmp_path: Path) -> None:
    assert bad(tmp_path / "nothing")["folder"].state is State.RED


# --- what a test cannot bring about on a machine that others use --------------------------------------------


@dataclass
class Described:
    """A folder as it is described: a FolderInspection."""

    folder: Path = Path("/photos")
    catalog: Path = Path("/photos/.imagemeta")
    free: int = 10**12
    limit: int = 10_000
    unreadable: int = 0
    youngest: float = 0.0
    closed: Sequence[Path] = field(default_factory=list)

    def readable(self) -> bool:
        return True

    def unreadable_files(self) -> int:
        return self.unreadable

    def folders(self) -> int:
        return 1000

    def newest(self) -> float | None:
        return self.youngest

    def unwritable(self) -> Sequence[Path]:
        return self.closed

    def files(self) -> Mapping[str, FileFacts]:
        return {}

    def free_bytes(self) -> int:
        return self.free

    def watch_limit(self) -> int:
        return self.limit

    def paused(self) -> bool:
        return False

    def at_work(self) -> bool:
        return False

    def now(self) -> float:
        return 1000.0


@pytest.mark.parametrize(
    ("described", "name", "state", "command"),
    [
        (Described(free=10**7), "space", State.RED, "imagemeta up /photos --catalog ~/imagemeta-catalog"),
        (Described(free=5 * 10**8), "space", State.WARN, "imagemeta up /photos --catalog ~/imagemeta-catalog"),
        (Described(limit=1000), "watches", State.WARN, "sudo sysctl fs.inotify.max_user_watches=4096"),
        (Described(unreadable=2), "pictures", State.WARN, "chmod -R u+rX /photos"),
        (Described(youngest=2000.0), "clock", State.WARN, "sudo timedatectl set-ntp true"),
        (
            Described(closed=[Path("/photos/.imagemeta/lock")]),
            "catalog",
            State.RED,
            "chmod u+rwX /photos/.imagemeta/lock",
        ),
    ],
    ids=lambda value: "" if isinstance(value, Described) else str(value)[:12],
)
def test_a_machine_at_its_limits_is_told(described: Described, name: str, state: State, command: str) -> None:
    found = {finding.name: finding for finding in of_folder(described) if finding.state is not State.OK}
    assert list(found) == [name]
    assert (found[name].state, found[name].command) == (state, command)
