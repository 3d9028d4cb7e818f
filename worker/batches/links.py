"""The worker's way to its follower, which is opened when the first URL comes: most workers never get one."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

from worker.batches.follow import Follower
from worker.errors import GivenUp, Misconfigured
from worker.model import Link, Message, Outcome


class Links:
    """Thread-safe. `opened` is given a stack, on which it leaves what has to be closed."""

    def __init__(self, opened: Callable[[ExitStack], Follower]) -> None:
        self._make = opened
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._follower: Follower | None = None

    def follow(self, link: Link, message: Message, *, first: bool, counted: bool) -> Outcome:
        """As `Follower`."""
        return self._open()(link, message, first=first, counted=counted)

    def give_up(self, link: Link, message: Message, error: GivenUp) -> bool:
        """As `Follower.give_up`."""
        return self._open().give_up(link, message, error)

    def close(self) -> None:
        """Finish the writes that wait, then free everything."""
        with self._lock:
            self._opened.close()

    def _open(self) -> Follower:
        with self._lock:
            if self._follower is None:
                with ExitStack() as opening:
                    self._follower = self._make(opening)
                    self._opened = opening.pop_all()
            return self._follower


def no_links() -> Links:
    """For a worker that is set up for no batches: their messages wait for one that is."""
    return Links(_nobody)


def _nobody(_: ExitStack) -> Follower:
    raise Misconfigured("this worker is not set up for batches")
