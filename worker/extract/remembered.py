"""What is kept from image to image: the names of a group's tags, and the values that they had before."""

from functools import lru_cache

from worker.extract.ifd import Entry
from worker.extract.tag_tables import Known, Table
from worker.model import Tag

MAKER_NOTE = 0x927C
BLOBS = frozenset({0x02BC, 0x83BB, 0x8649, 0x8773, MAKER_NOTE, 0x935C, 0xC634})
"""XMP, IPTC, Photoshop, ICC, the maker's note, Adobe's private data: read by others or by nobody."""

Content = tuple[int, int, bytes]
"""Tag, field type, and bytes of a value."""
Remembered = dict[Entry | Content, tuple[str, Tag]]
"""Tags with their keys: of values that stand in an entry by that entry, of other short ones by their bytes."""
MOST_REMEMBERED = 1024
"""Values per group: cameras write few different ones, but files choose them."""


Named = tuple[str, Known, bool]
"""A tag's key in a group, its name and rule, and whether it is a blob."""


class Names(dict[int, Named]):
    """The tags of one group by number, as they are met."""

    def __init__(self, group: str, table: Table) -> None:
        super().__init__()
        self._group, self._table = group, table

    __hash__ = object.__hash__  # type: ignore[assignment] # a dict has none; there is one of each group and table

    def __missing__(self, tag: int) -> Named:
        known = self._table.get(tag)
        name = known or (f"0x{tag:04X}", None)
        named = (f"{self._group}:{name[0]}", name, tag in BLOBS)
        if known:  # or else files would choose how many
            self[tag] = named
        return named


@lru_cache(maxsize=32)
def names(group: str, table: Table) -> Names:
    """The names of a group whose tags are in `table`, the same for every image."""
    return Names(group, table)


@lru_cache(maxsize=32)
def memory(_names: Names, _order: str, _slot: int) -> Remembered:
    """What the values of this group came to before, in any image: half of them are the same in most pictures."""
    return {}


def make_room(kept: Remembered, wanted: int) -> None:
    """Forget all where there is no room for so many more."""
    if len(kept) > MOST_REMEMBERED - wanted:
        kept.clear()


def own(tag: Tag) -> Tag:
    """The tag with a list of its own: whoever changes one image's does not change another's."""
    return Tag(tag.id, tag.type, [*tag.value] if isinstance(tag.value, list) else tag.value, tag.text)
