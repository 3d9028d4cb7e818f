"""List prices of what an image costs in the cloud; docs/cost.md is made from them."""

from dataclasses import dataclass

_MILLION = 1_000_000
_GIB = 2.0**30


@dataclass(frozen=True, slots=True)
class Price:
    """A list price in USD for `per` units in us-central1; `label` names them. `confirmed`: from a page of Google's."""

    usd: float
    per: float
    label: str
    source: str
    confirmed: bool

    def of(self, units: float) -> float:
        """USD for so many units."""
        return self.usd * units / self.per


STORAGE = "cloud.google.com/storage/pricing-examples"
PUBSUB = "cloud.google.com/pubsub/pricing"
RUN = "cloud.google.com/run/pricing"
HALF = "half of the multi-region price, a third party's page"

PRICES = {
    "class B": Price(0.0004, 1000, "1,000 operations (class B) or notifications", STORAGE, True),
    "class A": Price(0.005, 1000, "1,000 inserts or lists (class A)", STORAGE, True),
    "Pub/Sub": Price(40.0, 2.0**40, "TiB in and out", PUBSUB, True),
    "write": Price(0.09, 100_000, "100,000 Firestore writes, one region", HALF, False),
    "write nam5": Price(0.18, 100_000, "100,000 Firestore writes, multi-region", "a third party's page", False),
    "read": Price(0.03, 100_000, "100,000 Firestore reads, one region", HALF, False),
    "stored": Price(0.15, _GIB, "GiB and month in Firestore", "memory", False),
    "machine": Price(0.067, 3600, "hour of an e2-standard-2", "memory", False),
    "disk": Price(0.10, 1, "GiB and month of pd-balanced", "memory", False),
    "request CPU": Price(24e-6, 1, "vCPU-second while requests run", RUN, True),
    "request memory": Price(2.5e-6, 1, "GiB-second while requests run", RUN, True),
    "request": Price(0.40, _MILLION, "million requests", RUN, True),
    "instance CPU": Price(18e-6, 1, "vCPU-second of an instance", RUN, True),
    "instance memory": Price(2e-6, 1, "GiB-second of an instance", RUN, True),
    "log": Price(0.50, _GIB, "GiB of logs", "memory", False),
    "span": Price(0.20, _MILLION, "million spans", "memory", False),
}
COLLECTED = "November 2026"
"""When the prices were put together, from stored copies of pages; how old those were is not known."""

MESSAGE_BYTES = 1500
"""A notification's, with its attributes."""


def of_reading(objects: int) -> float:
    """USD for the notifications, reads and writes of so many objects; the workers' machines come on top."""
    parts = {"class B": objects, "Pub/Sub": 2 * MESSAGE_BYTES * objects, "write": objects}
    return sum(PRICES[name].of(units) for name, units in parts.items())
