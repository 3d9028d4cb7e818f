"""What failed: grouped by cause, searched, looked at, and sent back to the queue."""

from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from worker import actions
from worker.bootstrap import has_dead_letters
from worker.catalog.query import Query, parse
from worker.errors import QueryError
from worker.model import Value
from worker.operate.again import MAX_REDRIVES, failed_ones
from worker.operate.causes import Causes, causes
from worker.operate.conveyor import Watch
from worker.operate.quarantine import free
from worker.operate.runs import Run
from worker.site import Site
from worker.web.console import filters, jobs
from worker.web.console.forms import Form
from worker.web.console.pages import asked, document_of, page, rows_of, seen, site_of, with_query

router = APIRouter()

SHOWN = 25
"""Failures of one page: a selection must fit into one filter."""
_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Found:
    """The failures that match: by cause, a page of them, and how many are not set aside yet."""

    causes: Causes = field(default_factory=Causes)
    rows: tuple[tuple[str, dict[str, Value]], ...] = ()
    next: str = ""
    free: int = 0

    @property
    def total(self) -> int:
        """How many match."""
        return self.causes.total


@router.get("/failures")
def failures(request: Request, q: str = "", cursor: str = "") -> Response:
    """All, or those that match, the newest first."""
    try:
        asked(request, q)
        query, fault = failed_ones(q), ""
        found = _found(request, q, query, cursor)
    except QueryError as error:
        query, fault, found = Query(), str(error), Found()
    everything = found.total if not q and not fault else site_of(request).catalog.count(failed_ones(""))
    return page(
        request,
        "failures.html",
        200 if not fault else 400,
        q=q,
        cursor=cursor,
        fault=fault,
        found=found,
        chosen={term.values[0] for term in query.terms if term.field.name == "fingerprint"},
        failed=everything,
        words="" if fault else filters.in_words(parse(q), "failures"),
    )


@router.get("/failures/requeue")
def asked_to_requeue(request: Request, q: str = "", changed: int = 0) -> Response:
    """What a requeue would come to, to be confirmed."""
    return _confirmation(request, q, changed)


@router.post("/failures/selected")
def selected(request: Request, sent: Form) -> Response:
    """The confirmation for what was ticked."""
    found = [fields for key in sent.all("key")[:SHOWN] if (fields := document_of(request, key))]
    buckets = {str(fields["bucket"]) for fields in found}
    if len(buckets) > 1:
        raise QueryError(0, f"these are in {len(buckets)} buckets; tick those of one bucket at a time")
    q = filters.named("".join(buckets), [str(fields["name"]) for fields in found])
    return RedirectResponse(with_query("/failures/requeue", q=q), 303)


@router.post("/failures/requeue")
def requeue(request: Request, sent: Form) -> Response:
    """Begin, if what matches is still what was confirmed."""
    q, release = sent.text("q"), bool(sent.text("release"))
    asked(request, q)
    site, options = site_of(request), jobs.options(sent)
    going = actions.rehearse_redrive(site, q, release=release).messages
    confirmed = sent.text("confirmed_release" if release else "confirmed")
    if confirmed != str(going):
        return _confirmation(request, q, changed=1)

    def work(acting: Site, watch: Watch) -> Run:
        if has_dead_letters(acting.settings):
            acting.drain.all()
        return actions.redrive(acting, q, options, watch, release=release)

    return jobs.begin(request, work, min(going, options.cap or going))


@router.get("/failures/{key}")
def failure(request: Request, key: str) -> Response:
    """All that is known of one."""
    fields = document_of(request, key)
    if fields is None:
        return page(request, "absent.html", 404, what="failure", back="/failures")
    this = filters.named(fields["bucket"], [fields["name"]])
    name, fields = fields["name"], seen(request, fields)
    known = fields.get("failure") or {}
    alike = filters.term("fingerprint", known["fingerprint"]) if known.get("fingerprint") else ""
    others = site_of(request).catalog.count(failed_ones(alike)) - 1 if alike else 0
    return page(
        request,
        "failure.html",
        key=key,
        fields=fields,
        known=known,
        alike=alike,
        others=max(0, others),
        this=this if fields["name"] == name else "",
        dump=_dump(str(fields.get("first_bytes") or "")),
    )


def _found(request: Request, q: str, query: Query, cursor: str) -> Found:
    catalog = site_of(request).catalog
    shown = catalog.page(query, cursor, SHOWN)
    return Found(causes(catalog, q), tuple(rows_of(request, shown.rows)), shown.next, free(catalog, query))


def _confirmation(request: Request, q: str, changed: int) -> Response:
    asked(request, q)
    site = site_of(request)
    query = failed_ones(q)
    plain = actions.rehearse_redrive(site, q, release=False)
    released = actions.rehearse_redrive(site, q, release=True)
    matching = site.catalog.count(query)
    samples = rows_of(request, site.catalog.page(query, limit=_SAMPLES).rows)
    return page(
        request,
        "requeue.html",
        q=q,
        words=filters.in_words(parse(q), "failures"),
        matching=matching,
        plain=plain,
        released=released,
        samples=samples,
        most=MAX_REDRIVES,
        changed=changed,
    )


def _dump(told: str) -> list[tuple[str, str, str]]:
    """Offset, sixteen bytes in hex, and as text."""
    data = bytes.fromhex(told) if told else b""
    lines = [data[start : start + 16] for start in range(0, len(data), 16)]
    return [
        (f"{16 * number:04x}", line.hex(" "), "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in line))
        for number, line in enumerate(lines)
    ]
