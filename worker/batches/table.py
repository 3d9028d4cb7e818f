"""The output: the input's columns as they came, then for each URL what became of it.

A text that a spreadsheet would run as a formula is given an apostrophe in front; numbers stay numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from worker.batches.dialect import Dialect
from worker.export.rows import safe

COLUMNS = ("Output Image Url", "Status", "Error", "Bytes Before", "Bytes After", "SHA-256")
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|[.,]\d+)([eE][-+]?\d+)?%?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one URL, in a row of the output. `after` and `sha256` are of the compressed file."""

    url: str = ""
    status: str = ""
    error: str = ""
    before: int | None = None
    after: int | None = None
    sha256: str = ""

    def cells(self) -> list[str]:
        """In the order of COLUMNS."""
        numbers = ["" if number is None else str(number) for number in (self.before, self.after)]
        return [self.url, self.status, self.error, *numbers, self.sha256]


def lines(
    header: Sequence[str],
    rows: Iterable[tuple[Sequence[str], Sequence[Outcome]]],
    widest: int,
    dialect: Dialect,
    *,
    raw: bool = False,
) -> Iterator[str]:
    """The lines of the table, each with its end; `raw`: cells as they come, for programs that run no formulas."""
    added = [name if widest == 1 else f"{name} {number}" for number in range(1, widest + 1) for name in COLUMNS]
    yield ("\ufeff" if dialect.mark else "") + _line([*header, *added], dialect, raw)
    for cells, outcomes in rows:
        made = [cell for outcome in outcomes for cell in outcome.cells()]
        empty = [""] * (len(COLUMNS) * (widest - len(outcomes)))
        yield _line([*cells, *made, *empty], dialect, raw)


def cell(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return text if _NUMBER.fullmatch(text.strip(" ")) else safe(text)


def _line(cells: Sequence[str], dialect: Dialect, raw: bool) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=dialect.delimiter).writerow(cells if raw else map(cell, cells))
    return out.getvalue()
