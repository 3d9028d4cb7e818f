"""The parts of a series become one file again, under the name of the first."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from worker.errors import Misconfigured
from worker.export.columns import chosen
from worker.export.forms import FORMATS, Style
from worker.export.packing import packed
from worker.export.series import Part, Series, Shelved
from worker.outlet import Cells, Column, Draft, Maker, Shelf


def compact(shelf: Shelf, shelved: Shelved, name: str, maker: Maker | None) -> Part:
    """Join the parts; the last row of a key still wins. Killed at any time, the same call finishes.

    Raises Misconfigured where nothing was exported to there.
    """
    series = shelved.find(shelf.where(name))
    if series is None:
        raise Misconfigured(f"nothing was exported to {shelf.where(name)} yet: there is nothing to compact")
    if len(series.parts) == 1:
        return series.parts[0]
    first = series.parts[0]
    with shelf.draft(first.name) as draft:
        if not _is_joined(shelf, series, maker):
            series = _made(draft, shelf, shelved, series, maker) if maker else _joined(draft, shelved, series)
    whole = replace(first, rows=series.rows, bytes=shelf.size(first.name) or 0, tail=series.parts[-1].tail)
    for part in series.parts[1:]:
        shelf.remove(part.name)
    shelved.keep(replace(series, parts=(whole,), joined=""))
    return whole


def _is_joined(shelf: Shelf, series: Series, maker: Maker | None) -> bool:
    """Whether an earlier call came so far. Where rows stand behind rows, equal size is equal content."""
    name = series.parts[0].name
    found = _digest(shelf.read(name)) if series.joined and maker else str(shelf.size(name))
    return found == series.joined


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        yield from iter(lambda: content.read(1024 * 1024), b"")


def _joined(draft: Draft, shelved: Shelved, series: Series) -> Series:
    """One behind the other, with the first's head and the last's tail only."""
    at, any_rows, last = 0, False, series.parts[-1]
    draft.append(0, b"")
    for number, part in enumerate(series.parts):
        if any_rows and part.rows and (between := _between(series)):
            draft.append(at, between)
            at += len(between)
        start, end = part.head if number else 0, part.bytes - (0 if part is last else part.tail)
        at = draft.copy(at, part.name, start, end)
        any_rows = any_rows or part.rows > 0
    shelved.keep(series := replace(series, joined=str(at)))
    draft.publish()
    return series


def _between(series: Series) -> bytes:
    make = FORMATS[series.format].make
    between = make(chosen(series.columns), Style()).between if make else b""
    return packed(between) if series.packed else between


def _made(draft: Draft, shelf: Shelf, shelved: Shelved, series: Series, maker: Maker) -> Series:
    """A new file of all rows, for formats whose files cannot grow."""
    columns = chosen(series.columns)
    with draft.workspace() as folder:
        file = folder / "export"
        maker.make(file, columns, _rows(shelf, series, columns, maker, folder))
        shelved.keep(series := replace(series, joined=_digest(_pieces(file))))
        draft.publish_file(file)
    return series


def _rows(shelf: Shelf, series: Series, columns: tuple[Column, ...], maker: Maker, folder: Path) -> Iterator[Cells]:
    for part in series.parts:
        copy = folder / "part"
        with copy.open("wb") as out:
            out.writelines(shelf.read(part.name))
        yield from maker.rows(copy, columns)
        copy.unlink()
