"""A query as SQL about the table `search`. Nobody's text gets into a statement: all of it is parameters."""

from datetime import UTC, datetime
from typing import NamedTuple

from worker.backends.local.search_table import SECOND
from worker.catalog.fields import PRESENT, TAG, Kind, Operator
from worker.catalog.folding import fold, listed
from worker.catalog.places import boxes_of
from worker.catalog.query import Query, Term
from worker.catalog.searchable import LISTED
from worker.catalog.tag_values import slug
from worker.catalog.values import AFTER, Moment, after_prefix, as_number

Condition = tuple[str, tuple[object, ...]]
"""SQL and its parameters."""

_ZONES = 24 * 3600
"""Seconds; no clock is further from UTC."""
_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
_DOCUMENT = "(SELECT fields FROM documents WHERE documents.key = search.key)"
_COLUMNS = {"position": "latitude", "failure": "code", "taken": "local", "bucket": "+bucket"}
"""Columns that are not called as what they tell of."""
_COLUMNLESS = ("pose",)
_NAMED = "bucket = ?"
"""With it, what begins with a prefix is found along the index of names; `+bucket` is not looked up in an index."""


class Found(NamedTuple):
    """What matches: `FROM` and `WHERE` with its parameters, and what the id is called there."""

    sql: str
    values: tuple[object, ...]
    id: str


def found(query: Query, promoted: frozenset[str] = frozenset(), *, in_order: bool = False) -> Found:
    """Words that must be there are looked up first: there, too, all is in the order of ids.

    Tags whose slug is `promoted` are looked up as well.

    `in_order` is for who goes on reading: what comes along the index of names would be sorted anew for every page.
    """
    words = [term for term in query.terms if _is_of_words(term) and not term.negated]
    others, values = _all(
        [condition for term in query.terms if term not in words for condition in _conditions(term, promoted)]
    )
    if in_order:
        others = others.replace(_NAMED, f"+{_NAMED}")
    if not words:
        return Found(f"FROM search WHERE {others}", values, "id")
    wanted = " AND ".join(f"({_words(term)})" for term in words)
    source = "FROM words CROSS JOIN search ON search.id = words.rowid"
    return Found(f"{source} WHERE words MATCH ? AND {others}", (wanted, *values), "words.rowid")


def _is_of_words(term: Term) -> bool:
    return term.operator is Operator.WORDS or term.field.name in LISTED


def _conditions(term: Term, promoted: frozenset[str]) -> list[Condition]:
    sql, values = _condition(term, promoted)
    if term.negated:
        return [(f"({sql}) IS NOT TRUE", values)]
    if term.field.name == "taken":
        return [_about_then(term), (sql, values)]
    return [(sql, values)]


def _condition(term: Term, promoted: frozenset[str]) -> Condition:
    if term.field is TAG:
        name = slug(term.name)
        return _tagged(term, name) if name in promoted else (f"tag_holds({_DOCUMENT}, ?)", (_positive(term),))
    if _is_of_words(term):
        return "id IN (SELECT rowid FROM words WHERE words MATCH ?)", (_words(term),)
    match term.operator:
        case Operator.HAS:
            return _has(str(term.values[0]))
        case Operator.WITHIN:
            bucket, prefix = map(str, term.values)
            return _all([(_NAMED, (bucket,)), _begins("name", prefix)]) if prefix else ("+bucket = ?", (bucket,))
        case Operator.NEAR | Operator.BOX:
            return _in_place(term)
    column = _COLUMNS.get(term.field.name, term.field.name)
    match term.field.kind:
        case Kind.FLAG:
            return f"{column} IS {'' if term.values[0] else 'NOT '}TRUE", ()
        case Kind.TIME:
            return _in_time(term, column)
    return _compared(term, column)


def _positive(term: Term) -> str:
    return str(term).removeprefix("-")


def _tagged(term: Term, name: str) -> Condition:
    """Of a promoted tag: numbers are asked of documents that hold some, texts of the others."""
    texts = [fold(str(value)) for value in term.values]
    numbers = [number for value in term.values if (number := as_number(str(value))) is not None]
    if term.operator is Operator.HAS:
        return _listed(name, "high", ("TRUE", ()))
    if term.operator is Operator.IS:
        return _listed(name, "values", (f"value IN ({', '.join('?' * len(texts + numbers))})", (*texts, *numbers)))
    if term.operator is Operator.BEGINS:
        return _listed(name, "values", _all([("value >= ''", ()), _begins("value", texts[0])]))
    what = "high" if term.operator in (Operator.MORE, Operator.AT_LEAST) else "low"
    ranges: list[Condition] = [(f"(value {term.operator} ? AND value >= '')", (texts[0],))]
    ranges += [(f"(value {term.operator} ? AND value < '')", (number,)) for number in numbers]
    return _listed(name, what, _any(ranges))


