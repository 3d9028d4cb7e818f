"""What could not be read: by cause, and one by one."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from worker.operate.causes import SHOWN
from worker.operate.causes import causes as looked_at
from worker.operate.failures import FAILED, failure_of
from worker.operate.select import narrowed
from worker.web.api import schemas
from worker.web.api.answers import Asked, Behind, By, Cursor, Limit, answer, search
from worker.web.privacy import permitted

router = APIRouter(tags=["failures"])
Causes = Annotated[int, Query(ge=1, le=100, description="At most so many causes: each is counted.")]


@router.get("/failures", response_model=schemas.Failures)
def causes(parts: Behind, by: By, q: Asked = "", limit: Causes = SHOWN) -> Response:
    """The largest causes among the newest failures that match. The counts and `others` add up to the total."""
    found = looked_at(parts.site.catalog, str(search(q, by)), shown=limit)
    told = {"total": found.total, "looked_at": found.looked_at, "others": found.others}
    return answer(by, told | {"groups": [asdict(each.group) for each in found.shown]})


@router.get("/failures/items", response_model=schemas.FailurePage)
def items(parts: Behind, by: By, q: Asked = "", cursor: Cursor = "", limit: Limit = 100) -> Response:
    """The failures that match, one by one. `GET /v1/images/{key}` has all of one."""
    query = permitted(narrowed(q, FAILED), by.position)
    page = parts.site.catalog.page(query, parts.cursors.taken_back(cursor, by.position), limit)
    found = [asdict(failure_of(key, fields)) for key, fields in page.rows]
    return answer(by, {"failures": found, "next": parts.cursors.handed_out(page.next, by.position) or None})
