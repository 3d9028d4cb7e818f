"""Reconcile: what differs is found, counted and mended, and what is right is left alone."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.operate.rig import Rig
from worker.model import ObjectRef
from worker.operate.reconcile import Kind
from worker.ports import Stored


def test_what_differs_is_counted_and_after_the_repair_nothing_does() -> None:
    rig = Rig()
    for number in range(40):
        rig.upload(f"{number:02}.jpg")
    rig.work()
    names = sorted(rig.bucket.objects)
    for name in names[:7]:
        rig.forget(name)
    for name in names[7:12]:
        rig.bucket.put(name, b"another picture")
    for name in names[12:15]:
        rig.bucket.delete(name)
    counts = Counter(finding.kind for finding in rig.findings())
    assert counts == {Kind.MISSING: 7, Kind.STALE: 5, Kind.ORPHANED: 3}
    rig.repair()
    rig.work()
    assert not list(rig.findings())
    assert {rig.fields(name)["status"] for name in names[12:15]} == {"deleted"}


def test_a_failure_is_named_with_its_code_and_goes_back() -> None:
    rig = Rig()
    rig.upload("a.jpg")
    rig.broken.add("a.jpg")
    rig.work()
    (finding,) = rig.findings()
    assert (finding.kind, finding.code) == (Kind.FAILED, "corrupt_image")
    rig.broken.clear()
    rig.repair()
    rig.work()
    assert not list(rig.findings())


def test_a_deleted_object_that_is_known_to_be_deleted_is_no_difference() -> None:
    rig = Rig()
    rig.upload("a.jpg")
    rig.work()
    rig.delete("a.jpg")
    rig.work()
    assert rig.fields("a.jpg")["status"] == "deleted"
    assert not list(rig.findings())


def test_only_what_changed_since_is_looked_at() -> None:
    rig = Rig()
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    for hours, name in [(-1, "old.jpg"), (1, "new.jpg")]:
        ref = rig.bucket.put(name, b"x")
        created = ObjectRef(ref.bucket, ref.name, ref.generation, created=noon + timedelta(hours=hours))
        rig.bucket.objects[name] = (created, b"x")
    assert [finding.name for finding in rig.findings(since=noon)] == ["new.jpg"]


@given(st.sets(st.text(min_size=1, max_size=4)), st.sets(st.text(min_size=1, max_size=4)))
def test_every_name_is_judged_once_whatever_it_is(there: set[str], known: set[str]) -> None:
    rig = Rig()
    valid = {name for name in there | known if name.isprintable()}
    for name in valid & there:
        rig.bucket.put(name, b"x")
    for name in valid & known:
        rig.store(name)
    found = {finding.name: finding.kind for finding in rig.findings()}
    assert found == {
        name: Kind.MISSING if name not in known else Kind.STALE if name in there else Kind.ORPHANED for name in valid
    }


def test_it_holds_nothing_but_the_names_at_hand() -> None:
    """Ten million names would do: both sides are walked in step, never more than one ahead of the other."""
    rig = Rig()
    walked = {"bucket": 0, "store": 0}

    def listed(_bucket: str, _prefix: str = "", _after: str = ""):  # type: ignore[no-untyped-def]
        for number in range(1000):
            walked["bucket"] += 1
            assert abs(walked["bucket"] - walked["store"]) <= 2
            yield ObjectRef("photos", f"{number:04}", 1)

    def stored(_bucket: str, _prefix: str = "", _after: str = ""):  # type: ignore[no-untyped-def]
        for number in range(1000):
            walked["store"] += 1
            yield Stored(f"k{number}", f"{number:04}", 1, "ok", "1", "", None)

    rig.bucket.list = listed  # type: ignore[method-assign,assignment] # the fake is ours
    rig.catalog.by_name = stored  # type: ignore[method-assign,assignment] # the fake is ours
    assert not list(rig.findings())
    assert walked == {"bucket": 1000, "store": 1000}


@pytest.mark.parametrize("event_is_lost", [True, False])
def test_a_repair_races_with_an_upload_and_the_newer_one_stays(event_is_lost: bool) -> None:
    rig = Rig()
    rig.upload("a.jpg")
    rig.work()
    rig.bucket.delete("a.jpg")
    rig.repair()  # the deletion is announced
    message = rig.upload("a.jpg", announce=False)
    if not event_is_lost:
        rig.queue.publish([message])
    rig.work()
    if event_is_lost:
        rig.repair()
        rig.work()
    assert rig.fields("a.jpg")["status"] == "ok"
    assert not list(rig.findings())
