"""exifread's header, reading from memory and within bounds.

exifread 3.5.1 seeks and reads once per number, trusts every count, reads zeros past the end and follows any loop
(exif-py #182, #161, #10). `Header` keeps its tag tables, names, printable texts and tags, and replaces how bytes
become values: a directory is unpacked at once, a value is one slice, and a value whose bytes are not there is
left out and said to be.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from exifread.core.exif_header import ExifHeader
from exifread.tags import DEFAULT_STOP_TAG

from worker.extract import remembered, values
from worker.extract.budget import Budget
from worker.extract.ifd import CLASSIC, Entry, Layout, Missing, Source, read_directory
from worker.extract.parts import Unread
from worker.extract.remembered import BLOBS, MAKER_NOTE, Content, Remembered
from worker.extract.tag_tables import EXIF, Known, Rule, Table
from worker.extract.values import ASCII, COMMENTS, FIELDS, SIZES, TEXTS, Omitted
from worker.model import Block, BlockStatus, Tag

_logger = logging.getLogger("exifread")
if _logger.level == logging.NOTSET:  # it warns about each image without EXIF; an operator's own level stands
    _logger.setLevel(logging.ERROR)

HASHED = 64 * 1024
"""A blob above this length, in a block that is not in memory, is not fetched to be hashed."""
_HASHED_AS_ONE, _READ_AS_ONE = 256, 16
"""So many bytes of a blob, or of text, cost as much as one number."""
_CHECK_EVERY = 64
_CHEAP = 64
"""Bytes of a value that is not worth counting: the number of entries bounds them."""
_MOST_BAD_ENTRIES = 10
_SHORT_LIST = 10
"""Numbers of a list that exifread prints in full; of longer ones it leaves some out."""

_FORMATTER_ERRORS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What exifread's printing functions raise for values that they do not expect."""

_NO_FILE = BytesIO()
"""exifread's header wants a file; nothing reads it."""


@dataclass(slots=True)
class Bounds:
    """What all blocks of one image may still cost: time, entries of directories, and values (numbers, or as much)."""

    budget: Budget
    tag_bytes: int
    entries: int = 20_000
    values: int = 150_000


class Exhausted(Exception):
    """The image may cost no more entries or values."""


Fault = Missing | Unread | Exhausted


def code(reason: Fault) -> str:
    """The code under which a fault is counted."""
    if isinstance(reason, Missing):
        return "cut"
    return "unread" if isinstance(reason, Unread) else "limit"


_REASONS = {
    "time": "the CPU time for one object is spent",
    "limit": "beyond the entries or values that are read of one object",
    "unread": "beyond the bytes that are read of one object",
    "cut": "outside of the block",
    "malformed": "malformed or repeated",
}
"""By code, the worst first."""


_OK, _ABSENT = Block(BlockStatus.OK), Block(BlockStatus.ABSENT)


def state(faults: Mapping[str, int], *, found: bool) -> Block:
    """What is said of a block: absent only where nothing was found and nothing went wrong."""
    if not faults:
        return _OK if found else _ABSENT
    worst = next(each for each in _REASONS if each in faults)
    counted = "" if worst == "time" else f"{faults[worst]} values or directories are "
    failed = not found and worst in {"cut", "malformed"}
    return Block(BlockStatus.FAILED if failed else BlockStatus.PARTIAL, f"{worst}: {counted}{_REASONS[worst]}")


