"""The watcher: what is announced is what happened to the folder, whether it was watched meanwhile or not."""

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes import wait_until
from worker.backends.local.folder import FolderStore
from worker.backends.local.seen import Seen
from worker.backends.local.watch import Watcher
from worker.decode import decode
from worker.errors import Misconfigured, StoreUnavailable, WorkerError
from worker.model import Event, Message, Notification

SEEN = "seen.db"
Told = tuple[str, str]


@dataclass
class Announced:
    """A publisher that keeps what it is given, in order; `fault` may raise before."""

    messages: list[Message] = field(default_factory=list)
    fault: Callable[[], None] = lambda: None

    def publish(self, messages: Iterable[Message]) -> int:
        self.fault()
        batch = list(messages)
        self.messages += batch
        return len(batch)

    def close(self) -> None:
        pass

    @property
    def notifications(self) -> list[Notification]:
        decoded = [decode(message) for message in self.messages]
        assert None not in decoded
        return [notification for notification in decoded if notification]

    @property
    def told(self) -> list[Told]:
        """(what happened, to what) in order."""
        return [(each.event.removeprefix("OBJECT_"), each.ref.name) for each in self.notifications]

    def of(self, name: str) -> list[str]:
        return [what for what, whom in self.told if whom == name]


@dataclass
class Folder:
    """A folder and its watcher, which may be started and stopped any number of times."""

    root: Path
    seen: Path
    announced: Announced = field(default_factory=Announced)
    polling: bool = False
    rescan: float = 600.0
    failure: list[WorkerError] = field(default_factory=list)

    @contextmanager
    def watched(self) -> Iterator[Watcher]:
        """Within: the watcher has caught up, and follows."""
        watcher = Watcher(
            self.root, "photos", self.announced, self.seen, quiet=0.1, rescan=self.rescan, polling=self.polling
        )
        stopped = threading.Event()
        thread = threading.Thread(target=self._run, args=(watcher, stopped), daemon=True)
        thread.start()
        try:
            wait_until(lambda: watcher.caught_up.is_set() or self.failure)
            yield watcher
        finally:
            stopped.set()
            thread.join(20)
            assert not thread.is_alive()

    def catch_up(self) -> None:
        """Look once at what happened while nobody watched."""
        with self.watched():
            pass

    def write(self, name: str, data: bytes = b"x") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def settled(self) -> bool:
        """Whether for every file its present state is the last thing that was told, and for all others that they
        are gone."""
        there = {ref.name: ref.generation for ref in FolderStore(self.root, "photos").list("photos")}
        last = {each.ref.name: each for each in self.announced.notifications}
        told = {name: each.ref.generation for name, each in last.items() if each.event is Event.FINALIZE}
        return there == told

    def _run(self, watcher: Watcher, stopped: threading.Event) -> None:
        try:
            watcher.run(stopped)
        except WorkerError as error:
            self.failure.append(error)


