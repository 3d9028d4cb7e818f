"""A query as filters of Firestore's, as far as its indexes answer it exactly; what they cannot answer is refused.

Two kinds of terms are asked for by less than all of what they say, and the documents that come are looked at again: of
several words Firestore looks one up, and of a circle ranges of geohashes. docs/search.md has the indexes.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import prod
from typing import NoReturn

from google.cloud.firestore_v1.types import query as queries

from worker import geohash
from worker.backends.gcp.values import Pb
from worker.catalog.fields import TAG, Clock, Field, Kind, Operator
from worker.catalog.folding import fold, listed
from worker.catalog.places import boxes_of
from worker.catalog.query import Query, Term
from worker.catalog.searchable import HAS, LISTED
from worker.catalog.tag_values import FIELDS, slug
from worker.catalog.values import AFTER, Moment, after_prefix, as_number
from worker.errors import QueryError

TIME, LOCAL, KEY = "search.time", "search.local", "__name__"
GEOHASH = "position.geohash"
MOST_ALTERNATIVES = 30
"""Firestore's limit for `or`, `in` and `array-contains-any` together, multiplied out."""
MOST_RANGES = 10
"""Firestore's limit for fields with inequalities."""

Op = queries.StructuredQuery.FieldFilter.Operator
_AND, _OR = queries.StructuredQuery.CompositeFilter.Operator.AND, queries.StructuredQuery.CompositeFilter.Operator.OR
_Filter = queries.StructuredQuery.Filter.pb()
_BELOW, _UP_TO, _ABOVE, _FROM = Op.LESS_THAN, Op.LESS_THAN_OR_EQUAL, Op.GREATER_THAN, Op.GREATER_THAN_OR_EQUAL
_OPPOSITE = {_BELOW: (_FROM,), _UP_TO: (_ABOVE,), _ABOVE: (_UP_TO,), _FROM: (_BELOW,), Op.EQUAL: (_BELOW, _ABOVE)}
_RANGES = frozenset(_OPPOSITE) - {Op.EQUAL}
_LISTS = frozenset({Op.ARRAY_CONTAINS, Op.ARRAY_CONTAINS_ANY})
_ORDERED = {Operator.LESS: _BELOW, Operator.AT_MOST: _UP_TO, Operator.MORE: _ABOVE, Operator.AT_LEAST: _FROM}
_ALWAYS = frozenset({"bucket", "name", "extractor", "processed", "worker", "status"})
"""Fields that no document lacks."""
_ZONES = timedelta(days=1)
"""No clock is further from UTC."""
_RANGES_OF_A_PLACE = 8
"""Ranges of geohashes, where there is room for so many."""


@dataclass(frozen=True, slots=True)
class Where:
    """One condition on one field."""

    path: str
    op: int
    value: object


Alternatives = list[list[Where]]
"""One of these lists must hold, and all of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Filters, the paths that pages are ordered by (descending), and the terms that are yet to be looked at."""

    filters: tuple[Pb, ...]
    order: tuple[str, ...]
    left: tuple[Term, ...]


def plan(query: Query, promoted: frozenset[str] = frozenset()) -> Plan:
    """How Firestore answers the query. Raises QueryError where it cannot, with what to ask instead.

    Of tags it knows those whose slug is `promoted`.
    """
    found: list[Alternatives] = []
    left: list[Term] = []
    looked_up = _looked_up(query)
    places = [term for term in query.terms if term.field.kind is Kind.PLACE]
    for term in query.terms:
        if term.field is TAG:
            found.append(_tagged(term, promoted))
        elif not _is_of_words(term) and term not in places:
            found.append(_alternatives(term, query))
        elif term is looked_up:
            found.append([[_contains(term)]])
        if not _is_answered(term, looked_up):
            left.append(term)
    room = MOST_ALTERNATIVES // max(1, prod(map(_count, found)))
    found += [_in_place(term, int(room ** (1 / len(places)))) for term in places]
    ranged = {where.path for each in found for some in each for where in some if where.op in _RANGES}
    if len(ranged | {TIME, LOCAL}) > MOST_RANGES:
        raise QueryError(0, f"Firestore takes ranges of {MOST_RANGES - 2} fields at once; ask for fewer")
    if sum(any(where.op in _LISTS for some in each for where in some) for each in found) > 1:
        raise QueryError(0, "Firestore looks up one list at once: give one value of a tag, or words and keywords")
    if prod(map(_count, found)) > MOST_ALTERNATIVES:
        raise QueryError(0, f"Firestore takes {MOST_ALTERNATIVES} alternatives, multiplied out; give fewer values")
    return Plan(tuple(map(_filter, found)), (TIME, LOCAL, *sorted(ranged - {TIME, LOCAL}), KEY), tuple(left))


# --- words: Firestore looks up one ---------------------------------------------------------------------------


def _is_of_words(term: Term) -> bool:
    return term.operator is Operator.WORDS or term.field.name in LISTED


