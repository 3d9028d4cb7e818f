"""The API's description, in OpenAPI 3.1, and a page that shows it with nothing from elsewhere."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import FileResponse, HTMLResponse, Response

from worker import __version__
from worker.web.api import schemas
from worker.web.problems import Problem

_ASSETS = Path(__file__).parent / "assets"
_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "begin.js": "text/javascript",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>imagemeta: API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/begin.js"></script>
</body>
</html>
"""
_ABOUT = "The metadata of every image in a bucket or folder: searched, counted, mapped, and kept up to date."
_SIGN_INS: dict[str, Any] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key of `imagemeta keys create`."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "Such a key, or an OIDC token of Google's."},
}

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
def openapi(request: Request) -> dict[str, Any]:
    """The description."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = described(app)
    return app.openapi_schema


@router.get("/docs")
def page() -> Response:
    """The page."""
    return HTMLResponse(_PAGE)


@router.get("/docs/{name}")
def asset(name: str) -> Response:
    """What the page is made of: swagger-ui, as its makers publish it."""
    if name not in _FILES:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", f"there is no {name}")
    return FileResponse(_ASSETS / name, media_type=_FILES[name], headers={"Cache-Control": "max-age=3600"})


def described(app: FastAPI) -> dict[str, Any]:
    """The description of all endpoints; errors of all kinds have the shape that `default` tells."""
    found = get_openapi(title="imagemeta", version=__version__, description=_ABOUT, routes=app.routes)
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    components = found["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"]["Problem"] = schemas.Problem.model_json_schema()
    components["securitySchemes"] = _SIGN_INS
    found["security"] = [{name: []} for name in _SIGN_INS]
    return found
