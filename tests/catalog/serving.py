"""Which indexes a search takes in Firestore, which the emulator never asks for: the rule, and what is there."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from worker.backends.gcp.catalog_query import KEY, Op, Plan, plan
from worker.catalog.query import Query
from worker.indexes import COMPOSITE, Index
from worker.ports import Catalog, Page, Stored

_EQUAL = frozenset({Op.EQUAL, Op.IN})
_LISTED = frozenset({Op.ARRAY_CONTAINS, Op.ARRAY_CONTAINS_ANY})


def lacking(query: Query) -> list[str]:
    """What no index of the stack serves of a search; nothing where Firestore answers it.

    Each alternative is a search of its own. Its order is that of the indexes' ends; indexes with the same end are
    joined, each by some of the equalities, and all of these have to be covered.
    """
    planned = plan(query)
    order = tuple((path, "DESCENDING") for path in planned.order if path != KEY)
    return [f"{query}: {sorted(equal)} before {order}" for equal in _alternatives(planned) if not _served(equal, order)]


def _served(equal: frozenset[tuple[str, str]], order: Index) -> bool:
    ends = [index for index in COMPOSITE if index[len(index) - len(order) :] == order]
    heads = [frozenset(index[: len(index) - len(order)]) for index in ends]
    if not equal:
        return frozenset() in heads
    return equal == frozenset().union(*(head for head in heads if head <= equal))


def _alternatives(planned: Plan) -> Iterator[frozenset[tuple[str, str]]]:
    each = [list(_equalities(found)) for found in planned.filters]
    for some in product(*each):
        yield frozenset().union(*some)


def _equalities(found: Any) -> Iterator[frozenset[tuple[str, str]]]:
    """Of each alternative of a filter: its fields that are equal to something, and how these are indexed."""
    if found.WhichOneof("filter_type") == "field_filter":
        path, op = found.field_filter.field.field_path, found.field_filter.op
        how = "ASCENDING" if op in _EQUAL else "CONTAINS" if op in _LISTED else ""
        yield frozenset({(path, how)} if how else ())
        return
    parts = [list(_equalities(part)) for part in found.composite_filter.filters]
    if found.composite_filter.op == 2:  # or
        for part in parts:
            yield from part
    else:
        for some in product(*parts):
            yield frozenset().union(*some)


class Recorded:
    """A catalog that remembers the searches which it was asked."""

    def __init__(self, catalog: Catalog, asked: set[str]) -> None:
        self._catalog = catalog
        self._asked = asked

    def page(self, query: Query, cursor: str = "", limit: int = 100) -> Page:
        self._asked.add(str(query))
        return self._catalog.page(query, cursor, limit)

    def count(self, query: Query) -> int:
        self._asked.add(str(query))
        return self._catalog.count(query)

    def stream(self, query: Query, fields: Sequence[str] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        self._asked.add(str(query))
        return self._catalog.stream(query, fields)

    def facets(self, query: Query, names: Sequence[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
        self._asked.add(str(query))
        return self._catalog.facets(query, names)

    def by_name(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[Stored]:
        return self._catalog.by_name(bucket, prefix, start_after)

    def close(self) -> None:
        self._catalog.close()
