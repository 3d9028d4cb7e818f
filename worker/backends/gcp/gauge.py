"""What waits on a subscription: from Cloud Monitoring, which is the only one to know, and minutes late."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.backends.gcp.rest import Api, Rest
from worker.ports import Backlog

_MONITORING = Api("monitoring", "/v3", "MONITORING_EMULATOR_HOST")
_WINDOW = timedelta(minutes=10)
"""Sampled every minute and visible up to two minutes later (Cloud Monitoring's list of Google Cloud metrics)."""
_WAITING, _OLDEST = "num_undelivered_messages", "oldest_unacked_message_age"


class SubscriptionGauge:
    """One subscription, and that of its dead letters, if there is one: a ports.Gauge.

    The Pub/Sub emulator tells nobody what it holds: with it, nothing is known.
    """

    def __init__(self, project: str, subscription: str, dead_letters: str = "") -> None:
        self._project = project
        self._subscription = subscription
        self._dead_letters = dead_letters
        silent = "PUBSUB_EMULATOR_HOST" in os.environ and _MONITORING.emulator not in os.environ
        self._rest = None if silent else Rest(_MONITORING)

    def backlog(self) -> Backlog:
        """The last value of each metric. Messages that a worker holds are among those that wait."""
        if self._rest is None:
            return Backlog()
        oldest = self._last(_OLDEST, self._subscription)
        return Backlog(
            waiting=self._last(_WAITING, self._subscription),
            dead=self._last(_WAITING, self._dead_letters) if self._dead_letters else None,
            oldest=None if oldest is None else float(oldest),
        )

    def close(self) -> None:
        """Close the connections."""
        if self._rest:
            self._rest.close()

    def _last(self, metric: str, subscription: str) -> int | None:
        if self._rest is None:
            return None
        now = datetime.now(UTC)
        asked: dict[str, Any] = {
            "filter": f'metric.type = "pubsub.googleapis.com/subscription/{metric}"'
            f' AND resource.labels.subscription_id = "{subscription}"',
            "interval.startTime": _stamp(now - _WINDOW),
            "interval.endTime": _stamp(now),
        }
        found = self._rest.call("GET", f"/projects/{self._project}/timeSeries", **asked)
        series = found.get("timeSeries") or []
        points = series[0].get("points") or [] if series else []
        return int(points[0]["value"]["int64Value"]) if points else None


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
