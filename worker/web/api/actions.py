"""What operators do: each action is begun by a POST, and is then a run that can be watched and stopped."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import APIRouter, Depends
from starlette.responses import Response

from worker import actions
from worker.actions import Options
from worker.bootstrap import has_dead_letters
from worker.errors import Misconfigured
from worker.operate import pause as pauses
from worker.operate import replay as replays
from worker.operate.conveyor import Watch
from worker.operate.reconcile import Finding, Kind
from worker.operate.runs import Run
from worker.operate.scope import CLOUD, Scope
from worker.operate.when import moment
from worker.site import Site
from worker.web.api import schemas
from worker.web.api.answers import Behind, By, Parts, answer, search
from worker.web.problems import Problem
from worker.web.runner import Work
from worker.web.viewer import Scope as May
from worker.web.viewer import Viewer

SHOWN = 100
"""Differences that a dry run lists."""


def _operates(by: By) -> None:
    by.must(May.OPERATE)


router = APIRouter(tags=["actions"], dependencies=[Depends(_operates)])
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.Counted, "description": "What a dry run found."},
    202: {"model": schemas.Started, "description": "The run has begun."},
}


def _post(path: str) -> Callable[[Endpoint], Endpoint]:
    return router.post(path, status_code=HTTPStatus.ACCEPTED, response_model=schemas.Started, responses=_RESPONSES)


@_post("/backfills")
def backfill(parts: Behind, by: By, asked: schemas.Backfill) -> Response:
    """Announce objects that are in a bucket already."""
    scope = Scope.of(asked.scope, asked.glob)
    if asked.dry_run:
        return _found(by, asdict(actions.rehearse_fill(parts.site, scope, asked.select)))
    return _begin(parts, by, lambda site, watch: actions.fill(site, scope, asked.select, _options(asked), watch))


@_post("/redrives")
def redrive(parts: Behind, by: By, asked: schemas.Redrive) -> Response:
    """Send failures back to the queue; dead letters are written down as failures first."""
    text = str(search(asked.query, by))
    if asked.dry_run:
        return _found(by, asdict(actions.rehearse_redrive(parts.site, text, release=asked.release)))

    def work(site: Site, watch: Watch) -> Run:
        if has_dead_letters(site.settings):
            site.drain.all()
        return actions.redrive(site, text, _options(asked), watch, release=asked.release)

    return _begin(parts, by, work)


@_post("/quarantines")
def quarantine(parts: Behind, by: By, asked: schemas.Quarantine) -> Response:
    """Set failures aside; a redrive with `release` lets them go back."""
    text = str(search(asked.query, by))
    if asked.dry_run:
        return _found(by, {"documents": actions.rehearse_set_aside(parts.site, text)})
    return _begin(parts, by, lambda site, watch: actions.set_aside(site, text, watch))


@_post("/reextractions")
def reextract(parts: Behind, by: By, asked: schemas.Reextraction) -> Response:
    """Have documents made anew from their objects."""
    text = str(search(asked.query, by))
    if asked.dry_run:
        return _found(by, asdict(actions.rehearse_reextract(parts.site, text, partial=asked.partial)))
    options = _options(asked)
    return _begin(parts, by, lambda site, watch: actions.reextract(site, text, options, watch, partial=asked.partial))


@_post("/reconciles")
def reconcile(parts: Behind, by: By, asked: schemas.Reconcile) -> Response:
    """Compare a bucket with its documents, and mend what differs; a dry run only tells."""
    scope, since = Scope.of(asked.scope), _moment(asked.since) if asked.since else None
    if asked.dry_run:
        seen = _Differences()
        actions.differences(parts.site, scope, since, None, lambda _: None, seen)
        return _found(by, {**{str(kind): seen.counts[kind] for kind in Kind}, "first": seen.first})
    options = Options(asked.rate, None, asked.warm)
    return _begin(
        parts, by, lambda site, watch: actions.differences(site, scope, since, options, watch, lambda _: None)
    )


@_post("/replays")
def replay(parts: Behind, by: By, asked: schemas.Replay) -> Response:
    """Have what was handled since a moment handled again."""
    since = _moment(asked.since)
    if asked.dry_run:
        rewind = None if asked.from_store else parts.site.rewind
        return _found(by, asdict(replays.preview(since, parts.site.reader, rewind)))

    def work(site: Site, watch: Watch) -> Run:
        if asked.from_store:
            return actions.replay_documents(site, since, _options(asked), watch)
        if site.rewind is None:
            raise Misconfigured("a local queue keeps nothing that is done: from_store is needed")
        return actions.replay_queue(site, site.rewind, since)

    return _begin(parts, by, work)


@router.post("/pause", response_model=schemas.Paused)
def pause(parts: Behind, by: By, asked: schemas.Pausing) -> Response:
    """Stop a bucket from telling what happens to it, until it is resumed."""
    made = pauses.pause(asked.bucket, parts.site.intake, parts.site.records, by.name)
    return answer(by, {"bucket": made.bucket, "since": made.since, "who": made.who})


@router.post("/resume", status_code=HTTPStatus.ACCEPTED, response_model=schemas.Started)
def resume(parts: Behind, by: By, asked: schemas.Resuming) -> Response:
    """Have a paused bucket tell again, and catch up. The run begins once it tells again."""
    if pauses.paused(parts.site.records, asked.bucket) is None:
        raise Misconfigured(f"{asked.bucket} is not paused; GET /v1/status lists what is")
    usual = pauses.ANNOUNCING_SECONDS if parts.site.settings.objects.startswith(CLOUD) else 0.0
    seconds = usual if asked.wait is None else asked.wait
    return _begin(parts, by, lambda site, watch: actions.resume(site, asked.bucket, watch, seconds)[1])


class _Differences:
    """Counts differences, and keeps the first."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self.first: list[dict[str, str]] = []

    def __call__(self, finding: Finding) -> None:
        self.counts[finding.kind] += 1
        if len(self.first) < SHOWN:
            self.first.append({"difference": str(finding.kind), "name": finding.name, "code": finding.code})


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except Misconfigured as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", f"since: {error}") from error


def _options(asked: schemas.Bulk) -> Options:
    return Options(asked.rate, asked.cap, asked.warm, asked.fresh)


def _begin(parts: Parts, by: Viewer, work: Work) -> Response:
    run = parts.runner.start(by.name, work)
    return answer(by, {"run": asdict(run) if run else None}, HTTPStatus.ACCEPTED)


def _found(by: Viewer, found: dict[str, Any]) -> Response:
    return answer(by, {"dry_run": True, "found": found})
