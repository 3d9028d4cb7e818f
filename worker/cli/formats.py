"""Records in the formats that `extract` writes: each is on its way as soon as it is there, none is kept."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, Literal

import orjson

from worker.cli.terminal import printable
from worker.export.columns import OF_EXTRACT
from worker.export.rows import cutter, flat
from worker.export.texts import Delimited

Format = Literal["jsonl", "json", "csv"]
Write = Callable[[bytes], None]
"""Writes one record: a JSON object in one line."""


def writing(form: Format, out: BinaryIO) -> AbstractContextManager[Write]:
    """What writes records in that format, and at its exit whatever the format has at its end."""
    return {"jsonl": _lines, "json": _array, "csv": _table}[form](out)


@contextmanager
def _lines(out: BinaryIO) -> Iterator[Write]:
    """A JSON object per line."""

    def write(record: bytes) -> None:
        out.write(record + b"\n")
        out.flush()

    yield write


@contextmanager
def _array(out: BinaryIO) -> Iterator[Write]:
    """One JSON array. It is not closed where the work breaks off: half a result must not look whole."""
    before = b"[\n"

    def write(record: bytes) -> None:
        nonlocal before
        out.write(before + record)
        out.flush()
        before = b",\n"

    yield write
    out.write(b"[]\n" if before == b"[\n" else b"\n]\n")


@contextmanager
def _table(out: BinaryIO) -> Iterator[Write]:
    """CSV with a heading, one line per record; worker/export/columns.py has the columns."""
    form = Delimited(OF_EXTRACT, ",", end="\n")
    cut = cutter(OF_EXTRACT)

    def write(record: bytes) -> None:
        cells = cut("", orjson.loads(record))
        out.write(form.row([printable(cell) if isinstance(cell, str) else cell for cell in map(flat, cells)]))
        out.flush()

    out.write(form.head)
    out.flush()
    yield write
