"""The first page, the queue, and the workers: how things are."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from worker import actions
from worker.catalog.query import Query, parse
from worker.errors import Misconfigured
from worker.operate import pause
from worker.operate.scope import CLOUD
from worker.operate.status import readers
from worker.web.console import jobs
from worker.web.console.forms import Form
from worker.web.console.look import Look, look_of
from worker.web.console.pages import page, rows_of, seen, site_of, viewer_of

router = APIRouter()

_LATEST = 12
_LATEST_FAILURES = 5


@router.get("/")
def overview(request: Request) -> Response:
    """How things are, in words and figures."""
    look = look_of(request)
    return page(
        request,
        "overview.html",
        look=look,
        failed=look.failed,
        chart=_chart(look),
        latest=_rows(request, "status:ok,partial,none", _LATEST),
        failures=_rows(request, "status:failed", _LATEST_FAILURES),
    )


@router.get("/queue")
def queue(request: Request) -> Response:
    """What waits, and what holds it back."""
    look, catalog = look_of(request), site_of(request).catalog
    buckets = [name for name, _ in catalog.facets(Query(), ["bucket"])["bucket"]]
    held = [seen(request, asdict(each)) for each in readers(look.seen)]
    return page(request, "queue.html", look=look, failed=look.failed, chart=_chart(look), buckets=buckets, held=held)


@router.post("/queue/pause")
def paused(request: Request, sent: Form) -> Response:
    """Turn a bucket's announcements off."""
    bucket = sent.text("bucket").removeprefix("gs://").rstrip("/")
    if not bucket:
        raise Misconfigured("name the bucket that is to be paused")
    site = site_of(request)
    pause.pause(bucket, site.intake, site.records, viewer_of(request).name)
    return RedirectResponse("/queue", 303)


@router.post("/queue/resume")
def resumed(request: Request, sent: Form) -> Response:
    """Turn them on again, and catch up."""
    bucket = sent.text("bucket")
    cloud = site_of(request).settings.objects.startswith(CLOUD)
    seconds = pause.ANNOUNCING_SECONDS if cloud else 0.0
    return jobs.begin(request, lambda acting, watch: actions.resume(acting, bucket, watch, seconds)[1])


@router.get("/workers")
def workers(request: Request) -> Response:
    """Who works."""
    look = look_of(request)
    return page(request, "workers.html", look=look, failed=look.failed)


def _rows(request: Request, text: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
    return rows_of(request, site_of(request).catalog.page(parse(text), limit=limit).rows)


def _chart(look: Look) -> dict[str, list[float]]:
    """What was seen since this console started, for a plot: seconds, messages, messages a second."""
    return {
        "at": [round(past.at.timestamp()) for past in look.past],
        "waiting": [past.waiting for past in look.past],
        "rate": [round(past.rate, 2) for past in look.past],
    }
