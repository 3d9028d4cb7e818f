"""What the tags of one name hold, as searches compare it; and where a document keeps it once the name is promoted.

A promoted name is one that searches ask for often: each document holds its values under `search.fields`, where stores
can index them. What a search finds is the same with or without.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from worker.catalog.folding import fold
from worker.catalog.query import Query
from worker.catalog.tag_names import found, understood
from worker.catalog.values import as_number
from worker.model import Value

MOST_VALUES = 200
"""Of one name in one document; a longer list of a tag counts to there."""

FIELDS = "fields"
"""Where promoted values stand, below `search`."""

Promoted = Callable[[Query], frozenset[str]]
"""The slugs of the tags that a query asks for and every document keeps."""


def nothing_promoted(_: Query) -> frozenset[str]:
    """No tag is."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """What the tags of one name hold: texts, folded, and numbers, of values and of what is printed of them."""

    texts: frozenset[str]
    numbers: frozenset[float]

    def ends(self) -> tuple[float, float] | tuple[str, str]:
        """What ranges are asked of: the lowest and the highest number, or text where there is no number."""
        if self.numbers:
            return min(self.numbers), max(self.numbers)
        return min(self.texts), max(self.texts)


def held(tags: object, name: str) -> Held | None:
    """What there is of this name among a document's tags; None where there is no such tag."""
    values: list[object] | None = None
    for tag in found(tags, name):
        values = [*(values or ()), *_values(tag)]
    if values is None:
        return None
    kept = values[:MOST_VALUES]
    texts = frozenset(fold(value) for value in kept if isinstance(value, str)) or frozenset({""})
    return Held(texts, frozenset(_numbers(kept)))


def kept(tags: object, name: str) -> dict[str, Value] | None:
    """The same as a document keeps it: all values for equality, both ends for ranges."""
    there = held(tags, name)
    if there is None:
        return None
    low, high = there.ends()
    return {"has": True, "values": [*sorted(there.texts), *sorted(there.numbers)], "low": low, "high": high}


def promoted(fields: Mapping[str, Value], names: Mapping[str, str]) -> dict[str, Value]:
    """The `search.fields` of a document: by slug, what it holds of each of these names (by slug, too)."""
    found_here = {slug: kept(fields.get("tags"), name) for slug, name in names.items()}
    return {slug: values for slug, values in found_here.items() if values}


def slug(name: str) -> str:
    """What a name is called in documents; names that mean the same tags have the same."""
    groups, last = understood(name)
    meant = f"{'|'.join(groups or ('*',))}:{last}"
    legible = re.sub(r"[^a-z0-9]+", "_", meant).strip("_")[:40]
    return f"t_{legible}_{hashlib.sha256(meant.encode()).hexdigest()[:6]}"


def _values(tag: Mapping[str, object]) -> Iterator[object]:
    value = tag.get("value")
    yield tag.get("text")
    yield from value if isinstance(value, list) else [value]


def _numbers(values: list[object]) -> Iterator[float]:
    for value in values:
        number = as_number(value) if isinstance(value, str) else value
        if isinstance(number, int | float):
            yield float(number)
