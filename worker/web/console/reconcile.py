"""Reconcile: a bucket against its documents; the report is kept, so that everybody sees the last one."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from worker import actions, events
from worker.errors import WorkerError
from worker.model import Value
from worker.operate.reconcile import Kind, findings
from worker.operate.scope import Scope
from worker.ports import Records
from worker.site import Site
from worker.web.console import jobs
from worker.web.console.backfills import buckets
from worker.web.console.forms import Form
from worker.web.console.pages import page, site_of, viewer_of, with_query
from worker.web.viewer import Scope as May

router = APIRouter()

KIND = "reports"
_SHOWN = 300
"""Differences that a report names; all are counted."""
_EVERY_SECONDS = 1.0
_QUIET_SECONDS = 30.0
MEANINGS = {
    Kind.MISSING: "an object without a document",
    Kind.STALE: "the document speaks of another generation",
    Kind.ORPHANED: "the object is gone, and its document does not know",
    Kind.FAILED: "the object could not be read",
}


@dataclass(slots=True)
class Report:
    """A comparison as far as it is."""

    scope: str
    who: str
    began: datetime
    looked_at: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    found: list[Value] = field(default_factory=list)
    state: str = "running"
    why: str = ""

    def save(self, records: Records) -> None:
        """Durable on return; a bucket has one report, the last."""
        kept: dict[str, Value] = {
            "at": datetime.now(UTC),
            "who": self.who,
            "began": self.began,
            "looked_at": self.looked_at,
            "counts": {kind.value: self.counts[kind] for kind in Kind},
            "found": self.found,
            "state": self.state,
            "why": self.why,
        }
        records.put(KIND, self.scope, kept)


@router.get("/reconcile")
def reports(request: Request, scope: str = "") -> Response:
    """The form, the last reports, and one of them whole."""
    viewer_of(request).must(May.OPERATE)
    site = site_of(request)
    chosen: dict[str, Any] | None = site.records.get(KIND, scope) if scope else None
    return page(
        request,
        "reconcile.html",
        scope=scope,
        chosen=chosen,
        quiet=chosen is not None and chosen["state"] == "running" and _silence(chosen) > _QUIET_SECONDS,
        reports=site.records.newest(KIND),
        meanings=MEANINGS,
        buckets=buckets(site),
    )


@router.post("/reconcile")
def compare(request: Request, sent: Form) -> Response:
    """Begin to compare."""
    scope = Scope.of(sent.text("target"))
    site = site_of(request)
    report = Report(str(scope), viewer_of(request).name, datetime.now(UTC))
    report.save(site.records)
    _ = site.objects, site.catalog
    threading.Thread(target=_compare, args=(site, scope, report), name="reconcile", daemon=True).start()
    return _to(report.scope)


@router.post("/reconcile/repair")
def repair(request: Request, sent: Form) -> Response:
    """Have the worker mend what differs."""
    scope, options = Scope.of(sent.text("scope")), jobs.options(sent)
    return jobs.begin(
        request, lambda site, watch: actions.differences(site, scope, None, options, watch, lambda _: None)
    )


def _compare(site: Site, scope: Scope, report: Report) -> None:
    try:
        _look_through(site, scope, report)
        report.state = "done"
    except WorkerError as error:
        report.state, report.why = "stopped", str(error)
    except Exception as error:  # noqa: BLE001 -- a thread's bug would be told to nobody
        report.state, report.why = "stopped", "a fault of ours; it is logged"
        events.bug(error)
    report.save(site.records)


def _look_through(site: Site, scope: Scope, report: Report) -> None:
    saved = monotonic()
    for finding in findings(scope, site.objects, site.catalog):
        report.looked_at += 1
        if finding:
            report.counts[finding.kind] += 1
            if len(report.found) < _SHOWN:
                report.found.append({"kind": str(finding.kind), "name": finding.name, "code": finding.code})
        if monotonic() - saved > _EVERY_SECONDS:
            report.save(site.records)
            saved = monotonic()


def _silence(kept: dict[str, Any]) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(kept["at"])).total_seconds()


def _to(scope: str) -> Response:
    return RedirectResponse(with_query("/reconcile", scope=scope), 303)
