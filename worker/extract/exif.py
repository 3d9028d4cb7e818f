"""EXIF: the TIFF blocks of one image become tags.

exifread is the engine (see header.py); this is the walk over its directories and over the blocks, and what is said
about both where bytes, time or sense run out.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from worker.extract import makernotes
from worker.extract.budget import Budget, Spent
from worker.extract.header import Bounds, Header, code, state
from worker.extract.ifd import Missing, Source, read_preamble
from worker.extract.makernotes import Note
from worker.extract.parts import TiffBlock, Unread
from worker.extract.tag_tables import EXIF, GPS, INTEROP, Table
from worker.model import Block, BlockStatus, Limits, Tag

_NOTE = "ExifIFD:MakerNote"
_DECIDING = {"IFD0", "ExifIFD"}
"""The directories that have the tags which notes are asked for."""
MAKER_BLOCK = "MakerNotes"
"""The `first_ifd` of a block that is a maker's directory by itself (CR3's CMT3)."""

_POINTERS: dict[str, tuple[str, Table]] = {
    "ExifOffset": ("ExifIFD", EXIF),
    "GPSInfo": ("GPS", GPS),
    "InteropOffset": ("InteropIFD", INTEROP),
    "SubIFDs": ("SubIFD", EXIF),
}
_TABLES = dict(_POINTERS.values())


def read_all(blocks: Sequence[TiffBlock], limits: Limits, budget: Budget) -> tuple[dict[str, Tag], dict[str, Block]]:
    """The tags of all blocks by `Group:Name`, and the states of `exif` and `makernotes`.

    Groups are ExifTool's of family 1 (IFD0, ExifIFD, GPS, ...). Where blocks disagree the first one counts, the
    main ones before the others. Nothing that a file holds makes this raise; time that runs out makes it partial.
    """
    image = _Image(limits, budget)
    try:
        for block in sorted(blocks, key=lambda block: not block.main):
            image.add(block)
    except Spent:
        image.faults["time"] += 1
    tags, known = image.tags()
    found, notes = image.makernotes(tags, known)
    return tags | found if found else tags, {"exif": state(image.faults, found=bool(tags)), "makernotes": notes}


class _Image:
    """The headers of one image's blocks, its maker notes, and what went wrong with all of them."""

    def __init__(self, limits: Limits, budget: Budget) -> None:
        self._notes: list[Note] = []
        self.faults: defaultdict[str, int] = defaultdict(int)
        self._headers: list[Header] = []
        self._bounds = Bounds(budget, limits.tag_bytes)
        self._limits = limits

    def add(self, block: TiffBlock) -> None:
        """Read one block; a maker's own one becomes a note."""
        try:
            source = Source(block.buffer, block.offset, self._limits.whole_object)
            preamble = read_preamble(source)
        except (Missing, Unread) as reason:
            self.faults[code(reason)] += 1
            return
        if preamble is None:
            self.faults["malformed"] += 1
        elif block.first_ifd == MAKER_BLOCK:
            self._notes.append(Note(source, preamble.mark, preamble.first, source.size - preamble.first, bare=True))
        else:
            self._read(Header(source, preamble.mark, self._bounds, preamble.layouts), block.first_ifd, preamble.first)

    def _read(self, header: Header, group: str, first: int) -> None:
        self._headers.append(header)
        try:
            _walk(header, group, first)
        finally:
            for fault, number in header.faults.items():
                self.faults[fault] += number
        if header.note:
            self._notes.append(Note(header.source, header.endian, *header.note))

    def tags(self) -> tuple[dict[str, Tag], AbstractSet[str]]:
        """The typed tags of all blocks, and all keys that were named, those whose values are not there too.

        A key that an earlier block has lost is not taken from a later one.
        """
        if len(self._headers) == 1:
            (header,) = self._headers
            return header.tags, header.tags.keys() | header.lost if header.lost else header.tags.keys()
        tags: dict[str, Tag] = {}
        known: set[str] = set()
        for header in self._headers:
            tags.update((key, tag) for key, tag in header.tags.items() if key not in known)
            known |= header.tags.keys() | header.lost
        return tags, known

    def makernotes(self, tags: dict[str, Tag], known: AbstractSet[str]) -> tuple[dict[str, Tag], Block]:
        """The maker note's tags and the state of its block."""
        if not self._notes and _NOTE in known:
            return {}, Block(BlockStatus.PARTIAL, "cut: the bytes of the note are not all there")
        if self._limits.makernotes == "auto" and any(_DECIDING & header.cut for header in self._headers):
            # what the directories leave open is not known, and a cut file must not have more tags than the whole one
            return {}, Block(BlockStatus.PARTIAL, "cut: the directories that say what the note is wanted for")
        return makernotes.read(self._notes, tags, known, self._limits, self._bounds.budget)


def _walk(header: Header, group: str, first: int) -> None:
    """Read the chain of directories that begins at `first` (only that of IFD0 goes on), and all that they point to.

    What a directory points to comes before the next one of the chain: it matters more, should the bounds be met.
    """
    following, chained = header.dump_ifd(first, group, _TABLES.get(group)), group == "IFD0"
    pending = deque(_pointed(header, group))
    followed = {group, "GPS", "InteropIFD"}  # once each, or a directory that points to itself never ends
    subs = pages = 0
    while pending or (chained and following):
        if not pending:
            pages += 1
            group, table = f"IFD{pages}", EXIF
            following = header.dump_ifd(following, group, table)
        else:
            group, table, offset = pending.popleft()
            if group == "SubIFD":
                group, subs = f"SubIFD{subs or ''}", subs + 1
            header.dump_ifd(offset, group, table)
        if group not in followed:
            followed.add(group)
            pending.extend(_pointed(header, group))


def _pointed(header: Header, group: str) -> Iterator[tuple[str, Table, int]]:
    """The directories (group, table, offset) that this group's tags point to."""
    for key, target, table in _pointers(group):
        if key in header.tags:
            value = header.tags[key].value
            for offset in value if isinstance(value, list) else (value,):
                if isinstance(offset, int):
                    yield target, table, offset


@lru_cache(maxsize=64)  # a file has few groups, but chooses how many pages
def _pointers(group: str) -> list[tuple[str, str, Table]]:
    """The keys of the group's tags that point to directories, with those directories' groups and tables."""
    return [(f"{group}:{name}", target, table) for name, (target, table) in _POINTERS.items()]
