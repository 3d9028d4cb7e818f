"""Redrive and reextract: exactly those that match, exactly once, and never for ever."""

import pytest

from tests.operate.rig import Rig
from worker.document import key_for
from worker.errors import QueryError
from worker.model import Message
from worker.operate import again, quarantine
from worker.operate.causes import causes
from worker.operate.failures import failures, grouped
from worker.operate.pace import Pace
from worker.operate.runs import State, rehearsal

KINDS = {"broken": "corrupt_image", "poison": "poison", "flaky": "source_unavailable"}


@pytest.fixture
def failed() -> Rig:
    """Three hundred failures of three kinds among good ones."""
    rig = Rig()
    for number in range(100):
        for kind in (*KINDS, "good"):
            name = f"{kind}/{number:03}.jpg"
            if kind in KINDS:
                getattr(rig, kind).add(name)
            rig.upload(name)
    rig.work()
    return rig


def test_failures_are_grouped_by_their_cause_and_the_counts_add_up(failed: Rig) -> None:
    found = grouped(failures(failed.catalog))
    assert sorted((group.code, group.count) for group in found) == sorted((code, 100) for code in KINDS.values())
    for group in found:
        assert group.sample.uri.startswith("gs://photos/")
        assert group.first <= group.last
        assert group.sample.message == "it cannot be read"
    assert sum(group.count for group in grouped(failures(failed.catalog, "in:gs://photos/broken/"))) == 100


def test_causes_are_counted_whole_though_few_failures_are_looked_at(failed: Rig) -> None:
    whole = causes(failed.catalog, "")
    assert sorted((cause.group.code, cause.group.count) for cause in whole.shown) == sorted(
        (code, 100) for code in KINDS.values()
    )
    assert (whole.total, whole.looked_at, whole.others) == (300, 300, 0)
    assert [sum(cause.slots) for cause in whole.shown] == [100, 100, 100]
    few = causes(failed.catalog, "", looked_at=1)
    (cause,) = few.shown
    assert (few.total, few.looked_at, few.others) == (300, 1, 200)
    assert (cause.group.count, sum(cause.slots)) == (100, 1)
    (largest,) = causes(failed.catalog, "", shown=1).shown
    assert largest.group.count == 100
    assert not causes(failed.catalog, "code:none_such").shown


def test_what_is_set_aside_is_passed_by_until_it_is_released(failed: Rig) -> None:
    query = again.failed_ones("code:corrupt_image")
    assert quarantine.free(failed.catalog, query) == 100
    assert quarantine.free(failed.catalog, again.failed_ones("")) == 200, "what killed its reader is set aside already"

    def set_aside() -> tuple[int, State]:
        run, pace = failed.ledger.begin("quarantine", "code:corrupt_image"), Pace(failed.clock, warm=True)
        done = quarantine.quarantined(failed.catalog, failed.documents, query, run, failed.ledger, pace, lambda _: None)
        return done.published, done.state

    assert set_aside() == (100, State.DONE)
    assert set_aside() == (0, State.DONE)
    assert failed.redrive("code:corrupt_image").published == 0
    assert failed.redrive("code:corrupt_image", release=True).published == 100


def test_one_document_is_made_anew_whatever_made_it(failed: Rig) -> None:
    keys = [key_for("photos", name) for name in ("good/001.jpg", "good/002.jpg", "absent.jpg")]
    failed.delete("good/002.jpg")
    failed.work()
    found = again.reextracted_again(keys, failed.documents, failed.documents, rehearsal("reextract"))
    (message,) = [item.message for item in found if item.message]
    assert failed.fields("good/001.jpg")["passes"] == 1
    failed.queue.publish([message])
    failed.work()
    assert failed.fields("good/001.jpg")["passes"] == 2


def test_a_redrive_of_one_kind_publishes_exactly_its_messages(failed: Rig) -> None:
    assert failed.rehearse("code:corrupt_image") == 100
    assert not failed.queue.waiting
    run = failed.redrive("code:corrupt_image")
    assert (run.published, run.refused, run.state) == (100, 0, State.DONE)
    names = {delivery.message.attributes["objectId"] for delivery in failed.queue.waiting}
    assert names == failed.broken


def test_what_is_mended_is_read_and_what_is_not_fails_again_under_its_own_count(failed: Rig) -> None:
    mended = {name for name in failed.broken if name < "broken/050"}
    failed.broken -= mended
    failed.redrive("code:corrupt_image")
    failed.work()
    assert {failed.fields(name)["status"] for name in mended} == {"ok"}
    assert failed.rehearse("code:corrupt_image") == 50
    assert {failed.fields(name)["failure"]["redrives"] for name in failed.broken} == {1}


