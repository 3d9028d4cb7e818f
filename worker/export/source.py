"""Where rows come from: pages of documents, each asked for again until it comes.

Without a query the documents come in the order of their keys, which no later write changes: that order is a checkpoint
by itself, and a store gives it at the least cost. With one they come as the catalog pages through them, newest first,
and its cursor is the checkpoint. What changed since a moment no index knows, for such an index would cap the rate of
writes; so changes are looked for among all documents, by key.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from worker.catalog.query import Query
from worker.errors import Transient
from worker.ports import Catalog, Clock, DocumentReader, Page

PAGE = 100
_TRIES = 8
_LONGEST_PAUSE = 30.0

Row = tuple[str, dict[str, Any]]
Show = Callable[[dict[str, Any]], dict[str, Any]]


class Source(Protocol):
    """Documents by pages."""

    def page(self, cursor: str) -> Page:
        """The page behind that cursor; "" is the beginning."""


class ByKey:
    """All documents, by key."""

    def __init__(self, reader: DocumentReader) -> None:
        self._reader = reader
        self._rows: Iterator[Row] = iter(())
        self._at: str | None = None

    def page(self, cursor: str) -> Page:
        """One scan serves one page after the other; after an error a new one begins behind the cursor."""
        if self._at != cursor:
            self._rows = self._reader.scan(cursor)
        self._at = None
        rows = tuple(islice(self._rows, PAGE))
        self._at = rows[-1][0] if len(rows) == PAGE else ""
        return Page(rows, self._at)


class BySearch:
    """What matches a query, newest first."""

    def __init__(self, catalog: Catalog, query: Query) -> None:
        self._catalog = catalog
        self._query = query

    def page(self, cursor: str) -> Page:
        """A page of the catalog."""
        return self._catalog.page(self._query, cursor, PAGE)


class Shown:
    """Documents as somebody may see them who may not see all of them: `show` is given each with its key in it."""

    def __init__(self, source: Source, show: Show) -> None:
        self._source = source
        self._show = show

    def page(self, cursor: str) -> Page:
        """The page, with what is left of its documents."""
        page = self._source.page(cursor)
        return Page(tuple(map(self._seen, page.rows)), page.next)

    def _seen(self, row: Row) -> Row:
        key, fields = row
        seen = self._show({"key": key} | fields)
        return str(seen.pop("key")), seen


def pages(source: Source, cursor: str, clock: Clock) -> Iterator[Page]:
    """All pages behind the cursor. Raises the error of a page that fails time and again."""
    patiently = Retrying(
        retry=retry_if_exception_type(Transient),
        stop=stop_after_attempt(_TRIES),
        wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_PAUSE),
        sleep=clock.sleep,
        reraise=True,
    )
    more = True
    while more:
        page: Page = patiently(source.page, cursor)
        yield page
        cursor, more = page.next, bool(page.next)
