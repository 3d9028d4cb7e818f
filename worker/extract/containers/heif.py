"""HEIF, HEIC and AVIF (ISO 23008-12): items of a `meta` box, wherever their bytes are."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from worker.extract.containers.embedded import add_exif
from worker.extract.containers.isobmff import Box, Fields, boxes, payload, top_boxes
from worker.extract.containers.properties import Properties, read_properties
from worker.extract.parts import Buffer, Parts, Unread
from worker.extract.window import BytesBuffer, Cut, Window

_LONGEST_META = 2 * 1024 * 1024
_MOST_ITEMS = 20_000
_MOST_EXTENTS = 64
_IN_FILE, _IN_IDAT = 0, 1


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item's bytes are: (offset, length) extents in the file or in the `idat` box; length 0 is the rest."""

    method: int
    extents: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Meta:
    """What a `meta` box says, of metadata items only."""

    primary: int | None = None
    exif: list[int] = field(default_factory=list)
    xmp: list[int] = field(default_factory=list)
    places: dict[int, _Place] = field(default_factory=dict)
    describes: dict[int, set[int]] = field(default_factory=dict)
    idat: bytes = b""
    properties: Properties | None = None


def walk(window: Window, parts: Parts) -> None:
    """Fill `parts` from the first `meta` box of the file; other top-level boxes are jumped over.

    A sequence (`moov`) and a small file (`mini`) may have none, and no metadata then.
    """
    for box in top_boxes(window, b"meta", b"moov", b"mini"):
        if box.name == b"meta":
            meta = _Meta()
            try:
                _read_meta(window, box, meta)
            finally:
                _picture(parts, meta)
                _items(window, parts, meta)
            return


def _read_meta(window: Window, box: Box, meta: _Meta) -> None:
    """Fill `meta`; of a box that is cut short, from the children that are whole."""
    data = BytesBuffer(window.read(box.offset, min(box.length, _LONGEST_META)))
    children = {}
    try:
        for child in boxes(data, 4, data.size):
            if child.name not in children and child.end <= data.size:
                children[child.name] = payload(data, child)
    finally:
        for name, read in _READERS.items():
            if name in children:
                read(meta, children[name])
    if data.size < box.length:
        raise Cut("the meta box is not all there")


def _pitm(meta: _Meta, data: bytes) -> None:
    fields = Fields(data)
    meta.primary = fields.uint(4 if fields.version() else 2)


def _iinf(meta: _Meta, data: bytes) -> None:
    """The ids of EXIF and XMP items. The count is 32 bit from version 1 on."""
    first = 8 if data[:1] > b"\0" else 6
    for entry in boxes(BytesBuffer(data), first, len(data)):
        if entry.name == b"infe":
            _infe(meta, data[entry.offset : entry.end])


def _infe(meta: _Meta, data: bytes) -> None:
    fields = Fields(data)
    version = fields.version()
    item = fields.uint(4 if version == 3 else 2)
    fields.take(2)
    kind = fields.take(4) if version >= 2 else b"mime"
    fields.text()
    if kind == b"Exif":
        meta.exif.append(item)
    elif kind == b"mime" and fields.text() in {b"application/rdf+xml", b"text/xml"}:
        meta.xmp.append(item)


