"""What every page has: its frame, texts that are shown and never obeyed, answers that a browser keeps to itself."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from worker import __version__
from worker.catalog.query import Query
from worker.errors import WorkerError
from worker.model import Status
from worker.site import Site
from worker.web import privacy
from worker.web.console import assets, words
from worker.web.viewer import Precision, Scope, Viewer

COOKIE = "console"
"""What stands in it stands in every form: another site's page cannot know it."""
_THEMES = ("light", "dark")
KEY_LETTERS = 32
"""Of a document's key; the slug behind them is for people."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

NAVIGATION = (
    ("", (("/", "Overview"),)),
    ("Pictures", (("/images", "Browse"), ("/map", "Map"), ("/plots", "Plots"), ("/exports", "Exports"))),
    (
        "Operate",
        (
            ("/queue", "Queue"),
            ("/failures", "Failures"),
            ("/backfills", "Backfills"),
            ("/reconcile", "Reconcile"),
            ("/batches", "Batches"),
            ("/workers", "Workers"),
            ("/runs", "Audit"),
        ),
    ),
)


def site_of(request: Request) -> Site:
    """The set-up that is shown."""
    site: Site = request.app.state.site
    return site


def viewer_of(request: Request) -> Viewer:
    """Who looks."""
    viewer: Viewer = request.state.viewer
    return viewer


def asked(request: Request, text: str) -> Query:
    """What a filter means, as far as this viewer may ask it. Raises QueryError."""
    return privacy.asked(text, viewer_of(request).position)


def seen(request: Request, fields: dict[str, Any]) -> dict[str, Any]:
    """A document, as this viewer may see it."""
    shown: dict[str, Any] = privacy.shown(fields, viewer_of(request).position)
    return shown


def id_of(request: Request, key: str) -> str:
    """What addresses call a document: for who may not know places exactly, without the object's name behind it."""
    exact = viewer_of(request).position is Precision.EXACT
    return key if exact else key[:KEY_LETTERS]


def rows_of(request: Request, found: Iterable[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Documents by what addresses call them, as this viewer may see them."""
    return [(id_of(request, key), seen(request, fields)) for key, fields in found]


def document_of(request: Request, id_: str) -> dict[str, Any] | None:
    """The whole document that an address means; the first letters of its key are enough."""
    reader = site_of(request).reader
    found = reader.get(id_)
    if found is None and len(id_) == KEY_LETTERS:
        key, following = next(iter(reader.scan(id_)), ("", None))
        return following if key.startswith(id_) else None
    return found


def may_see(request: Request, text: str) -> bool:
    """Whether a text tells this viewer no more than it may."""
    shown: str = privacy.shown(text, viewer_of(request).position)
    return shown == text


def fragment(template: str, **values: object) -> Response:
    """A part of a page that its script asks for."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(now=datetime.now(UTC), **values), headers=HEADERS)


def page(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page, from its template and these values; `failed` is counted where it is none of them."""
    token = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
    theme = request.cookies.get("theme", "")
    viewer = viewer_of(request)
    frame: dict[str, object] = {
        "path": request.url.path,
        "here": f"{request.url.path}{f'?{request.url.query}' if request.url.query else ''}",
        "navigation": NAVIGATION,
        "token": token,
        "theme": theme if theme in _THEMES else "",
        "viewer": viewer,
        "may_operate": viewer.may(Scope.OPERATE),
        "may_export": viewer.may(Scope.EXPORT),
        "version": __version__,
        "now": datetime.now(UTC),
    }
    if "failed" not in values:
        frame["failed"] = _failed(request)
    text = _TEMPLATES.get_template(template).render(frame | values)
    answer = HTMLResponse(text, status, HEADERS)
    if COOKIE not in request.cookies:
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
    return answer


def _failed(request: Request) -> int | None:
    try:
        statuses = dict(site_of(request).catalog.facets(Query(), ["status"])["status"])
        return statuses.get(Status.FAILED, 0)
    except WorkerError:  # the page itself says what is wrong
        return None


def with_query(path: str, **values: object) -> str:
    """An address of ours, without what is empty."""
    told = {name: str(value) for name, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(told)}" if told else path


def picture(fields: Mapping[str, Any]) -> str:
    """What stands for a picture among others: the camera, or the format."""
    camera = fields.get("camera") or {}
    named = " ".join(part for part in (camera.get("make"), camera.get("model")) if part)
    return named or str((fields.get("image") or {}).get("format") or "")


def short_name(name: str) -> str:
    """The last part of an object's name."""
    return name.rstrip("/").rpartition("/")[2] or name


def _shown(value: object) -> object:
    """Whatever a template prints passes here: text is made visible, what is markup already was made by a template."""
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _exact(value: object) -> Markup:
    """A text as it is, for attributes that are sent back."""
    return escape(str(value))


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=ChainableUndefined,  # what a document lacks is nothing
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(asset=assets.address, address=with_query, count=words.count)
    made.filters.update(
        briefly=words.briefly,
        exact=_exact,
        number=words.number,
        size=words.size,
        duration=words.duration,
        rate=words.rate,
        moment=words.moment,
        ago=words.ago,
        local=words.local_time,
        exposure=words.exposure,
        short=short_name,
        part=lambda text: quote(str(text), safe=""),
        picture=picture,
    )
    return made


_TEMPLATES = _environment()
