"""Batches: a table of image URLs in, compressed images and the table back."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from worker.batches.policy import Format, Policy, Retain
from worker.batches.progress import Progress
from worker.batches.sheet import SAMPLE
from worker.errors import BadInput
from worker.site import Site
from worker.web import batching
from worker.web.api import batch_schemas as schemas
from worker.web.api.answers import JSON, Behind, By, Cursor, answer
from worker.web.batching import CSV, Order
from worker.web.download import Download
from worker.web.problems import Problem
from worker.web.uploads import FORM, parts_of
from worker.web.viewer import Scope, Viewer


def _operates(by: By) -> None:
    by.must(Scope.OPERATE)


router = APIRouter(prefix="/batches", tags=["batches"], dependencies=[Depends(_operates)])

_TABLE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The table.", "content": {CSV: {"schema": {"type": "string"}}}}
}
_TAKEN: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.Batch, "description": "The same table and policy is at work already: this batch."},
    201: {"model": schemas.Batch, "description": "It is on its way."},
}
_FILE = {"type": "string", "contentMediaType": CSV}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {"file": _FILE, "url_column": {"type": "array", "items": {"type": "string"}}}
                    | {name: {"type": "string"} for name in Policy.__dataclass_fields__},
                    "required": ["file"],
                }
            },
            CSV: {"schema": _FILE},
            JSON: {"schema": schemas.Order.model_json_schema(ref_template="#/components/schemas/{model}")},
        },
    }
}
Id = Annotated[str, Path(max_length=100, description="The batch's id.")]
Few = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
Columns = Annotated[list[str] | None, Query(max_length=100, description="A table's columns of URLs, by heading.")]


def _of_query(
    quality: Annotated[int, Query(ge=1, le=100)] = 50,
    longest: Annotated[int, Query(ge=0, description="Pixels of the longer side at most; 0: no limit.")] = 0,
    format: Annotated[Format, Query()] = Format.KEEP,  # noqa: A002 -- its name among the parameters
    target_bytes: Annotated[int, Query(ge=0, description="Go below this size; 0: no target.")] = 0,
    metadata: Annotated[Retain, Query()] = Retain.COPYRIGHT,
    originals: Annotated[bool, Query(description="Store what was fetched as well.")] = False,
) -> Policy:
    return Policy(quality, longest, format, target_bytes, metadata, originals)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=schemas.Batch,
    responses=_TAKEN,
    openapi_extra=_BODY,
)
async def submit(
    request: Request,
    parts: Behind,
    by: By,
    policy: Annotated[Policy, Depends(_of_query)],
    name: Annotated[str, Query(max_length=200, description="What the batch is called, for people.")] = "",
    url_column: Columns = None,
) -> Response:
    """Have the images of a table fetched and compressed: the table itself as the body, with its policy as parameters;
    or a form with the field `file` and those of the policy; or JSON, with `uri` or `rows`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JSON:
        order = await run_in_threadpool(_of_json, parts.site, await request.body())
    elif kind == FORM:
        order = batching.order_of(*await parts_of(request))
    else:
        order = Order(await request.body(), policy, url_column or (), name)
    progress, new = await run_in_threadpool(batching.take, parts.site, by, order)
    reply = _told(by, progress, HTTPStatus.CREATED if new else HTTPStatus.OK)
    reply.headers["Location"] = f"/v1/batches/{progress.batch.id}"
    return reply


@router.get("", response_model=schemas.Batches)
def listed(parts: Behind, by: By, limit: Few = 20) -> Response:
    """The last batches, the newest first, each counted now."""
    return answer(by, {"batches": [batching.told(each) for each in parts.site.desk.newest(limit)]})


@router.get("/sample.csv", response_class=Response, responses=_TABLE)
def sample() -> Response:
    """A table as it is taken."""
    return Response(SAMPLE, media_type=CSV, headers={"Content-Disposition": 'attachment; filename="sample.csv"'})


@router.get("/{id}", response_model=schemas.BatchPage)
def batch(
    parts: Behind,
    by: By,
    id: Id,  # noqa: A002 -- its name in the address
    state: Annotated[schemas.Shown, Query(description="`failed`: rows with what failed alone.")] = "",
    cursor: Cursor = "",
    limit: Few = 100,
) -> Response:
    """How a batch is, and its rows with what became of each URL."""
    progress = parts.site.desk.status(id)
    with _understood():
        lines, following = batching.page(parts.site, id, cursor, limit, failed=state == "failed")
    rows = [batching.line_told(line) for line in lines]
    return answer(by, {"batch": batching.told(progress), "rows": rows, "next": following or None})


@router.get("/{id}/output.csv", response_class=Response, responses=_TABLE)
def output(
    parts: Behind,
    id: Id,  # noqa: A002
    raw: Annotated[bool, Query(description="Leave texts alone that a spreadsheet would run as a formula.")] = False,
) -> Download:
    """The input's columns, then what became of each URL; also while the batch runs."""
    return batching.output(parts.site, parts.turns, id, raw=raw)


@router.post("/{id}/retry-failed", response_model=schemas.Retried)
def retry(
    parts: Behind,
    by: By,
    id: Id,  # noqa: A002
    asked: Annotated[schemas.Retry | None, Body()] = None,
) -> Response:
    """Have what failed fetched again, and nothing else."""
    count = parts.site.desk.retry_failed(id, pending=bool(asked and asked.pending))
    return answer(by, {"published": count})


@router.post("/{id}/mend", response_model=schemas.Batch)
def mend(parts: Behind, by: By, id: Id, asked: schemas.Mending) -> Response:  # noqa: A002
    """Have another URL fetched in the place of one that failed; the table's row says so from now on."""
    parts.site.desk.mend(id, asked.row, asked.column, asked.url)
    return _told(by, parts.site.desk.status(id))


@router.post("/{id}/cancel", response_model=schemas.Batch)
def cancel(parts: Behind, by: By, id: Id) -> Response:  # noqa: A002
    """Have no more URLs of it fetched. What is done stays; it cannot be taken back."""
    parts.site.desk.cancel(id)
    return _told(by, parts.site.desk.status(id))


def _told(by: Viewer, progress: Progress, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return answer(by, batching.told(progress), status)


def _of_json(site: Site, body: bytes) -> Order:
    try:
        asked = schemas.Order.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", f"{where or 'the body'}: {first['msg']}") from error
    if bool(asked.uri) == bool(asked.rows):
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", "write either `uri` or `rows`")
    data = batching.object_of(site, asked.uri) if asked.uri else batching.table_of(asked.rows or ())
    name = asked.name or asked.uri.rpartition("/")[2]
    return Order(data, Policy.of(asked.policy.model_dump() if asked.policy else {}), asked.url_columns, name)


@contextmanager
def _understood() -> Iterator[None]:
    """A cursor that is none is a fault of the address."""
    try:
        yield
    except BadInput as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", str(error)) from error
