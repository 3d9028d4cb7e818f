"""Takes turns at each host, so that a list of one shop's pictures is no attack on the shop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Hosts:
    """At most `at_once` at one host. Keeps nothing of a host where nobody is."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._changed = threading.Condition()
        self._there: dict[str, int] = {}

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Waits until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._there.get(host, 0) < self._at_once)
            self._there[host] = self._there.get(host, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._there[host] -= 1
                if not self._there[host]:
                    del self._there[host]
                self._changed.notify_all()
