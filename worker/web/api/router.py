"""The API's router."""

from typing import Any

from fastapi import APIRouter, Depends

from worker.web.api import actions, batches, description, exports, failures, images, inspect, runs, schemas, state
from worker.web.api.answers import only_known
from worker.web.problems import MEDIA_TYPE

_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong, as problem details (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{schemas.Problem.__name__}"}}},
    }
}

router = APIRouter(prefix="/v1", dependencies=[Depends(only_known)], responses=_PROBLEM)
for part in (images, failures, state, inspect, actions, runs, exports, batches, description):
    router.include_router(part.router)
