"""What endpoints share: who asks, of which set-up, and how an answer is sent."""

from dataclasses import asdict, is_dataclass
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from starlette.responses import Response

from worker.catalog.query import Query as Search
from worker.errors import QueryError
from worker.site import Site
from worker.web.cursors import Cursors
from worker.web.download import Turns
from worker.web.glance import Glance
from worker.web.inspector import Inspector
from worker.web.privacy import asked, shown
from worker.web.problems import Problem
from worker.web.runner import Runner
from worker.web.viewer import Viewer

JSON = "application/json"

Asked = Annotated[
    str, Query(description="A search in the language of docs/search.md.", examples=["make:Sony iso:>800 -has:position"])
]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
Cursor = Annotated[str, Query(description="A former page's `next`; without one, the first page.")]


class Parts:
    """What stands behind the endpoints; opened when it is first used."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.glance = Glance(site)
        self.runner = Runner(site.settings)
        self.inspector = Inspector(site.settings.limits)
        self.turns = Turns()

    @property
    def cursors(self) -> Cursors:
        """The cursors, by the keys of the records."""
        return Cursors(self.site.records)

    def close(self) -> None:
        """Stop what is at work."""
        self.runner.close()
        self.inspector.close()


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def _viewer(request: Request) -> Viewer:
    viewer: Viewer = request.state.viewer
    return viewer


Behind = Annotated[Parts, Depends(_parts)]
By = Annotated[Viewer, Depends(_viewer)]


def answer(viewer: Viewer, value: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """JSON as the viewer may see it. Whatever an endpoint tells goes through here."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return Response(orjson.dumps(shown(plain, viewer.position), option=orjson.OPT_UTC_Z), status, media_type=JSON)


def search(text: str, viewer: Viewer) -> Search:
    """The query that the viewer's text means. Raises QueryError."""
    return asked(text, viewer.position)


def only_known(request: Request) -> None:
    """Raise for a parameter that the endpoint does not know: it was meant to do something."""
    parameters = get_flat_params(request.scope["route"].dependant)
    known = [each.alias for each in parameters if isinstance(each.field_info, params.Query)]
    for name in request.query_params:
        if name not in known:
            takes = f"; known: {', '.join(known)}" if known else ""
            raise Problem(HTTPStatus.BAD_REQUEST, QueryError.code, f"there is no parameter {name!r} here{takes}")
