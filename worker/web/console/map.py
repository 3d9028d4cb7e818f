"""The map: where pictures were taken, gathered into clusters, on a land map that is in the package."""

from collections.abc import Iterator

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from worker.catalog.places import Box
from worker.catalog.query import Query, parse
from worker.catalog.values import box as place_box
from worker.errors import QueryError
from worker.web.clusters import DEEPEST, WORLD, Cluster, clusters
from worker.web.console import filters
from worker.web.console.pages import HEADERS, asked, fragment, id_of, page, rows_of, site_of, viewer_of
from worker.web.viewer import Scope

router = APIRouter()

_DECIMALS = 6
_SAMPLES = 60
"""Pictures of a cluster, or of a rectangle, that are shown beside the map."""


@router.get("/map")
def shown(request: Request, q: str = "") -> Response:
    """The page."""
    fault, total, without = "", 0, 0
    try:
        query = asked(request, q)
        catalog = site_of(request).catalog
        total = catalog.count(query)
        without = catalog.count(Query((*query.terms, *parse("-has:position").terms)))
    except QueryError as error:
        fault = str(error)
    return page(
        request,
        "map.html",
        400 if fault else 200,
        q=q,
        fault=fault,
        total=total,
        without=without,
        without_q=filters.joined(q, "-has:position"),
        position=viewer_of(request).position,
    )


@router.get("/map/clusters")
def gathered(request: Request, q: str = "", box: str = "", zoom: int = 0) -> Response:
    """The clusters in a part of the map, for its script."""
    part = WORLD if box == "" else _box(box)
    zoom = max(0, min(zoom, DEEPEST))
    position = viewer_of(request).position
    found = clusters(site_of(request).catalog, asked(request, q), part, zoom, position)
    body = {
        "count": found.count,
        "complete": found.complete,
        "clusters": [[*_numbers(each), id_of(request, each.key)] for each in found.clusters],
    }
    return Response(orjson.dumps(body), media_type="application/json", headers=HEADERS)


@router.get("/map/pictures")
def listed(request: Request, q: str = "", box: str = "") -> Response:
    """The pictures of a rectangle."""
    within = filters.joined(q, f"box:{box}")
    query, catalog = asked(request, within), site_of(request).catalog
    rows = rows_of(request, catalog.page(query, limit=_SAMPLES).rows)
    may_export = viewer_of(request).may(Scope.EXPORT)
    return fragment("listed.html", q=within, rows=rows, total=catalog.count(query), may_export=may_export)


def _numbers(cluster: Cluster) -> Iterator[float]:
    """Its middle, its count, and its box, as the map's script takes them."""
    yield from (round(cluster.latitude, _DECIMALS), round(cluster.longitude, _DECIMALS), cluster.count)
    yield from (cluster.south, cluster.west, cluster.north, cluster.east)


def _box(text: str) -> Box:
    try:
        return place_box(text)
    except ValueError as error:
        raise QueryError(0, f"box: {error}") from None
