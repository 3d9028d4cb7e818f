"""What operators did and do: runs of one kind to watch and stop, and the record of all."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from worker.errors import Misconfigured
from worker.operate.runs import Run, State
from worker.web import runner
from worker.web.api import schemas
from worker.web.api.answers import Behind, By, Limit, Parts, answer
from worker.web.problems import Problem
from worker.web.viewer import Scope

ACTIONS = {
    "backfills": "backfill",
    "redrives": "redrive",
    "quarantines": "quarantine",
    "reextractions": "reextract",
    "reconciles": "reconcile",
    "replays": "replay",
    "exports/runs": "export",
}
"""The path of each action, and what its runs are called."""
_LOOKED_THROUGH = 200
"""Runs of all kinds that those of one are looked for in."""

router = APIRouter(tags=["actions"])
Id = Annotated[str, Path(max_length=100)]


@router.get("/runs", response_model=schemas.Runs)
def runs(parts: Behind, by: By, limit: Limit = 100) -> Response:
    """Who did what, when, with which search, and what came of it."""
    by.must(Scope.OPERATE)
    return answer(by, {"runs": [asdict(run) for run in parts.site.ledger.newest(limit)]})


def _serve(path: str, action: str) -> None:
    """Watch and stop the runs of one action."""

    @router.get(f"/{path}", response_model=schemas.Runs, name=f"{path}_all")
    def every(parts: Behind, by: By, limit: Limit = 100) -> Response:
        """The runs of this kind, the newest first."""
        by.must(Scope.OPERATE)
        found = [run for run in parts.site.ledger.newest(_LOOKED_THROUGH) if run.action == action]
        return answer(by, {"runs": [asdict(run) for run in found[:limit]]})

    @router.get(f"/{path}/{{id}}", response_model=Run, name=f"{path}_one")
    def one(parts: Behind, by: By, id: Id) -> Response:  # noqa: A002 -- its name in the path
        """How far a run is."""
        by.must(Scope.OPERATE)
        return answer(by, _run(parts, id, action))

    @router.delete(f"/{path}/{{id}}", status_code=HTTPStatus.ACCEPTED, response_model=Run, name=f"{path}_stop")
    def stop(parts: Behind, by: By, id: Id) -> Response:  # noqa: A002 -- as above
        """Stop a run that the API began: it ends within seconds, and the same POST goes on from there."""
        by.must(Scope.OPERATE)
        run = _run(parts, id, action)
        if run.state is not State.RUNNING:
            raise Misconfigured(f"the run is not at work: it is {run.state}")
        runner.stop(parts.site.records, run, by.name)
        return answer(by, run, HTTPStatus.ACCEPTED)


def _run(parts: Parts, id_: str, action: str) -> Run:
    run = parts.site.ledger.found(id_)
    if run is None or run.action != action:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", f"there is no {action} {id_}")
    return run


for _path, _action in ACTIONS.items():
    _serve(_path, _action)
