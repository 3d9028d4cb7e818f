"""A table that somebody hands in: which columns hold URLs, and what each row says. Errors name the line."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.batches.dialect import Dialect, decoded, dialect_of
from worker.errors import BadInput, TooLarge

SAMPLE = (
    "Serial Number,Product Name,Input Image Urls\r\n"
    '1,SKU1,"https://www.example.com/image-1.jpg,https://www.example.com/image-2.jpg"\r\n'
    "2,SKU2,https://www.example.com/image-3.jpg,https://www.example.com/image-4.png\r\n"
)
"""The sample: a quoted list of URLs, and one that is not quoted."""

_KNOWN = frozenset(
    f"{before}image{between}{url}"
    for before in ("", "input")
    for between in ("", "s")
    for url in ("url", "urls", "link", "links", "")
) | {"url", "urls", "picture", "pictures", "photo", "photos"}
"""Headings of URL columns, in small letters without anything between."""
_URL = re.compile(r"\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_BETWEEN = re.compile(r"(?:[\s,;|]+)(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
_LOOKED_THROUGH = 200
_CELL_BYTES = 128 * 1024
_ROW_BYTES = 256 * 1024
_ROW_URLS = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a table may hold."""

    rows: int = 100_000
    bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a cell for each heading, and the URLs in it, in order."""

    cells: tuple[str, ...]
    urls: tuple[str, ...]

    def mended(self, column: int, url: str) -> "Row":
        """With another URL in the place of one, counted from 1; in the cell that holds it as well."""
        old = self.urls[column - 1]
        place = next(place for place, cell in enumerate(self.cells) if old in split(cell))
        listed = split(self.cells[place])
        listed[listed.index(old)] = url
        cells = (*self.cells[:place], ",".join(listed), *self.cells[place + 1 :])
        return Row(cells, (*self.urls[: column - 1], url, *self.urls[column:]))


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table, understood."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    dialect: Dialect
    url_columns: frozenset[int]
    """Places of the columns that hold URLs, from 0."""

    @property
    def urls(self) -> int:
        """How many there are."""
        return sum(len(row.urls) for row in self.rows)

    @property
    def widest(self) -> int:
        """The most URLs of one row."""
        return max((len(row.urls) for row in self.rows), default=0)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    cells: list[str]


def read(data: bytes, url_columns: Sequence[str] = (), limits: Limits = Limits()) -> Sheet:
    """The table. `url_columns` are headings; without any, columns are taken for what they are called or hold.

    Raises BadInput, naming the line, for what is too much, too long, or cannot be understood.
    """
    if len(data) > limits.bytes:
        raise TooLarge(f"the table has {len(data)} bytes, at most {limits.bytes} are taken; split it")
    text, mark = decoded(data)
    dialect, text = dialect_of(text, mark)
    lines = list(_lines(text, dialect, limits))
    if not lines:
        raise BadInput("the table is empty; `imagemeta batch sample` prints one")
    header, lines = _header(lines)
    columns = _url_columns(header, lines, url_columns)
    rows = tuple(_row(line, len(header), columns) for line in lines)
    return Sheet(header, rows, dialect, columns)


def _lines(text: str, dialect: Dialect, limits: Limits) -> Iterator[_Line]:
    """Lines that hold anything, with the number of the first of the text's lines that each is written on."""
    csv.field_size_limit(_CELL_BYTES)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=dialect.delimiter, skipinitialspace=dialect.spaced, strict=True
    )
    found, began = 0, 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found += 1
                if found > limits.rows + 1:
                    raise BadInput(f"line {began}: more than {limits.rows} rows; split the table")
                if sum(map(len, cells)) > _ROW_BYTES:
                    raise BadInput(f"line {began}: a row longer than {_ROW_BYTES} characters")
                yield _Line(began, cells)
            began = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"line {began}: {error}; is a quotation mark missing?") from error


def _header(lines: list[_Line]) -> tuple[tuple[str, ...], list[_Line]]:
    """The headings and the rows. A first row that holds a URL is no heading; columns are then called by number."""
    first, *rest = lines
    if any(_URL.match(cell) for cell in first.cells):
        width = min(len(line.cells) for line in lines)
        return tuple(f"Column {number}" for number in range(1, width + 1)), lines
    names = [name.strip() for name in first.cells]
    while len(names) > 1 and not names[-1]:
        names.pop()  # delimiters at the end of the heading: columns that hold nothing, or the rest of a list
    return tuple(names), rest


def _url_columns(header: tuple[str, ...], lines: Sequence[_Line], wanted: Sequence[str]) -> frozenset[int]:
    if wanted:
        return frozenset(_place(header, name) for name in wanted)
    known = {place for place, name in enumerate(header) if re.sub(r"[\W\d_]", "", name).lower() in _KNOWN}
    holding = {place for place in range(len(header)) if _holds_urls(place, lines)}
    # What is called so and holds none is a list of file names, say; what holds some needs no name.
    found = (known & holding) or holding or known
    if not found:
        raise BadInput(f"no column holds URLs; name the one that does: {', '.join(header)}")
    return frozenset(found)


def _place(header: tuple[str, ...], wanted: str) -> int:
    for place, name in enumerate(header):
        if name.casefold() == wanted.strip().casefold():
            return place
    raise BadInput(f"there is no column {wanted!r}; there are: {', '.join(header)}")


def _holds_urls(place: int, lines: Sequence[_Line]) -> bool:
    """Whether most of what stands in the column is URLs, as far as one looks."""
    cells = [line.cells[place] for line in lines[:_LOOKED_THROUGH] if place < len(line.cells)]
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(bool(_URL.match(cell)) for cell in filled) * 2 > len(filled)


def _row(line: _Line, width: int, columns: frozenset[int]) -> Row:
    """The row, with a list that was not quoted put back into one cell."""
    cells = line.cells
    if len(cells) > width:
        rest = [cell for cell in cells[width:] if cell.strip()]
        if rest and width - 1 not in columns:
            raise BadInput(
                f"line {line.number}: {len(cells)} cells under {width} headings; put lists of URLs in quotation marks"
            )
        cells = [*cells[: width - 1], ",".join([cells[width - 1], *rest])] if rest else cells[:width]
    cells = [*cells, *[""] * (width - len(cells))]
    urls = tuple(url for place in sorted(columns) for url in split(cells[place]))
    if len(urls) > _ROW_URLS:
        raise BadInput(f"line {line.number}: {len(urls)} URLs in one row, at most {_ROW_URLS} are taken")
    return Row(tuple(cells), urls)


def split(cell: str) -> list[str]:
    """The URLs of a cell: a comma that no new URL follows belongs to the one before it."""
    return [url.strip(" \t\r\n,;|") for url in _BETWEEN.split(cell.strip()) if url.strip(" \t\r\n,;|")]
