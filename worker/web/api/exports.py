"""Exports: as a stream, as a file that a run writes, and what was written so far."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from worker import exports
from worker.errors import Misconfigured
from worker.export.forms import FORMATS
from worker.export.order import LAST
from worker.exports import Known, Wanted
from worker.operate.when import moment
from worker.shelving import checked_name, place_of
from worker.web import exporting
from worker.web.api import export_schemas as schemas
from worker.web.api.answers import Asked, Behind, By, Limit, answer
from worker.web.api.schemas import Started
from worker.web.download import Download
from worker.web.problems import Problem
from worker.web.viewer import Scope

router = APIRouter(tags=["exports"])

_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. One that breaks off ends without the last chunk of its encoding.",
        "content": dict.fromkeys((*(form.content_type for form in FORMATS.values()), exporting.PACKED), _FILE),
    }
}
_WRITES: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.Rehearsed, "description": "What a dry run found."},
    202: {"model": Started, "description": "The run has begun."},
}
Name = Annotated[str, Path(max_length=200, examples=["nightly.jsonl.gz"])]
Format = Annotated[schemas.Format, Query(description="The file's format; docs/export.md has them all.")]
Columns = Annotated[
    str,
    Query(
        description="Columns of docs/export.md, with commas between: `name,taken,tag:IFD0:Make`; `all`; `tags`.",
        max_length=20_000,
        examples=["name,taken,latitude,longitude"],
    ),
]
Gzip = Annotated[bool, Query(description="Pack it, as a file that ends with .gz.")]
Raw = Annotated[bool, Query(description="CSV and TSV: leave texts alone that a spreadsheet would run as a formula.")]


@router.get("/export", response_class=Response, responses=_FILES)
def export(
    parts: Behind, by: By, format: Format, q: Asked = "", columns: Columns = "", gzip: Gzip = False, raw: Raw = False  # noqa: A002 -- its name among the parameters
) -> Response:  # fmt: skip
    """The documents that match, as a file that is sent as it is made, with positions as the viewer may know them."""
    with _understood():
        wanted = _wanted(q, format, columns.split(","), gzip=gzip, raw=raw)
        wanted.order("").check(None)
    return exporting.download(parts.site, parts.turns, by, wanted)


@router.get("/exports", response_model=schemas.Exports)
def listed(parts: Behind, by: By, limit: Limit = 100) -> Response:
    """What was exported, by whomever: up to which moment it is complete, and its parts."""
    by.must(Scope.EXPORT)
    return answer(by, {"exports": [_told(each) for each in exports.known(parts.site, limit)]})


@router.post("/exports", status_code=HTTPStatus.ACCEPTED, response_model=Started, responses=_WRITES)
def write(parts: Behind, by: By, asked: schemas.Export) -> Response:
    """Write an export where exports go here, or go on with it. It takes `operate`, `export` and exact positions."""
    exporting.must_write(by)
    with _understood():
        wanted = _wanted(asked.query, asked.format or "", asked.columns, asked.since, gzip=asked.gzip, raw=asked.raw)
        wanted.order(checked_name(asked.to))
    if asked.dry_run:
        file, rows = exports.rehearse(parts.site, wanted, place_of(parts.site.settings, asked.to))
        return answer(by, {"dry_run": True, "found": {"file": file, "rows": rows}})
    run = parts.runner.start(by.name, exporting.writing(parts.site, by, wanted, asked.to, fresh=asked.fresh))
    return answer(by, {"run": asdict(run) if run else None}, HTTPStatus.ACCEPTED)


@router.get("/exports/{name}", response_class=Response, responses=_FILES)
def file(parts: Behind, by: By, name: Name) -> Download:
    """A whole file that was written. It takes `export` and exact positions."""
    found = exporting.finished(parts.site, parts.turns, by, name)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", f"there is no whole file {name}; GET /v1/exports lists them")
    return found


def _wanted(query: str, form: str, columns: Sequence[str], since: str = "", *, gzip: bool, raw: bool) -> Wanted:
    names = [name.strip() for name in columns if name.strip()]
    at = moment(since) if since and since != LAST else None
    return Wanted(query, form, names, since, at, gzip, raw)


@contextmanager
def _understood() -> Iterator[None]:
    """What is said wrongly is for whoever asks to mend."""
    try:
        yield
    except Misconfigured as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", str(error)) from error


def _told(known: Known) -> dict[str, Any]:
    series = known.series
    parts = [
        {"name": part.name, "rows": part.rows, "bytes": part.bytes, "url": _url(part.name) if known.files else None}
        for part in series.parts
    ]
    return {
        "file": series.where,
        "query": series.asked,
        "format": series.format,
        "columns": series.columns,
        "gzip": series.packed,
        "at": series.at,
        "run": series.run,
        "rows": series.rows,
        "bytes": sum(part.bytes for part in series.parts),
        "parts": parts,
    }


def _url(name: str) -> str:
    return f"/v1/exports/{quote(name)}"
