"""What a query means: whether one document matches. Stores that answer by their indexes must come to the same."""

from collections.abc import Mapping

from worker.catalog.fields import PRESENT, TAG, Kind, Operator
from worker.catalog.folding import fold, listed
from worker.catalog.paths import at
from worker.catalog.places import boxes_of, metres
from worker.catalog.query import Query, Term
from worker.catalog.searchable import LISTED
from worker.catalog.tag_values import Held, held
from worker.catalog.values import AFTER, Moment, as_number

Fields = Mapping[str, object]
"""A document as plain JSON values."""


def matches(query: Query, fields: Fields) -> bool:
    """Whether all terms hold."""
    return all(holds(term, fields) for term in query.terms)


def holds(term: Term, fields: Fields) -> bool:
    """Whether a term holds. What a document lacks is equal to nothing, so only a term with a minus holds of it."""
    return _holds(term, fields) is not term.negated


def _holds(term: Term, fields: Fields) -> bool:
    asked = term.field
    if asked is TAG:
        there = held(fields.get("tags"), term.name)
        return there is not None and _tag_holds(term, there)
    match term.operator:
        case Operator.WORDS:
            return set(term.values) <= _words(fields)
        case Operator.HAS:
            return _at(fields, PRESENT[str(term.values[0])]) is not None
        case Operator.WITHIN:
            return fields.get("bucket") == term.values[0] and str(fields.get("name")).startswith(str(term.values[1]))
        case Operator.NEAR | Operator.BOX:
            return _is_there(term, fields)
    if asked.kind is Kind.FLAG:
        return (_at(fields, asked.path) is True) is term.values[0]
    if asked.name in LISTED:
        return _lists(term, fields)
    value = _at(fields, f"search.{asked.name}" if asked.folded else asked.path)
    return value is not None and compares(term, value)


def compares(term: Term, value: object) -> bool:
    """Whether a document's number, text or time stands to the term's values as its operator says."""
    if term.field.kind is Kind.TIME:
        return isinstance(value, str) and bool(value) and _in_time(term, value)
    given: list[object] = [fold(each) if isinstance(each, str) and term.field.folded else each for each in term.values]
    return _compared(term.operator, value, given)


def _compared(operator: Operator, value: object, given: list[object]) -> bool:
    if operator is Operator.IS:
        return value in given
    if operator is Operator.BEGINS:
        return str(value).startswith(str(given[0]))
    if not isinstance(value, int | float) or not all(isinstance(each, int | float) for each in given):
        return isinstance(value, str) and isinstance(given[0], str) and _ordered(operator, value, given)
    return _ordered(operator, value, given)


def _ordered(operator: Operator, value: object, given: list[object]) -> bool:
    left, right = value, given[0]
    match operator:
        case Operator.LESS:
            return left < right  # type: ignore[operator,no-any-return] # two numbers or two texts, as was seen to
        case Operator.AT_MOST:
            return left <= right  # type: ignore[operator,no-any-return] # the same
        case Operator.MORE:
            return left > right  # type: ignore[operator,no-any-return] # the same
        case Operator.AT_LEAST:
            return left >= right  # type: ignore[operator,no-any-return] # the same
    return right <= left <= given[1]  # type: ignore[operator,no-any-return] # the same


def _in_time(term: Term, value: str) -> bool:
    """ISO 8601 sorts as text, as far as it is told."""
    told = [each.text for each in term.values if isinstance(each, Moment)]
    match term.operator:
        case Operator.IS:
            return any(text <= value < text + AFTER for text in told)
        case Operator.LESS:
            return value < told[0]
        case Operator.AT_MOST:
            return value < told[0] + AFTER
        case Operator.MORE:
            return value >= told[0] + AFTER
        case Operator.AT_LEAST:
            return value >= told[0]
    return told[0] <= value < told[1] + AFTER


def _is_there(term: Term, fields: Fields) -> bool:
    latitude, longitude = _at(fields, "position.latitude"), _at(fields, "position.longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return False
    if term.operator is Operator.NEAR:
        middle_latitude, middle_longitude, radius = (float(str(value)) for value in term.values)
        return metres(middle_latitude, middle_longitude, latitude, longitude) <= radius
    return any(south <= latitude <= north and west <= longitude <= east for south, west, north, east in boxes_of(term))


def _lists(term: Term, fields: Fields) -> bool:
    wanted = [listed(term.field.name, str(value)) for value in term.values]
    if term.operator is Operator.BEGINS:
        return any(word.startswith(wanted[0]) for word in _words(fields))
    return not _words(fields).isdisjoint(wanted)


def _words(fields: Fields) -> set[str]:
    words = _at(fields, "search.words")
    return set(words) if isinstance(words, list) else set()


def _tag_holds(term: Term, there: Held) -> bool:
    """As text where a tag holds no number, and as numbers else."""
    if term.operator is Operator.HAS:
        return True
    texts: list[object] = [fold(str(value)) for value in term.values]
    numbers: list[object] = [number for value in term.values if (number := as_number(str(value))) is not None]
    if term.operator is Operator.IS:
        return not there.texts.isdisjoint(texts) or not there.numbers.isdisjoint(numbers)
    if term.operator is Operator.BEGINS:
        return any(text.startswith(str(texts[0])) for text in there.texts)
    given = numbers if there.numbers else texts
    return bool(given) and any(_ordered(term.operator, end, given) for end in there.ends())


def _at(fields: Fields, path: str) -> object:
    return at(fields, path.split("."))
