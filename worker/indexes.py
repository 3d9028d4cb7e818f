"""How the store indexes documents: what is queried, and what no index may cover. terraform/store.tf makes the same."""

from worker.document import UNINDEXED

NARROWED = (
    "bucket",
    "exposure.iso",
    "failure.code",
    "failure.fingerprint",
    "quarantined",
    "run",
    "search.camera",
    "search.format",
    "search.has.position",
    "search.lens",
    "search.make",
    "search.model",
    "status",
)
"""Fields by whose values the newest pictures are narrowed; Firestore joins the indexes of several."""

RANGED = ("exposure.iso", "position.geohash")
"""Fields of which a search may want a range."""

Index = tuple[tuple[str, str], ...]
"""Fields, and how each is indexed: ASCENDING, DESCENDING, or what an array CONTAINS."""

_NEWEST: Index = (("search.time", "DESCENDING"), ("search.local", "DESCENDING"))

COMPOSITE: tuple[Index, ...] = (
    _NEWEST,
    (("search.words", "CONTAINS"), *_NEWEST),
    *(((field, "ASCENDING"), *_NEWEST) for field in NARROWED),
    *((*_NEWEST, (field, "DESCENDING")) for field in RANGED),
    (("bucket", "ASCENDING"), ("name", "ASCENDING")),
)
"""The composite indexes, each a list of fields and how they are indexed; docs/search.md says what needs which."""

GROWING = ("created", "deleted_at", "event_time", "generation", "patched_at", "processed_at", "updated")
"""Fields whose values only grow: indexed, they would cap the whole collection at some 500 writes a second."""

UNASKED = (
    "attempt",
    "blocks",
    "bytes_read",
    "crc32c",
    "metageneration",
    "name",
    "taken.alternatives",
    "worker",
)
"""Fields that no query asks for: an index of each would only cost."""

EXEMPT = (*UNINDEXED, *GROWING, *UNASKED)
"""All fields that no index covers."""
