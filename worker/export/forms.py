"""The formats: what each is called, and which makes its bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.errors import Misconfigured
from worker.export.columns import DEFAULT, TAGS, chosen
from worker.export.maps import GeoJson, GeoTxt, Kml
from worker.export.texts import Delimited, Lines
from worker.outlet import Cells, Column


class Form(Protocol):
    """Rows as the bytes of a file: a head, rows behind rows, a tail. `columns` are those of the rows that it takes."""

    columns: tuple[Column, ...]
    head: bytes
    between: bytes
    """What stands between two rows."""
    tail: bytes

    def takes(self, cells: Cells) -> bool:
        """Whether the row has a place in such a file."""

    def refuses(self, cells: Cells) -> bool:
        """Whether a row that it takes cannot be said in it."""

    def row(self, cells: Cells) -> bytes:
        """The bytes of one row."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is to be: `raw` leaves formulas alone, `changes` is for one that holds only what changed."""

    raw: bool = False
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its name. `make` is None where files cannot grow (see outlet.Maker).

    `mergeable`: files of it can tell what changed, and be joined. `places`: what has no position has no place in it.
    `names` are the ends of file names that mean it.
    """

    name: str
    content_type: str
    names: tuple[str, ...]
    make: Callable[[tuple[Column, ...], Style], Form] | None
    default: tuple[str, ...] = DEFAULT
    mergeable: bool = True
    places: bool = False

    @property
    def grows(self) -> bool:
        """Whether rows can be put behind rows."""
        return self.make is not None


FORMATS = {
    each.name: each
    for each in (
        Format("csv", "text/csv", (".csv",), lambda columns, style: Delimited(columns, ",", raw=style.raw)),
        Format(
            "tsv",
            "text/tab-separated-values",
            (".tsv", ".tab"),
            lambda columns, style: Delimited(columns, "\t", raw=style.raw),
        ),
        Format("jsonl", "application/x-ndjson", (".jsonl", ".ndjson"), lambda columns, _: Lines(columns)),
        Format("parquet", "application/vnd.apache.parquet", (".parquet",), None),
        Format(
            "geojson",
            "application/geo+json",
            (".geojson",),
            lambda columns, style: GeoJson(columns, all_rows=style.changes),
            places=True,
        ),
        Format(
            "kml",
            "application/vnd.google-earth.kml+xml",
            (".kml",),
            lambda columns, style: Kml(columns, all_rows=style.changes),
            places=True,
        ),
        Format("geo.txt", "text/plain", ("geo.txt",), lambda _, __: GeoTxt(), mergeable=False, places=True),
        Format("sqlite", "application/vnd.sqlite3", (".sqlite", ".db"), None, (*DEFAULT, TAGS.name)),
    )
}


def format_of(wanted: str, name: str) -> Format:
    """The format that was asked for, or that the file's name means. Raises Misconfigured."""
    if wanted:
        if wanted not in FORMATS:
            raise Misconfigured(f"there is no format {wanted!r}; known: {', '.join(FORMATS)}")
        return FORMATS[wanted]
    plain = name.removesuffix(".gz")
    for each in FORMATS.values():
        if plain.endswith(each.names):
            return each
    raise Misconfigured(f"{name} does not say its format: give --format, one of {', '.join(FORMATS)}")


def columns_for(form: Format, names: Sequence[str]) -> tuple[Column, ...]:
    """The columns that were chosen, or those of the format; SQLite's always have the key, which is its primary key."""
    found = chosen(names or form.default)
    key = chosen(("key",))
    return key + tuple(column for column in found if column not in key) if form.name == "sqlite" else found
