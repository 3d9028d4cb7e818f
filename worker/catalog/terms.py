"""A query as a tree: terms, all of which must hold; and as the text that says the same."""

import dataclasses
import re
from dataclasses import dataclass

from worker.catalog import values
from worker.catalog.fields import TAG, Field, Operator
from worker.catalog.values import Moment

Value = str | float | bool | Moment


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `values` are what its operator takes; `name` is the tag's, of a term about a tag.

    `column` is where it stood in the text, counted from 1; it makes no difference to what the term means.
    """

    field: Field
    operator: Operator
    values: tuple[Value, ...] = ()
    negated: bool = False
    name: str = ""
    column: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        """The term as it could have been written."""
        return ("-" if self.negated else "") + _written(self)


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that must all hold; without any, all documents match."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        """A text that says the same."""
        return " ".join(map(str, self.terms))


_UNQUOTED = re.compile(r'[^\s"]+')
_NEEDS_NO_QUOTES = re.compile(r'[^\s",*\\<>=]+')


def _written(term: Term) -> str:
    texts = [_value(value) for value in term.values]
    match term.operator:
        case Operator.WORDS:
            return texts[0] if len(texts) == 1 else _quote(" ".join(texts))
        case Operator.WITHIN:
            uri = f"gs://{term.values[0]}/{term.values[1]}"
            return f"in:{uri if _UNQUOTED.fullmatch(uri) else _quote(uri)}"
        case Operator.NEAR:
            return f"near:{','.join(texts)}m"
        case Operator.BOX | Operator.HAS if term.field is not TAG:
            return f"{term.field.name}:{','.join(texts)}"
    head = f"tag:{_quote(term.name)}" if term.field is TAG else f"{term.field.name}:"
    return head + _compared(term, texts)


def _compared(term: Term, texts: list[str]) -> str:
    is_tag = "=" if term.field is TAG else ""
    match term.operator:
        case Operator.HAS:
            return ""
        case Operator.IS:
            return is_tag + ",".join(texts)
        case Operator.BEGINS:
            return f"{is_tag}{texts[0]}*"
        case Operator.BETWEEN:
            return "..".join(texts)
    return term.operator + texts[0]


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return values.plain(value)
    if isinstance(value, Moment):
        return value.text
    return value if _NEEDS_NO_QUOTES.fullmatch(value) else _quote(value)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
