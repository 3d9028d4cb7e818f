"""Tables as text: CSV and TSV, and a JSON object per line."""

import csv
import io

from worker.export.rows import as_json, flat
from worker.outlet import Cells, Column


class Everything:
    """A form in which each row has its place."""

    head = b""
    between = b""
    tail = b""

    def takes(self, cells: Cells) -> bool:  # noqa: ARG002 -- the protocol's
        """Yes."""
        return True

    def refuses(self, cells: Cells) -> bool:  # noqa: ARG002 -- the protocol's
        """No."""
        return False


class Delimited(Everything):
    """RFC 4180, with a heading: CRLF at the end of rows, quotes where there must be some, UTF-8 without a mark.

    Unless `raw`, no text begins as a formula does.
    """

    def __init__(self, columns: tuple[Column, ...], delimiter: str, *, raw: bool = False, end: str = "\r\n") -> None:
        self.columns = columns
        self._raw = raw
        self._line = io.StringIO()
        self._writer = csv.writer(self._line, delimiter=delimiter, lineterminator=end)
        self.head = self._written([flat(column.name, raw=raw) for column in columns])

    def row(self, cells: Cells) -> bytes:
        """One line, or more where a text has several."""
        return self._written([flat(cell, raw=self._raw) for cell in cells])

    def _written(self, cells: list[str | int | float | None]) -> bytes:
        self._line.seek(0)
        self._line.truncate()
        self._writer.writerow(cells)
        return self._line.getvalue().encode()


class Lines(Everything):
    """A JSON object per row, of the columns that it has a value for."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns
        self._names = [column.name for column in columns]

    def row(self, cells: Cells) -> bytes:
        """One line."""
        told = {name: cell for name, cell in zip(self._names, cells, strict=True) if cell is not None}
        return as_json(told) + b"\n"


class Spool(Everything):
    """Rows as they are, to be read again by `rows`: for formats whose files cannot grow."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns

    def row(self, cells: Cells) -> bytes:
        """One line."""
        return as_json(cells) + b"\n"
