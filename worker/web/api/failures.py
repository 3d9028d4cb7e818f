"""What could not be read: by cause, and one by one."""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import Response

from worker.operate.failures import FAILED, failure_of, groups
from worker.operate.select import narrowed
from worker.web.api import schemas
from worker.web.api.answers import Asked, Behind, By, Cursor, Limit, answer, search
from worker.web.privacy import permitted

router = APIRouter(tags=["failures"])


@router.get("/failures", response_model=schemas.Failures)
def causes(parts: Behind, by: By, q: Asked = "") -> Response:
    """The failures that match, grouped by cause. The counts add up to the total."""
    found = groups(parts.site.catalog, str(search(q, by)))
    return answer(by, {"total": sum(group.count for group in found), "groups": [asdict(each) for each in found]})


@router.get("/failures/items", response_model=schemas.FailurePage)
def items(parts: Behind, by: By, q: Asked = "", cursor: Cursor = "", limit: Limit = 100) -> Response:
    """The failures that match, one by one. `GET /v1/images/{key}` has all of one."""
    query = permitted(narrowed(q, FAILED), by.position)
    page = parts.site.catalog.page(query, parts.cursors.taken_back(cursor, by.position), limit)
    found = [asdict(failure_of(key, fields)) for key, fields in page.rows]
    return answer(by, {"failures": found, "next": parts.cursors.handed_out(page.next, by.position) or None})
