"""Pictures: searched with one box, narrowed by a click, as a grid or a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from worker.catalog.facets import FACETS, FEW, Counts
from worker.catalog.fields import FIELDS, TAG, Kind
from worker.catalog.query import Query
from worker.errors import QueryError
from worker.ports import Catalog, Page
from worker.web.console import filters
from worker.web.console.pages import asked, fragment, may_see, page, rows_of, site_of, viewer_of
from worker.web.cursors import Cursors

router = APIRouter()

SHOWN = 48
_VALUES = 8
_NAMES = ("camera", "lens", "month", "format", "iso", "position", "status", "bucket")
_LABELS = {"iso": "ISO", "position": "has a position"}
_SUGGESTED = 10
_VIEWS = ("grid", "table")


@dataclass(frozen=True, slots=True)
class Pile:
    """One value of a facet: how many have it, and the filter with it, or without where it is `on`."""

    value: str
    count: int
    q: str
    on: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How the filter could go on: `text` is the whole of it then."""

    shown: str
    help: str
    text: str


@router.get("/images")
def images(request: Request, q: str = "", cursor: str = "", view: str = "grid") -> Response:
    """What matches, the newest first."""
    position, catalog = viewer_of(request).position, site_of(request).catalog
    cursors = Cursors(site_of(request).records)
    rows: list[tuple[str, dict[str, Any]]] = []
    total, following, fault = 0, "", ""
    try:
        query = asked(request, q)
        found = catalog.page(query, cursors.taken_back(cursor, position), SHOWN)
        rows = rows_of(request, found.rows)
        following, total = cursors.handed_out(found.next, position), _total(catalog, query, found, cursor)
    except QueryError as error:
        fault = str(error)
    return page(
        request,
        "images.html",
        400 if fault else 200,
        q=q,
        cursor=cursor,
        view=view if view in _VIEWS else "grid",
        rows=rows,
        next=following,
        total=total,
        fault=fault,
    )


@router.get("/images/facets")
def facets(request: Request, q: str = "", view: str = "grid") -> Response:
    """What there is among what matches."""
    found, fault = _counted(site_of(request).catalog, asked(request, q))
    told = {name: [pile for pile in found[name] if may_see(request, pile[0])] for name in found}
    piles = {_LABELS.get(name, name): _piles(name, q, counts) for name, counts in told.items() if counts}
    return fragment("facets.html", q=q, view=view, piles=piles, most=_VALUES, fault=fault)


@router.get("/images/complete")
def complete(request: Request, q: str = "") -> Response:
    """How the last word of a filter could go on."""
    head, _, word = q.rpartition(" ") if not q.endswith(" ") else (q.rstrip(), "", "")
    before = f"{head} " if head else ""
    return fragment("suggestions.html", found=_suggestions(request, before, word))


def _counted(catalog: Catalog, query: Query) -> tuple[Counts, str]:
    """All facets; or those that every store counts, and why there are no more."""
    try:
        return catalog.facets(query, _NAMES), ""
    except QueryError as error:
        return catalog.facets(query, FEW), error.message


def _total(catalog: Catalog, query: Query, found: Page, cursor: str) -> int:
    """How many match, counted where it is not known already."""
    if not cursor and not found.next:
        return len(found.rows)
    return (
        catalog.count(query) if query.terms else sum(count for _, count in catalog.facets(query, ["status"])["status"])
    )


def _piles(name: str, q: str, counts: Sequence[tuple[str, int]]) -> list[Pile]:
    return [
        Pile(filters.shown(name, value), count, *filters.toggled(q, FACETS[name].asked(value)))
        for value, count in filters.in_order(name, counts)
    ]


def _suggestions(request: Request, before: str, word: str) -> list[Suggestion]:
    minus, bare = ("-", word[1:]) if word.startswith("-") else ("", word)
    name, colon, begun = bare.partition(":")
    if not colon:
        return [
            Suggestion(f"{minus}{field.name}:", field.help, f"{before}{minus}{field.name}:")
            for field in (*FIELDS, TAG)
            if field.name.startswith(bare.lower())
        ][:_SUGGESTED]
    told = begun.lstrip('"').lower()
    return [
        Suggestion(text, note, f"{before}{minus}{text} ")
        for text, note, plain in _values(request, name.lower())
        if told in plain.lower()
    ][:_SUGGESTED]


def _values(request: Request, name: str) -> list[tuple[str, str, str]]:
    """Terms with the values that a field has here, a note on each, and the plain value."""
    field = next((each for each in FIELDS if name in (each.name, *each.also)), None)
    if field is None:
        return []
    if field.choices:
        return [(f"{field.name}:{choice}", "", choice) for choice in field.choices]
    if field.kind is Kind.FLAG:
        return [(f"{field.name}:{choice}", "", choice) for choice in ("yes", "no")]
    facet = {"taken": "month"}.get(field.name, field.name)
    if facet not in FACETS:
        return []
    try:
        counts = site_of(request).catalog.facets(Query(), [facet])[facet]
    except QueryError:  # too many to be counted: it can be written still
        return []
    seen = [(value, count) for value, count in counts if may_see(request, value)]
    return [(FACETS[facet].asked(value), f"{count:,}", value) for value, count in seen]
