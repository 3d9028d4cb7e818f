"""How the store indexes documents: what is queried, and what no index may cover. terraform/store.tf makes the same."""

from collections.abc import Iterable

from worker.document import UNINDEXED

NARROWED = (
    "bucket",
    "exposure.iso",
    "failure.code",
    "failure.fingerprint",
    "name",
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

FACETED = ("bucket", "search.camera", "search.format", "search.has.position", "search.lens", "status")
"""Those that a click adds to a search."""

RANGED = (
    (("exposure.iso",), FACETED),
    (("exposure.focal_length",), ()),
    (("position.geohash",), FACETED),
    (("exposure.iso", "position.geohash"), ()),
    (("exposure.focal_length", "position.geohash"), ()),
)
"""Fields of which a search may want a range, and beside which of the narrowed ones. They stand behind the time."""

Index = tuple[tuple[str, str], ...]
"""Fields, and how each is indexed: ASCENDING, DESCENDING, or what an array CONTAINS."""


def _down(fields: Iterable[str]) -> Index:
    return tuple((field, "DESCENDING") for field in fields)


_NEWEST = _down(("search.time", "search.local"))

COMPOSITE: tuple[Index, ...] = (
    _NEWEST,
    (("search.words", "CONTAINS"), *_NEWEST),
    *(((field, "ASCENDING"), *_NEWEST) for field in NARROWED),
    *((*_NEWEST, *_down(fields)) for fields, _ in RANGED),
    *(((each, "ASCENDING"), *_NEWEST, *_down(fields)) for fields, beside in RANGED for each in beside),
    (("bucket", "ASCENDING"), ("name", "ASCENDING")),
)
"""The composite indexes, each a list of fields and how they are indexed; docs/search.md says what needs which."""

GROWING = ("created", "deleted_at", "event_time", "generation", "patched_at", "processed_at", "updated")
"""Fields whose values only grow: indexed, they would cap the whole collection at some 500 writes a second.

Behind the time a picture was taken they would do no harm, but their ranges would be looked for along a whole index.
"""

UNASKED = (
    "attempt",
    "blocks",
    "bytes_read",
    "crc32c",
    "metageneration",
    "name",
    "search.copyright",
    "search.fields",
    "search.title",
    "search.words",
    "taken.alternatives",
    "text",
    "worker",
)
"""Fields of which no query takes an index of their own: it would only cost, texts and lists of words most of all.

Searches are ordered by time, and so answered by composite indexes alone, which an exemption does not touch. What a map
is exempt from, its fields are.
"""

EXEMPT = (*UNINDEXED, *GROWING, *UNASKED)
"""All fields that have no index of their own."""
