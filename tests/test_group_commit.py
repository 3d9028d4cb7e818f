"""Batches form by themselves, and every writer gets its own answer, whatever becomes of the batch."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes import FakeClock, MemoryDocuments, a_document, wait_until
from worker.errors import Refused, StoreUnavailable, Throttled, WorkerError
from worker.group_commit import BATCH_BYTES, BATCH_WRITES, GroupCommit
from worker.ports import Conflict, Create, Write, WriteResult, key_of


class Gated(MemoryDocuments):
    """A store whose first commit waits at a gate, so that a test can let writes pile up behind it."""

    def __init__(self, **hooks: Any) -> None:
        super().__init__(**hooks)
        self.gate = threading.Event()
        self.busy = threading.Event()

    def commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        self.busy.set()
        assert self.gate.wait(20)
        return super().commit(writes)


def put_all(commit: GroupCommit, store: Gated, writes: Sequence[Write]) -> list[Future[None]]:
    """One write is in flight, the others pile up behind it; then the gate opens."""
    with ThreadPoolExecutor(len(writes) + 1) as pool:
        futures = [pool.submit(commit.put, Create(a_document("first")))]
        assert store.busy.wait(20)
        futures += [pool.submit(commit.put, write) for write in writes]
        wait_until(lambda: len(commit._queue) == len(writes))
        store.gate.set()
    return futures[1:]


def test_what_arrives_during_a_batch_is_the_next_batch() -> None:
    store = Gated()
    commit = GroupCommit(store, FakeClock())
    futures = put_all(commit, store, [Create(a_document(f"k{n}")) for n in range(50)])
    assert [future.result() for future in futures] == [None] * 50
    assert [len(batch) for batch in store.batches] == [1, 50]


def test_a_batch_is_bounded_by_count_and_by_bytes() -> None:
    store = Gated()
    commit = GroupCommit(store, FakeClock())
    small = [Create(a_document(f"s{n}")) for n in range(BATCH_WRITES + 5)]
    large = [Create(a_document(f"l{n}", blob="x" * (BATCH_BYTES // 4))) for n in range(8)]
    put_all(commit, store, [*small, *large])
    assert all(len(batch) <= BATCH_WRITES for batch in store.batches)
    assert sum(len(batch) for batch in store.batches) == 1 + len(small) + len(large)
    assert sum(any(key_of(write).startswith("l") for write in batch) for batch in store.batches) >= 3


def test_one_document_twice_goes_into_two_batches_in_order() -> None:
    store = Gated()
    commit = GroupCommit(store, FakeClock())
    futures = put_all(commit, store, [Create(a_document("same")), Create(a_document("other"))] * 2)
    outcomes = [type(future.exception()) for future in futures]
    assert sorted(map(str, outcomes)) == sorted(map(str, [type(None), type(None), Conflict, Conflict]))
    assert all(len({key_of(write) for write in batch}) == len(batch) for batch in store.batches)


def test_each_writer_gets_its_own_answer() -> None:
    store = Gated(refuse=lambda write: Refused("no") if key_of(write) == "k3" else None)
    commit = GroupCommit(store, FakeClock())
    futures = put_all(commit, store, [Create(a_document(f"k{n}")) for n in range(6)])
    refused = [future for future in futures if future.exception()]
    assert len(refused) == 1
    assert isinstance(refused[0].exception(), Refused)


@pytest.mark.parametrize("error", [StoreUnavailable("down"), RuntimeError("a bug in the backend")])
def test_a_batch_that_fails_as_a_whole_leaves_nobody_waiting(error: Exception) -> None:
    def broken(number: int, when: str) -> None:
        if number == 2 and when == "before":
            raise error

    store = Gated(fault=broken)
    commit = GroupCommit(store, FakeClock())
    futures = put_all(commit, store, [Create(a_document(f"k{n}")) for n in range(6)])
    assert all(isinstance(future.exception(), StoreUnavailable) for future in futures)
    commit.put(Create(a_document("afterwards")))


def test_a_store_that_throttles_is_left_alone_for_longer_and_longer() -> None:
    patience = iter([True, True, True, False])

    def throttled(_: Write) -> WorkerError | None:
        return Throttled("slow down") if next(patience) else None

    clock = FakeClock()
    commit = GroupCommit(MemoryDocuments(refuse=throttled), clock)
    for _ in range(3):
        with pytest.raises(Throttled):
            commit.put(Create(a_document("k")))
    commit.put(Create(a_document("k")))
    commit.close()
    assert clock.slept == [0.5, 1.0, 2.0]


def test_close_answers_everybody_and_then_refuses() -> None:
    store = Gated()
    commit = GroupCommit(store, FakeClock())
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(commit.put, Create(a_document("first")))]
        assert store.busy.wait(20)  # it alone is in flight, so all others wait
        futures += [pool.submit(commit.put, Create(a_document(f"k{n}"))) for n in range(9)]
        wait_until(lambda: len(commit._queue) == 9)
        closing = threading.Thread(target=commit.close)
        closing.start()
        store.gate.set()
        assert [future.result(20) for future in futures] == [None] * 10
        closing.join(20)
    with pytest.raises(StoreUnavailable, match="stopping"):
        commit.put(Create(a_document("late")))
