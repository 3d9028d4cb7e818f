"""How things are, for all who look at once: one snapshot feeds every number that is shown."""

import threading
from time import monotonic

from worker.operate.status import Snapshot, snapshot
from worker.ports import Backlog
from worker.site import Site

SECONDS = 2.0
"""A snapshot is as old as this at most."""


class Glance:
    """Looks again when the last look is too old."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._looking = threading.Lock()
        self._seen: Snapshot | None = None
        self._until = 0.0

    def now(self) -> Snapshot:
        """The state of things. Raises what the stores raise."""
        with self._looking:
            if self._seen is None or monotonic() >= self._until:
                gauge = self._site.gauge if self._site.settings.queue else _Blind()
                self._seen = snapshot(gauge, self._site.catalog, self._site.records)
                self._until = monotonic() + SECONDS
            return self._seen


class _Blind:
    """The gauge of a queue that is not set: nothing is known."""

    def backlog(self) -> Backlog:
        """No figures."""
        return Backlog()

    def close(self) -> None:
        """Nothing to free."""
