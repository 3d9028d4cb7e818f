"""The directories of a TIFF file, gone through once and lightly, and fetched level by level where it is large.

Each level's values and directories are fetched together, so that the walk, and the tags' reader after it, find
the bytes at hand in a few reads.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from worker.extract import icc
from worker.extract.header import HASHED
from worker.extract.ifd import Entry, Missing, Preamble, Source, read_directory
from worker.extract.parts import Unread
from worker.extract.values import CODES, SIZES
from worker.extract.window import Window

XMP, IPTC, PHOTOSHOP, ICC, MAKER_NOTE = 0x02BC, 0x83BB, 0x8649, 0x8773, 0x927C
_POINTERS = ((0x8769, 1, "other"), (0x8825, 1, "other"), (0xA005, 1, "other"), (0x014A, 32, "sub"))
"""The tags that point to directories, the most that each may point to, and the role of those."""
_MOST_DIRECTORIES = 200
_MOST_ENTRIES = 2000
_DIRECTORY_BYTES = 1024
"""As much of a directory as is fetched before its length is known."""
_LONGEST = {XMP: 4 * 1024 * 1024, IPTC: 1024 * 1024, PHOTOSHOP: 1024 * 1024, MAKER_NOTE: 256 * 1024}
"""Values that are wanted even where they are longer than a tag's."""

Entries = dict[int, Entry]


class Directory(NamedTuple):
    """One directory: its entries by tag, of which the first counts, and its role.

    `main` is the chain that begins at the file's head, `sub` what SubIFDs names, `other` EXIF, GPS and the like.
    """

    entries: Entries
    role: str


class Scan:
    """All directories of a file in the order of their finding."""

    def __init__(self, window: Window, source: Source, preamble: Preamble) -> None:
        self.directories: list[Directory] = []
        self.complete = True
        """Whether all directories, and the values that were asked for, were there to be read."""
        self.first_is_cut = True
        self._window, self._source = window, source
        self._layout = preamble.layouts[preamble.mark]
        self._visited = {0}
        level = [(preamble.first, "main")]
        while level:
            self._fetch((offset, _DIRECTORY_BYTES) for offset, _ in level)
            begun = len(self.directories)
            following = [self._read(offset, role) for offset, role in level]
            found = self.directories[begun:]
            self._fetch(span for directory in found for span in self._wanted(directory.entries))
            pointed = [pointer for directory in found for pointer in self._pointed(directory.entries)]
            level = [(offset, "main") for offset in following if offset] + pointed

    def value(self, entry: Entry, most: int) -> bytes:
        """At most the first `most` bytes of a value.

        Empty, and the scan no longer `complete`, where they are not there to be read.
        """
        length = self.length(entry)
        if length <= len(entry[3]):
            return entry[3][:length]
        try:
            return self._source.read(self._offset(entry), min(length, most))
        except (Missing, Unread):
            self.complete = False
            return b""

    def numbers(self, entries: Entries, tag: int, most: int = 1) -> list[int]:
        """At most `most` of the tag's integers; none where it has none."""
        entry = entries.get(tag)
        code = CODES.get(entry[1], "f") if entry else "f"
        if entry is None or code in "fd":
            return []
        size = SIZES[entry[1]]
        raw = self.value(entry, most * size)[: most * size]
        return list(struct.unpack(f"{self._layout.order}{len(raw) // size}{code}", raw))

    def number(self, entries: Entries, tag: int) -> int | None:
        """The tag's first integer, if any."""
        return next(iter(self.numbers(entries, tag)), None)

    def span(self, entry: Entry) -> tuple[int, int]:
        """Offset and length of a value that does not stand in its entry."""
        return self._offset(entry), self.length(entry)

    @staticmethod
    def length(entry: Entry) -> int:
        """Bytes of the value."""
        return SIZES.get(entry[1], 0) * entry[2]

    def _offset(self, entry: Entry) -> int:
        offset: int = self._layout.pointer.unpack(entry[3])[0]
        return offset

    def _fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        if not self._source.in_memory:
            self._window.prefetch(ranges)

    def _read(self, offset: int, role: str) -> int:
        """Add the directory at `offset`, unless it was met before; return the offset of the next of its chain."""
        self._window.budget.check()
        if offset in self._visited:
            return 0
        if len(self._visited) > _MOST_DIRECTORIES:
            self.complete = False
            return 0
        self._visited.add(offset)
        try:
            found = read_directory(self._source, self._layout, offset, _MOST_ENTRIES)
        except (Missing, Unread):
            self.complete = False
            return 0
        self.complete &= found.whole and (found.following is not None or role != "main")
        if not self.directories:
            self.first_is_cut = not found.whole
        self.directories.append(Directory({entry[0]: entry for entry in reversed(found.entries)}, role))
        return found.following or 0 if role == "main" else 0

    def _pointed(self, entries: Entries) -> Iterator[tuple[int, str]]:
        for tag, most, role in _POINTERS:
            yield from ((offset, role) for offset in self.numbers(entries, tag, most))

    def _wanted(self, entries: Entries) -> Iterator[tuple[int, int]]:
        """The ranges of the values that will be read, by the walk or for the tags."""
        for tag, entry in entries.items():
            length = self.length(entry)
            if len(entry[3]) < length <= _LONGEST.get(tag, HASHED):
                yield self._offset(entry), length
            elif tag == ICC:
                yield self._offset(entry), icc.HEAD
