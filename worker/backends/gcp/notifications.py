"""What a bucket announces: its notification configurations, read and switched (JSON API v1, notificationConfigs).

A configuration is never changed, only made and deleted, and its id is of no use after that: two are the same if they
announce the same to the same topic.
"""

from typing import Any
from urllib.parse import quote

from worker.backends.gcp.rest import STORAGE, Json, Rest
from worker.errors import Misconfigured
from worker.ports import Saved

_SAVED = ("event_types", "payload_format", "object_name_prefix", "custom_attributes")
_SERVICE = "//pubsub.googleapis.com/"


class BucketNotifications:
    """The switch between any bucket and one topic: a ports.Intake. Configurations for other topics are left alone."""

    def __init__(self, project: str, topic: str, rest: Rest | None = None) -> None:
        self._topic = f"{_SERVICE}projects/{project}/topics/{topic}"
        self._rest = rest or Rest(STORAGE)

    def announced(self, bucket: str) -> Saved:
        """The configurations with our topic. Raises Misconfigured where there is no such bucket."""
        return _saved(self._ours(bucket))

    def pause(self, bucket: str) -> Saved:
        """Delete them. It may take half a minute until the last event is announced."""
        ours = self._ours(bucket)
        for config in ours:
            self._rest.delete(f"{_configs(bucket)}/{config['id']}")
        return _saved(ours)

    def resume(self, bucket: str, saved: Saved) -> None:
        """Create those that are not there. It may take half a minute until the first event is announced."""
        there = [_essence(config) for config in self._ours(bucket)]
        for config in saved.get("notifications", ()):
            if _essence(config) not in there:
                self._rest.call("POST", _configs(bucket), {**config, "topic": self._topic})
                there.append(_essence(config))

    def close(self) -> None:
        """Free everything."""
        self._rest.close()

    def _ours(self, bucket: str) -> list[Json]:
        found = self._rest.find(_configs(bucket))
        if found is None:
            raise Misconfigured(f"there is no bucket {bucket}")
        return [config for config in found.get("items", []) if config["topic"] == self._topic]


def _configs(bucket: str) -> str:
    return f"/b/{quote(bucket, safe='')}/notificationConfigs"


def _saved(configs: list[Json]) -> Saved:
    kept = [{name: config[name] for name in _SAVED if config.get(name)} for config in configs]
    return {"notifications": kept} if kept else {}


def _essence(config: Json) -> tuple[Any, ...]:
    """What a configuration announces, so that two can be compared."""
    events, payload, prefix, attributes = (config.get(name) for name in _SAVED)
    return sorted(events or ()), payload, prefix or "", attributes or {}
