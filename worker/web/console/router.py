"""All addresses of the console."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from worker.errors import WorkerError
from worker.web import problems
from worker.web.console import (
    assets,
    backfills,
    batches,
    exports,
    failure_table,
    failures,
    images,
    map,  # noqa: A004 -- the page's name
    overview,
    picture,
    plots,
    previews,
    quarantine,
    reconcile,
    runs,
)
from worker.web.console.pages import page


class _Page(APIRoute):
    """What goes wrong is told by a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def explained(request: Request) -> Response:
            try:
                return await handle(request)
            except WorkerError as error:
                return _told(request, problems.of(error).status, str(error))
            except RequestValidationError:
                return _told(request, HTTPStatus.BAD_REQUEST, "the address asks for something that there is not")
            except HTTPException as error:
                return _told(request, HTTPStatus(error.status_code), str(error.detail))

        return explained


router = APIRouter(route_class=_Page)


def _told(request: Request, status: HTTPStatus, words: str) -> Response:
    return page(request, "fault.html", status, title=status.phrase, words=words)


@router.get("/static/{name:path}")
def static(name: str) -> Response:
    """What pages are made with."""
    found = assets.asset(name)
    if found is None:
        return Response(status_code=404)
    return Response(found[0], media_type=found[1], headers={"Cache-Control": assets.FOREVER})


_PARTS = (
    *(overview, images, picture, previews, map, plots, exports),
    *(failure_table, quarantine, failures),  # the last has an address for any name behind its own
    *(backfills, reconcile, batches, runs),
)
for _part in _PARTS:
    for _route in _part.router.routes:
        if isinstance(_route, APIRoute):
            router.add_api_route(_route.path, _route.endpoint, methods=list(_route.methods or ()))
