"""Filters for people: said in words, and changed by a click."""

from collections.abc import Sequence
from urllib.parse import urlencode

from worker.catalog.facets import ISO_BANDS
from worker.catalog.fields import TAG, Operator
from worker.catalog.query import Query, Term, parse
from worker.catalog.values import Moment, plain
from worker.errors import QueryError

_VERBS = {
    Operator.IS: "is",
    Operator.BEGINS: "begins with",
    Operator.LESS: "is below",
    Operator.AT_MOST: "is at most",
    Operator.MORE: "is above",
    Operator.AT_LEAST: "is at least",
}
_NOT = {
    Operator.IS: "is not",
    Operator.BEGINS: "does not begin with",
    Operator.LESS: "is not below",
    Operator.AT_MOST: "is not at most",
    Operator.MORE: "is not above",
    Operator.AT_LEAST: "is not at least",
}


def in_words(query: Query, noun: str) -> str:
    """`failures whose code is poison and whose name begins with 2024/`; `all failures` without a term."""
    if not query.terms:
        return f"all {noun}"
    return f"{noun} " + " and ".join(_words(term) for term in query.terms)


def toggled(text: str, term: str) -> tuple[str, bool]:
    """The filter with a term, or without it where it has it; and whether it had it."""
    asked = parse(text)
    (wanted,) = parse(term).terms
    if wanted in asked.terms:
        return str(Query(tuple(each for each in asked.terms if each != wanted))), True
    return f"{text} {term}".strip(), False


def in_order(facet: str, counts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The values of a facet as people look for them: months from the last, bands from the lowest."""
    if facet == "month":
        return sorted(counts, reverse=True)
    if facet == "iso":
        return sorted(counts, key=lambda pair: list(ISO_BANDS).index(pair[0]))
    return list(counts)


def shown(facet: str, value: str) -> str:
    """A value as people read it: bands as `201 to 400`."""
    if facet != "iso":
        return value
    low, high = value.split("..")
    return f"{low} to {high}" if low and high else f"up to {high}" if high else f"{low} and more"


def joined(*texts: str) -> str:
    """Filters that must all hold, as one."""
    return " ".join(text.strip() for text in texts if text.strip())


def named(bucket: str, names: list[str]) -> str:
    """The filter for exactly these objects of a bucket."""
    if not names:
        raise QueryError(0, "nothing is selected; tick some failures first")
    return f"{term('bucket', bucket)} {term('name', *names)}"


def term(name: str, *values: str) -> str:
    """A term for exactly these texts."""
    quoted = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return f"{name}:{quoted}"


def address(path: str, text: str) -> str:
    """The page that shows what matches."""
    return f"{path}?{urlencode({'q': text})}" if text else path


def _words(asked: Term) -> str:
    values = [_value(value) for value in asked.values]
    subject = f"whose tag {asked.name}" if asked.field is TAG else f"whose {asked.field.name}"
    no = "do not " if asked.negated else ""
    match asked.operator:
        case Operator.HAS:
            what = asked.name if asked.field is TAG else values[0]
            return f"that {no}have a {what}"
        case Operator.WORDS:
            return f"that {no}hold the words {' '.join(values)}"
        case Operator.WITHIN:
            return f"that {'are not' if asked.negated else 'are'} below gs://{values[0]}/{values[1]}"
        case Operator.NEAR:
            away = "farther" if asked.negated else "no farther"
            return f"taken {away} than {values[2]} m from {values[0]}, {values[1]}"
        case Operator.BOX:
            return f"taken {'outside of' if asked.negated else 'within'} the box {', '.join(values)}"
        case Operator.BETWEEN:
            return f"{subject} is {'not ' if asked.negated else ''}from {values[0]} to {values[1]}"
    verb = (_NOT if asked.negated else _VERBS)[asked.operator]
    return f"{subject} {verb} {' or '.join(values)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Moment):
        return value.text
    return plain(value) if isinstance(value, float) else str(value)
