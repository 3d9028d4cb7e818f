"""Searching: documents page by page, one of them, their facets, and where they are on a map."""

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from worker.catalog.facets import FACETS
from worker.catalog.fields import PRESENT, TAG, Operator
from worker.catalog.paths import picked
from worker.catalog.places import Box
from worker.catalog.query import Query as Search
from worker.catalog.query import Term
from worker.catalog.values import box as box_of
from worker.document import key_for
from worker.errors import QueryError
from worker.model import Value
from worker.web import clusters
from worker.web.api import schemas
from worker.web.api.answers import Asked, Behind, By, Cursor, Limit, answer, search
from worker.web.privacy import permitted, shown
from worker.web.problems import Problem
from worker.web.viewer import Viewer

router = APIRouter(tags=["search"])

KEY_LETTERS = 32
"""Of an id; the slug behind them is for people."""
_COMPARED = re.compile(r"([^<>=]*)(>=|<=|>|<|=)(.*)", re.DOTALL)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\..+)?", re.DOTALL)
_OF_THE_CATALOG = "search"
"""Repeats others, for searches."""

Tags = Annotated[
    tuple[str, ...],
    Query(
        description="A tag by its name, as it is stored or as older tools call it: `Image Make=SONY`, `XMP:Rating>=3`,"
        " `EXIF ISOSpeedRatings`. Several must all hold.",
        max_length=30,
    ),
]
Uri = Annotated[str, Query(pattern=r"^gs://[^/]+/.", description="`gs://bucket/name`")]
Fields = Annotated[
    str,
    Query(description="Only these fields, with commas between: `camera.make,taken,position`. The id is always there."),
]


@router.get("/images", response_model=schemas.Images)
def images(
    parts: Behind, by: By, q: Asked = "", tag: Tags = (), cursor: Cursor = "", limit: Limit = 100, fields: Fields = ""
) -> Response:  # fmt: skip
    """Documents that match, the newest first: by when they were taken, or else uploaded."""
    query = permitted(Search((*search(q, by).terms, *map(_tag, tag))), by.position)
    paths = _paths(fields)
    page = parts.site.catalog.page(query, parts.cursors.taken_back(cursor, by.position), limit)
    found = [_image(key, document, paths, by) for key, document in page.rows]
    return answer(by, {"images": found, "next": parts.cursors.handed_out(page.next, by.position) or None})


@router.get("/image", response_model=schemas.Image)
def image_of(parts: Behind, by: By, uri: Uri, fields: Fields = "") -> Response:
    """The document of an object, by its URI."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return image(parts, by, key_for(bucket, name), fields)


@router.get("/images/{id}", response_model=schemas.Image)
def image(parts: Behind, by: By, id: Annotated[str, Path(max_length=200)], fields: Fields = "") -> Response:  # noqa: A002 -- its name in the path
    """One document. The first 32 letters of its id are enough."""
    found = parts.site.reader.get(id)
    if found is None and len(id) == KEY_LETTERS:
        key, document = next(parts.site.reader.scan(id), ("", None))
        id, found = (key, document) if key.startswith(id) else (id, None)  # noqa: A001 -- as above
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", f"there is no document {id}")
    return answer(by, _image(id, found, _paths(fields), by))


@router.get("/facets", response_model=schemas.Facets)
def facets(
    parts: Behind,
    by: By,
    q: Asked = "",
    names: Annotated[str, Query(description=f"Of these: {', '.join(FACETS)}.")] = ",".join(FACETS),
) -> Response:
    """How what matches falls into piles, the largest first, each with the search that narrows down to it."""
    query = search(q, by)
    counted = parts.site.catalog.facets(query, [name for name in names.split(",") if name])
    piles = {
        name: [{"value": value, "count": count, "query": FACETS[name].asked(value)} for value, count in found]
        for name, found in counted.items()
    }
    return answer(by, {"count": parts.site.catalog.count(query), "facets": piles})


@router.get("/map", response_model=clusters.Map)
def map_(
    parts: Behind,
    by: By,
    q: Asked = "",
    zoom: Annotated[int, Query(ge=0, le=clusters.DEEPEST)] = 2,
    box: Annotated[str, Query(description="`south,west,north,east` in degrees; without one, the world.")] = "",
) -> Response:
    """Where what matches was taken, in clusters as large as the zoom makes them."""
    return answer(by, clusters.clusters(parts.site.catalog, search(q, by), _box(box), zoom, by.position))


def _image(key: str, document: dict[str, Value], paths: list[str], viewer: Viewer) -> dict[str, Any]:
    """All of a document that the viewer may see, and then what they asked for."""
    document.pop(_OF_THE_CATALOG, None)
    seen = shown({"id": key, **document}, viewer.position)
    return picked(seen, ["id", *paths]) if paths else seen


def _paths(fields: str) -> list[str]:
    known = schemas.Image.model_fields
    found = [name if name in known else PRESENT.get(name, name) for name in fields.split(",") if name]
    for name in found:
        if not _FIELD.fullmatch(name) or name.split(".")[0] not in known:
            raise QueryError(0, f"there is no field {name!r}; docs/documents.md has all")
    return found


def _tag(text: str) -> Term:
    """`NAME`, or `NAME=VALUE` with one of the comparisons; a value that ends with * is how others begin."""
    match = _COMPARED.fullmatch(text)
    name, operator, value = match.groups() if match else (text, "", "")
    if not name.strip() or "\0" in text or (operator and not value):
        raise QueryError(0, f"{text!r} is no tag; write NAME, NAME=VALUE or NAME>=VALUE")
    if not operator:
        return Term(TAG, Operator.HAS, (), name=name.strip())
    if operator == "=" and value.endswith("*"):
        return Term(TAG, Operator.BEGINS, (value[:-1],), name=name.strip())
    return Term(TAG, Operator(operator), (value,), name=name.strip())


def _box(text: str) -> Box:
    try:
        return box_of(text) if text else clusters.WORLD
    except ValueError as error:
        raise QueryError(0, f"box: {error}") from None
