"""The preview that a camera left in its file, found in a few bounded reads."""

from collections.abc import Iterator

from worker.extract.containers import WALKS
from worker.extract.ifd import Entry, Layout, Missing, Source, read_directory, read_preamble
from worker.extract.parts import Parts, TiffBlock, Unread
from worker.extract.sniff import Container, Kind
from worker.extract.stages import guarded
from worker.extract.window import Window
from worker.model import Block

_COMPRESSION, _STRIP, _SUB, _STRIP_BYTES, _JPEG, _JPEG_BYTES = 0x0103, 0x0111, 0x014A, 0x0117, 0x0201, 0x0202
_PANASONIC = 0x002E
_JPEGS = (6, 7)
_MOST_DIRECTORIES = 16
_MOST_ENTRIES = 300
_LEAST_BYTES = 1000
"""Less is no picture."""


def previews(window: Window, kind: Kind, most: int) -> list[bytes]:
    """The JPEGs of at most `most` bytes that a file's EXIF names, the smallest first. What is damaged is left out."""
    found: dict[int, bytes] = {}
    for block in _blocks(window, kind):
        of_block = guarded(_of_block, window, block, most)
        if not isinstance(of_block, Block):
            found.update(of_block)
    return [found[length] for length in sorted(found)]


def _blocks(window: Window, kind: Kind) -> list[TiffBlock]:
    if kind.container is Container.TIFF:
        return [TiffBlock(window)]
    parts = Parts(kind.format, kind.mime)
    guarded(WALKS[kind.container], window, parts)
    return parts.exif


def _of_block(window: Window, block: TiffBlock, most: int) -> dict[int, bytes]:
    source = Source(block.buffer, block.offset, window.limits.whole_object)
    found: dict[int, bytes] = {}
    for offset, length in _spans(source):
        if _LEAST_BYTES <= length <= most:
            try:
                data = source.read(offset, length)
            except (Missing, Unread):
                continue
            if data[:3] == b"\xff\xd8\xff":
                found[length] = data
    return found


def _spans(source: Source) -> Iterator[tuple[int, int]]:
    """Where the directories say that JPEGs are."""
    preamble = read_preamble(source)
    if preamble is None:
        return
    layout = preamble.layouts[preamble.mark]
    ahead, seen = [preamble.first], {0}
    while ahead and len(seen) <= _MOST_DIRECTORIES:
        at = ahead.pop(0)
        if at in seen:
            continue
        seen.add(at)
        try:
            directory = read_directory(source, layout, at, _MOST_ENTRIES)
        except (Missing, Unread):
            continue
        entries = {entry[0]: entry for entry in reversed(directory.entries)}
        yield from _named(entries, layout)
        ahead += [*_below(source, entries, layout), directory.following or 0]


def _named(entries: dict[int, Entry], layout: Layout) -> Iterator[tuple[int, int]]:
    offset, length = _number(entries, _JPEG, layout), _number(entries, _JPEG_BYTES, layout)
    if offset and length:
        yield offset, length
    offset, length = _number(entries, _STRIP, layout), _number(entries, _STRIP_BYTES, layout)
    if offset and length and _number(entries, _COMPRESSION, layout) in _JPEGS:
        yield offset, length
    if raw := entries.get(_PANASONIC):
        yield layout.pointer.unpack(raw[3])[0], raw[2]


def _below(source: Source, entries: dict[int, Entry], layout: Layout) -> list[int]:
    entry = entries.get(_SUB)
    if entry is None:
        return []
    offset: int = layout.pointer.unpack(entry[3])[0]
    if entry[2] == 1:
        return [offset]
    try:
        raw = source.read(offset, layout.pointer.size * min(entry[2], _MOST_DIRECTORIES))
    except (Missing, Unread):
        return []
    return [pointer for (pointer,) in layout.pointer.iter_unpack(raw)]


def _number(entries: dict[int, Entry], tag: int, layout: Layout) -> int | None:
    """An integer that stands in its entry."""
    entry = entries.get(tag)
    if entry is None or entry[2] != 1 or entry[1] not in layout.single:
        return None
    number: int = layout.single[entry[1]](entry[3])[0]
    return number