def _listed(name: str, what: str, condition: Condition) -> Condition:
    sql, values = condition
    statement = f"SELECT id FROM tagged WHERE slug = ? AND what = ? AND {sql}"  # noqa: S608 -- of constants alone
    return f"id IN ({statement})", (name, what, *values)


def _compared(term: Term, column: str) -> Condition:
    """Numbers and texts."""
    values = tuple(fold(each) if isinstance(each, str) and term.field.folded else each for each in term.values)
    match term.operator:
        case Operator.IS:
            return f"{column} IN ({', '.join('?' * len(values))})", values
        case Operator.BEGINS:
            return _begins(column, str(values[0]))
        case Operator.BETWEEN:
            return f"{column} BETWEEN ? AND ?", values
    return f"{column} {term.operator} ?", values


def _in_time(term: Term, column: str) -> Condition:
    """ISO 8601 sorts as text, as far as it is told."""
    told = [each.text for each in term.values if isinstance(each, Moment)]
    match term.operator:
        case Operator.IS:
            return _any([(f"({column} >= ? AND {column} < ?)", (text, text + AFTER)) for text in told])
        case Operator.LESS:
            return f"{column} < ?", (told[0],)
        case Operator.AT_MOST:
            return f"{column} < ?", (told[0] + AFTER,)
        case Operator.MORE:
            return f"{column} >= ?", (told[0] + AFTER,)
        case Operator.AT_LEAST:
            return f"{column} >= ?", (told[0],)
    return f"({column} >= ? AND {column} < ?)", (told[0], told[1] + AFTER)


def _about_then(term: Term) -> Condition:
    """The ids among which a picture taken then must be: the table is in that order."""
    moments = [each for each in term.values if isinstance(each, Moment)]
    first, last = min(each.start for each in moments), max(each.end for each in moments)
    lowest = (int((first - _YEAR_ONE).total_seconds()) - _ZONES) * SECOND
    highest = (int((last - _YEAR_ONE).total_seconds()) + _ZONES) * SECOND
    match term.operator:
        case Operator.LESS | Operator.AT_MOST:
            return "id < ?", (highest,)
        case Operator.MORE | Operator.AT_LEAST:
            return "id >= ?", (lowest,)
    return "id >= ? AND id < ?", (lowest, highest)


def _in_place(term: Term) -> Condition:
    boxes: list[Condition] = [
        ("(latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ?)", (south, north, west, east))
        for south, west, north, east in boxes_of(term)
    ]
    if term.operator is Operator.BOX:
        return _any(boxes)
    latitude, longitude, radius = term.values
    return _all([_any(boxes), ("metres(?, ?, latitude, longitude) <= ?", (latitude, longitude, radius))])


def _has(name: str) -> Condition:
    if name in _COLUMNLESS:
        return f"json_extract({_DOCUMENT}, ?) IS NOT NULL", (f"$.{PRESENT[name]}",)
    return f"{_COLUMNS.get(name, name)} IS NOT NULL", ()


def _words(term: Term) -> str:
    """What full text search is asked for: all of the words, any of the keywords, or those that begin so."""
    if term.operator is Operator.WORDS:
        return " AND ".join(f'"{word}"' for word in term.values)
    words = [f'"{listed(term.field.name, str(value))}"' for value in term.values]
    return f"{words[0]} *" if term.operator is Operator.BEGINS else " OR ".join(words)


def _begins(column: str, prefix: str) -> Condition:
    after = after_prefix(prefix)
    return (f"{column} >= ?", (prefix,)) if after is None else (f"({column} >= ? AND {column} < ?)", (prefix, after))


def _all(conditions: list[Condition]) -> Condition:
    return " AND ".join(sql for sql, _ in conditions) or "TRUE", _values(conditions)


def _any(conditions: list[Condition]) -> Condition:
    return f"({' OR '.join(sql for sql, _ in conditions)})", _values(conditions)


def _values(conditions: list[Condition]) -> tuple[object, ...]:
    return tuple(value for _, values in conditions for value in values)
