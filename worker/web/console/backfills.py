"""Backfills: what a bucket holds already, announced; with an estimate first."""

from dataclasses import dataclass
from time import monotonic

from fastapi import APIRouter, Request
from starlette.responses import Response

from worker import actions
from worker.catalog.query import Query
from worker.errors import Misconfigured, WorkerError
from worker.operate.backfill import Estimate, Select, estimate
from worker.operate.scope import CLOUD, Scope
from worker.site import Site
from worker.web.console import jobs
from worker.web.console.forms import Form
from worker.web.console.pages import page, site_of, viewer_of
from worker.web.viewer import Scope as May

router = APIRouter()

_ESTIMATE_SECONDS = 8.0
"""A page does not wait any longer for a listing."""
_RUNS = 20
SELECTS = {
    Select.MISSING: "what no document speaks of yet",
    Select.OUTDATED: "that, and what an older extractor made",
    Select.ALL: "everything; what is done already is not read again",
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a backfill will come to; `whole` where the listing came to its end in time."""

    found: Estimate
    whole: bool


@router.get("/backfills")
def backfills(request: Request, target: str = "", glob: str = "", select: str = "missing") -> Response:
    """The form, the estimate of what it asks for, and the last backfills."""
    viewer_of(request).must(May.OPERATE)
    site, fault, forecast = site_of(request), "", None
    if target:
        try:
            forecast = _forecast(site, Scope.of(target, glob), _select(select))
        except WorkerError as error:
            fault = str(error)
    return page(
        request,
        "backfills.html",
        target=target,
        glob=glob,
        select=select,
        selects=SELECTS,
        fault=fault,
        forecast=forecast,
        buckets=buckets(site),
        runs=[run for run in site.ledger.newest() if run.action == "backfill"][:_RUNS],
    )


@router.post("/backfills")
def start(request: Request, sent: Form) -> Response:
    """Begin, or go on with the same that did not finish."""
    scope, options = Scope.of(sent.text("target"), sent.text("glob")), jobs.options(sent)
    select = _select(sent.text("select"))
    total = int(sent.number("total", 0) or 0) or None
    return jobs.begin(request, lambda site, watch: actions.fill(site, scope, select, options, watch), total)


def buckets(site: Site) -> list[str]:
    """The buckets that documents speak of, as scopes."""
    return [f"{CLOUD}{name}" for name, _ in site.catalog.facets(Query(), ["bucket"])["bucket"]]


def _select(text: str) -> Select:
    if text not in tuple(Select):
        raise Misconfigured(f"{text!r} selects nothing: it is one of {', '.join(Select)}")
    return Select(text)


def _forecast(site: Site, scope: Scope, select: Select) -> Forecast:
    ends = monotonic() + _ESTIMATE_SECONDS
    found = Estimate()
    for found in estimate(scope, select, site.objects, site.documents, site.settings.limits):
        if monotonic() > ends:
            return Forecast(found, whole=False)
    return Forecast(found, whole=True)
