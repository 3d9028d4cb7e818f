"""What the settings say that there should be, for a doctor to compare with what there is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts of a cloud set-up. Topics and subscriptions are full names, `projects/P/topics/T`.

    `topic` and `dead_letters` (a subscription) may be empty: not set. Messages are pushed, with a token of
    `push_account` for `push_audience`, where both are set; to `push_endpoint`, where that is known. `account` is the
    worker, as IAM writes it; empty means whoever asks.
    """

    subscription: str
    project: str
    database: str
    collection: str
    buckets: tuple[str, ...] = ()
    topic: str = ""
    dead_letters: str = ""
    lease_seconds: int = 60
    max_attempts: int = 10
    push_account: str = ""
    push_audience: str = ""
    push_endpoint: str = ""
    account: str = ""

    @property
    def pushed(self) -> bool:
        """Whether Pub/Sub calls the worker, and not the worker Pub/Sub."""
        return bool(self.push_account and self.push_audience)
