"""One look at everything: all numbers of a page come from it, and pages that are asked for at once share it."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from worker.catalog.query import parse
from worker.operate.status import Snapshot
from worker.ports import Catalog
from worker.web.console import words

_REMEMBERED = 1440
_EVERY = timedelta(seconds=10)
LATE_SECONDS = 300.0
"""A message that waits for so long is late."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How things are, in words. `tone` is good, warn or bad."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Past:
    """What was seen before."""

    at: datetime
    waiting: int
    rate: float


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at once: the snapshot that `imagemeta status` shows, and what it does not count."""

    seen: Snapshot
    today: int | None
    quarantined: int
    past: tuple[Past, ...]

    @property
    def failed(self) -> int:
        """Failed documents."""
        return self.seen.documents["failed"]

    @property
    def verdict(self) -> Verdict:
        """In words."""
        return verdict(self.seen)


class Looks:
    """What is counted beside a snapshot, once for each, and what was seen since this process started."""

    def __init__(self, catalog: Catalog, *, by_day: bool) -> None:
        self._catalog = catalog
        self._by_day = by_day
        self._counting = threading.Lock()
        self._last: Look | None = None
        self._past: deque[Past] = deque(maxlen=_REMEMBERED)

    def of(self, seen: Snapshot) -> Look:
        """The look of which a snapshot is a part."""
        with self._counting:
            if self._last is None or self._last.seen is not seen:
                self._last = self._counted(seen)
            return self._last

    def _counted(self, seen: Snapshot) -> Look:
        day = f"processed:{seen.at:%Y-%m-%d} status:ok,partial,none"
        today = self._catalog.count(parse(day)) if self._by_day else None
        quarantined = self._catalog.count(parse("status:failed quarantined:yes"))
        if not self._past or seen.at - self._past[-1].at >= _EVERY:
            self._past.append(Past(seen.at, seen.backlog.waiting or 0, seen.rate))
        return Look(seen, today, quarantined, tuple(self._past))


def look_of(request: Request) -> Look:
    """The look that a page shows."""
    state = request.app.state
    if not hasattr(state, "looks"):
        # Firestore has no index of a time that only grows: it would cap all writes (worker/indexes.py).
        state.looks = Looks(state.site.catalog, by_day=state.site.settings.documents.startswith("sqlite:"))
    looks: Looks = state.looks
    return looks.of(state.parts.glance.now())


def verdict(seen: Snapshot) -> Verdict:
    """How things are: what needs a person comes first."""
    waits = seen.backlog
    if seen.pauses:
        first = min(seen.pauses, key=lambda pause: pause.since)
        more = f" and {len(seen.pauses) - 1} more" if len(seen.pauses) > 1 else ""
        return Verdict("warn", "Paused", f"{first.bucket}{more}, since {words.moment(first.since)} by {first.who}.")
    if waits.waiting and not seen.workers:
        waiting = words.count(waits.waiting, "message")
        return Verdict("bad", "Nobody works", f"{waiting} wait, and no worker has been heard of for a minute.")
    held = sum(worker.state == "held" for worker in seen.workers)
    if held:
        return Verdict("bad", "Held back", f"{words.count(held, 'process')} found that everything fails, and probe.")
    if (waits.oldest or 0) > LATE_SECONDS:
        left = "" if seen.empty_in is None else f"; at {words.rate(seen.rate)} empty in {words.duration(seen.empty_in)}"
        return Verdict("warn", "Falling behind", f"The oldest message has waited {words.duration(waits.oldest)}{left}.")
    if waits.waiting is None:
        return Verdict("warn", "Unknown", "The queue does not say what waits; `imagemeta doctor` says why.")
    if waits.waiting:
        left = "" if seen.empty_in is None else f" Empty in {words.duration(seen.empty_in)}."
        return Verdict("good", "Healthy", f"{words.count(waits.waiting, 'message')} on the queue.{left}")
    return Verdict("good", "Healthy", "Nothing waits.")
