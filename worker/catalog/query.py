"""The language of searches: text becomes a tree of terms, all of which must hold, and the tree becomes text again.

    make:Sony,Canon iso:>800 taken:2024-05..2024-07 -has:position near:48.1,11.5,2km tag:"XMP:Rating">=3 some words

docs/search.md teaches it.
"""

import difflib
import re
from typing import NoReturn

from worker.catalog import values
from worker.catalog.fields import ALSO_PRESENT, BY_NAME, FIELDS, PRESENT, TAG, WORDS, Field, Kind, Operator
from worker.catalog.folding import words
from worker.catalog.terms import Query, Term, Value
from worker.errors import QueryError

__all__ = ["Query", "Term", "Value", "parse"]

LONGEST = 4000
"""Characters of a query."""
MOST_TERMS = 60
MOST_VALUES = 30
"""In one term: as many as Firestore's `in` takes."""


def parse(text: str) -> Query:
    """The query that a text means. Raises QueryError, which says where it went wrong and what to write instead."""
    if len(text) > LONGEST:
        raise QueryError(LONGEST, f"the query is longer than {LONGEST} characters")
    for column, letter in enumerate(text, 1):
        if letter == "\0" or "\ud800" <= letter <= "\udfff":
            raise QueryError(column, "here is something that is no text")
    reader = _Reader(text)
    terms: list[Term] = []
    while reader.more():
        if len(terms) == MOST_TERMS:
            raise QueryError(reader.column, f"there are more than {MOST_TERMS} terms")
        terms.append(reader.term())
    return Query(tuple(terms))


# --- from text ---------------------------------------------------------------------------------------------

_NAME = re.compile(r"([A-Za-z][A-Za-z_]*):")
_COLONLESS = re.compile(r"([A-Za-z]+)[<>=]")
_COMPARISON = re.compile(r">=|<=|>|<|=")
_UNQUOTED = re.compile(r'[^\s"]+')
_LISTED = re.compile(r'[^\s",]+')
_TAG_NAME = re.compile(r'[^\s"<>=]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NO_OPERATORS = {
    "AND": "all terms must hold anyway: leave AND out",
    "OR": "there is no OR between terms; one field takes several values, as make:Sony,Canon",
    "NOT": "put a minus before the term, as -make:Sony",
}


