"""How the store indexes documents: what is queried, and what no index may cover. terraform/store.tf makes the same."""

from worker.document import UNINDEXED

QUERIED = (
    "bucket",
    "camera.lens",
    "camera.make",
    "camera.model",
    "exposure.iso",
    "image.format",
    "status",
)
"""Fields by which newest pictures are narrowed."""

COMPOSITE = tuple(((field, "ASCENDING"), ("taken.local", "DESCENDING")) for field in QUERIED)
"""The composite indexes; Firestore joins two of them where a query narrows by two fields."""

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
