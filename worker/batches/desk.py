"""What can be asked for: accept a table, say how it is, hand it back, try again what failed, stop.

For commands, and for whoever speaks HTTP. Nothing here fetches or decodes: that is the workers', who get a message for
each URL.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Any

from worker.batches import batch as batches
from worker.batches import sheet, table
from worker.batches.batch import Batch, Book, key_of
from worker.batches.policy import Policy
from worker.batches.progress import Item, Line, Progress, State, item_of
from worker.batches.sheet import Row
from worker.decode import encode_link
from worker.errors import BadInput
from worker.model import Link, Status, Value
from worker.ports import Items, Publisher, Records

_AT_ONCE = 300
"""Items that are read at once."""
_PUBLISHED_AT_ONCE = 1000
_ROWS_AT_ONCE = 100
"""Rows whose items are looked up together: a page wants no more, and the output as many as it gets."""


class Desk:
    """All about batches but the work.

    `publisher` is opened when something is to be published; what is accepted is `kept` for so long.
    """

    def __init__(
        self,
        records: Records,
        items: Items,
        publisher: Callable[[], Publisher],
        limits: sheet.Limits | None = None,
        kept: timedelta = batches.KEPT,
    ) -> None:
        self._book = Book(records)
        self._items = items
        self._publisher = publisher
        self._limits = limits or sheet.Limits()
        self._kept = kept

    def accept(
        self,
        data: bytes,
        policy: Policy | None = None,
        url_columns: Sequence[str] = (),
        name: str = "",
        who: str = "",
    ) -> Batch:
        """Return once every URL is a message on the queue. Raises BadInput, naming the line, and nothing was done."""
        policy = policy or Policy()
        read = sheet.read(data, url_columns, self._limits)
        digest = batches.digest_of(data, policy, url_columns)
        batch = self._book.write(batches.new(read, policy, name, who, digest, self._kept), read.rows)
        self._publish(self._links(batch))
        return self._book.published(batch)

    def take(
        self,
        data: bytes,
        policy: Policy | None = None,
        url_columns: Sequence[str] = (),
        name: str = "",
        who: str = "",
    ) -> tuple[Batch, bool]:
        """As `accept`, and whether it is new: what is still at work on the same table is gone on with instead."""
        policy = policy or Policy()
        batch = self._unfinished(batches.digest_of(data, policy, url_columns))
        if batch is None:
            return self.accept(data, policy, url_columns, name, who), True
        if not batch.published:
            self.retry_failed(batch.id)
        return batch, False

    def preview(self, data: bytes, url_columns: Sequence[str] = ()) -> sheet.Sheet:
        """The table as it would be understood; nothing is done. Raises as `accept`."""
        return sheet.read(data, url_columns, self._limits)

    def status(self, id: str) -> Progress:  # noqa: A002 -- what it is called everywhere
        """How it is. Raises BadInput where there is no such batch, or it has expired."""
        return self._progress(self._book.find(id))

    def newest(self, limit: int = 20) -> list[Progress]:
        """The last batches, the newest first."""
        return [self._progress(batch) for batch in self._book.newest(limit)]

    def rows(self, id: str, after: int = 0) -> Iterator[Line]:  # noqa: A002
        """The rows behind that number with what became of their URLs, also while it runs; in constant memory."""
        batch = self._book.find(id)
        cancelled = self._book.cancelled(batch)
        for part in self._book.rows(batch, after):
            for start in range(0, len(part), _ROWS_AT_ONCE):
                yield from self._lines(batch, part[start : start + _ROWS_AT_ONCE], cancelled)

    def failed(self, id: str, after: str = "", limit: int = 100) -> tuple[list[Line], str]:  # noqa: A002
        """Rows with the URLs that failed, so many of these, and after what the next ones come; the latter is empty
        at the end. Rows of one answer are in order; from one answer to the next they are not."""
        batch = self._book.find(id)
        found = self._items.listed(batch.id, Status.FAILED, after, limit)
        fields = sorted((each for _, each in found), key=_place)
        by_row = [(number, list(each)) for number, each in groupby(fields, key=lambda each: _place(each)[0])]
        rows = self._book.rows_at(batch, [number for number, _ in by_row])
        lines = [
            Line(number, row.cells, tuple(_failed(batch, number, row, each) for each in items))
            for (number, items), row in zip(by_row, rows, strict=True)
        ]
        return lines, found[-1][0] if len(found) == limit else ""

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
        batch = self._uncancelled(id)
        again = self._everything(batch) if pending or not batch.published else self._what_failed(batch)
        count = self._publish(again)
        if not batch.published:
            self._book.published(batch)
        return count

    def mend(self, id: str, row: int, column: int, url: str) -> None:  # noqa: A002
        """Have another URL fetched in the place of one that failed; its row says so from now on.

        Raises NotThere where there is none, BadInput where it has not failed or the batch was cancelled.
        """
        batch = self._uncancelled(id)
        url = url.strip()
        if sheet.split(url) != [url]:
            raise BadInput("that is not one URL; write one, as https://www.example.com/image.jpg")
        link = Link(batch.id, row, column, url)
        fields = next(iter(self._items.fields([key_of(link)])))
        if fields is None or fields["status"] != Status.FAILED:
            raise BadInput(f"URL {column} of row {row} has not failed; only what failed can be mended")
        self._book.mend(batch, row, column, url)
        self._publish(iter([_once_more(link, fields)]))

    def cancel(self, id: str) -> None:  # noqa: A002
        """Have no more URLs of it fetched; what is being fetched is finished. It cannot be undone."""
        self._book.cancel(self._book.find(id))

    def _progress(self, batch: Batch) -> Progress:
        counts = self._items.tally(batch.id)
        failed = counts.get(Status.FAILED, 0)
        done = sum(counts.values()) - failed
        pending = max(0, batch.urls - done - failed)
        state = self._state(batch) if pending else State.DONE
        if state is not State.RUNNING:
            return Progress(batch, state, done, failed, pending, 0.0, 0.0 if state is State.DONE else None)
        rate = (done + failed) / max(1.0, (datetime.now(UTC) - batch.at).total_seconds())
        return Progress(batch, state, done, failed, pending, rate, pending / rate if rate else None)

    def _state(self, batch: Batch) -> State:
        if self._book.cancelled(batch):
            return State.CANCELLED
        return State.RUNNING if batch.published else State.ACCEPTING

    def _links(self, batch: Batch) -> Iterator[Link]:
        for part in self._book.rows(batch):
            for number, row in part:
                yield from _links_of(batch, number, row)

    def _everything(self, batch: Batch) -> Iterator[Link]:
        """What failed, and what has no result."""
        links = self._links(batch)
        while some := list(islice(links, _AT_ONCE)):
            for link, fields in zip(some, self._fields(some), strict=True):
                if fields is None:
                    yield link
                elif fields["status"] == Status.FAILED:
                    yield _once_more(link, fields)

    def _what_failed(self, batch: Batch) -> Iterator[Link]:
        """Found by its state, so that a few among many cost as much as a few."""
        after = ""
        while found := self._items.listed(batch.id, Status.FAILED, after, _AT_ONCE):
            after = found[-1][0]
            fields = sorted((each for _, each in found), key=_place)
            numbers = list(dict.fromkeys(_place(each)[0] for each in fields))
            rows = dict(zip(numbers, self._book.rows_at(batch, numbers), strict=True))
            for each in fields:
                row, column = _place(each)
                yield _once_more(Link(batch.id, row, column, rows[row].urls[column - 1]), each)

    def _lines(self, batch: Batch, rows: Sequence[tuple[int, Row]], cancelled: bool) -> Iterator[Line]:
        links = [_links_of(batch, number, row) for number, row in rows]
        found = self._fields([link for of_row in links for link in of_row])
        for (number, row), of_row in zip(rows, links, strict=True):
            yield Line(number, row.cells, tuple(item_of(link, next(found), cancelled) for link in of_row))

    def _uncancelled(self, id: str) -> Batch:  # noqa: A002
        batch = self._book.find(id)
        if self._book.cancelled(batch):
            raise BadInput(f"the batch {id} was cancelled; hand its table in again")
        return batch

    def _unfinished(self, digest: str) -> Batch | None:
        """The last batch of this table and policy, if anything of it is still to be done."""
        for batch in self._book.newest():
            if batch.digest == digest:
                return batch if self._progress(batch).state in {State.ACCEPTING, State.RUNNING} else None
        return None

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


def _place(fields: Mapping[str, Any]) -> tuple[int, int]:
    """Row and column of an item."""
    return fields["row"], fields["column"]


def _failed(batch: Batch, number: int, row: Row, fields: Mapping[str, Any]) -> Item:
    column = _place(fields)[1]
    return item_of(Link(batch.id, number, column, row.urls[column - 1]), fields, cancelled=False)


def _once_more(link: Link, fields: Mapping[str, Any]) -> Link:
    """Of a pass more than the failure, so that its own message stays settled."""
    passes = fields.get("passes")
    return replace(link, passes=(passes if isinstance(passes, int) else 1) + 1)
