"""What only a folder can do to its objects: links, pipes, rights, and tools that set times back."""

import os
import shutil
from pathlib import Path

import pytest

from worker.backends.local.folder import FolderStore
from worker.errors import Misconfigured, ObjectGone, SourceUnavailable
from worker.model import ObjectRef


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root, "photos")


def live(store: FolderStore, name: str) -> ObjectRef:
    ref = store.live("photos", name)
    assert ref is not None
    return ref


def read(store: FolderStore, ref: ObjectRef) -> bytes:
    with store.open(ref) as reader:
        return reader.read(0, 1 << 20)


def names(store: FolderStore) -> list[str]:
    return [ref.name for ref in store.list("photos")]


def test_a_link_is_not_followed_wherever_it_stands(tmp_path: Path, root: Path, store: FolderStore) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.jpg").write_bytes(b"secret")
    (root / "file.jpg").symlink_to(secret / "key.jpg")
    (root / "folder").symlink_to(secret)
    assert names(store) == []
    for name in ("file.jpg", "folder/key.jpg"):
        assert store.live("photos", name) is None
        generation = (secret / "key.jpg").stat().st_ctime_ns
        with pytest.raises(ObjectGone):
            read(store, ObjectRef("photos", name, generation, size=6))


def test_the_folder_itself_may_be_a_link(tmp_path: Path, root: Path) -> None:
    (root / "a.jpg").write_bytes(b"a")
    (tmp_path / "link").symlink_to(root)
    assert names(FolderStore(tmp_path / "link", "photos")) == ["a.jpg"]


@pytest.mark.timeout(20)
def test_a_pipe_is_no_object_and_holds_nobody_up(root: Path, store: FolderStore) -> None:
    os.mkfifo(root / "pipe.jpg")
    assert names(store) == []
    assert store.live("photos", "pipe.jpg") is None
    with pytest.raises(ObjectGone):
        read(store, ObjectRef("photos", "pipe.jpg", (root / "pipe.jpg").stat().st_ctime_ns))


def test_a_change_that_keeps_size_and_time_is_another_generation(root: Path, store: FolderStore) -> None:
    file = root / "a.jpg"
    file.write_bytes(b"old")
    before, times = live(store, "a.jpg"), file.stat()
    file.write_bytes(b"new")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_mtime_ns == times.st_mtime_ns
    assert live(store, "a.jpg").generation != before.generation
    with pytest.raises(ObjectGone):
        read(store, before)


def test_a_file_moved_into_place_is_another_generation(root: Path, store: FolderStore) -> None:
    (root / "a.jpg").write_bytes(b"old")
    (root / "new.jpg").write_bytes(b"new")
    before = live(store, "a.jpg")
    with store.open(before) as reader:
        assert reader.read(0, 1) == b"o"
        (root / "new.jpg").replace(root / "a.jpg")
        with pytest.raises(ObjectGone):
            reader.read(1, 2)
    assert read(store, live(store, "a.jpg")) == b"new"


def test_changes_in_quick_succession_are_different_generations(root: Path, store: FolderStore) -> None:
    generations = []
    for number in range(20):
        (root / "a.jpg").write_bytes(b"%d" % number)
        generations.append(live(store, "a.jpg").generation)
    assert len(set(generations)) == 20


def test_a_file_that_shrinks_while_it_is_read_is_gone(root: Path, store: FolderStore) -> None:
    file = root / "a.jpg"
    file.write_bytes(b"x" * 10_000)
    with store.open(live(store, "a.jpg")) as reader:
        reader.read(0, 100)
        with file.open("r+b") as handle:
            handle.truncate(50)
        with pytest.raises(ObjectGone):
            reader.read(100, 5000)


def test_hidden_and_temporary_files_are_left_alone(root: Path, store: FolderStore) -> None:
    for name in (".imagemeta/queue.db", ".git/x.jpg", ".DS_Store", "a.jpg~", "b.jpg.part", "c.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    assert names(store) == ["c.jpg"]
    assert store.live("photos", ".git/x.jpg") is None


def test_a_name_that_is_not_utf8_can_be_read_by_its_escaped_name(root: Path, store: FolderStore) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.jpg")).write_bytes(b"latin")
    (root / "caf\u00e9.jpg").write_bytes(b"unicode")
    assert names(store) == ["caf\u00e9.jpg", "caf\ufffdE9.jpg"]
    assert read(store, live(store, "caf\ufffdE9.jpg")) == b"latin"


def test_times_that_do_not_exist_are_left_out(root: Path, store: FolderStore) -> None:
    (root / "a.jpg").write_bytes(b"x")
    os.utime(root / "a.jpg", (0, -1e10))
    ref = live(store, "a.jpg")
    assert ref.updated is not None
    assert ref.created is None or ref.created.year < 1970


def test_types_do_not_depend_on_the_machine(root: Path, store: FolderStore) -> None:
    for name in ("a.JPG", "b.heic", "c.dng", "d.unknown", "e"):
        (root / name).write_bytes(b"x")
    types = {ref.name: ref.content_type for ref in store.list("photos")}
    assert types == {
        "a.JPG": "image/jpeg",
        "b.heic": "image/heic",
        "c.dng": "image/x-adobe-dng",
        "d.unknown": None,
        "e": None,
    }


def test_what_may_not_be_read_is_not_taken_for_absent(root: Path, store: FolderStore) -> None:
    (root / "locked").mkdir()
    (root / "locked" / "a.jpg").write_bytes(b"x")
    (root / "b.jpg").write_bytes(b"x")
    ref = live(store, "b.jpg")
    (root / "locked").chmod(0)
    try:
        if os.access(root / "locked", os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.raises(SourceUnavailable):
            store.live("photos", "locked/a.jpg")
        with pytest.raises(SourceUnavailable):
            names(store)
        assert [ref.name for ref in store.walk(unreadable=lambda _: None)] == ["b.jpg"]
    finally:
        (root / "locked").chmod(0o700)
    assert read(store, ref) == b"x"


def test_a_folder_that_is_gone_is_misconfigured(root: Path, store: FolderStore) -> None:
    (root / "a.jpg").write_bytes(b"x")
    ref = live(store, "a.jpg")
    shutil.rmtree(root)
    with pytest.raises(Misconfigured):
        store.probe()
    with pytest.raises(Misconfigured):
        store.live("photos", "a.jpg")
    with pytest.raises(Misconfigured):
        read(store, ref)
    with pytest.raises(Misconfigured):
        names(store)


def test_reading_leaves_no_file_open(root: Path, store: FolderStore) -> None:
    for number in range(20):
        (root / f"d{number}").mkdir()
        (root / f"d{number}" / "a.jpg").write_bytes(b"x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for ref in list(store.list("photos")):
        read(store, ref)
        store.live("photos", ref.name)
        store.live("photos", "d1/none.jpg")
        with pytest.raises(ObjectGone):
            read(store, ObjectRef("photos", ref.name, 1))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
