"""What a document holds for searches alone: its place in time, folded copies of its texts, its words, what it has.

It stands under `search` in every document, so that every store can answer alike. All of it is bounded.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from worker.catalog.fields import FIELDS, PRESENT
from worker.catalog.folding import fold, listed, words
from worker.catalog.paths import at
from worker.model import Value

MOST_WORDS = 200
MOST_LISTED = 100
"""Of the words, those that are whole keywords and creators."""

HAS = (
    *("make", "model", "lens", "iso", "f", "exposure", "focal", "taken", "position", "alt", "rating"),
    *("keyword", "title", "creator", "copyright", "failure"),
)
"""What `search.has` tells of, for stores that cannot look for what is absent."""

LISTED = ("keyword", "creator")
"""Fields that are lists: each item is one of the words as well, as `keyword:lake_garda`."""

EARLIEST = "0001-01-01T00:00:00"

_PATHS = {name: tuple(path.split(".")) for name, path in PRESENT.items()}
_COPIED = tuple((each.name, _PATHS[each.name]) for each in FIELDS if each.folded and each.name not in LISTED)
_WORDY = ("title", "keyword", "creator", "camera", "lens", "name", "copyright")
_WORDS = (*(_PATHS[name] for name in _WORDY), ("text", "description"))
"""Where words come from; what stands last has the most to lose."""

Fields = Mapping[str, Value]


def searchable(fields: Fields) -> dict[str, Value]:
    """The `search` of a document with these fields. `left_out` counts the words beyond those that are kept."""
    parts = [at(fields, _PATHS["make"]), at(fields, _PATHS["model"])]
    seen: Fields = {**fields, "search": {"camera": " ".join(str(part) for part in parts if part) or None}}
    found: dict[str, Value] = {"time": _time(fields), "local": at(fields, ("taken", "local")) or ""}
    for name, path in _COPIED:
        if (value := at(seen, path)) is not None:
            found[name] = fold(str(value))
    items, loose = _items(fields), _words(seen)
    kept = items[:MOST_LISTED]
    kept += loose[: MOST_WORDS - len(kept)]
    found["words"] = [*kept]
    found["has"] = {name: at(fields, _PATHS[name]) is not None for name in HAS}
    left_out = len(items) + len(loose) - len(kept)
    return found | {"left_out": left_out} if left_out else found


def _items(fields: Fields) -> list[str]:
    found = (listed(name, text) for name in LISTED for text in _texts(at(fields, _PATHS[name])))
    return list(dict.fromkeys(found))


def _words(fields: Fields) -> list[str]:
    found: dict[str, None] = {}
    for path in _WORDS:
        for text in _texts(at(fields, path)):
            found.update(dict.fromkeys(words(text)))
    return list(found)


def _texts(value: Value) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _time(fields: Fields) -> str:
    """When it was taken, in UTC where that is known; else when it was uploaded, announced or processed."""
    for path in (("taken", "utc"), ("taken", "local"), ("created",), ("event_time",), ("processed_at",)):
        value = at(fields, path)
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None).isoformat()
        if isinstance(value, str) and value:
            told = value.removesuffix("Z")
            return told + EARLIEST[len(told) :]
    return EARLIEST