class Header(ExifHeader):
    """exifread's header over a block in memory (or in a window), within bounds.

    `tags` maps `Group:Name` to a tag. `lost` are the keys that the directories name but whose values are not there,
    `cut` the groups whose directory is not all there. `note` is offset and length of the maker's note. `faults`
    counts what was left out, by code: cut, unread, limit, malformed.
    """

    only: AbstractSet[int] | None = None
    """Where set, the only tags that are read."""
    special: AbstractSet[int] = frozenset()
    """Tags that `convert` takes."""

    def __init__(self, source: Source, mark: str, bounds: Bounds, layouts: dict[str, Layout] = CLASSIC) -> None:
        super().__init__(_NO_FILE, mark, offset=0, fake_exif=0, strict=False)
        self.tags: dict[str, Tag] = {}
        self.note: tuple[int, int] | None = None
        self.source = source
        self.lost: set[str] = set()
        self.cut: set[str] = set()
        self.faults: defaultdict[str, int] = defaultdict(int)
        self._bounds = bounds
        self._layouts = layouts
        self._visited: set[int] = set()
        self._bad = 0
        self._layout = layouts[mark]

    def dump_ifd(  # type: ignore[override] # theirs has two more parameters, which are mended, and returns None
        self, ifd: int, ifd_name: str, tag_dict: Table | None = None
    ) -> int:
        """Read the directory at `ifd`, which counts from `offset`, into `tags`; return the next one's offset or 0."""
        layout = self._layout = self._layouts[self.endian]
        self._bad = 0
        entries, following = self._directory(self.offset + ifd, ifd_name)
        if self.only is not None:
            entries = [entry for entry in entries if entry[0] in self.only]
        names = remembered.names(ifd_name, EXIF if tag_dict is None else tag_dict)
        memory = remembered.memory(names, layout.order, layout.pointer.size)
        for begin in range(0, len(entries), _CHECK_EVERY):
            self._bounds.budget.check()
            if not self._read(entries[begin : begin + _CHECK_EVERY], names, memory):
                break
        return following

    def _read(self, entries: list[Entry], names: remembered.Names, memory: Remembered) -> bool:
        """Read these entries into `tags`; False where too many of the directory's are malformed.

        A value is remembered by its entry if it stands there, or else by its bytes, if they are few and at hand. Half
        of all entries were met before, so that is asked first: nothing of them needs to be looked at.
        """
        tags, lost, special, data = self.tags, self.lost, self.special, self.source.data
        pointed, width, base = self._layout.pointer.unpack, self._layout.pointer.size, self.offset
        remembered.make_room(memory, len(entries))
        for entry in entries:
            found = memory.get(entry)
            if found is None:
                tag, kind, count, raw = entry
                size = SIZES.get(kind)
                if size is None:
                    if not self._malformed(entry):
                        return False
                    continue
                key, known, is_blob = names[tag]
                length = size * count
                content: Entry | Content = entry
                if length > width:
                    at = base + pointed(raw)[0] if length <= _CHEAP else -1
                    raw = data[at : at + length] if at >= 0 else b""
                    content = tag, kind, raw
                    found = memory.get(content) if len(raw) == length else None  # a value cut short is another one
                if found is None:
                    if is_blob or len(raw) < length or tag in special:
                        self._add(key, entry, known, length)
                        continue
                    found = memory[content] = key, self._tag(tag, kind, count, raw[:length], known)
            key, made = found
            if key in tags or key in lost:
                self._add(key, entry, names[entry[0]][1], SIZES[entry[1]] * entry[2])
            else:
                tags[key] = made if made.value.__class__ is not list else remembered.own(made)
        return True

    def _malformed(self, entry: Entry) -> bool:
        """Count an entry of no known type; False where there are too many."""
        self._bad += 1
        if entry[1] or entry[2]:  # or else it is padding
            self.faults["malformed"] += 1
        return self._bad <= _MOST_BAD_ENTRIES

    def _add(self, key: str, entry: Entry, known: Known, length: int) -> None:
        """Read one entry's value and put it into `tags`, or its key into `lost`; the first of a key counts."""
        if key in self.lost or (key in self.tags and self.tags[key].id == entry[0]):
            return  # as in ExifTool
        if key in self.tags:  # FlashEnergy is 0x920B in TIFF/EP and 0xA20B in Exif: both stay
            key = f"{key.partition(':')[0]}:0x{entry[0]:04X}"
        self._keep(key, entry, known, length)

    def _directory(self, at: int, group: str) -> tuple[list[Entry], int]:
        """The entries of the directory at `at` and the offset of the next; none where it was seen before."""
        bounds = self._bounds
        if at in self._visited or bounds.entries <= 0:
            self.faults["malformed" if at in self._visited else "limit"] += 1
            return [], 0
        self._visited.add(at)
        try:
            found = read_directory(self.source, self._layout, at, bounds.entries)
        except (Missing, Unread) as reason:
            self.faults[code(reason)] += 1
            self.cut.add(group)
            return [], 0
        bounds.entries -= len(found.entries) + 1
        if not found.whole:
            self.faults["limit" if bounds.entries <= 0 else "cut"] += 1
            self.cut.add(group)
        return found.entries, found.following or 0

    def _keep(self, key: str, entry: Entry, known: Known, length: int) -> None:
        """Read a value that stands outside of its entry, or that is special."""
        tag, kind, count, slot = entry
        offset = 0
        try:
            if length <= len(slot):
                raw = slot[:length]
            else:
                offset = self.offset + self._layout.pointer.unpack(slot)[0]
                if tag in BLOBS or length > self._bounds.tag_bytes:
                    self._omit(key, tag, kind, offset, length)
                    return
                if length > _CHEAP:
                    self._spend(length // _READ_AS_ONE if SIZES[kind] == 1 else count)
                raw = self.source.read(offset, length)
        except (Missing, Unread, Exhausted) as reason:
            self.lost.add(key)
            self.faults[code(reason)] += 1
            return
        if tag in self.special:
            self.convert(tag, kind, raw, offset)
        else:
            self.tags[key] = self._tag(tag, kind, count, raw, known)

    def convert(self, tag: int, kind: int, raw: bytes, offset: int) -> None:
        """Take a `special` tag; a subclass that has any says how. `offset` counts as `source` does."""
        raise NotImplementedError

    def _omit(self, key: str, tag: int, kind: int, offset: int, length: int) -> None:
        """Keep the place holder of a value that is a blob or too large."""
        if not self.source.in_memory and length > HASHED:
            self.source.require(offset, length)
            omitted = Omitted(length, None)
        else:
            raw = self.source.read(offset, length)
            self._spend(length // _HASHED_AS_ONE)
            omitted = Omitted.of(raw)
        self.tags[key] = Tag(tag, FIELDS[kind], omitted.value(), str(omitted))
        if tag == MAKER_NOTE:
            self.note = offset, length

    def _spend(self, cost: int) -> None:
        self._bounds.values -= cost
        if self._bounds.values < 0:
            raise Exhausted

    def _tag(self, tag: int, kind: int, count: int, raw: bytes, known: Known) -> Tag:
        """The value as a document holds it, and its printable text; the short ways are most tags'."""
        layout = self._layout
        if kind == ASCII:
            text = values.comment(raw, layout.order) if known[0] in COMMENTS else values.text(raw, known[0])
            return Tag(tag, "ASCII", text, text)
        if count == 1 and kind in layout.single:
            return _single(tag, kind, layout.single[kind](raw)[0], known[1])
        if kind in layout.pairs and known[1] is None and 0 < count <= _SHORT_LIST:
            return _fractions(tag, kind, [values.ratio(*pair) for pair in layout.pairs[kind].iter_unpack(raw)])
        if known[0] in TEXTS:
            text = TEXTS[known[0]](raw, layout.order)
            return Tag(tag, FIELDS[kind], text or None, text)
        content = values.content(kind, count, raw, layout.order)
        text = content if isinstance(content, str) else self._printable(kind, content, known)
        return Tag(tag, FIELDS[kind], values.typed(content), text)

    def _printable(self, kind: int, content: list[Any] | Omitted, known: Known) -> str:
        """exifread's printable text."""
        if isinstance(content, Omitted):
            return str(content)
        printer: Any = self._get_printable_for_field  # their types leave out what they accept: any mapping, any int
        try:
            text: str = printer(len(content), content, kind, known, DEFAULT_STOP_TAG)[0]
        except _FORMATTER_ERRORS:
            return str(content)
        return text


def _fractions(tag: int, kind: int, ratios: list[tuple[float | None, str]]) -> Tag:
    """The tag of one or a few fractions, which exifread prints like a list."""
    if len(ratios) == 1:
        return Tag(tag, FIELDS[kind], *ratios[0])
    return Tag(tag, FIELDS[kind], [value for value, _ in ratios], f"[{', '.join([text for _, text in ratios])}]")


def _single(tag: int, kind: int, number: int, rule: Rule) -> Tag:
    """The tag of one integer, which half of all tags are; exifread prints a code that it does not know as itself."""
    if rule is None:
        return Tag(tag, FIELDS[kind], number, str(number))
    if isinstance(rule, dict):
        return Tag(tag, FIELDS[kind], number, rule[number] if number in rule else str(number))
    try:
        return Tag(tag, FIELDS[kind], number, rule([number]))
    except _FORMATTER_ERRORS:
        return Tag(tag, FIELDS[kind], number, str(number))
