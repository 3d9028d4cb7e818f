"""ObjectStore: pinned reads, exact lengths, live generations, ordered lists, names of every kind."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.conformance.rigs import ObjectRig
from worker.errors import Misconfigured, ObjectGone
from worker.model import ObjectRef

DATA = bytes(range(256)) * 40

ODD_NAMES = [
    "..",
    "../outside.jpg",
    "a/../../outside.jpg",
    "a/./b.jpg",
    "/absolute.jpg",
    "a//b.jpg",
    "folder/",
    "new\nline.jpg",
    "tab\tand\x01control.jpg",
    "quote\"'`$(touch x);&|.jpg",
    "%2F..%2f%00.jpg",
    "a%20b.jpg",
    "a+b?c=d#e.jpg",
    "back\\slash.jpg",
    "-rf",
    "*",
    " leading and trailing ",
    "\u202egpj.exe",
    "مرحبا/שלום.jpg",
    "🏔️/👩‍👩‍👧.jpg",
    "caf\u00e9.jpg",
    "cafe\u0301.jpg",
    "\ufffd.jpg",
    "\ufffdE9.jpg",
    "con.jpg",
    "d/" * 20 + "deep.jpg",
    ("n" * 200 + "/") * 5 + "n" * 19,
    "ü" * 127,
]


def read(objects: ObjectRig, ref: ObjectRef, offset: int = 0, length: int = 1 << 20) -> bytes:
    with objects.store.open(ref) as reader:
        return reader.read(offset, length)


def names(objects: ObjectRig, prefix: str = "", start_after: str = "") -> list[str]:
    return [ref.name for ref in objects.store.list(objects.bucket, prefix, start_after)]


def test_the_live_generation_is_known(objects: ObjectRig) -> None:
    put = objects.put("2024/dusk.jpg", DATA)
    assert objects.store.live(objects.bucket, "2024/dusk.jpg") == put
    assert (put.bucket, put.name, put.size) == (objects.bucket, "2024/dusk.jpg", len(DATA))
    assert put.generation > 0


def test_what_is_not_there_has_no_live_generation(objects: ObjectRig) -> None:
    objects.put("a/b.jpg", DATA)
    for absent in ("b.jpg", "a", "a/", "a/b.jpg/c", "A/B.JPG"):
        assert objects.store.live(objects.bucket, absent) is None


def test_a_read_is_exact(objects: ObjectRig) -> None:
    ref = objects.put("a.jpg", DATA)
    end = len(DATA)
    with objects.store.open(ref) as reader:
        assert reader.ref == ref
        for offset, length in [(0, 1), (0, end), (1, 255), (end - 1, 1), (end - 10, 100), (0, 10 * end), (5000, 3)]:
            assert reader.read(offset, length) == DATA[offset : offset + length]


def test_nothing_is_read_beyond_the_end(objects: ObjectRig) -> None:
    ref = objects.put("a.jpg", DATA)
    with objects.store.open(ref) as reader:
        assert reader.read(len(DATA), 10) == b""
        assert reader.read(len(DATA) + 1000, 10) == b""


def test_an_empty_object_can_be_read(objects: ObjectRig) -> None:
    ref = objects.put("empty.jpg", b"")
    assert ref.size == 0
    assert read(objects, ref) == b""


def test_the_size_need_not_be_known_before(objects: ObjectRig) -> None:
    ref = objects.put("a.jpg", DATA)
    with objects.store.open(replace(ref, size=None)) as reader:
        assert reader.ref.size == len(DATA)
        assert reader.read(0, 10) == DATA[:10]


def test_an_overwritten_object_is_another_generation(objects: ObjectRig) -> None:
    old = objects.put("a.jpg", b"old" * 100)
    new = objects.put("a.jpg", b"new" * 100)
    assert new.generation != old.generation
    assert objects.store.live(objects.bucket, "a.jpg") == new
    assert read(objects, new) == b"new" * 100
    with pytest.raises(ObjectGone):
        read(objects, old)


def test_two_generations_are_never_mixed(objects: ObjectRig) -> None:
    ref = objects.put("a.jpg", b"old" * 100)
    with objects.store.open(ref) as reader:
        assert reader.read(0, 3) == b"old"
        objects.put("a.jpg", b"new" * 100)
        with pytest.raises(ObjectGone):
            reader.read(3, 3)


def test_a_deleted_object_is_gone(objects: ObjectRig) -> None:
    ref = objects.put("a.jpg", DATA)
    with objects.store.open(ref) as reader:
        assert reader.read(0, 3) == DATA[:3]
        objects.delete("a.jpg")
        with pytest.raises(ObjectGone):
            reader.read(3, 3)
    assert objects.store.live(objects.bucket, "a.jpg") is None
    with pytest.raises(ObjectGone):
        read(objects, ref)
    with pytest.raises(ObjectGone):
        read(objects, replace(ref, size=None))
    assert names(objects) == []


def test_an_invented_generation_is_gone(objects: ObjectRig) -> None:
    ref = objects.put("a.jpg", DATA)
    with pytest.raises(ObjectGone):
        read(objects, replace(ref, generation=ref.generation + 1))


def test_a_list_is_in_the_order_of_bytes(objects: ObjectRig) -> None:
    given = ["b", "a/b/c", "a-b", "a.b", "a/b0", "a0", "B", "a/é", "a/z", "写/真", "🏔", "\uff5e", "a/b.c", "ab/c"]
    for name in given:
        objects.put(name, b"x")
    ordered = sorted(given, key=str.encode)
    assert names(objects) == ordered
    for number, name in enumerate(ordered):
        assert names(objects, start_after=name) == ordered[number + 1 :]
    for start in ("a", "a/", "a/b", "a/b/", "a/b/d", "zz", "~", "\U0010ffff"):
        assert names(objects, start_after=start) == [name for name in ordered if name.encode() > start.encode()]


def test_a_list_can_be_of_one_prefix(objects: ObjectRig) -> None:
    given = ["a-b", "a/b", "a/bc/d", "a/bc/e", "a/c", "ab", "b/a"]
    for name in given:
        objects.put(name, b"x")
    for prefix in ("", "a", "a/", "a/b", "a/bc/", "a/bc/e", "c", "a/b/c", "/", "b/a/"):
        assert names(objects, prefix) == [name for name in given if name.startswith(prefix)]
    assert names(objects, "a/", start_after="a/bc/d") == ["a/bc/e", "a/c"]
    assert names(objects, "b/", start_after="a/c") == ["b/a"]


def test_a_list_tells_the_live_generation(objects: ObjectRig) -> None:
    objects.put("a.jpg", b"old")
    new = objects.put("a.jpg", b"newer")
    (listed,) = objects.store.list(objects.bucket)
    assert (listed.generation, listed.size, listed.bucket) == (new.generation, 5, objects.bucket)


def test_a_list_goes_on_over_many(objects: ObjectRig) -> None:
    given = [f"d{number // 25}/{number:04}.jpg" for number in range(120)]
    for name in given:
        objects.put(name, b"x")
    assert names(objects) == given


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_any_name_is_exact_or_harmless(objects: ObjectRig, name: str) -> None:
    if not objects.holds(name):
        assert objects.store.live(objects.bucket, name) is None
        with pytest.raises(ObjectGone):
            read(objects, ObjectRef(objects.bucket, name, 1))
        assert names(objects, start_after=name, prefix=name) == []
        return
    ref = objects.put(name, b"odd")
    assert ref.name == name
    assert objects.store.live(objects.bucket, name) == ref
    assert read(objects, ref) == b"odd"
    assert names(objects) == [name]


def test_names_that_look_alike_are_different_objects(objects: ObjectRig) -> None:
    for name in ("caf\u00e9.jpg", "cafe\u0301.jpg", "CAFE\u0301.jpg", "a%2Fb", "a/b"):
        objects.put(name, name.encode())
    for ref in objects.store.list(objects.bucket):
        assert read(objects, ref) == ref.name.encode()
    assert len(names(objects)) == 5


def test_many_threads_may_read_at_once(objects: ObjectRig) -> None:
    refs = [objects.put(f"{number}.jpg", bytes([number]) * 5000) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert (
            list(pool.map(lambda ref: read(objects, ref), refs * 5))
            == [bytes([number]) * 5000 for number in range(8)] * 5
        )


def test_a_probe_tells_whether_reading_works(objects: ObjectRig) -> None:
    objects.store.probe()
    if objects.missing is not None:
        with pytest.raises(Misconfigured):
            objects.missing().probe()
