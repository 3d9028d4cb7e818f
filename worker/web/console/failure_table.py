"""Failures as a table to take away: CSV, row by row, as many as there are."""

from collections.abc import Iterator
from itertools import chain, islice

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from worker.export.rows import cutter
from worker.export.texts import Delimited
from worker.model import Value
from worker.operate.failures import FAILED
from worker.operate.select import narrowed
from worker.outlet import Column, Kind
from worker.web.console.pages import HEADERS, asked, id_of, seen, site_of, viewer_of
from worker.web.viewer import Scope

router = APIRouter()

_COLUMNS = (
    Column("uri", "uri", Kind.TEXT),
    Column("at", "failure.at", Kind.TIME),
    Column("code", "failure.code", Kind.TEXT),
    Column("stage", "failure.stage", Kind.TEXT),
    Column("message", "failure.message", Kind.TEXT),
    Column("fingerprint", "failure.fingerprint", Kind.TEXT),
    Column("redrives", "failure.redrives", Kind.INTEGER),
    Column("quarantined", "quarantined", Kind.FLAG),
    Column("size", "size", Kind.INTEGER),
    Column("key", "", Kind.TEXT),
)
_FIELDS = ("uri", "failure", "quarantined", "size", "position")
"""What is read; a position is looked for in all that is shown."""

Row = tuple[str, dict[str, Value]]


@router.get("/failures/export.csv")
def table(request: Request, q: str = "") -> Response:
    """Those that match."""
    viewer_of(request).must(Scope.EXPORT)
    asked(request, q)
    found = site_of(request).catalog.stream(narrowed(q, FAILED), _FIELDS)
    first = list(islice(found, 1))  # what cannot be asked is told before anything is sent
    headers = HEADERS | {"Content-Disposition": 'attachment; filename="failures.csv"'}
    return StreamingResponse(_written(request, chain(first, found)), media_type="text/csv", headers=headers)


def _written(request: Request, rows: Iterator[Row]) -> Iterator[bytes]:
    form, cut = Delimited(_COLUMNS, ","), cutter(_COLUMNS)
    yield form.head
    for key, fields in rows:
        yield form.row(cut(id_of(request, key), seen(request, fields)))
