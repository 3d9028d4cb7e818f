"""What can be asked for: accept a table, say how it is, hand it back, try again what failed, stop.

For commands, and for whoever speaks HTTP. Nothing here fetches or decodes: that is the workers', who get a message for
each URL.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from worker.batches import batch as batches
from worker.batches import sheet, table
from worker.batches.batch import Batch, Book, key_of
from worker.batches.policy import Policy
from worker.batches.sheet import Row
from worker.decode import encode_link
from worker.errors import BadInput
from worker.model import Link, Status, Value
from worker.ports import Items, Publisher, Records

_AT_ONCE = 300
"""Items that are read at once."""
_PUBLISHED_AT_ONCE = 1000


class State(StrEnum):
    """What a batch is at, or one URL of it (which is never accepting)."""

    ACCEPTING = "accepting"
    """Its messages are being published; or whoever did so was killed, and `retry_failed` goes on."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Progress:
    """How a batch is, counted now. `rate` is URLs a second since it began; `eta` seconds, None where nobody knows."""

    batch: Batch
    state: State
    done: int
    failed: int
    pending: int
    rate: float
    eta: float | None


@dataclass(frozen=True, slots=True)
class Item:
    """One URL, and what became of it: `output` is where the result is, `code` and `error` why there is none."""

    url: str
    state: State
    output: str = ""
    code: str = ""
    error: str = ""
    before: int | None = None
    after: int | None = None
    sha256: str = ""
    notes: tuple[str, ...] = ()

    def outcome(self) -> table.Outcome:
        """As cells of the output."""
        reason = f"{self.code}: {self.error}" if self.code else ""
        return table.Outcome(self.output, self.state, reason, self.before, self.after, self.sha256)


@dataclass(frozen=True, slots=True)
class Line:
    """One row and its items; `number` counts from 1."""

    number: int
    cells: tuple[str, ...]
    items: tuple[Item, ...]


