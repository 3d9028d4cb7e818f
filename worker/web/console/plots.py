"""Plots: how many pictures by month, camera, lens, sensitivity, focal length, and hour of the week."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from fastapi import APIRouter, Request
from starlette.responses import Response

from worker.catalog.facets import FACETS
from worker.catalog.paths import at
from worker.catalog.query import Query
from worker.errors import QueryError
from worker.site import Site
from worker.web.console import filters
from worker.web.console.pages import asked, fragment, may_see, page, site_of

router = APIRouter()

_PILES = ("camera", "lens", "iso")
_BARS = 12
_MILLIMETRES = (0, 16, 24, 35, 50, 70, 105, 200, 400)
"""Where the bands of focal lengths begin."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, how many pictures, its length in percent of the longest, and the filter with it."""

    name: str
    count: int
    percent: float
    q: str
    on: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the week; `shade` is 0 for none to 5 for the most."""

    count: int
    shade: int


@router.get("/plots")
def plots(request: Request, q: str = "") -> Response:
    """The page; its figures come after it."""
    fault, total = "", 0
    try:
        total = site_of(request).catalog.count(asked(request, q))
    except QueryError as error:
        fault = str(error)
    return page(
        request,
        "plots.html",
        400 if fault else 200,
        q=q,
        fault=fault,
        total=total,
    )


@router.get("/plots/figures")
def figures(request: Request, q: str = "") -> Response:
    """What the page shows."""
    site, query = site_of(request), asked(request, q)
    found = site.catalog.facets(query, ["month", *_PILES])
    hours, lengths = _walked(site, query)
    return fragment(
        "figures.html",
        months=_months(found["month"]),
        piles={name: _bars(_seen(request, name, found[name]), name, q) for name in _PILES},
        lengths=_bands(lengths, q),
        week=_week(hours),
        days=DAYS,
    )


def _seen(request: Request, name: str, counts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    return [pile for pile in filters.in_order(name, counts) if may_see(request, pile[0])]


def _months(counts: Sequence[tuple[str, int]]) -> dict[str, list[int] | list[str]]:
    """Every month from the first to the last, those without pictures too."""
    known = {month: count for month, count in counts if _is_month(month)}
    if not known:
        return {"months": [], "counts": []}
    names = []
    year, month = map(int, min(known).split("-"))
    while (name := f"{year:04}-{month:02}") <= max(known):
        names.append(name)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return {"months": names, "counts": [known.get(name, 0) for name in names]}


def _is_month(text: str) -> bool:
    return text[:4].isdigit() and text > "1900" and "01" <= text[5:] <= "12"


def _bars(counts: list[tuple[str, int]], name: str, q: str) -> list[Bar]:
    most = max((count for _, count in counts), default=1)
    return [
        Bar(filters.shown(name, value), count, 100 * count / most, *filters.toggled(q, FACETS[name].asked(value)))
        for value, count in counts[:_BARS]
    ]


def _walked(site: Site, query: Query) -> tuple[Counter[tuple[int, int]], Counter[int]]:
    """Pictures by weekday and hour, and by the beginning of their band of focal lengths."""
    hours: Counter[tuple[int, int]] = Counter()
    lengths: Counter[int] = Counter()
    for _, fields in site.catalog.stream(query, ["taken.local", "exposure.focal_length"]):
        local = at(fields, ("taken", "local"))
        if isinstance(local, str) and len(local) >= 13:
            day = _weekday(local[:10])
            if day is not None and local[11:13].isdecimal():
                hours[day, int(local[11:13])] += 1
        length = at(fields, ("exposure", "focal_length"))
        if isinstance(length, int | float) and length > 0:
            lengths[max(low for low in _MILLIMETRES if low <= length)] += 1
    return hours, lengths


@lru_cache(maxsize=20_000)
def _weekday(day: str) -> int | None:
    try:
        return date.fromisoformat(day).weekday()
    except ValueError:  # a clock that shows no time
        return None


def _bands(lengths: Counter[int], q: str) -> list[Bar]:
    most = max(lengths.values(), default=1)
    ends = dict(zip(_MILLIMETRES, (*_MILLIMETRES[1:], 0), strict=True))
    return [
        Bar(
            f"{low} to {ends[low]} mm" if ends[low] else f"{low} mm and more",
            lengths[low],
            100 * lengths[low] / most,
            filters.joined(q, f"focal:>={low}", f"focal:<{ends[low]}" if ends[low] else ""),
        )
        for low in _MILLIMETRES
        if lengths[low]
    ]


def _week(hours: Counter[tuple[int, int]]) -> list[list[Cell]]:
    most = max(hours.values(), default=0) or 1

    def cell(day: int, hour: int) -> Cell:
        count = hours[day, hour]
        return Cell(count, -(-_SHADES * count // most))

    return [[cell(day, hour) for hour in range(24)] for day in range(len(DAYS))]
