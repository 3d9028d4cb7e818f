"""Exports: what a search finds as a file, at once or by a run; and what was written so far."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from worker import exports
from worker.catalog.query import parse
from worker.errors import Misconfigured, WorkerError
from worker.export.forms import FORMATS
from worker.export.order import LAST
from worker.exports import Known, Wanted
from worker.operate.runs import State
from worker.shelving import root_of
from worker.web import exporting
from worker.web.console import filters, jobs
from worker.web.console.forms import Form
from worker.web.console.pages import page, seen, site_of, viewer_of, with_query
from worker.web.viewer import Precision
from worker.web.viewer import Scope as May

router = APIRouter()

FORMS = {
    "csv": "CSV, for spreadsheets",
    "tsv": "TSV",
    "jsonl": "JSON lines",
    "parquet": "Parquet",
    "geojson": "GeoJSON: those with a position",
    "kml": "KML, for Google Earth: those with a position",
    "geo.txt": "geo.txt, for OpenDroneMap: those with a position",
    "sqlite": "SQLite, with all tags",
}
COLUMNS = {"": "the usual ones", "all": "all but tags", "these": "these:"}
_RUNS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says. `names` are those of the columns that are chosen one by one."""

    q: str = ""
    form: str = "csv"
    columns: str = ""
    names: str = ""
    gzip: str = ""
    raw: str = ""
    since: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "Asked":
        """Of what an address or a form has."""
        known = {name: fields.get(name, "") for name in cls.__dataclass_fields__}
        return cls(**known | {"form": known["form"] or "csv"})

    def wanted(self) -> Wanted:
        """The same, as the library takes it; what a format cannot have is left out. Raises Misconfigured."""
        form = FORMATS.get(self.form)
        if form is None:
            raise Misconfigured(f"there is no format {self.form!r}; choose one of the list")
        listed = {"these": self.names, "all": "all"}.get(self.columns, "")
        names = [name.strip() for name in listed.split(",") if name.strip()]
        if self.columns == "these" and not names:
            raise Misconfigured("name the columns, with commas between, or take the usual ones")
        since = LAST if self.since and form.mergeable else ""
        return Wanted(self.q, form.name, names, since, None, bool(self.gzip) and form.grows, bool(self.raw))


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be had: in words, how many match, how many rows they are (None of changes), where the stream is."""

    words: str
    matching: int
    rows: int | None
    stream: str
    name: str


@router.get("/exports")
def shown(request: Request, name: str = "") -> Response:
    """The form, what it comes to, and what was exported."""
    viewer, site = viewer_of(request), site_of(request)
    viewer.must(May.EXPORT)
    asked, fault, offer = Asked.of(request.query_params), "", None
    try:
        offer = _offer(request, asked, name)
    except WorkerError as error:
        fault = str(error)
    exact = viewer.position is Precision.EXACT
    return page(
        request,
        "exports.html",
        asked=asked,
        q=asked.q,
        forms={form.name: FORMS[form.name] for form in exporting.formats_for(viewer)},
        choices=COLUMNS,
        fault=fault,
        offer=offer,
        position=viewer.position,
        may_write=exact and viewer.may(May.OPERATE),
        root=root_of(site.settings),
        known=[_listed(request, each, exact=exact) for each in exports.known(site)],
        runs=_unfinished(request),
    )


@router.post("/exports")
def write(request: Request, sent: Form) -> Response:
    """Begin to write a file, or go on with it."""
    asked = Asked.of({name: sent.text(name) for name in Asked.__dataclass_fields__})
    total = int(sent.number("total", 0) or 0) or None
    work = exporting.writing(site_of(request), viewer_of(request), asked.wanted(), sent.text("name"))
    return jobs.begin(request, work, total)


def _offer(request: Request, asked: Asked, name: str) -> Offer:
    site, viewer = site_of(request), viewer_of(request)
    wanted = exporting.permitted(viewer, asked.wanted())
    words = filters.in_words(parse(asked.q), "images")
    matching, rows = exports.count(site, wanted)
    if wanted.since:
        return Offer(words, matching, None, "", name)
    exports.stream(site, wanted).close()  # raises what would keep it from beginning
    stream = with_query(
        "/v1/export",
        q=asked.q,
        format=wanted.form,
        columns=",".join(wanted.columns),
        gzip="true" if wanted.gzip else "",
        raw="true" if wanted.raw else "",
    )
    return Offer(words, matching, rows, stream, name or exporting.name_of(wanted))


def _listed(request: Request, known: Known, *, exact: bool) -> dict[str, Any]:
    """What is told of a series to this viewer, who may have its files only if these may tell places exactly."""
    series = known.series
    told = {"where": series.where, "query": series.asked}
    return {
        **seen(request, told),
        "series": series,
        "bytes": sum(part.bytes for part in series.parts),
        "files": known.files if exact else (),
        "again": _again(known) if exact and known.files and FORMATS[series.format].mergeable else "",
    }


def _again(known: Known) -> str:
    """Where the form is that asks for what changed since."""
    series = known.series
    raw = series.asked.endswith("--raw")
    asked = replace(
        Asked(since="on", form=series.format, columns="these", names=",".join(series.columns)),
        q=series.asked.removesuffix("--raw").strip(),
        gzip="on" if series.packed else "",
        raw="on" if raw else "",
    )
    fields = {field: getattr(asked, field) for field in Asked.__dataclass_fields__}
    return with_query("/exports", **fields, name=series.parts[0].name)


def _unfinished(request: Request) -> list[Any]:
    if not viewer_of(request).may(May.OPERATE):
        return []
    runs = site_of(request).ledger.newest()
    return [run for run in runs if run.action == "export" and run.state is not State.DONE][:_RUNS]