@pytest.fixture(params=["events", "polling"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    root = tmp_path / "photos"
    root.mkdir()
    if request.param == "polling":
        return Folder(root, tmp_path / SEEN, polling=True, rescan=0.2)
    return Folder(root, tmp_path / SEEN)


def test_what_was_there_before_the_first_start_is_announced(folder: Folder) -> None:
    for name in ("b.jpg", "a/c.jpg", "a/b/d.txt", ".hidden/x.jpg", "e.jpg.part"):
        folder.write(name)
    folder.catch_up()
    assert folder.announced.told == [("FINALIZE", "a/b/d.txt"), ("FINALIZE", "a/c.jpg"), ("FINALIZE", "b.jpg")]


def test_a_message_is_as_cloud_storage_sends_it(folder: Folder) -> None:
    folder.write("a/dusk.jpg", b"12345")
    folder.catch_up()
    (message,) = folder.announced.messages
    attributes = message.attributes
    generation = (folder.root / "a/dusk.jpg").stat().st_ctime_ns
    assert attributes["eventType"] == "OBJECT_FINALIZE"
    assert attributes["bucketId"] == "photos"
    assert attributes["objectId"] == "a/dusk.jpg"
    assert attributes["objectGeneration"] == str(generation)
    assert attributes["payloadFormat"] == "JSON_API_V1"
    assert "overwroteGeneration" not in attributes
    (notification,) = folder.announced.notifications
    ref = notification.ref
    assert (ref.generation, ref.size, ref.content_type, ref.metageneration) == (generation, 5, "image/jpeg", 1)
    assert notification.time == ref.updated
    assert ref.created is not None


def test_nothing_is_announced_twice(folder: Folder) -> None:
    folder.write("a.jpg")
    for _ in range(3):
        folder.catch_up()
    assert folder.announced.told == [("FINALIZE", "a.jpg")]


def test_what_happened_while_nobody_watched_is_announced_at_the_next_start(folder: Folder) -> None:
    for name in ("kept.jpg", "changed.jpg", "deleted.jpg", "moved/a.jpg", "swapped"):
        folder.write(name)
    folder.catch_up()
    before = {each.ref.name: each.ref.generation for each in folder.announced.notifications}
    folder.write("changed.jpg", b"new")
    (folder.root / "deleted.jpg").unlink()
    (folder.root / "moved").rename(folder.root / "elsewhere")
    (folder.root / "swapped").unlink()
    folder.write("swapped/inside.jpg")
    folder.write("new.jpg")
    folder.catch_up()
    assert sorted(folder.announced.told[len(before) :]) == [
        ("DELETE", "deleted.jpg"),
        ("DELETE", "moved/a.jpg"),
        ("DELETE", "swapped"),
        ("FINALIZE", "changed.jpg"),
        ("FINALIZE", "elsewhere/a.jpg"),
        ("FINALIZE", "new.jpg"),
        ("FINALIZE", "swapped/inside.jpg"),
    ]
    for each in folder.announced.notifications:
        if each.event is Event.DELETE:
            assert each.ref.generation == before[each.ref.name]
    assert folder.settled()


def test_more_than_a_page_is_caught_up_with(folder: Folder) -> None:
    for number in range(1300):
        folder.write(f"d{number % 7}/{number}.jpg")
    folder.catch_up()
    assert len(folder.announced.told) == 1300
    shutil.rmtree(folder.root / "d3")
    for number in range(0, 1300, 7):
        folder.write(f"d0/{number}.jpg", b"again")
    folder.catch_up()
    assert folder.settled()
    assert sum(what == "DELETE" for what, _ in folder.announced.told) == len(range(3, 1300, 7))


def test_what_appears_changes_and_vanishes_is_followed(folder: Folder) -> None:
    with folder.watched():
        folder.write("a.jpg", b"one")
        wait_until(lambda: folder.announced.of("a.jpg") == ["FINALIZE"])
        first = folder.announced.notifications[-1].ref.generation
        folder.write("a.jpg", b"two and more")
        wait_until(lambda: folder.announced.of("a.jpg") == ["FINALIZE"] * 2)
        assert folder.announced.messages[-1].attributes["overwroteGeneration"] == str(first)
        (folder.root / "a.jpg").unlink()
        wait_until(lambda: folder.announced.of("a.jpg") == ["FINALIZE", "FINALIZE", "DELETE"])
    folder.catch_up()
    assert len(folder.announced.messages) == 3


def test_a_file_replaced_by_a_move_is_finalized_and_not_deleted(folder: Folder) -> None:
    folder.write("a.jpg", b"old")
    with folder.watched():
        folder.write("new.jpg.part", b"new")
        (folder.root / "new.jpg.part").rename(folder.root / "a.jpg")
        wait_until(lambda: len(folder.announced.of("a.jpg")) == 2)
    assert folder.announced.of("a.jpg") == ["FINALIZE", "FINALIZE"]
    assert folder.settled()


def test_a_file_that_is_renamed_is_deleted_here_and_finalized_there(folder: Folder) -> None:
    folder.write("a.jpg")
    with folder.watched():
        (folder.root / "a.jpg").rename(folder.root / "b.jpg")
        wait_until(folder.settled)
    assert sorted(folder.announced.told) == [("DELETE", "a.jpg"), ("FINALIZE", "a.jpg"), ("FINALIZE", "b.jpg")]


def test_folders_moved_in_around_and_out_are_followed(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for number in range(5):
        (outside / "deep").mkdir(parents=True, exist_ok=True)
        (outside / "deep" / f"{number}.jpg").write_bytes(b"x")
    with folder.watched():
        outside.rename(folder.root / "inside")
        wait_until(lambda: len(folder.announced.told) == 5)
        assert folder.settled()
        (folder.root / "inside").rename(folder.root / "around")
        wait_until(lambda: len(folder.announced.told) == 15)
        assert folder.settled()
        (folder.root / "around").rename(outside)
        wait_until(lambda: len(folder.announced.told) == 20)
        assert folder.settled()


def test_a_file_that_is_being_written_ends_as_it_ended(folder: Folder) -> None:
    path = folder.root / "slow.jpg"
    with folder.watched(), path.open("wb", buffering=0) as file:
        for _ in range(6):
            file.write(b"x" * 1000)
            threading.Event().wait(0.04)  # the pace of a slow upload: shorter than the time that counts as quiet
        wait_until(lambda: folder.announced.of("slow.jpg"))
        file.write(b"the end, after a pause that was too long")
        wait_until(folder.settled)
    last = folder.announced.notifications[-1].ref
    assert last.size == path.stat().st_size
    assert last.generation == path.stat().st_ctime_ns


def test_a_name_that_is_not_utf8_does_not_end_the_watch(folder: Folder) -> None:
    with folder.watched():
        Path(os.fsdecode(os.fsencode(folder.root) + b"/caf\xe9.jpg")).write_bytes(b"x")
        folder.write("other.jpg")
        wait_until(lambda: folder.announced.of("other.jpg") and folder.announced.of("caf\ufffdE9.jpg"))
        folder.write("later.jpg")
        wait_until(lambda: folder.announced.of("later.jpg"))
    assert folder.settled()


def test_hidden_files_and_links_are_not_announced(folder: Folder) -> None:
    with folder.watched():
        folder.write(".imagemeta/queue.db")
        folder.write("upload.jpg.part")
        (folder.root / "link.jpg").symlink_to("/etc/hostname")
        (folder.root / "loop").symlink_to(folder.root)
        folder.write("last.jpg")
        wait_until(lambda: folder.announced.of("last.jpg"))
    assert folder.announced.told == [("FINALIZE", "last.jpg")]


def test_what_cannot_be_published_now_is_published_later(folder: Folder) -> None:
    down = threading.Event()
    down.set()
    tried = threading.Event()

    def fault() -> None:
        if down.is_set():
            tried.set()
            raise StoreUnavailable("the queue is down")

    folder.announced.fault = fault
    folder.write("a.jpg")
    watcher = Watcher(
        folder.root, "photos", folder.announced, folder.seen, quiet=0.1, rescan=folder.rescan, polling=folder.polling
    )
    stopped = threading.Event()
    thread = threading.Thread(target=watcher.run, args=(stopped,), daemon=True)
    thread.start()
    assert tried.wait(20)
    folder.write("b.jpg")
    assert folder.announced.told == []
    down.clear()
    wait_until(lambda: folder.announced.told and folder.settled())
    stopped.set()
    thread.join(20)
    assert sorted(folder.announced.told) == [("FINALIZE", "a.jpg"), ("FINALIZE", "b.jpg")]


def test_what_the_kernel_did_not_tell_is_found_by_looking_again(folder: Folder) -> None:
    folder.write("a.jpg")
    folder.rescan = 0.3
    with folder.watched(), closing(Seen(folder.seen)) as seen:
        seen.record({"ghost.jpg": 7})  # as if its deletion had fallen out of the kernel's queue
        wait_until(lambda: ("DELETE", "ghost.jpg") in folder.announced.told)


def test_an_unmounted_disk_is_not_taken_for_deleted_files(folder: Folder) -> None:
    folder.write("a.jpg")
    folder.catch_up()
    folder.root.rename(folder.root.with_name("disk"))
    folder.root.mkdir()
    with folder.watched():
        wait_until(lambda: folder.failure)
    assert isinstance(folder.failure.pop(), Misconfigured)
    assert folder.announced.told == [("FINALIZE", "a.jpg")]
    folder.root.rmdir()
    folder.root.with_name("disk").rename(folder.root)
    folder.catch_up()
    assert folder.announced.told == [("FINALIZE", "a.jpg")]


def test_a_folder_that_was_emptied_is_taken_at_its_word(folder: Folder) -> None:
    folder.write("a.jpg")
    folder.catch_up()
    (folder.root / "a.jpg").unlink()
    folder.catch_up()
    assert folder.announced.told == [("FINALIZE", "a.jpg"), ("DELETE", "a.jpg")]


def test_a_folder_that_does_not_exist_is_misconfigured(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path / "nowhere", "photos", Announced(), tmp_path / SEEN)
    with pytest.raises(Misconfigured):
        watcher.run(threading.Event())


def test_a_thousand_files_at_once_are_all_announced(folder: Folder) -> None:
    with folder.watched():
        for number in range(1000):
            folder.write(f"burst/{number % 10}/{number}.jpg")
        wait_until(lambda: len({name for _, name in folder.announced.told}) == 1000, 60)
        wait_until(folder.settled)
