"""Small writers of XMP packets and IPTC-IIM datasets, and what puts metadata into JPEG and PNG files.

Sources: ISO 16684-1 (XMP), IPTC-IIM 4.2, EXIF 3.0 section 4.7 (JPEG), the PNG specification, third edition.
"""

import struct
import zlib
from xml.sax.saxutils import escape, quoteattr

_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "drone-dji": "http://www.dji.com/drone-dji/1.0/",
}
_APP1, _APP13 = 0xE1, 0xED
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP_HEAD = b"Photoshop 3.0\0"
_IPTC_RESOURCE = 0x0404

Property = str | list[str] | dict[str, str]


def xmp(properties: dict[str, Property]) -> bytes:
    """A packet of `prefix:name` properties: a text is an attribute, a list a bag, a mapping texts by language."""
    used = {name.split(":")[0] for name in properties}
    spaces = " ".join(f"xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in _NAMESPACES.items() if prefix in used)
    simple = [f"{name}={quoteattr(value)}" for name, value in properties.items() if isinstance(value, str)]
    nested = [_nested(name, value) for name, value in properties.items() if not isinstance(value, str)]
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {" ".join(simple)}>{"".join(nested)}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def _nested(name: str, value: list[str] | dict[str, str]) -> str:
    if isinstance(value, dict):
        items = "".join(f'<rdf:li xml:lang="{lang}">{escape(text)}</rdf:li>' for lang, text in value.items())
        return f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>"
    kind = "Seq" if name == "dc:creator" else "Bag"
    return f"<{name}><rdf:{kind}>{''.join(f'<rdf:li>{escape(text)}</rdf:li>' for text in value)}</rdf:{kind}></{name}>"


def iptc(datasets: list[tuple[int, str]]) -> bytes:
    """Datasets of record 2 in UTF-8, which 1:90 declares."""
    out = b"\x1c\x01\x5a" + struct.pack(">H", 3) + b"\x1b%G"
    for number, value in datasets:
        data = value.encode()
        out += struct.pack(">BBBH", 0x1C, 2, number, len(data)) + data
    return out


def with_jpeg_metadata(jpeg: bytes, exif: bytes = b"", xmp: bytes = b"", iptc: bytes = b"") -> bytes:
    """The JPEG with the blocks as its first segments, where cameras put them."""
    segments = b""
    if exif:
        segments += _segment(_APP1, b"Exif\0\0" + exif)
    if xmp:
        segments += _segment(_APP1, _XMP_HEAD + xmp)
    if iptc:
        resource = b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
        segments += _segment(_APP13, _PHOTOSHOP_HEAD + resource)
    return jpeg[:2] + segments + jpeg[2:]


def with_png_metadata(png: bytes, exif: bytes, xmp: bytes) -> bytes:
    """The PNG with an eXIf and an XMP iTXt chunk behind its header."""
    header_end = 8 + 12 + 13
    text = b"XML:com.adobe.xmp\0" + b"\0\0" + b"\0" + b"\0" + xmp
    return png[:header_end] + _chunk(b"eXIf", exif) + _chunk(b"iTXt", text) + png[header_end:]


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
