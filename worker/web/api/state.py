"""How things are: the queue, the workers, and everything in one look."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from worker.operate.pause import Pause
from worker.operate.status import readers
from worker.web.api import schemas
from worker.web.api.answers import Behind, By, answer

router = APIRouter(tags=["state"])


@router.get("/status", response_model=schemas.Status)
def status(parts: Behind, by: By) -> Response:
    """Everything, from one look; a look is two seconds old at most."""
    seen = parts.glance.now()
    return answer(by, asdict(seen) | {"pauses": [_paused(pause) for pause in seen.pauses]})


@router.get("/queue", response_model=schemas.Queue)
def queue(parts: Behind, by: By) -> Response:
    """What waits, what is being read, and which buckets are paused."""
    seen = parts.glance.now()
    known = {"at": seen.at, "backlog": asdict(seen.backlog), "rate": seen.rate, "empty_in": seen.empty_in}
    known["in_hand"] = [asdict(each) for each in readers(seen)]
    return answer(by, known | {"pauses": [_paused(pause) for pause in seen.pauses]})


@router.get("/workers", response_model=schemas.Workers)
def workers(parts: Behind, by: By) -> Response:
    """Who works."""
    seen = parts.glance.now()
    return answer(by, {"at": seen.at, "workers": [asdict(each) for each in seen.workers]})


def _paused(pause: Pause) -> dict[str, Any]:
    """Without what was turned off: that is for who turns it on again."""
    return {"bucket": pause.bucket, "since": pause.since, "who": pause.who}
