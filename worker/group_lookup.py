"""Concurrent look-ups of heads folded into batches (fold.py): every image asks, so asking must be cheap."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from worker.fold import Fold, Waiting
from worker.model import Head
from worker.ports import DocumentStore

BATCH_KEYS = 300
"""Ten of Firestore's queries, which are on their way at once."""

Heads = Sequence[Head | None]
Question = Waiting[Sequence[str], Heads]


class GroupLookup(Fold[Sequence[str], Heads]):
    """Asks for the heads of documents in batches from one thread of its own."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        super().__init__("group-lookup")

    def heads(self, keys: Sequence[str]) -> Future[Heads]:
        """As `DocumentStore.heads`, of a moment that is not before this call. Returns at once."""
        return self._order(keys, len(keys))

    def _take(self, queue: deque[Question]) -> list[Question]:
        batch = [queue.popleft()]
        keys = batch[0].size
        while queue and (keys := keys + queue[0].size) <= BATCH_KEYS:
            batch.append(queue.popleft())
        return batch

    def _serve(self, orders: Sequence[Sequence[str]]) -> Sequence[Heads]:
        keys = list(dict.fromkeys(key for order in orders for key in order))
        found = dict(zip(keys, self._documents.heads(keys), strict=True))
        return [[found[key] for key in order] for order in orders]