def _looked_up(query: Query) -> Term | None:
    """The term whose words are looked up: keywords rather than a long word, rather than a short one."""
    found = [term for term in query.terms if _is_of_words(term)]
    for term in found:
        if term.negated:
            _refuse(term, "it cannot leave words out; ask for what there must be instead")
        if term.operator is Operator.BEGINS:
            _refuse(term, "it finds whole keywords and creators alone; leave the * out")
    return max(found, key=lambda term: (term.operator is Operator.IS, len(_longest(term))), default=None)


def _contains(term: Term) -> Where:
    if term.operator is Operator.WORDS:
        return Where("search.words", Op.ARRAY_CONTAINS, _longest(term))
    wanted = [listed(term.field.name, str(value)) for value in term.values]
    if len(wanted) == 1:
        return Where("search.words", Op.ARRAY_CONTAINS, wanted[0])
    return Where("search.words", Op.ARRAY_CONTAINS_ANY, wanted)


def _longest(term: Term) -> str:
    return max(map(str, term.values), key=len)


def _is_answered(term: Term, looked_up: Term | None) -> bool:
    """Whether the filters say all that the term says."""
    if term.operator is Operator.WORDS:
        return term is looked_up and len(term.values) == 1
    if term.field.name in LISTED:
        return term is looked_up
    return term.operator not in (Operator.NEAR, Operator.BOX)


# --- the other terms -----------------------------------------------------------------------------------------


def _alternatives(term: Term, query: Query) -> Alternatives:
    match term.operator:
        case Operator.HAS:
            return [[_has(term)]]
        case Operator.WITHIN:
            return [_within(term)]
    if term.field.kind is Kind.FLAG:
        if term.values[0] is term.negated:
            _refuse(term, f"it finds documents with {term.field.name}:yes alone; leave this out")
        return [[Where(term.field.path, Op.EQUAL, True)]]
    if term.negated and term.field.choices:
        others = [choice for choice in term.field.choices if choice not in term.values]
        return [[Where(term.field.path, Op.IN, others)]]
    found = _about_time(term) if term.field.kind is Kind.TIME else [_compared(term)]
    return found if not term.negated else _but(term, found, query)


def _tagged(term: Term, promoted: frozenset[str]) -> Alternatives:
    """Of a promoted tag: numbers are asked of documents that hold some, texts of the others."""
    name = slug(term.name)
    if name not in promoted:
        _refuse(term, f"it has no index of this tag; `imagemeta fields add {term.name}` makes it one that is asked for")
    if term.negated or term.operator is Operator.BEGINS:
        _refuse(term, "of a promoted tag it finds whole values and ranges that there must be; leave minus and * out")
    path = f"search.{FIELDS}.{name}"
    texts = [fold(str(value)) for value in term.values]
    given = [*texts, *(number for value in term.values if (number := as_number(str(value))) is not None)]
    if term.operator is Operator.HAS:
        return [[Where(f"{path}.has", Op.EQUAL, True)]]
    if term.operator is Operator.IS:
        return [[Where(f"{path}.values", Op.ARRAY_CONTAINS_ANY, given)]]
    end = "high" if term.operator in (Operator.MORE, Operator.AT_LEAST) else "low"
    return [[Where(f"{path}.{end}", _ORDERED[term.operator], each)] for each in given]


def _has(term: Term) -> Where:
    name = str(term.values[0])
    if name not in HAS:
        _refuse(term, f"it can tell this of {', '.join(HAS)} alone")
    return Where(f"search.has.{name}", Op.EQUAL, not term.negated)


def _within(term: Term) -> list[Where]:
    if term.negated:
        _refuse(term, "it cannot leave a place out; ask for those that there may be instead")
    bucket, prefix = map(str, term.values)
    return [Where("bucket", Op.EQUAL, bucket), *(_begins("name", prefix) if prefix else [])]


