"""The metadata that a compressed image carries, by policy. No block says that it lies on a side: pixels are upright."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image

from worker.batches.picture import Picture
from worker.batches.places import without_places
from worker.batches.policy import Retain
from worker.model import Metadata

_ORIENTATION, _EXIF, _GPS = 0x0112, 0x8769, 0x8825
_MAKER_NOTE, _WIDTH, _HEIGHT = 0x927C, 0xA002, 0xA003
_ARTIST, _COPYRIGHT = 0x013B, 0x8298
_OF_THE_PIXELS = frozenset(
    {
        *(254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325),
        *(330, 338, 339, 347, 512, 513, 514, 519, 520, 521, 529, 530, 531, 532, 700, 33723, 34377, 34675, 37724),
    }
)
"""Tags that say how a TIFF stores its pixels, or hold other blocks; in another file they would be wrong."""
_SAYS_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)\d")
_IPTC = 0x0404
_IPTC_PLACES = frozenset({26, 27, 90, 92, 95, 100, 101})
"""Datasets of record 2: content location, city, sublocation, province, country."""
_RIGHTS = {
    "XMP-xmpRights:WebStatement": "xmpRights:WebStatement",
    "XMP-xmpRights:Marked": "xmpRights:Marked",
    "XMP-photoshop:Credit": "photoshop:Credit",
}
"""Single texts about rights that stay, beside who and whose; by our tag, the property."""
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">{}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True)
class Retained:
    """Blocks as a file holds them, empty where there is nothing to say."""

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    notes: tuple[str, ...] = ()


def retained(picture: Picture, metadata: Metadata, wanted: Retain, size: tuple[int, int]) -> Retained:
    """What stays of the picture's metadata in a result of this size."""
    if wanted is Retain.STRIP:
        return Retained()
    if wanted is Retain.COPYRIGHT:
        return _copyright(metadata)
    places = wanted is Retain.KEEP
    xmp = picture.xmp
    notes: tuple[str, ...] = ()
    if not places and xmp:
        found = without_places(xmp)
        xmp, notes = (found, ()) if found is not None else (b"", ("XMP left out: it cannot be read",))
    xmp = _SAYS_ORIENTATION.sub(rb"\g<1>1", xmp)
    return Retained(_exif(picture.exif, size, places=places), xmp, _iptc(picture.photoshop, places=places), notes)


def _exif(found: Image.Exif, size: tuple[int, int], *, places: bool) -> bytes:
    """The descriptive tags; the thumbnail, which shows the picture as it was, is left out."""
    kept = Image.Exif()
    for tag, value in found.items():
        if tag not in _OF_THE_PIXELS and tag not in {_ORIENTATION, _EXIF, _GPS}:
            kept[tag] = _text(value)
    details = {tag: _text(value) for tag, value in found.get_ifd(_EXIF).items()}
    for tag, pixels in zip((_WIDTH, _HEIGHT), size, strict=True):
        if tag in details:
            details[tag] = pixels
    if not places:
        details.pop(_MAKER_NOTE, None)
    if details:
        kept.get_ifd(_EXIF).update(details)
    if places and (gps := found.get_ifd(_GPS)):
        kept.get_ifd(_GPS).update(gps)
    return kept.tobytes() if len(kept) or details else b""


def _text(value: Any) -> Any:
    """Pillow reads texts as Latin-1, which loses no byte, and writes ASCII, which does."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def _copyright(metadata: Metadata) -> Retained:
    """New blocks that say only that, in every place where somebody may look."""
    text = metadata.text
    creators = text.creator if text else ()
    rights = (text and text.copyright) or ""
    exif = Image.Exif()
    if creators:
        exif[_ARTIST] = "; ".join(creators).encode()
    if rights:
        exif[_COPYRIGHT] = rights.encode()
    properties = "".join(_properties(creators, rights, metadata))
    return Retained(exif.tobytes() if len(exif) else b"", _PACKET.format(properties).encode() if properties else b"")


def _properties(creators: tuple[str, ...], rights: str, metadata: Metadata) -> Iterator[str]:
    if creators:
        items = "".join(f"<rdf:li>{_xml(each)}</rdf:li>" for each in creators)
        yield f"\n<dc:creator><rdf:Seq>{items}</rdf:Seq></dc:creator>"
    if rights:
        yield f'\n<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{_xml(rights)}</rdf:li></rdf:Alt></dc:rights>'
    for tag, name in _RIGHTS.items():
        if tag in metadata.tags:
            yield f"\n<{name}>{_xml(metadata.tags[tag].text)}</{name}>"


def _xml(text: str) -> str:
    """XML has no place for control characters."""
    return escape("".join(each for each in text if each >= " " or each in "\t\n"))


def _iptc(blocks: dict[int, bytes], *, places: bool) -> bytes:
    """Photoshop's segment of a JPEG with the IPTC block in it, whole or without places."""
    block = blocks.get(_IPTC, b"")
    if not places:
        block = b"".join(raw for number, raw in _datasets(block) if number not in _IPTC_PLACES)
    if not block:
        return b""
    return b"Photoshop 3.0\0" + struct.pack(">4sHHL", b"8BIM", _IPTC, 0, len(block)) + block + b"\0" * (len(block) % 2)


def _datasets(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each dataset of record 2, up to the first that is not one."""
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, number, length = struct.unpack_from(">BBH", block, at + 1)
        if length & 0x8000 or at + 5 + length > len(block):
            return
        yield (number if record == 2 else 0), block[at : at + 5 + length]
        at += 5 + length
