"""Extraction on demand: a file that is sent, or an object, as its document would have it; nothing is stored."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from worker.bootstrap import bucket_of, folder_url, open_folder
from worker.entries import Entry, Kind
from worker.errors import ObjectGone, Poison
from worker.web.api import schemas
from worker.web.api.answers import JSON, Behind, By, Parts, answer
from worker.web.problems import Problem
from worker.web.uploads import FORM
from worker.web.viewer import Scope

router = APIRouter(tags=["inspect"])

_OF_THE_FILE = ("file", "created", "updated", "content_type")
"""Facts of the place where an upload lies while it is read."""
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "contentMediaType": "image/*"}},
            FORM: {"schema": {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}},
            JSON: {"schema": {"type": "object", "properties": {"uri": {"type": "string"}}, "required": ["uri"]}},
        },
    }
}


@router.post("/inspect", response_model=schemas.Inspected, openapi_extra=_BODY)
async def inspect(request: Request, parts: Behind, by: By) -> Response:
    """What a picture holds: the picture itself as the body, or the field `file` of a form; or, for operators,
    `{"uri": "gs://bucket/name"}`. Nothing is stored."""
    if request.headers.get("content-type", "").startswith(JSON):
        by.must(Scope.OPERATE)
        return answer(by, await run_in_threadpool(_of_object, parts, _uri(await request.body())))
    async with _uploaded(request) as file:
        return answer(by, await run_in_threadpool(_of_file, parts, file))


def _uri(body: bytes) -> str:
    try:
        return schemas.Inspection.model_validate_json(body).uri
    except ValidationError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", 'write {"uri": "gs://bucket/name"}') from error


@asynccontextmanager
async def _uploaded(request: Request) -> AsyncIterator[Path]:
    """The file that was sent, for as long as it is looked at."""
    with TemporaryDirectory(prefix="imagemeta-") as folder:
        file = Path(folder, "picture")
        with file.open("wb") as to:
            if request.headers.get("content-type", "").startswith(FORM):
                async with request.form(max_files=1, max_fields=10) as form:
                    sent = form.get("file")
                    if not isinstance(sent, UploadFile):
                        raise Problem(HTTPStatus.BAD_REQUEST, "bad_request", "the form has no file in its field `file`")
                    await run_in_threadpool(shutil.copyfileobj, sent.file, to)
            else:
                async for chunk in request.stream():
                    to.write(chunk)
        yield file


def _of_file(parts: Parts, file: Path) -> dict[str, Any]:
    ref = open_folder(file.parent).live(bucket_of(file.parent), file.name)
    record = _read(parts, Entry(file.name, folder_url(file.parent), ref, named=True))
    return {name: value for name, value in record.items() if name not in _OF_THE_FILE}


def _of_object(parts: Parts, uri: str) -> dict[str, Any]:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    ref = parts.site.objects.live(bucket, name)
    if ref is None:
        raise Problem(HTTPStatus.NOT_FOUND, ObjectGone.code, f"there is no object {uri}")
    record = _read(parts, Entry(ref.uri, parts.site.settings.objects, ref, named=True))
    return {name: value for name, value in record.items() if name != "file"}


def _read(parts: Parts, entry: Entry) -> dict[str, Any]:
    result = parts.inspector.read(entry)
    record: dict[str, Any] = orjson.loads(result.record) if result.record else {}
    if result.kind is not Kind.READ:
        code = record.get("error", {}).get("code", Poison.code)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, result.reason)
    return record
