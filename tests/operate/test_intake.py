"""The switch of a bucket: what it turned off it turns on again, once, and nothing else is touched."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.program import DEADLINE, started
from tests.cloud.front import STORAGE_AGENT, Front
from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.samples import SAMPLES, write_all
from worker.backends.local.queue import LocalPublisher, queue_stats
from worker.backends.local.watch import Watcher
from worker.bootstrap import folder_url, open_intake
from worker.errors import Misconfigured
from worker.ports import Intake
from worker.settings import load

CONFIG = {
    "event_types": ["OBJECT_FINALIZE", "OBJECT_DELETE"],
    "payload_format": "JSON_API_V1",
    "object_name_prefix": "in/",
    "custom_attributes": {"team": "photos"},
}


# --- a bucket ----------------------------------------------------------------------------------------------


@pytest.fixture
def front(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    front = Front(cloud)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{front.address}")
    binding = {"role": "roles/pubsub.publisher", "members": [f"serviceAccount:{STORAGE_AGENT}"]}
    cloud.stack.create_topic(cloud.project, "others")
    for topic in (cloud.topic, "others"):
        front.state.policies[f"/v1/projects/{cloud.project}/topics/{topic}"] = {"etag": "x", "bindings": [binding]}
    yield front
    front.stop()


@pytest.fixture
def intake(front: Front) -> Iterator[Intake]:
    with closing(open_intake(load({"IMAGEMETA_TOPIC": f"pubsub://{front.cloud.project}/images"}))) as intake:
        yield intake


def configure(front: Front, config: Mapping[str, object], topic: str = "images") -> None:
    name = f"//pubsub.googleapis.com/projects/{front.cloud.project}/topics/{topic}"
    front.call("POST", "/storage/v1/b/photos/notificationConfigs", {"topic": name, **config})


def configured(front: Front) -> list[dict[str, object]]:
    """The bucket's configurations, as they were asked for."""
    known = front.state.configs.get("photos", {}).values()
    return [{name: value for name, value in each.items() if name not in {"id", "etag", "kind"}} for each in known]


def test_what_is_paused_comes_back_as_it_was(front: Front, intake: Intake) -> None:
    configure(front, CONFIG)
    configure(front, {"payload_format": "JSON_API_V1"})
    before = configured(front)
    saved = json.loads(json.dumps(intake.announced("photos")))
    assert intake.pause("photos") == saved
    assert configured(front) == []
    intake.resume("photos", saved)
    assert configured(front) == before


def test_twice_is_as_once(front: Front, intake: Intake) -> None:
    configure(front, CONFIG)
    before = configured(front)
    saved = intake.pause("photos")
    assert saved
    assert intake.pause("photos") == intake.announced("photos") == {}
    for _ in range(3):
        intake.resume("photos", saved)
        assert configured(front) == before


def test_what_died_halfway_is_finished_by_the_next_try(front: Front, intake: Intake) -> None:
    configure(front, CONFIG)
    configure(front, {"payload_format": "NONE"})
    before = configured(front)
    saved = intake.announced("photos")
    del front.state.configs["photos"][min(front.state.configs["photos"])]
    intake.resume("photos", saved)
    assert sorted(configured(front), key=str) == sorted(before, key=str)


def test_what_others_are_told_goes_on(front: Front, intake: Intake) -> None:
    configure(front, {"payload_format": "NONE"}, topic="others")
    others = configured(front)
    configure(front, CONFIG)
    saved = intake.pause("photos")
    assert configured(front) == others
    intake.resume("photos", saved)
    assert len(configured(front)) == 2


def test_a_bucket_that_announces_nothing_stays_so(front: Front, intake: Intake) -> None:
    assert intake.pause("photos") == {}
    intake.resume("photos", {})
    assert configured(front) == []


def test_a_bucket_that_is_not_there_is_named(intake: Intake) -> None:
    with pytest.raises(Misconfigured, match="there is no bucket nowhere"):
        intake.pause("nowhere")


