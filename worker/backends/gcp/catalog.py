"""The catalog of a Firestore collection. Every answer is exact: what indexes cannot tell is read, or refused.

A page reads the documents that it returns, and one. For places or several words it reads some more, up to `COUNTED`, as
does counting those; facets of names read all that match, up to `COUNTED`.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice

import orjson
from google.cloud.firestore_v1.types import query as queries

from worker.backends.gcp.catalog_query import KEY, Op, Plan, Where, all_of, condition, encode, plan
from worker.backends.gcp.collection import Collection
from worker.backends.gcp.values import Pb, decode_fields, field_path
from worker.catalog.facets import ISO_BANDS, Facet, chosen, counted, ranked
from worker.catalog.fields import FIELDS, Clock, Kind
from worker.catalog.matching import holds
from worker.catalog.paths import at, picked
from worker.catalog.query import Query, parse
from worker.catalog.tag_values import Promoted, nothing_promoted
from worker.catalog.values import after_prefix
from worker.errors import Misconfigured, QueryError, Refused
from worker.model import Status, Value
from worker.ports import Page, Stored

COUNTED = 10_000
"""Documents that are read to count what Firestore cannot, or to fill a page of it."""
PAGE = 300
"""Documents of one query of `stream`."""
_NAMES = 1000
"""Documents of one query of `by_name`."""
_BY_NAME = ("name", "generation", "status", "extractor", "failure.code", "size")
_LOOKED_AT = ("position.latitude", "position.longitude", "search.words")
"""What the terms that are left to look at are about."""
_PILES = {"status": [str(status) for status in Status], "position": ["yes", "no"], "iso": list(ISO_BANDS)}
"""Facets whose values are known beforehand."""
_BUCKETS = 100
"""Buckets that are looked for, to be counted."""
_TIMES = frozenset(field.path for field in FIELDS if field.kind is Kind.TIME and field.clock is Clock.UTC)
_Query = queries.StructuredQuery.pb()
_UP, _DOWN = queries.StructuredQuery.Direction.ASCENDING, queries.StructuredQuery.Direction.DESCENDING

Row = tuple[str, dict[str, Value]]


class FirestoreCatalog:
    """Catalog on one collection. Thread-safe. Documents that were made without a `search` are not found.

    A search that needs an index which the database lacks is a QueryError, with Firestore's word on the index. To count
    what its indexes cannot, `counted` documents are read at most. Of tags it knows those whose slug is `promoted`.
    """

    def __init__(
        self,
        project: str,
        database: str = "(default)",
        collection: str = "images",
        counted: int = COUNTED,
        promoted: Promoted = nothing_promoted,
    ) -> None:
        self._counted = counted
        self._promoted = promoted
        self._collection = Collection(project, database, collection)

    def page(self, query: Query, cursor: str = "", limit: int = 100) -> Page:
        """One query; more where some of what came does not match."""
        planned = plan(query, self._promoted(query))
        start = _decoded(cursor, planned) if cursor else None
        bounded = "fill a page" if planned.left else ""
        rows = list(islice(self._matching(planned, None, limit + 1, start, bounded), limit + 1))
        more = _encoded(planned, *rows[limit - 1]) if len(rows) > limit else ""
        return Page(tuple(rows[:limit]), more)

    def count(self, query: Query) -> int:
        """Firestore's count; where it cannot tell, by reading."""
        planned = plan(query, self._promoted(query))
        if not planned.left:
            with _answerable():
                return self._collection.count(statement(planned))
        return sum(1 for _ in self._matching(planned, (), PAGE, bounded="count them"))

    def stream(self, query: Query, fields: Sequence[str] | None = None) -> Iterator[Row]:
        """Query by query, each of which goes on behind the last document of the one before."""
        for key, document in self._matching(plan(query, self._promoted(query)), fields, PAGE):
            yield key, document if fields is None else picked(document, fields)

    def facets(self, query: Query, names: Sequence[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Read what matches if there is not too much of it; else count each pile whose name is known."""
        facets = chosen(names)
        planned = plan(query, self._promoted(query))
        if planned.left or self.count(query) <= self._counted:
            paths = [path for facet in facets for path in facet.paths]
            found = self._matching(planned, paths, PAGE, bounded="sort them")
            return counted((document for _, document in found), facets)
        return {facet.name: self._piles(query, facet) for facet in facets}

    def by_name(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[Stored]:
        """Query by query, along the index of buckets and names."""
        end = after_prefix(prefix)
        op, start = (Op.GREATER_THAN, start_after) if start_after >= prefix else (Op.GREATER_THAN_OR_EQUAL, prefix)
        while True:
            documents = self._names(bucket, op, start, end)
            found = [self._stored(document) for document in documents]
            yield from found
            if len(found) < _NAMES:
                return
            op, start = Op.GREATER_THAN, found[-1].name

    def close(self) -> None:
        """Close the channel."""
        self._collection.close()

    def _matching(
        self,
        planned: Plan,
        fields: Sequence[str] | None,
        size: int,
        start: list[object] | None = None,
        bounded: str = "",
    ) -> Iterator[Row]:
        """What matches after a place, newest first; read so many at a time, and `bounded` to do something, no more
        than are allowed."""
        size = min(PAGE, 2 * size) if planned.left else size
        for read, row in enumerate(self._read(planned, fields, size, start)):
            if bounded and read == self._counted:
                most = f"more than {self._counted} documents"
                raise QueryError(0, f"Firestore would have to read {most} to {bounded}; narrow the search")
            if all(holds(term, row[1]) for term in planned.left):
                yield row

    def _read(
        self, planned: Plan, fields: Sequence[str] | None, size: int, start: list[object] | None = None
    ) -> Iterator[Row]:
        """What the filters find after a place, with these fields and what is needed besides."""
        while True:
            asked = statement(planned)
            asked.limit.value = size
            if fields is not None:
                _select(asked, [*fields, *planned.order, *(_LOOKED_AT if planned.left else ())])
            if start is not None:
                self._go_on(asked, planned, start)
            with _answerable():
                documents = self._collection.query(asked)
            row: Row | None = None
            for document in documents:
                row = self._key(document), decode_fields(document.fields)
                yield row
            if row is None or len(documents) < size:
                return
            start = _place(planned, *row)

    def _go_on(self, statement: Pb, planned: Plan, start: list[object]) -> None:
        """Behind the document of this place."""
        statement.start_at.before = False
        for path, value in zip(planned.order, start, strict=True):
            if path == KEY:
                statement.start_at.values.add(reference_value=f"{self._collection.documents}{value}")
            else:
                moment = datetime.fromisoformat(str(value)) if path in _TIMES else value
                encode(statement.start_at.values.add(), moment)

    def _piles(self, query: Query, facet: Facet) -> list[tuple[str, int]]:
        piles = self._buckets() if facet.name == "bucket" else _PILES.get(facet.name, ())
        if not piles:
            raise QueryError(
                0, f"Firestore counts each {facet.name} of at most {self._counted} documents; narrow the search"
            )
        counts = {pile: Query(query.terms + parse(facet.asked(pile)).terms) for pile in piles}
        return ranked((pile, count) for pile, query in counts.items() if (count := self.count(query)))

    def _buckets(self) -> Sequence[str]:
        """Those that documents speak of, one read for each; none if there are too many."""
        found: list[str] = []
        while len(found) <= _BUCKETS:
            behind = _Query()
            behind.where.CopyFrom(condition(Where("bucket", Op.GREATER_THAN, found[-1] if found else "")))
            behind.order_by.add(direction=_UP).field.field_path = "bucket"
            behind.limit.value = 1
            _select(behind, ["bucket"])
            with _answerable():
                documents = self._collection.query(behind)
            if not documents:
                return found
            found.append(documents[0].fields["bucket"].string_value)
        return ()

    def _names(self, bucket: str, op: int, start: str, end: str | None) -> list[Pb]:
        statement = _Query()
        conditions = [Where("bucket", Op.EQUAL, bucket), Where("name", op, start)]
        conditions += [] if end is None else [Where("name", Op.LESS_THAN, end)]
        statement.where.CopyFrom(all_of(map(condition, conditions)))
        statement.order_by.add(direction=_UP).field.field_path = "name"
        statement.limit.value = _NAMES
        _select(statement, _BY_NAME)
        with _answerable():
            return self._collection.query(statement)

    def _stored(self, document: Pb) -> Stored:
        fields = decode_fields(document.fields)
        name, generation, status, extractor, code, size = (at(fields, path.split(".")) for path in _BY_NAME)
        return Stored(
            self._key(document),
            str(name),
            generation if isinstance(generation, int) else 0,
            str(status),
            str(extractor),
            str(code or ""),
            size if isinstance(size, int) else None,
        )

    def _key(self, document: Pb) -> str:
        key: str = document.name.removeprefix(self._collection.documents)
        return key


def statement(planned: Plan) -> Pb:
    """The query that Firestore is asked."""
    statement = _Query()
    if (filters := all_of(planned.filters)) is not None:
        statement.where.CopyFrom(filters)
    for path in planned.order:
        statement.order_by.add(direction=_DOWN).field.field_path = path
    return statement


def _select(statement: Pb, paths: Sequence[str]) -> None:
    for path in dict.fromkeys(paths):
        statement.select.fields.add(field_path=".".join(map(field_path, path.split("."))))


def _place(planned: Plan, key: str, fields: Mapping[str, object]) -> list[object]:
    """Where a document stands in the order of pages."""
    return [key if path == KEY else at(fields, path.split(".")) for path in planned.order]


def _encoded(planned: Plan, key: str, fields: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(_place(planned, key, fields))).decode()


def _decoded(cursor: str, planned: Plan) -> list[object]:
    place: list[object] = []
    with suppress(ValueError):  # which binascii's and orjson's errors are as well
        found = orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        place = found if isinstance(found, list) else []
    if len(place) == len(planned.order) and all(map(_fits, planned.order, place)):
        return place
    raise QueryError(0, "this cursor is none that a page of this search gave; begin with the first page")


def _fits(path: str, value: object) -> bool:
    with suppress(ValueError):
        return isinstance(value, str | float | int) and bool(path not in _TIMES or datetime.fromisoformat(str(value)))
    return False


@contextmanager
def _answerable() -> Iterator[None]:
    """What Firestore refuses of a search is the search's fault; what it says of a missing index is worth reading."""
    try:
        yield
    except Refused as error:
        raise QueryError(0, f"Firestore refuses this search: {error}") from error
    except Misconfigured as error:
        if "requires an index" not in str(error):
            raise
        raise QueryError(0, f"this search needs an index that the database lacks (docs/search.md): {error}") from error
