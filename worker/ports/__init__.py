"""The boundary: what the core asks of a queue, a bucket and a store, and what it may rely on.

Every port has one conformance suite (tests/conformance) that each backend passes. The obligations stand here.
"""

from worker.ports.batches import Fetched, Fetcher, Items, Outputs
from worker.ports.bucket import ObjectStore, RangeReader
from worker.ports.catalog import Catalog, Page, Stored
from worker.ports.operating import Backlog, DeadLetters, Gauge, Intake, Rewind, Saved
from worker.ports.queue import Delivery, Handler, Publisher, Subscription
from worker.ports.store import (
    Conflict,
    Create,
    DocumentReader,
    DocumentStore,
    Patch,
    Records,
    Replace,
    Write,
    WriteResult,
    key_of,
)
from worker.ports.time import Clock

__all__ = [
    "Backlog",
    "Catalog",
    "Clock",
    "Conflict",
    "Create",
    "DeadLetters",
    "Delivery",
    "DocumentReader",
    "DocumentStore",
    "Fetched",
    "Fetcher",
    "Gauge",
    "Handler",
    "Intake",
    "Items",
    "ObjectStore",
    "Outputs",
    "Page",
    "Patch",
    "Publisher",
    "RangeReader",
    "Records",
    "Replace",
    "Rewind",
    "Saved",
    "Stored",
    "Subscription",
    "Write",
    "WriteResult",
    "key_of",
]
