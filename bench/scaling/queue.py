"""The subscription: first in, first out, in cohorts of one publish time; leases that come back."""

import heapq
from collections import deque


class Queue:
    """Messages that are not acknowledged. Counts are whole, so that none can be lost to rounding."""

    def __init__(self) -> None:
        self.backlog = 0
        self.leased = 0
        self._cohorts: deque[tuple[float, int]] = deque()
        self._leases: list[tuple[float, float, int]] = []

    def publish(self, at: float, count: int) -> None:
        """Add `count` messages of publish time `at`."""
        if count:
            self._cohorts.append((at, count))
            self.backlog += count

    def take(self, count: int) -> list[tuple[float, int]]:
        """The oldest `count` messages, or as many as there are, as publish times and numbers."""
        taken = []
        while count > 0 and self._cohorts:
            published, size = self._cohorts.popleft()
            if size > count:
                self._cohorts.appendleft((published, size - count))
                size = count
            taken.append((published, size))
            count -= size
            self.backlog -= size
        return taken

    def lose(self, count: int, until: float) -> int:
        """Take `count` messages with a worker that is killed: they come again when their lease ends. How many."""
        lost = self.take(count)
        for published, size in lost:
            heapq.heappush(self._leases, (until, published, size))
            self.leased += size
        return sum(size for _, size in lost)

    def expire(self, now: float) -> None:
        """Give back what leases hold that have ended, before all others."""
        while self._leases and self._leases[0][0] <= now:
            _, published, size = heapq.heappop(self._leases)
            self._cohorts.appendleft((published, size))
            self.leased -= size
            self.backlog += size