class Desk:
    """All about batches but the work. `publisher` is opened when something is to be published."""

    def __init__(
        self, records: Records, items: Items, publisher: Callable[[], Publisher], limits: sheet.Limits | None = None
    ) -> None:
        self._book = Book(records)
        self._items = items
        self._publisher = publisher
        self._limits = limits or sheet.Limits()

    def accept(
        self, data: bytes, policy: Policy | None = None, url_columns: Sequence[str] = (), name: str = ""
    ) -> Batch:
        """Return once every URL is a message on the queue. Raises BadInput, naming the line, and nothing was done."""
        policy = policy or Policy()
        read = sheet.read(data, url_columns, self._limits)
        batch = self._book.write(batches.new(read, policy, name, batches.digest_of(data, policy)), read.rows)
        self._publish(self._links(batch))
        return self._book.published(batch)

    def unfinished(self, data: bytes, policy: Policy) -> Batch | None:
        """The last batch of this table and policy, if anything of it is still to be done."""
        digest = batches.digest_of(data, policy)
        for batch in self._book.newest():
            if batch.digest == digest:
                return batch if self._progress(batch).state in {State.ACCEPTING, State.RUNNING} else None
        return None

    def status(self, id: str) -> Progress:  # noqa: A002 -- what it is called everywhere
        """How it is. Raises BadInput where there is no such batch."""
        return self._progress(self._book.find(id))

    def newest(self, limit: int = 20) -> list[Progress]:
        """The last batches, the newest first."""
        return [self._progress(batch) for batch in self._book.newest(limit)]

    def rows(self, id: str) -> Iterator[Line]:  # noqa: A002
        """The rows with what became of their URLs, also while it runs; in constant memory."""
        batch = self._book.find(id)
        cancelled = self._book.cancelled(batch)
        for part in self._book.rows(batch):
            links = [_links_of(batch, number, row) for number, row in part]
            found = self._fields([link for of_row in links for link in of_row])
            for (number, row), of_row in zip(part, links, strict=True):
                yield Line(number, row.cells, tuple(_item(link, next(found), cancelled) for link in of_row))

    def output(self, id: str, *, raw: bool = False) -> Iterator[str]:  # noqa: A002
        """The lines of the output table, also while it runs."""
        batch = self._book.find(id)
        rows = ((line.cells, [item.outcome() for item in line.items]) for line in self.rows(id))
        return table.lines(batch.header, rows, batch.widest, batch.dialect, raw=raw)

    def retry_failed(self, id: str, *, pending: bool = False) -> int:  # noqa: A002
        """Publish what failed once more, and what was never published; how many. Raises BadInput if cancelled.

        `pending`: also what has no result yet, after messages were lost: by a worker too old to know them, or a queue
        that was purged. What is on the queue still is then there twice, and fetched once.
        """
        batch = self._book.find(id)
        if self._book.cancelled(batch):
            raise BadInput(f"the batch {id} was cancelled; hand its table in again")
        count = self._publish(self._again(batch, pending or not batch.published))
        if not batch.published:
            self._book.published(batch)
        return count

    def cancel(self, id: str) -> None:  # noqa: A002
        """Have no more URLs of it fetched; what is being fetched is finished. It cannot be undone."""
        self._book.cancel(self._book.find(id))

    def _progress(self, batch: Batch) -> Progress:
        counts = self._items.tally(batch.id)
        failed = counts.get(Status.FAILED, 0)
        done = sum(counts.values()) - failed
        pending = max(0, batch.urls - done - failed)
        rate = (done + failed) / max(1.0, (datetime.now(UTC) - batch.at).total_seconds())
        running = State.RUNNING if batch.published else State.ACCEPTING
        state = running if pending else State.DONE
        if pending and self._book.cancelled(batch):
            state = State.CANCELLED
        eta = pending / rate if rate and state is State.RUNNING else None
        return Progress(batch, state, done, failed, pending, rate, 0.0 if state is State.DONE else eta)

    def _links(self, batch: Batch) -> Iterator[Link]:
        for part in self._book.rows(batch):
            for number, row in part:
                yield from _links_of(batch, number, row)

    def _again(self, batch: Batch, pending: bool) -> Iterator[Link]:
        """What is to be fetched again: of a pass more than the failure, so that its own message stays settled."""
        links = self._links(batch)
        while some := list(islice(links, _AT_ONCE)):
            for link, fields in zip(some, self._fields(some), strict=True):
                if fields is None and pending:
                    yield link
                elif fields is not None and fields["status"] == Status.FAILED:
                    yield replace(link, passes=_whole(fields["passes"]) + 1)

    def _fields(self, links: Sequence[Link]) -> Iterator[dict[str, Value] | None]:
        for start in range(0, len(links), _AT_ONCE):
            yield from self._items.fields([key_of(link) for link in links[start : start + _AT_ONCE]])

    def _publish(self, links: Iterator[Link]) -> int:
        count = 0
        while messages := [encode_link(link) for link in islice(links, _PUBLISHED_AT_ONCE)]:
            count += self._publisher().publish(messages)
        return count


def _links_of(batch: Batch, number: int, row: Row) -> list[Link]:
    return [Link(batch.id, number, column, url) for column, url in enumerate(row.urls, 1)]


def _item(link: Link, fields: dict[str, Any] | None, cancelled: bool) -> Item:
    if fields is None:
        return Item(link.url, State.CANCELLED if cancelled else State.RUNNING)
    if fields["status"] == Status.FAILED:
        failure = fields["failure"]
        return Item(link.url, State.FAILED, code=failure["code"], error=failure["message"], before=fields.get("size"))
    output = fields["output"]
    return Item(
        link.url,
        State.DONE,
        output=output["url"],
        before=fields["size"],
        after=output["size"],
        sha256=output["sha256"],
        notes=tuple(output["notes"]),
    )


def _whole(value: Value) -> int:
    return value if isinstance(value, int) else 1
