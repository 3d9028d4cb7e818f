"""A subscription goes back in time: Pub/Sub's seek."""

from datetime import UTC, datetime, timedelta

from google.pubsub_v1 import types
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from worker.backends.gcp.channel import open_pubsub
from worker.backends.gcp.errors import translated
from worker.errors import Transient

_SECONDS = 15.0
_USUAL_RETENTION = timedelta(days=7)


class PubSubRewind:
    """One subscription: a ports.Rewind."""

    def __init__(self, project: str, subscription: str) -> None:
        self._path = f"projects/{project}/subscriptions/{subscription}"
        self._client = SubscriberClient(transport=SubscriberGrpcTransport(channel=open_pubsub()))

    def reaches(self) -> datetime | None:
        """As far as its retention, if it retains what was acknowledged."""
        with translated(Transient):
            found = self._client.get_subscription(subscription=self._path, timeout=_SECONDS)
        if not found.retain_acked_messages:
            return None
        seconds = types.Subscription.pb(found).message_retention_duration.seconds
        return datetime.now(UTC) - (timedelta(seconds=seconds) if seconds else _USUAL_RETENTION)

    def seek(self, moment: datetime) -> None:
        """One call; Pub/Sub may take a minute to obey."""
        with translated(Transient):
            self._client.seek(request={"subscription": self._path, "time": moment.astimezone(UTC)}, timeout=_SECONDS)

    def close(self) -> None:
        """Close the channel."""
        self._client.transport.close()  # type: ignore[no-untyped-call] # has no types
