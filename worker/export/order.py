"""What is asked of an export, and which documents become its rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.catalog.matching import matches
from worker.catalog.query import Query, parse
from worker.errors import Misconfigured
from worker.export.changed import Recent, changed_at, digest
from worker.export.forms import Form, Format, Style
from worker.export.rows import cutter
from worker.export.series import Series
from worker.export.texts import Spool
from worker.model import Status, Value
from worker.outlet import Cells, Column
from worker.ports import Page

LAST = "last"
UNMATCHED = "unmatched"
"""The status of a row, among changes, that tells of a document which the query does not find any more."""

_IDENTITY = ("bucket", "name", "uri", "generation", "processed_at", "patched_at")
_TO_MERGE = ("key", "status")


@dataclass(frozen=True, slots=True)
class Order:
    """An export: the documents that a query finds, or all, as a file called `name` on its shelf.

    `since` is what was said of it: "" for everything, "last" for what changed since the last export to there, or a
    time, which is `moment`.
    """

    query: str
    name: str
    format: Format
    columns: tuple[Column, ...]
    since: str = ""
    moment: datetime | None = None
    packed: bool = False
    raw: bool = False

    def __str__(self) -> str:
        """As a command could say it, but for the place."""
        names = ",".join(column.name for column in self.columns)
        said = [self.asked, f"--format {self.format.name} --columns {names}"]
        said += [f"--since {self.since}"] * bool(self.since) + ["--gzip"] * self.packed
        return " ".join(filter(None, said))

    @property
    def asked(self) -> str:
        """What the rows of all parts have in common, but for columns and format."""
        return f"{self.query}{' --raw' * self.raw}".strip()

    def form(self) -> Form:
        """What makes bytes of rows; for a format whose files cannot grow, bytes that are made a file of at the end."""
        style = Style(self.raw, bool(self.since))
        return self.format.make(self.columns, style) if self.format.make else Spool(self.columns)

    def check(self, before: Series | None) -> None:
        """Raise Misconfigured, saying what to ask for instead, where it cannot be done; `before` is what lies there."""
        if self.packed and not self.format.grows:
            raise Misconfigured(f"{self.format.name} is not read from a .gz file, and is small already: without --gzip")
        if not self.since:
            return
        if not self.format.mergeable:
            raise Misconfigured(f"{self.format.name} cannot say what was deleted: export it whole, without --since")
        names = {column.name for column in self.columns}
        if missing := [name for name in _TO_MERGE if name not in names]:
            raise Misconfigured(f"what changed is told by key and status: add {' and '.join(missing)} to --columns")
        if before is None and self.since == LAST:
            raise Misconfigured(f"nothing was exported to {self.name} yet: export once without --since")
        made = (self.asked, self.format.name, tuple(column.name for column in self.columns), self.packed)
        if before and made != (before.asked, before.format, before.columns, before.packed):
            raise Misconfigured(f"{self.name} was exported otherwise ({_told(before)}): ask for the same, or anew")


class Selection:
    """Makes rows of documents; with a `since`, of those only that changed since then.

    What is `known` was written by the last export. It is passed by if that is what `since` means, and only then.
    What changed after `young` leaves a digest for the next export.
    """

    def __init__(self, order: Order, form: Form, since: datetime | None, known: Recent, young: datetime) -> None:
        self._query: Query = parse(order.query)
        self._deleted_too = asks_for_deleted(self._query)
        self._cut = cutter(form.columns)
        self._since = since
        self._known = known
        self._passes_known = order.since == LAST
        self._young = young

    def rows(self, page: Page) -> Iterator[tuple[Cells | None, bytes]]:
        """For each document its row, if it is to have one, and the digest that it leaves, if any."""
        for key, fields in page.rows:
            changed = changed_at(fields)
            left = digest(key, fields) if changed >= self._young else b""
            if self._since is None:
                wanted = self._deleted_too or fields.get("status") != Status.DELETED
                yield self._cut(key, fields) if wanted else None, left
            elif changed < self._since:
                yield None, left if left in self._known else b""
            elif self._passes_known and (left or digest(key, fields)) in self._known:
                yield None, left
            else:
                yield self._cut(key, self._seen(fields)), left

    def _seen(self, fields: dict[str, Any]) -> Mapping[str, Value]:
        if fields.get("status") == Status.DELETED or matches(self._query, fields):
            return fields
        return {name: fields.get(name) for name in _IDENTITY} | {"status": UNMATCHED}


def asks_for_deleted(query: Query) -> bool:
    """Whether what is deleted has a place in the answer."""
    return any(term.field.name == "status" and not term.negated for term in query.terms)


def taken(form: Form, selection: Selection, page: Page) -> tuple[Sequence[Cells], int, bytes]:
    """The rows of a page that have a place in the form, the number of those that cannot be said in it, the digests."""
    rows: list[Cells] = []
    refused = 0
    digests = bytearray()
    for cells, left in selection.rows(page):
        digests += left
        if cells is not None and form.takes(cells):
            if form.refuses(cells):
                refused += 1
            else:
                rows.append(cells)
    return rows, refused, bytes(digests)


def _told(series: Series) -> str:
    gzip = " --gzip" * series.packed
    return f"{series.asked} --format {series.format} --columns {','.join(series.columns)}{gzip}".strip()