def _in_place(term: Term, most: int) -> Alternatives:
    """So many ranges of geohashes, at most."""
    if term.negated:
        _refuse(term, "it cannot leave an area out; ask for the areas beside it instead")
    boxes = boxes_of(term)
    ranges = {
        each for box in boxes for each in geohash.cover(*box, max(1, min(_RANGES_OF_A_PLACE, most) // len(boxes)))
    }
    return [[Where(GEOHASH, _FROM, first), Where(GEOHASH, _BELOW, end)] for first, end in sorted(ranges)]


def _compared(term: Term) -> list[Where]:
    """Numbers and texts."""
    path = path_of(term.field)
    values = [fold(each) if isinstance(each, str) and term.field.folded else each for each in term.values]
    match term.operator:
        case Operator.IS:
            return [Where(path, Op.EQUAL, values[0]) if len(values) == 1 else Where(path, Op.IN, values)]
        case Operator.BEGINS:
            return _begins(path, str(values[0]))
        case Operator.BETWEEN:
            return [Where(path, _FROM, values[0]), Where(path, _UP_TO, values[1])]
    return [Where(path, _ORDERED[term.operator], values[0])]


def _begins(path: str, prefix: str) -> list[Where]:
    after = after_prefix(prefix)
    return [Where(path, _FROM, prefix), *([] if after is None else [Where(path, _BELOW, after)])]


def _about_time(term: Term) -> Alternatives:
    moments = [each for each in term.values if isinstance(each, Moment)]
    if term.field.clock is Clock.UTC:
        return _spans(term, term.field.path, [(each.start, each.end) for each in moments])
    found = _spans(term, LOCAL, [(each.text, each.text + AFTER) for each in moments])
    known = [Where(LOCAL, _ABOVE, "")]  # what no clock is known of has an empty text there
    if term.negated:
        return found
    about = _spans(term, TIME, [(each.start, each.end) for each in moments])
    near = [[Where(each.path, each.op, _beside(each)) for each in some] for some in about]
    return [[*exact, *roughly, *known] for exact, roughly in zip(found, near, strict=True)]


def _beside(where: Where) -> str:
    """The end of a span in `search.time`, which is in UTC, as far off as a camera's clock may be."""
    moment: datetime = where.value  # type: ignore[assignment] # `_spans` was given moments
    with suppress(OverflowError):
        moment += -_ZONES if where.op == _FROM else _ZONES
    return moment.replace(tzinfo=None).isoformat()


def _spans(term: Term, path: str, spans: Sequence[tuple[object, object]]) -> Alternatives:
    """Each span is told by its first moment and the first one after it."""
    start, end = spans[0]
    match term.operator:
        case Operator.IS:
            return [[Where(path, _FROM, first), Where(path, _BELOW, after)] for first, after in spans]
        case Operator.LESS:
            return [[Where(path, _BELOW, start)]]
        case Operator.AT_MOST:
            return [[Where(path, _BELOW, end)]]
        case Operator.MORE:
            return [[Where(path, _FROM, end)]]
        case Operator.AT_LEAST:
            return [[Where(path, _FROM, start)]]
    return [[Where(path, _FROM, start), Where(path, _BELOW, spans[1][1])]]


def _but(term: Term, found: Alternatives, query: Query) -> Alternatives:
    """What the term leaves, among the documents that have a value: Firestore cannot find the others beside them."""
    name = term.field.name
    sure = name in _ALWAYS or any(
        each.operator is Operator.HAS and each.values == (name,) and not each.negated for each in query.terms
    )
    if not sure:
        advice = f"add has:{name}" if name in HAS else "ask for the values that there may be instead"
        _refuse(term, f"it cannot find documents without a {name} beside those with another; {advice}")
    if len(found) > 1 or any(where.op not in _OPPOSITE for where in found[0]):
        _refuse(term, "it can leave out one value or range alone; write a term with a minus for each")
    left = [[Where(where.path, op, where.value)] for where in found[0] for op in _OPPOSITE[where.op]]
    return [[*some, Where(LOCAL, _ABOVE, "")] for some in left] if found[0][0].path == LOCAL else left


def path_of(field: Field) -> str:
    """Where Firestore looks a field up."""
    if field.clock is Clock.CAMERA:
        return LOCAL
    return f"search.{field.name}" if field.folded else field.path


def _refuse(term: Term, why: str) -> NoReturn:
    raise QueryError(term.column, f"Firestore cannot answer {term}: {why}")


# --- as messages ---------------------------------------------------------------------------------------------


def _count(found: Alternatives) -> int:
    return sum(prod(len(where.value) for where in some if isinstance(where.value, list)) for some in found)


def _filter(found: Alternatives) -> Pb:
    return _composite(_OR, [_composite(_AND, [condition(where) for where in some]) for some in found])


def _composite(op: int, filters: Sequence[Pb]) -> Pb:
    if len(filters) == 1:
        return filters[0]
    made = _Filter()
    made.composite_filter.op = op
    made.composite_filter.filters.extend(filters)
    return made


def condition(where: Where) -> Pb:
    """One condition as a filter."""
    made = _Filter()
    made.field_filter.field.field_path = where.path
    made.field_filter.op = where.op
    encode(made.field_filter.value, where.value)
    return made


def encode(message: Pb, value: object) -> None:
    """Put a value of ours into a `Value`."""
    if isinstance(value, bool):
        message.boolean_value = value
    elif isinstance(value, int | float):
        message.double_value = value
    elif isinstance(value, datetime):
        message.timestamp_value.FromDatetime(value)
    elif isinstance(value, list):
        for each in value:
            encode(message.array_value.values.add(), each)
    else:
        message.string_value = str(value)


def all_of(filters: Iterable[Pb]) -> Pb | None:
    """Filters that must all hold, as one."""
    filters = list(filters)
    return _composite(_AND, filters) if filters else None