class _Reader:
    """A place in the text that moves on as it is read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def column(self) -> int:
        return self._at + 1

    def more(self) -> bool:
        """Whether there is a term ahead."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    def term(self) -> Term:
        column = self.column
        negated = self._skip("-")
        if negated and (self._ends() or self._text[self._at] == "-"):
            self._fail("a minus stands directly before what must not be")
        if match := self._take(_NAME):
            read = self._of_field(self._known(match[1], column + negated))
        else:
            read = self._words(column)
        if not self._ends():
            self._fail("a space is missing here, or a quote is too many")
        return Term(read.field, read.operator, read.values, negated, read.name, column)

    def _words(self, column: int) -> Term:
        quoted = self._quoted()
        text = quoted if quoted is not None else self._plain_word()
        found = tuple(dict.fromkeys(words(text)))
        if not found:
            raise QueryError(column, f"{text!r} has no letter or digit to search for")
        return Term(WORDS, Operator.WORDS, found)

    def _plain_word(self) -> str:
        start, ahead = self.column, self._text[self._at :]
        if (match := _COLONLESS.match(ahead)) and match[1].lower() in BY_NAME:
            self._fail(f"a colon is missing: {match[1]}:{ahead[len(match[1])]}...")
        if ahead[0] in "()":
            self._fail("there are no brackets; all terms must hold")
        word = self._expect(_UNQUOTED, "a word is missing")
        if word in _NO_OPERATORS:
            raise QueryError(start, f'{_NO_OPERATORS[word]}; to search for the word, write "{word}"')
        return word

    def _known(self, name: str, column: int) -> Field:
        known = {**BY_NAME, "tag": TAG}
        if name.lower() in known:
            return known[name.lower()]
        close = difflib.get_close_matches(name.lower(), known, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        names = ", ".join(each.name for each in (*FIELDS, TAG))
        raise QueryError(
            column, f"there is no field {name!r}; {hint}known: {names}; to search for it as text, put it in quotes"
        )

    def _of_field(self, asked: Field) -> Term:
        if self._ends():
            raise QueryError(self.column, f"{asked.name}: needs a value ({asked.help})")
        if asked is TAG:
            return self._tag()
        match asked.kind:
            case Kind.TEXT:
                return self._texts(asked)
            case Kind.NUMBER | Kind.TIME:
                return self._ordered(asked)
            case Kind.FLAG:
                return Term(asked, Operator.IS, (self._flag(),))
            case Kind.PLACE:
                return self._place(asked)
            case Kind.SCOPE:
                return self._scope(asked)
            case Kind.PRESENCE:
                return self._presence(asked)

    def _tag(self) -> Term:
        quoted = self._quoted()
        name = quoted if quoted is not None else self._expect(_TAG_NAME, "the tag's name is missing")
        if not name.strip():
            self._fail("the tag's name is missing")
        compared = self._take(_COMPARISON)
        if compared is None:
            return Term(TAG, Operator.HAS, (), name=name)
        if compared[0] == "=":
            given = self._texts(TAG)
            return Term(TAG, given.operator, given.values, name=name)
        return Term(TAG, Operator(compared[0]), (self._value("a value is missing"),), name=name)

    def _texts(self, asked: Field) -> Term:
        """One or several whole values, or the beginning of one."""
        found: list[Value] = []
        while True:
            start = self.column
            value, open_ended = self._open_ended()
            if open_ended and (found or self._text.startswith(",", self._at)):
                raise QueryError(start, "a value that ends with * stands alone, not in a list")
            if asked.choices and value.lower() not in asked.choices:
                raise QueryError(start, f"{asked.name} is one of {', '.join(asked.choices)}, not {value!r}")
            found.append(value.lower() if asked.choices else value)
            if open_ended:
                return Term(asked, Operator.BEGINS, tuple(found))
            if not self._skip(","):
                return Term(asked, Operator.IS, self._limited(found))

    def _open_ended(self) -> tuple[str, bool]:
        """A value, and whether a * stands behind it."""
        quoted = self._quoted()
        if quoted is not None:
            return quoted, self._skip("*")
        value = self._expect(_LISTED, "a value is missing here")
        return value.removesuffix("*"), value.endswith("*")

    def _ordered(self, asked: Field) -> Term:
        start = self.column
        compared = self._take(_COMPARISON)
        if compared:
            return Term(asked, Operator(compared[0]), (self._read(asked),))
        raw = self._value("a value is missing")
        if ".." in raw:
            return self._between(asked, raw, start)
        found: list[Value] = [_read(asked, raw, start)]
        while self._skip(","):
            found.append(self._read(asked))
        return Term(asked, Operator.IS, self._limited(found))

    def _between(self, asked: Field, raw: str, start: int) -> Term:
        first, _, last = raw.partition("..")
        if not first and not last:
            raise QueryError(start, "a range needs at least one end")
        if not last:
            return Term(asked, Operator.AT_LEAST, (_read(asked, first, start),))
        end = _read(asked, last, start + len(first) + 2)
        if not first:
            return Term(asked, Operator.AT_MOST, (end,))
        return Term(asked, Operator.BETWEEN, (_read(asked, first, start), end))

    def _flag(self) -> bool:
        start = self.column
        given = self._expect(_LISTED, "a value is missing").lower()
        if given not in ("yes", "no", "true", "false"):
            raise QueryError(start, f"it is yes or no, not {given!r}")
        return given in ("yes", "true")

    def _place(self, asked: Field) -> Term:
        start = self.column
        raw = self._whole("a place is missing")
        near = asked.name == "near"
        try:
            found: tuple[Value, ...] = values.circle(raw) if near else values.box(raw)
        except ValueError as error:
            raise QueryError(start, f"{asked.name}: {error}") from None
        return Term(asked, Operator.NEAR if near else Operator.BOX, found)

    def _scope(self, asked: Field) -> Term:
        start = self.column
        bucket, _, prefix = self._whole("a bucket is missing").removeprefix("gs://").partition("/")
        if not bucket:
            raise QueryError(start, "in: takes gs://bucket or gs://bucket/prefix")
        return Term(asked, Operator.WITHIN, (bucket, prefix))

    def _presence(self, asked: Field) -> Term:
        start = self.column
        given = self._expect(_UNQUOTED, "a field's name is missing").lower()
        name = ALSO_PRESENT.get(given, given)
        if name not in PRESENT:
            close = difflib.get_close_matches(name, PRESENT, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise QueryError(start, f"has: does not know {given!r}; {hint}known: {', '.join(PRESENT)}")
        return Term(asked, Operator.HAS, (name,))

    def _limited(self, found: list[Value]) -> tuple[Value, ...]:
        if len(found) > MOST_VALUES:
            self._fail(f"there are more than {MOST_VALUES} values")
        return tuple(found)

    def _read(self, asked: Field) -> Value:
        start = self.column
        return _read(asked, self._value("a value is missing"), start)

    def _value(self, missing: str) -> str:
        quoted = self._quoted()
        return quoted if quoted is not None else self._expect(_LISTED, missing)

    def _whole(self, missing: str) -> str:
        quoted = self._quoted()
        return quoted if quoted is not None else self._expect(_UNQUOTED, missing)

    def _quoted(self) -> str | None:
        """What stands in quotes here, if something does."""
        if not self._text.startswith('"', self._at):
            return None
        return _ESCAPE.sub(r"\1", self._expect(_QUOTED, "this quote is never closed")[1:-1])

    def _ends(self) -> bool:
        return self._at == len(self._text) or self._text[self._at].isspace()

    def _skip(self, letter: str) -> bool:
        found = self._text.startswith(letter, self._at)
        self._at += found
        return found

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match

    def _expect(self, pattern: re.Pattern[str], missing: str) -> str:
        match = self._take(pattern)
        if match is None:
            self._fail(missing)
        return match[0]

    def _fail(self, message: str) -> NoReturn:
        raise QueryError(self.column, message)


def _read(asked: Field, raw: str, column: int) -> Value:
    """A number or a moment."""
    try:
        if asked.kind is Kind.TIME:
            return values.moment(raw, asked.clock)
        return values.number(raw, dict(asked.units))
    except ValueError as error:
        raise QueryError(column, f"{asked.name}: {error}") from None
