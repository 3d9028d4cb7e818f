"""How a spreadsheet wrote a table: its encoding, its delimiter, and whether it will want a byte order mark back."""

import codecs
import re
from collections import Counter
from dataclasses import dataclass

from worker.errors import BadInput

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DELIMITERS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_SAYS_DELIMITER = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_LOOKED_AT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is needed to write the table as it came. `spaced`: a quote may follow a delimiter and a space."""

    delimiter: str = ","
    mark: bool = False
    spaced: bool = False


def decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether it should begin with a byte order mark again, for the program it came from.

    UTF-8 or UTF-16 by its mark or its zeros, else UTF-8 where it is valid, else what Windows writes in the west.
    Raises BadInput where there are zeros and it is neither.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _text(data[len(mark) :], encoding), True
    if b"\0" in data[:_LOOKED_AT]:
        return _text(data, "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"), True
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), True


def dialect_of(text: str, mark: bool) -> tuple[Dialect, str]:
    """The dialect, and the text without a first line that only says the delimiter (`sep=;`, which Excel writes)."""
    if said := _SAYS_DELIMITER.match(text):
        text = text[said.end() :]
        return Dialect(said[1], mark, _is_spaced(text, said[1])), text
    heading = _QUOTED.sub("", text[:_LOOKED_AT]).lstrip("\r\n").partition("\n")[0]
    heading = re.sub(r"\w+://\S*", "", heading)  # a table without headings: a URL may hold any of them
    counts = Counter({each: heading.count(each) for each in _DELIMITERS})
    delimiter = max(_DELIMITERS, key=lambda each: counts[each])
    return Dialect(delimiter, mark, _is_spaced(text, delimiter)), text


def _is_spaced(text: str, delimiter: str) -> bool:
    return f'{delimiter} "' in text[:_LOOKED_AT]


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        raise BadInput(f"line {line}: it is not valid {encoding}; save the table as CSV in UTF-8") from error
