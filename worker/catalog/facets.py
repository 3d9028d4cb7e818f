"""What is counted of all that matches, so that a person sees what there is and narrows the search with a click."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from worker.catalog.fields import BY_NAME, Operator
from worker.catalog.paths import at
from worker.catalog.query import Term
from worker.errors import QueryError

MOST_VALUES = 200
"""Of one facet; the rarer ones are left away."""

Fields = Mapping[str, object]
Counts = Mapping[str, Sequence[tuple[str, int]]]

_LOUDEST = (100, 200, 400, 800, 1600, 3200, 6400, 12800)
ISO_BANDS: dict[str, tuple[int | None, int | None]] = {
    f"..{_LOUDEST[0]}": (None, _LOUDEST[0]),
    **{f"{low + 1}..{high}": (low + 1, high) for low, high in pairwise(_LOUDEST)},
    f"{_LOUDEST[-1] + 1}..": (_LOUDEST[-1] + 1, None),
}
"""Each band, as a query writes it, and its first and last ISO."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to sort documents into piles.

    `paths` are the fields that it looks at, `of` is the pile that a document belongs to (None: to none), `shown` what
    a person calls that pile, and `asked` the search for the documents of the pile that is shown so.
    """

    name: str
    help: str
    paths: tuple[str, ...]
    of: Callable[[Fields], str | None]
    shown: Callable[[Fields], str | None]
    asked: Callable[[str], str]


def _facet(name: str, help_: str, path: str, of: Callable[[Fields], str | None], asked: Callable[[str], str]) -> Facet:
    return Facet(name, help_, (path,), of, of, asked)


def _folded(name: str, help_: str, *paths: str) -> Facet:
    """Piles of texts that differ in case alone; each is shown as its newest document writes it."""

    def of(fields: Fields) -> str | None:
        return _text(fields, f"search.{name}")

    def shown(fields: Fields) -> str | None:
        return " ".join(text for path in paths if (text := _text(fields, path))) or None

    return Facet(name, help_, (f"search.{name}", *paths), of, shown, partial(_is, name))


def _is(name: str, value: str) -> str:
    return str(Term(BY_NAME[name], Operator.IS, (value,)))


def _text(fields: Fields, path: str) -> str | None:
    value = at(fields, path.split("."))
    return None if value is None else str(value)


def iso_band(iso: float) -> str:
    """The band of an ISO value."""
    return next(name for name, (_, last) in ISO_BANDS.items() if last is None or iso <= last)


def _iso(fields: Fields) -> str | None:
    iso = at(fields, ("exposure", "iso"))
    return iso_band(iso) if isinstance(iso, int | float) else None


def _month(fields: Fields) -> str | None:
    local = _text(fields, "taken.local") or ""
    return local[:7] if len(local) >= 7 else None


def _position(fields: Fields) -> str:
    return "no" if at(fields, ("position", "latitude")) is None else "yes"


FACETS: dict[str, Facet] = {
    facet.name: facet
    for facet in (
        _folded("camera", "maker and model", "camera.make", "camera.model"),
        _folded("lens", "the lens", "camera.lens"),
        _folded("format", "the image format", "image.format"),
        _facet("month", "the month it was taken in", "taken.local", _month, lambda value: f"taken:{value}"),
        _facet("iso", "bands, each twice the last", "exposure.iso", _iso, lambda value: f"iso:{value}"),
        _facet(
            "position",
            "whether it has one",
            "position.latitude",
            _position,
            {"yes": "has:position", "no": "-has:position"}.__getitem__,
        ),
        _facet("status", "how it fared", "status", lambda fields: _text(fields, "status"), partial(_is, "status")),
        _facet("bucket", "the bucket", "bucket", lambda fields: _text(fields, "bucket"), partial(_is, "bucket")),
    )
}


FEW = ("iso", "position", "status", "bucket")
"""Facets of few values: every store counts them, however many documents match."""


def chosen(names: Iterable[str]) -> list[Facet]:
    """The facets of these names. Raises QueryError for one that there is not."""
    names = list(names)
    for name in names:
        if name not in FACETS:
            raise QueryError(0, f"there is no facet {name!r}; known: {', '.join(FACETS)}")
    return [FACETS[name] for name in names]


def counted(documents: Iterable[Fields], facets: Sequence[Facet]) -> Counts:
    """The counts, by looking at each document, the newest first."""
    piles: dict[str, Counter[str]] = {facet.name: Counter() for facet in facets}
    shown: dict[tuple[str, str], str] = {}
    for document in documents:
        for facet in facets:
            value = facet.of(document)
            if value is not None:
                piles[facet.name][value] += 1
                shown.setdefault((facet.name, value), facet.shown(document) or value)
    return {name: ranked((shown[name, value], count) for value, count in pile.items()) for name, pile in piles.items()}


def ranked(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The most frequent first, and of equals the first by name."""
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES]
