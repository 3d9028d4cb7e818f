"""A table walks through desk, queue, worker and follower, on the fakes of our ports."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.batches.fakes import MemoryItems, MemoryOutputs, Web, half
from tests.fakes import FakeClock, MemoryBucket, MemoryDelivery, MemoryDocuments, MemoryQueue, MemoryRecords
from worker.attempts import Maker
from worker.batches.batch import Book
from worker.batches.desk import Desk
from worker.batches.follow import Follower, Tools
from worker.batches.orders import Orders
from worker.batches.policy import Policy
from worker.batches.progress import State
from worker.breaker import Breaker
from worker.breaker import State as BreakerState
from worker.decode import decode, decode_link, encode_link
from worker.errors import BadInput, BadMessage, Misconfigured, NotServed, SiteUnavailable, StoreUnavailable
from worker.group_commit import GroupCommit
from worker.model import Link, Message, Metadata, ObjectRef, Outcome, Status
from worker.operate.dead_letters import Drain
from worker.processor import Processor
from worker.worker import Worker
from worker.write_ladder import WriteLadder

A, B, C = (f"https://site{number}.test/{number}.jpg" for number in range(3))
TABLE = f"id,urls\n1,{A},{B}\n2,\n3,{C}\n".encode()
DATA = b"0123456789"


class House:
    """All parts in memory."""

    def __init__(self, max_attempts: int = 3) -> None:
        self.clock = FakeClock()
        self.web = Web({A: [DATA], B: [DATA + b"B" * 10], C: [DATA + b"C" * 10]})
        self.items, self.outputs, self.records = MemoryItems(), MemoryOutputs(), MemoryRecords()
        self.queue, self.documents, self.bucket = MemoryQueue(max_attempts=10), MemoryDocuments(), MemoryBucket()
        self.desk = Desk(self.records, self.items, lambda: self.queue)
        self.breaker = Breaker(self.clock, threshold=2)
        maker = Maker("w1", max_attempts=max_attempts)
        self.commits = [GroupCommit(self.items, self.clock), GroupCommit(self.documents, self.clock)]
        items_ladder = WriteLadder(self.commits[0], self.items, self.bucket, self.clock)
        tools = Tools(self.web, half, self.outputs)
        orders = Orders(Book(self.records), self.clock)
        self.follower = Follower(orders, self.items, items_ladder, tools, maker, self.clock)
        ladder = WriteLadder(self.commits[1], self.documents, self.bucket, self.clock)
        processor = Processor(self.bucket, self.documents, ladder, _no_read, _no_read, maker, follow=self.follower)
        self.worker = Worker(processor, self.breaker)
        self.drain = Drain(self.queue, self.documents, ladder, maker, give_up=self.follower.give_up)

    def run(self) -> None:
        self.queue.run(self.worker.handle)

    def output(self, id: str) -> list[dict[str, str]]:  # noqa: A002
        return list(csv.DictReader(io.StringIO("".join(self.desk.output(id)))))


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    for commit in house.commits:
        commit.close()


def test_every_url_becomes_a_cell(house: House) -> None:
    batch = house.desk.accept(TABLE, name="products.csv")
    assert house.desk.status(batch.id).state is State.RUNNING
    assert [row["Status 1"] for row in house.output(batch.id)] == ["running", "", "running"]
    house.run()
    progress = house.desk.status(batch.id)
    assert (progress.state, progress.done, progress.failed, progress.pending) == (State.DONE, 3, 0, 0)
    first, second, third = house.output(batch.id)
    assert (first["id"], first["urls"]) == ("1", f"{A},{B}")
    assert (first["Bytes Before 1"], first["Bytes After 1"], first["Bytes Before 2"]) == ("10", "5", "20")
    assert first["SHA-256 1"] == hashlib.sha256(DATA[:5]).hexdigest()
    assert house.outputs.files[first["Output Image Url 1"].removeprefix("memory://")] == DATA[:5]
    assert set(second.values()) == {"2", ""}
    assert third["Status 1"] == "done"
    assert house.queue.in_hand == []


def test_an_item_is_a_document_with_its_metadata(house: House) -> None:
    batch = house.desk.accept(TABLE)
    house.run()
    item = next(each.fields for each in house.items.stored.values() if each.fields["url"] == A)
    assert item["image"] == {"format": "JPEG", "mime": "image/jpeg", "width": 4, "height": 3}
    assert (item["bucket"], item["row"], item["column"], item["size"]) == (batch.id, 1, 1, 10)
    assert house.documents.stored == {}


def test_one_bad_url_costs_its_own_cell(house: House) -> None:
    del house.web.pages[B]
    house.web.pages[C] = [b"raise corrupt"]
    batch = house.desk.accept(TABLE)
    house.run()
    first, _, third = house.output(batch.id)
    assert (first["Status 1"], first["Status 2"], first["Error 2"]) == ("done", "failed", "not_served: HTTP 404")
    assert (third["Status 1"], third["Error 1"]) == ("failed", "not_served: raise corrupt")
    assert Counter(house.web.log) == {A: 1, B: 1, C: 1}


def test_what_passes_is_tried_again_a_little_here_then_by_the_queue(house: House) -> None:
    house.web.pages[A] = [SiteUnavailable("HTTP 500"), SiteUnavailable("HTTP 500"), DATA]
    house.web.pages[B] = [*[SiteUnavailable("HTTP 500")] * 5, DATA]
    house.web.pages[C] = [SiteUnavailable("HTTP 500")]
    batch = house.desk.accept(TABLE)
    house.run()
    first, _, third = house.output(batch.id)
    assert (first["Status 1"], first["Status 2"]) == ("done", "done")
    assert third["Error 1"] == "site_unavailable: HTTP 500"
    assert Counter(house.web.log) == {A: 3, B: 6, C: 9}


def test_a_pause_that_a_site_asks_for_is_kept(house: House) -> None:
    house.web.pages[A] = [SiteUnavailable("HTTP 429", 7.0), DATA]
    house.desk.accept(TABLE)
    house.run()
    assert max(house.clock.slept) >= 7.0
    assert house.web.log.count(A) == 2


def test_a_long_pause_is_waited_for_by_nobody_and_asks_for_nothing(house: House) -> None:
    house.web.pages[A] = [SiteUnavailable("HTTP 503", 86_400.0), DATA]
    link = Link(house.desk.accept(TABLE).id, 1, 1, A)
    for _ in range(3):
        with pytest.raises(SiteUnavailable):
            house.follower(link, Message("1", {}))
    assert house.web.log == [A]
    house.clock.now += 60  # the longest that a site is granted
    assert house.follower(link, Message("1", {})) is Outcome.STORED


def test_sites_that_are_down_do_not_stop_the_worker(house: House) -> None:
    for url in (A, B, C):
        house.web.pages[url] = [SiteUnavailable("down")]
    house.desk.accept(TABLE)
    house.run()
    assert house.breaker.state is BreakerState.CLOSED


def test_a_store_that_is_down_loses_nothing_and_fails_nothing(house: House) -> None:
    down = iter([True] * 6)

    def fault(_: int, when: str) -> None:
        if when == "before" and next(down, False):
            raise StoreUnavailable("down")

    house.items.fault = fault
    batch = house.desk.accept(TABLE)
    house.run()
    assert house.desk.status(batch.id).done == 3


def test_a_message_that_comes_twice_is_fetched_once(house: House) -> None:
    batch = house.desk.accept(TABLE)
    again = [each.message for each in house.queue.waiting]
    house.run()
    house.queue.publish(again)
    house.run()
    assert Counter(house.web.log) == {A: 1, B: 1, C: 1}
    assert house.desk.status(batch.id).done == 3


def test_a_lost_answer_is_no_second_item(house: House) -> None:
    def fault(number: int, when: str) -> None:
        if number == 1 and when == "after":
            raise StoreUnavailable("the answer is lost")

    house.items.fault = fault
    batch = house.desk.accept(TABLE)
    house.run()
    assert len(house.items.stored) == house.desk.status(batch.id).done == 3


def test_a_retry_fetches_what_failed_and_nothing_else(house: House) -> None:
    failing = house.web.pages.pop(B)
    batch = house.desk.accept(TABLE)
    house.run()
    house.web.pages[B] = failing
    house.web.log.clear()
    assert house.desk.retry_failed(batch.id) == 1
    assert house.desk.retry_failed(batch.id) == 1  # somebody was impatient
    house.run()
    assert house.web.log == [B]
    assert house.desk.status(batch.id).done == 3
    assert house.desk.retry_failed(batch.id) == 0


def test_a_retry_that_fails_may_be_retried(house: House) -> None:
    failing = house.web.pages.pop(B)
    batch = house.desk.accept(TABLE)
    house.run()
    house.desk.retry_failed(batch.id)
    house.run()
    assert house.web.log.count(B) == 2
    house.web.pages[B] = failing
    house.desk.retry_failed(batch.id)
    house.run()
    assert house.desk.status(batch.id).done == 3


def test_what_failed_late_takes_no_result_away(house: House) -> None:
    batch = house.desk.accept(TABLE)
    house.run()
    link = Link(batch.id, 1, 1, A)
    assert house.follower(link, encode_link(link)) is Outcome.UNCHANGED
    del house.web.pages[A]
    assert house.follower(replace(link, passes=2), encode_link(link)) is Outcome.UNCHANGED
    assert house.desk.status(batch.id).done == 3


def test_a_cancelled_batch_fetches_no_more(house: House) -> None:
    batch = house.desk.accept(TABLE)

    def cancel() -> None:
        house.desk.cancel(batch.id)
        house.clock.now += 3

    house.web.on_fetch = cancel
    house.run()
    progress = house.desk.status(batch.id)
    assert (progress.state, progress.done, progress.pending) == (State.CANCELLED, 1, 2)
    assert [row["Status 1"] for row in house.output(batch.id)] == ["done", "", "cancelled"]
    assert len(house.web.log) == 1
    with pytest.raises(BadInput, match="was cancelled"):
        house.desk.retry_failed(batch.id)


def test_whoever_was_killed_while_publishing_goes_on(house: House) -> None:
    def killed() -> MemoryQueue:
        raise StoreUnavailable("killed")

    with pytest.raises(StoreUnavailable):
        Desk(house.records, house.items, killed).accept(TABLE)
    (left,) = house.desk.newest()
    assert left.state is State.ACCEPTING
    batch, new = house.desk.take(TABLE)
    assert (batch.id, new) == (left.batch.id, False)
    assert house.desk.take(TABLE) == (replace(batch, published=True), False)
    assert house.desk.take(TABLE, Policy(quality=60))[1]
    assert house.desk.take(TABLE, url_columns=["urls"])[1]
    house.run()
    assert house.desk.status(batch.id).state is State.DONE
    assert house.desk.take(TABLE)[1]


def test_what_failed_is_listed_with_its_rows(house: House) -> None:
    house.web.pages[B] = [NotServed("HTTP 404")]
    del house.web.pages[C]
    batch = house.desk.accept(TABLE)
    assert house.desk.failed(batch.id) == ([], "")
    house.run()
    lines, _ = house.desk.failed(batch.id)
    assert [(line.number, line.cells[0], [item.url for item in line.items]) for line in lines] == [
        (1, "1", [B]),
        (3, "3", [C]),
    ]
    assert [item.error for line in lines for item in line.items] == ["HTTP 404"] * 2
    one, after = house.desk.failed(batch.id, limit=1)
    other, end = house.desk.failed(batch.id, after, limit=1)
    assert sorted(line.number for line in (*one, *other)) == [1, 3]
    assert house.desk.failed(batch.id, end, limit=1)[1] == "" or not house.desk.failed(batch.id, end, limit=1)[0]


def test_what_failed_is_mended_and_its_row_says_so(house: House) -> None:
    del house.web.pages[B]
    batch = house.desk.accept(TABLE)
    house.run()
    better = "https://site9.test/9.jpg"
    house.web.pages[better] = [DATA + b"mended"]
    house.desk.mend(batch.id, 1, 2, f" {better} ")
    house.run()
    first = house.output(batch.id)[0]
    assert (first["urls"], first["Status 2"], first["Bytes Before 2"]) == (f"{A},{better}", "done", "16")
    assert house.desk.status(batch.id).done == 3
    assert Counter(house.web.log) == {A: 1, B: 1, C: 1, better: 1}


@pytest.mark.parametrize(
    ("row", "column", "url", "told"),
    [
        (1, 1, "https://other.test/", "has not failed"),
        (2, 1, "https://other.test/", "has not failed"),
        (9, 1, "https://other.test/", "has not failed"),
        (1, 2, "", "not one URL"),
        (1, 2, "https://a.test/,https://b.test/", "not one URL"),
    ],
)
def test_nothing_else_is_mended(house: House, row: int, column: int, url: str, told: str) -> None:
    del house.web.pages[B]
    batch = house.desk.accept(TABLE)
    house.run()
    with pytest.raises(BadInput, match=told):
        house.desk.mend(batch.id, row, column, url)
    assert list(house.queue.waiting) == []
    assert next(house.desk.rows(batch.id)).cells[1] == f"{A},{B}"


def test_what_was_lost_is_found_again_when_it_is_asked_for(house: House) -> None:
    batch = house.desk.accept(TABLE)
    house.queue.waiting.popleft()
    house.run()
    assert house.desk.status(batch.id).pending == 1
    assert house.desk.retry_failed(batch.id) == 0
    assert house.desk.retry_failed(batch.id, pending=True) == 1
    house.run()
    assert (house.desk.status(batch.id).done, Counter(house.web.log)) == (3, Counter({A: 1, B: 1, C: 1}))


def test_a_worker_without_batches_leaves_their_messages_to_others() -> None:
    link = encode_link(Link("b", 1, 1, A))
    documents, bucket, clock = MemoryDocuments(), MemoryBucket(), FakeClock()
    with closing(GroupCommit(documents, clock)) as commit:
        processor = Processor(bucket, documents, WriteLadder(commit, documents, bucket, clock), _no_read, _no_read)
        with pytest.raises(Misconfigured, match="not set up for batches"):
            processor.process(link)


def test_a_dead_letter_becomes_a_failed_item(house: House) -> None:
    house.outputs.before_put = _misconfigured
    batch = house.desk.accept(TABLE)
    house.run()
    assert len(house.queue.dead) == 3
    assert house.drain.all().written == 3
    first = house.output(batch.id)[0]
    assert first["Error 1"] == "dead_letter: the queue gave it up after 10 deliveries"
    house.outputs.before_put = lambda _: None
    house.desk.retry_failed(batch.id)
    house.run()
    assert house.desk.status(batch.id).done == 3


def test_a_dead_letter_that_was_done_is_only_taken(house: House) -> None:
    batch = house.desk.accept(TABLE)
    messages = [each.message for each in house.queue.waiting]
    house.run()
    house.queue.dead.extend(MemoryDelivery(message) for message in messages)
    assert house.drain.all().written == 0
    assert house.desk.status(batch.id).done == 3


def test_originals_are_kept_where_they_are_wanted(house: House) -> None:
    batch = house.desk.accept(TABLE, Policy(originals=True))
    house.run()
    digest = hashlib.sha256(DATA).hexdigest()[:32]
    assert house.outputs.files[f"{batch.id}/originals/{digest}.jpeg"] == DATA


def test_a_message_of_no_batch_is_written_down(house: House) -> None:
    house.queue.publish([encode_link(Link("nothing", 1, 1, A)), Message("", {"eventType": "IMAGE_URL"})])
    house.run()
    failures = [each.fields["failure"] for each in house.documents.stored.values()]
    assert [failure["code"] for failure in failures if isinstance(failure, dict)] == ["bad_message"] * 2
    assert house.web.log == []


def test_thousands_of_rows_are_read_part_by_part(house: House) -> None:
    table = "id,url\n" + "".join(f"{number},{A}?{number}\n" for number in range(1234))
    batch = house.desk.accept(table.encode())
    assert len(batch.starts) == 3
    assert [line.number for line in house.desk.rows(batch.id)] == list(range(1, 1235))
    for after in (0, 1, 499, 500, 501, 1000, 1233, 1234, 9999):
        assert [line.number for line in house.desk.rows(batch.id, after)] == list(range(after + 1, 1235))
    house.run()
    assert house.desk.status(batch.id).failed == 1234
    assert {str(each.fields["status"]) for each in house.items.stored.values()} == {str(Status.FAILED)}


def test_links_survive_the_queue() -> None:
    link = Link("20261125T120000-ab", 3, 2, "https://a.test/ü?" + "x" * 3000, 2)
    message = encode_link(link)
    assert decode_link(message) == link
    assert all(len(value.encode()) <= 1024 for value in message.attributes.values())
    assert decode(message) is None
    with pytest.raises(BadMessage):
        decode_link(Message("1", {"eventType": "IMAGE_URL", "imagemetaBatch": "b", "imagemetaRow": "x"}))


def test_an_unknown_batch_is_told(house: House) -> None:
    with pytest.raises(BadInput, match="there is no batch 'x'"):
        house.desk.status("x")


def _misconfigured(_: str) -> None:
    raise Misconfigured("no bucket")


def _no_read(_: ObjectRef) -> Metadata:
    raise AssertionError("a URL is no object")


def test_everything_of_a_batch_says_when_it_expires_which_a_retry_does_not_change(house: House) -> None:
    house.web.pages[C] = [b"raise corrupt"]
    batch = house.desk.accept(TABLE)
    assert batch.expires_at is not None
    assert timedelta(days=29) < batch.expires_at - datetime.now(UTC) <= timedelta(days=30)
    house.run()
    house.desk.retry_failed(batch.id)
    house.run()
    items = [item.fields for item in house.items.stored.values()]
    assert sorted(str(item["status"]) for item in items) == ["failed", "none", "none"]
    assert {datetime.fromisoformat(str(item["expires_at"])) for item in items} == {batch.expires_at}
    assert house.desk.status(batch.id).batch.expires_at == batch.expires_at


def test_an_expired_batch_says_so_and_is_never_one_that_waits(house: House) -> None:
    gone = Desk(house.records, house.items, lambda: house.queue, kept=timedelta()).accept(TABLE)
    house.items.stored.clear()  # what a time to live does, at some time after
    for ask in (house.desk.status, house.desk.output, house.desk.retry_failed, house.desk.cancel):
        with pytest.raises(BadInput, match=rf"{gone.id} expired at .* hand its table in again"):
            ask(gone.id)
    assert house.desk.newest() == []
    assert house.desk.take(TABLE)[1]


def test_the_next_batch_takes_away_what_expired_and_nothing_else(house: House) -> None:
    kept = house.desk.accept(TABLE)
    house.desk.cancel(kept.id)
    gone = Desk(house.records, house.items, lambda: house.queue, kept=timedelta()).accept(TABLE)
    Book(house.records).cancel(gone)
    kinds = ("batches", "batch_parts", "batch_cancelled")
    assert [len(house.records.newest(kind)) for kind in kinds] == [2, 2, 2]
    last = house.desk.accept(TABLE)
    assert [len(house.records.newest(kind)) for kind in kinds] == [2, 2, 1]
    assert [progress.batch.id for progress in house.desk.newest()] == [last.id, kept.id]
    assert house.desk.status(kept.id).state is State.CANCELLED
    assert len(list(house.desk.rows(kept.id))) == 3


def test_a_batch_of_a_version_that_kept_all_is_kept(house: House) -> None:
    batch = house.desk.accept(TABLE)
    record = house.records.get("batches", batch.id) or {}
    house.records.put("batches", batch.id, {name: each for name, each in record.items() if name != "expires_at"})
    house.run()
    house.desk.accept(TABLE)
    assert house.desk.status(batch.id).state is State.DONE
    assert all("expires_at" not in item.fields for item in house.items.stored.values())
