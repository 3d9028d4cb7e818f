"""Runs: who asked for what and when, how far it is, and what came of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from worker.catalog.query import parse
from worker.export.job import ACTION as EXPORT
from worker.operate.failures import failures
from worker.operate.runs import Run, State
from worker.site import Site
from worker.web import exporting, runner
from worker.web.console import filters
from worker.web.console.forms import Form
from worker.web.console.pages import page, site_of, viewer_of
from worker.web.viewer import Precision, Scope

router = APIRouter()

_SHOWN = 200
_QUIET_SECONDS = 60.0
"""A running run that wrote nothing down for so long was killed, or works on something slow."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the documents that a run is about: made, failed again, and failures not come to yet."""

    made: int
    again: int
    pending: int


@router.get("/runs")
def runs(request: Request) -> Response:
    """All of late."""
    viewer_of(request).must(Scope.ADMIN)
    return page(request, "runs.html", runs=site_of(request).ledger.newest(_SHOWN))


@router.get("/runs/{key}")
def run(request: Request, key: str, of: int = 0) -> Response:
    """One, and how far it is."""
    viewer_of(request).must(Scope.OPERATE)
    site = site_of(request)
    found = next((each for each in site.ledger.newest(_SHOWN) if each.id == key), None)
    if found is None:
        return page(request, "absent.html", 404, what="run", back="/runs")
    return page(
        request,
        "run.html",
        run=found,
        outcome=_outcome(site, found),
        total=of,
        quiet=found.state is State.RUNNING and _silence(found) > _QUIET_SECONDS,
        of_run=filters.term("run", key),
        file=_file(request, found),
        back=_where(found),
    )


@router.post("/runs/{key}/stop")
def stop(request: Request, key: str, _: Form) -> Response:
    """Have it stop after what is in hand."""
    site = site_of(request)
    found = next((each for each in site.ledger.newest(_SHOWN) if each.id == key), None)
    if found and found.state is State.RUNNING:
        runner.stop(site.records, found, viewer_of(request).name)
    return RedirectResponse(f"/runs/{key}", 303)


def _file(request: Request, found: Run) -> str:
    """The last file that an export wrote, where this viewer can have it."""
    viewer = viewer_of(request)
    if found.action != EXPORT or not viewer.may(Scope.EXPORT) or viewer.position is not Precision.EXACT:
        return ""
    written = exporting.written_by(site_of(request), found)
    return written.files[-1] if written and written.files else ""


def _outcome(site: Site, found: Run) -> Outcome:
    asked = filters.term("run", found.id)
    made = site.catalog.count(parse(f"{asked} -status:failed"))
    pending = again = 0
    for failure in failures(site.catalog, asked):
        pending += failure.pending
        again += not failure.pending
    return Outcome(made, again, pending)


def _silence(found: Run) -> float:
    return (datetime.now(UTC) - (found.changed or found.at)).total_seconds()


def _where(found: Run) -> str:
    """The page on which the same can be asked for again."""
    pages = {
        EXPORT: "/exports",
        "redrive": "/failures",
        "quarantine": "/failures",
        "backfill": "/backfills",
        "reconcile": "/reconcile",
        "resume": "/queue",
    }
    return pages.get(found.action, "/runs")