def test_the_topic_has_to_be_known() -> None:
    with pytest.raises(Misconfigured, match="IMAGEMETA_TOPIC"):
        open_intake(load({"IMAGEMETA_QUEUE": "pubsub://p/images-worker"}))


# --- a folder ----------------------------------------------------------------------------------------------


class Folder:
    """A folder, its catalog, and the switch as the settings open it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "photos"
        self.catalog = self.root / ".imagemeta"
        self.catalog.mkdir(parents=True)
        self.queue = self.catalog / "queue.db"
        places = {"IMAGEMETA_QUEUE": f"sqlite://{self.queue}", "IMAGEMETA_OBJECTS": folder_url(self.root)}
        self.intake = open_intake(load(places))
        self.publisher = LocalPublisher(self.queue)

    def start(self, stopped: threading.Event) -> Watcher:
        """A watcher at work until `stopped`."""
        watcher = Watcher(self.root, "photos", self.publisher, self.catalog / "seen.db", quiet=0.1)
        threading.Thread(target=watcher.run, args=(stopped,)).start()
        return watcher

    def announced(self) -> int:
        return queue_stats(self.queue).waiting


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    folder.publisher.close()


@pytest.fixture
def stopped() -> Iterator[threading.Event]:
    stopped = threading.Event()
    yield stopped
    stopped.set()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(20)


def test_a_paused_folder_announces_nothing_and_then_everything(folder: Folder, stopped: threading.Event) -> None:
    (folder.root / "before.jpg").write_bytes(b"1")
    watcher = folder.start(stopped)
    wait_until(lambda: folder.announced() == 1)
    saved = json.loads(json.dumps(folder.intake.pause("photos")))
    wait_until(watcher.paused.is_set)
    (folder.root / "meanwhile.jpg").write_bytes(b"2")
    (folder.root / "before.jpg").unlink()
    (folder.root / "new").mkdir()
    (folder.root / "new" / "deep.jpg").write_bytes(b"3")
    with pytest.raises(AssertionError):
        wait_until(lambda: folder.announced() > 1, seconds=1)  # ten looks
    folder.intake.resume("photos", saved)
    wait_until(lambda: folder.announced() == 4)
    assert not watcher.paused.is_set()


def test_a_watcher_that_starts_while_paused_waits(folder: Folder, stopped: threading.Event) -> None:
    folder.intake.pause("photos")
    (folder.root / "a.jpg").write_bytes(b"1")
    watcher = folder.start(stopped)
    wait_until(watcher.paused.is_set)
    assert not watcher.caught_up.is_set()
    assert folder.announced() == 0
    folder.intake.resume("photos", {})
    wait_until(watcher.caught_up.is_set)
    assert folder.announced() == 1


def test_a_folder_is_paused_once_and_resumed_once(folder: Folder) -> None:
    assert folder.intake.pause("photos") == {"folder": "photos"}
    assert folder.intake.pause("photos") == folder.intake.announced("photos") == {}
    for _ in range(2):
        folder.intake.resume("photos", {"folder": "photos"})
        assert folder.intake.announced("photos") == {"folder": "photos"}


def test_another_folder_s_name_is_an_error(folder: Folder) -> None:
    with pytest.raises(Misconfigured, match="is about photos, not pictures"):
        folder.intake.pause("pictures")


def test_a_catalog_that_is_kept_up_to_date_says_that_it_waits_and_goes_on_by_itself(folder: Folder) -> None:
    folder.intake.pause("photos")
    write_all(folder.root)
    with started("up", folder.root, "--once", "--shards", "1", IMAGEMETA_LOG_LEVEL="warning") as program:
        assert program.stderr
        assert "paused" in program.stderr.readline()
        assert program.poll() is None
        folder.intake.resume("photos", {})
        output, _ = program.communicate(timeout=DEADLINE)
    assert program.returncode == 0
    assert all(sample.name in output for sample in SAMPLES if sample.name.isascii())
