"""The documents, searched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.catalog.query import Query
from worker.model import Value


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the documents that match: their keys and fields, and the cursor of the next page, "" after the last."""

    rows: tuple[tuple[str, dict[str, Value]], ...]
    next: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an object without its whole document; `code` is its failure's, "" where there is none."""

    key: str
    name: str
    generation: int
    status: str
    extractor: str
    code: str
    size: int | None


class Catalog(Protocol):
    """The documents, searched. Thread-safe; hands out plain JSON values, times as ISO 8601 text.

    Newest first: by the moment a picture was taken, or, where that is not known, by when it was uploaded. What is
    returned is exactly what matches. What a store cannot answer is a QueryError that says what to ask instead, and a
    store that does not answer now is a StoreUnavailable or Throttled.
    """

    def page(self, query: Query, cursor: str = "", limit: int = 100) -> Page:
        """At most `limit` documents; fewer only on the last page.

        `cursor` is a former page's `next`. Documents that are written between two pages move no other from one page to
        another: none is seen twice or missed. Raises QueryError for a cursor that is none.
        """

    def count(self, query: Query) -> int:
        """How many documents match."""

    def stream(self, query: Query, fields: Sequence[str] | None = None) -> Iterator[tuple[str, dict[str, Value]]]:
        """All that match, newest first, in constant memory; of each only these fields (`status`, `camera.make`).

        A field that a document lacks is not there. What is written meanwhile may or may not be seen.
        """

    def facets(self, query: Query, names: Sequence[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Of each of these facets (worker/catalog/facets.py) the values among what matches, the most frequent first."""

    def by_name(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[Stored]:
        """All documents of a bucket's objects whose name begins with `prefix` and sorts after `start_after` by UTF-8
        bytes, in that order, in constant memory: what a listing of the bucket is merged with."""

    def close(self) -> None:
        """Free everything."""