def _iloc(meta: _Meta, data: bytes) -> None:
    """The places of the wanted items; those of the others are jumped over, however many extents they claim."""
    fields = Fields(data)
    version = fields.version()
    sizes = fields.uint(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    index_size = index_size if version in {1, 2} else 0
    wanted = {*meta.exif, *meta.xmp}
    for _ in range(min(fields.uint(4 if version == 2 else 2), _MOST_ITEMS)):
        item = fields.uint(4 if version == 2 else 2)
        method = fields.uint(2) & 15 if version in {1, 2} else _IN_FILE
        fields.take(2)
        base = fields.uint(base_size)
        count = fields.uint(2)
        if item not in wanted or count > _MOST_EXTENTS:
            fields.take(count * (index_size + offset_size + length_size))
            continue
        extents = []
        for _ in range(count):
            fields.take(index_size)
            extents.append((base + fields.uint(offset_size), fields.uint(length_size)))
        meta.places.setdefault(item, _Place(method, tuple(extents)))


def _iref(meta: _Meta, data: bytes) -> None:
    """Which items each one describes (`cdsc`)."""
    size = 4 if data[:1] > b"\0" else 2
    for box in boxes(BytesBuffer(data), 4, len(data)):
        if box.name == b"cdsc":
            fields = Fields(data[box.offset : box.end])
            item = fields.uint(size)
            meta.describes.setdefault(item, set()).update(fields.uint(size) for _ in range(fields.uint(2)))


def _idat(meta: _Meta, data: bytes) -> None:
    meta.idat = data


def _iprp(meta: _Meta, data: bytes) -> None:
    meta.properties = read_properties(data, meta.primary)


_READERS = {
    b"pitm": _pitm,
    b"iinf": _iinf,
    b"iref": _iref,
    b"idat": _idat,
    b"iloc": _iloc,
    b"iprp": _iprp,
}
"""In the order in which one needs the other, which is not always theirs in the file."""


def _picture(parts: Parts, meta: _Meta) -> None:
    if meta.properties is not None:
        parts.width, parts.height = meta.properties.width, meta.properties.height
        parts.rotation = meta.properties.orientation
        parts.bit_depth = meta.properties.bit_depth
        parts.color_space = meta.properties.color_space
        parts.icc = meta.properties.icc


def _items(window: Window, parts: Parts, meta: _Meta) -> None:
    """Read the metadata items, those in the file by exact ranges, near ones together.

    Those about other pictures (a depth map, a gain map) come behind the picture's own.
    """
    ranges = [_range(window, meta.places[item]) for item in (*meta.exif, *meta.xmp) if item in meta.places]
    window.prefetch(extent for extents in ranges for extent in extents)
    for item, data in _whole_items(window, parts, meta, "exif", meta.exif):
        add_exif(parts, data, main=_main(meta, item))
    for _, data in _whole_items(window, parts, meta, "xmp", meta.xmp):
        parts.xmp.append(data)


def _whole_items(
    window: Window, parts: Parts, meta: _Meta, block: str, items: list[int]
) -> Iterator[tuple[int, bytes]]:
    """The items and their bytes, up to the first that is not whole: what follows must not take its place.

    Of an EXIF item also the beginning of such a one.
    """
    for item in sorted(items, key=lambda item: not _main(meta, item)):
        try:
            data, whole = _item(window, meta, item)
        except Unread as unread:
            parts.problems.append((block, f"budget: {unread}"))
            return
        if whole or block == "exif":
            yield item, data
        if not whole:
            parts.problems.append((block, "cut: an item lies partly or wholly outside of the file"))
            return


def _main(meta: _Meta, item: int) -> bool:
    """Whether an item describes the primary picture; where nothing is said, it does."""
    described = meta.describes.get(item, set())
    return meta.primary is None or not described or meta.primary in described


def _range(window: Window, place: _Place) -> list[tuple[int, int]]:
    if place.method != _IN_FILE:
        return []
    return [(at, length or window.size - at) for at, length in place.extents if at < window.size]


def _item(window: Window, meta: _Meta, item: int) -> tuple[bytes, bool]:
    """The bytes of an item up to the first that is missing, and whether those are all."""
    place = meta.places.get(item)
    if place is None or place.method not in {_IN_FILE, _IN_IDAT}:
        return b"", False
    source: Buffer = window if place.method == _IN_FILE else BytesBuffer(meta.idat)
    pieces = b""
    for at, length in place.extents:
        piece = source.read(at, length or max(source.size - at, 0))
        pieces += piece
        if len(piece) < length:
            return pieces, False
    return pieces, True