def test_the_fourth_redrive_of_an_object_is_refused(failed: Rig) -> None:
    for _ in range(3):
        assert failed.redrive("name:broken/007.jpg").published == 1
        failed.work()
    run = failed.redrive("name:broken/007.jpg")
    assert (run.published, run.refused) == (0, 1)
    assert failed.redrive("name:broken/008.jpg").published == 1


def test_a_new_generation_may_be_redriven_again(failed: Rig) -> None:
    for _ in range(3):
        failed.redrive("name:broken/007.jpg")
        failed.work()
    failed.upload("broken/007.jpg")
    failed.work()
    assert failed.redrive("name:broken/007.jpg").published == 1


def test_quarantined_objects_are_left_alone_until_they_are_released(failed: Rig) -> None:
    assert failed.redrive("code:poison").published == 0
    failed.poison.clear()
    assert failed.redrive("code:poison", release=True).published == 100
    failed.work()
    assert not list(failures(failed.catalog, "code:poison"))


def test_a_second_run_while_the_first_is_on_its_way_marks_what_is_pending(failed: Rig) -> None:
    failed.redrive("code:corrupt_image")
    assert all(each.pending for each in failures(failed.catalog, "code:corrupt_image"))
    failed.work()
    assert not any(each.pending for each in failures(failed.catalog, "code:corrupt_image"))


def test_a_run_that_was_stopped_goes_on_and_sends_nothing_twice(failed: Rig) -> None:
    first = failed.redrive("code:corrupt_image", cap=30)
    assert (first.published, first.state) == (30, State.STOPPED)
    done = failed.redrive("code:corrupt_image")
    assert (done.id, done.published) == (first.id, 100)
    names = [delivery.message.attributes["objectId"] for delivery in failed.queue.waiting]
    assert sorted(names) == sorted(failed.broken)


def test_a_message_that_names_no_object_is_refused() -> None:
    rig = Rig()
    rig.queue.publish([Message("", {"eventType": "OBJECT_FINALIZE"})])
    rig.work()
    run = rig.redrive()
    assert (run.published, run.refused) == (0, 1)


@pytest.mark.parametrize("query", ["colour:red", "status:ok", "near:1"])
def test_a_filter_that_makes_no_sense_is_refused_before_anything_is_sent(failed: Rig, query: str) -> None:
    with pytest.raises(QueryError):
        failed.redrive(query)
    assert not failed.queue.waiting


def test_exactly_the_outdated_documents_are_made_anew_and_then_none_is_left() -> None:
    rig = Rig()
    for number in range(30):
        rig.upload(f"{number}.jpg")
    rig.work()
    rig.made_by("1+new")
    for number in range(30, 35):
        rig.upload(f"{number}.jpg")
    rig.work()
    rig.delete("0.jpg")
    rig.work()
    assert rig.reextract("1+new", dry=True) == 29
    reads = len(rig.bucket.reads)
    assert rig.reextract("1+new") == 29
    rig.work()
    assert len(rig.bucket.reads) - reads == 29
    assert rig.reextract("1+new", dry=True) == 0
    assert rig.fields("5.jpg")["recipe"] == "1+new"
    assert rig.fields("0.jpg")["status"] == "deleted"


def test_what_was_partial_is_read_once_more_and_then_left_alone() -> None:
    rig = Rig()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        rig.upload(name)
    rig.partial |= {"a.jpg", "b.jpg"}
    rig.work()
    assert rig.reextract("1", partial=True, dry=True) == 2
    rig.partial -= {"b.jpg"}
    assert rig.reextract("1", partial=True) == 2
    rig.work()
    assert [rig.fields(name)["status"] for name in ("a.jpg", "b.jpg", "c.jpg")] == ["partial", "ok", "ok"]
    assert rig.reextract("1", partial=True, dry=True) == 0


def test_nothing_that_the_bucket_said_is_lost_when_a_document_is_made_anew() -> None:
    rig = Rig()
    rig.bucket.put("a.jpg", b"data", content_type="image/jpeg", custom={"by": "me"}, metageneration=3)
    rig.repair()
    rig.work()
    before = rig.fields("a.jpg")
    rig.made_by("1+new")
    rig.reextract("1+new")
    rig.work()
    after = rig.fields("a.jpg")
    kept = ("size", "content_type", "custom", "metageneration", "generation", "uri")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
