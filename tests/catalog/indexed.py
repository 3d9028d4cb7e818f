"""Whether the database's indexes serve a query, by Firestore's rules; its emulator asks for none.

A query is served by one index, or by several that are joined: each begins with fields that must be equal to something
(or lists that must contain it), all end with the fields that the answer is ordered by, and together they have every
field that must be equal. Alternatives are served one by one. A field's own index is there unless the field is exempt.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from google.cloud.firestore_v1.types import query as queries

from worker.backends.gcp.catalog import statement
from worker.backends.gcp.catalog_query import plan
from worker.catalog.query import parse
from worker.indexes import COMPOSITE, EXEMPT, Index

_OP = queries.StructuredQuery.FieldFilter.Operator
_OR = queries.StructuredQuery.CompositeFilter.Operator.OR
_MODES = {
    _OP.EQUAL: "ASCENDING",
    _OP.IN: "ASCENDING",
    _OP.ARRAY_CONTAINS: "CONTAINS",
    _OP.ARRAY_CONTAINS_ANY: "CONTAINS",
}
_DIRECTIONS = {1: "ASCENDING", 2: "DESCENDING"}
_KEY = "__name__"

Pb = Any


def asked(text: str) -> Pb:
    """The query by which Firestore is asked for what a text means. Raises QueryError."""
    return statement(plan(parse(text)))


def unserved(query: Pb, composite: Iterable[Index] = COMPOSITE) -> list[Index]:
    """The indexes that a StructuredQuery needs and that are not there; one for each of its alternatives at most."""
    order = _order(query)
    filters = list(_alternatives(query.where)) if query.HasField("where") else [[]]
    there = list(composite)
    wanted = (_wanted(each, order) for each in filters)
    return list(dict.fromkeys((*equal, *tail) for equal, tail in wanted if not _served(equal, tail, there)))


def _served(equal: frozenset[tuple[str, str]], tail: Index, composite: Sequence[Index]) -> bool:
    if len(equal) + len(tail) <= 1:
        return not any(_is_exempt(path) for path, _ in (*equal, *tail))
    joined: set[tuple[str, str]] = set()
    ends = False
    for index in [*composite, *_own(equal, tail)]:
        begins = frozenset(index[: len(index) - len(tail)])
        if index[len(begins) :] == tail and begins <= equal:
            joined |= begins
            ends = True
    return ends and joined == equal


def _own(equal: frozenset[tuple[str, str]], tail: Index) -> Iterator[Index]:
    """The indexes of single fields, which are joined where nothing else is ordered by."""
    if not tail:
        yield from ((each,) for each in equal if not _is_exempt(each[0]))


def _is_exempt(path: str) -> bool:
    return any(path == field or path.startswith(f"{field}.") for field in EXEMPT)


def _wanted(filters: Sequence[Pb], order: Index) -> tuple[frozenset[tuple[str, str]], Index]:
    """What must be equal, and what is ordered by, ranges included: Firestore orders by those in any case."""
    ops = [(each.field.field_path, each.op) for each in filters if each.field.field_path != _KEY]
    ranged = {path for path, op in ops if op not in _MODES and path not in dict(order)}
    equal = frozenset((path, _MODES[op]) for path, op in ops if op in _MODES)
    return equal, (*order, *((path, order[-1][1] if order else "ASCENDING") for path in sorted(ranged)))


def _order(query: Pb) -> Index:
    named = ((each.field.field_path, _DIRECTIONS[each.direction]) for each in query.order_by)
    return tuple(each for each in named if each[0] != _KEY)


def _alternatives(where: Pb) -> Iterator[list[Pb]]:
    """The filters of each alternative, all of which must hold."""
    if not where.HasField("composite_filter"):
        yield [getattr(where, where.WhichOneof("filter_type"))]
        return
    parts = [list(_alternatives(each)) for each in where.composite_filter.filters]
    if where.composite_filter.op == _OR:
        for part in parts:
            yield from part
    else:
        for some in product(*parts):
            yield [each for part in some for each in part]
