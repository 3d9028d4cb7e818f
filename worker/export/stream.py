"""An export as a stream of bytes, for who takes it at once: nothing is kept, and nothing can be gone on with."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from worker.export.changed import Recent
from worker.export.forms import Form
from worker.export.order import Order, Selection, taken
from worker.export.packing import packed
from worker.export.source import Source, pages
from worker.outlet import Cells, Maker
from worker.ports import Clock


def streamed(order: Order, source: Source, clock: Clock, maker: Maker | None, folder: Path) -> Iterator[bytes]:
    """The file's bytes as they are made, kept nowhere; of a format whose files cannot grow, from a file in `folder`."""
    form = order.form()
    if maker is None:
        yield from _stream(order, form, source, clock)
        return
    file = folder / "export"
    maker.make(file, order.columns, (cells for page in _taken(order, form, source, clock) for cells in page))
    with file.open("rb") as made:
        while piece := made.read(1024 * 1024):
            yield piece


def _stream(order: Order, form: Form, source: Source, clock: Clock) -> Iterator[bytes]:
    def pack(content: bytes) -> bytes:
        return packed(content) if order.packed else content

    yield pack(form.head)
    before = b""
    for rows in _taken(order, form, source, clock):
        if rows:
            yield pack(before + form.between.join(map(form.row, rows)))
            before = form.between
    yield pack(form.tail)


def _taken(order: Order, form: Form, source: Source, clock: Clock) -> Iterator[list[Cells]]:
    selection = Selection(order, form, None, Recent(), datetime.now(UTC))
    for page in pages(source, "", clock):
        yield list(taken(form, selection, page)[0])
