"""Which tags are promoted: kept apart in each document, so that searches find them by index.

The list lies among the records. Every worker and every server looks at it again each `EVERY` seconds, so none needs a
restart; whoever changes the list waits until all have looked. A name is answered by index once it is `filled`.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from worker.catalog.fields import TAG
from worker.catalog.query import Query
from worker.catalog.tag_names import understood
from worker.catalog.tag_values import FIELDS, promoted, slug
from worker.errors import Misconfigured
from worker.model import Document, Status, Value
from worker.ports import Clock, Records

KIND = "fields"
EVERY = 10.0
"""Seconds between two looks at the list."""
SETTLED = 2 * EVERY
"""Seconds after which everybody has looked, and has finished what was in hand."""
MOST = 20
"""So many names: each costs index entries in every document that has it."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """One promoted name, as somebody wrote it. `filled`: every document that has such a tag keeps it apart."""

    name: str
    at: datetime
    who: str
    filled: bool = False

    @property
    def slug(self) -> str:
        """What it is called in documents."""
        return slug(self.name)


def listed(records: Records) -> list[Promotion]:
    """All of them, by name."""
    found = [
        Promotion(str(each["name"]), datetime.fromisoformat(str(each["at"])), str(each["who"]), each["filled"] is True)
        for _, each in records.newest(KIND, MOST)
    ]
    return sorted(found, key=lambda each: each.name.casefold())


def keep(records: Records, promotion: Promotion) -> Promotion:
    """Write it down."""
    fields: dict[str, Value] = {name: getattr(promotion, name) for name in Promotion.__slots__}
    records.put(KIND, promotion.slug, fields)
    return promotion


def named(name: str) -> str:
    """The name of a tag, as it was given. Raises Misconfigured where no tag can be called so."""
    if not understood(name)[1] or not name.isprintable() or '"' in name:
        raise Misconfigured(f"{name!r} is no name of a tag; name one as documents have it, such as XMP:Rating")
    return name


def added(records: Records, name: str, who: str) -> Promotion:
    """The promotion of this name, made if need be. Raises Misconfigured where there are too many."""
    known = {each.slug: each for each in listed(records)}
    if slug(named(name)) not in known and len(known) >= MOST:
        raise Misconfigured(f"{MOST} tags are promoted already; take one away with `imagemeta fields remove`")
    return known.get(slug(name)) or keep(records, Promotion(name, datetime.now(UTC), who))


def one(records: Records, name: str) -> Promotion:
    """The promotion of this name. Raises Misconfigured where there is none."""
    for each in listed(records):
        if each.slug == slug(name):
            return each
    raise Misconfigured(f"{name} is not promoted; `imagemeta fields list` shows what is")


def names(promotions: Sequence[Promotion]) -> dict[str, str]:
    """Names by their slugs."""
    return {each.slug: each.name for each in promotions}


class Promotions:
    """The list as this process knows it, `EVERY` seconds old at most, and what a look takes. Thread-safe.

    While one thread looks, the others go by what is known.

    Raises what the records raise: a document that is made meanwhile, or a search, comes again.
    """

    def __init__(self, records: Callable[[], Records], clock: Clock) -> None:
        self._open = records
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Sequence[Promotion] | None = None
        self._until = 0.0

    def asked(self, query: Query) -> frozenset[str]:
        """Those that a query asks for and indexes answer, by their slugs: tag_values.Promoted."""
        asked = {slug(term.name) for term in query.terms if term.field is TAG}
        known = self._now() if asked else ()
        return frozenset(each.slug for each in known if each.filled and each.slug in asked)

    def kept(self, document: Document) -> Document:
        """The document with what it holds of the promoted names."""
        known = names(self._now())
        if not known or document.status in (Status.FAILED, Status.DELETED):
            return document
        return replace(document, fields={**document.fields, "search": searched(document.fields, known)})

    def _now(self) -> Sequence[Promotion]:
        if self._lock.acquire(blocking=self._known is None):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._known or ()

    def _look(self) -> None:
        if self._known is None or self._clock.monotonic() >= self._until:
            with closing(self._open()) as records:
                self._known = listed(records)
            self._until = self._clock.monotonic() + EVERY


def searched(fields: Mapping[str, Value], names: Mapping[str, str]) -> dict[str, Value]:
    """The `search` of a document, with what it holds of these names, by their slugs; what it keeps already stays."""
    search = cast("dict[str, Value]", fields["search"])
    found = cast("dict[str, Value]", search.get(FIELDS) or {}) | promoted(fields, names)
    return search | {FIELDS: found} if found else search
