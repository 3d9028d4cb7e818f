"""Failures that are set aside: how many, to be confirmed, and the run that does it."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from worker import actions
from worker.catalog.query import parse
from worker.operate.conveyor import Watch
from worker.operate.runs import Run
from worker.site import Site
from worker.web.console import filters, jobs
from worker.web.console.forms import Form
from worker.web.console.pages import asked, page, site_of

router = APIRouter()


@router.get("/failures/quarantine")
def asked_to_quarantine(request: Request, q: str = "") -> Response:
    """What it would come to."""
    return _confirmation(request, q)


@router.post("/failures/quarantine")
def set_aside(request: Request, sent: Form) -> Response:
    """Begin, if what matches is still what was confirmed."""
    q = sent.text("q")
    asked(request, q)
    going = _free(request, q)
    if sent.text("confirmed") != str(going):
        return _confirmation(request, q, changed=True)

    def work(acting: Site, watch: Watch) -> Run:
        return actions.set_aside(acting, q, watch)

    return jobs.begin(request, work, going)


def _confirmation(request: Request, q: str, *, changed: bool = False) -> Response:
    asked(request, q)
    words = filters.in_words(parse(q), "failures")
    return page(request, "quarantine.html", q=q, words=words, going=_free(request, q), changed=changed)


def _free(request: Request, q: str) -> int:
    return actions.rehearse_set_aside(site_of(request), q)
