"""A bounded XML reader for XMP packets: bytes to a tree, however damaged the bytes are.

The standard library's builder, which is expat and a tree in C, does the reading: Python sees finished trees only.
What an XMP packet has no use for and an attacker has (a document type, and with it entities) is refused; depth and
number of nodes are bounded. A packet that is not well-formed is mended once, by what is known to go wrong in
practice; if that does not help, `xml_salvage` reads what still makes sense of it.
"""

import re
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element
from xml.parsers import expat

from worker.extract import xml_salvage
from worker.extract.budget import Budget

MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_SALVAGED = 20_000
"""Of a damaged packet, which is read in Python."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The elements read, with names in the form `{namespace}local`, and the text they were read from.

    Where the text is not well-formed, `damage` says why, and `unfinished` are the elements that were not read whole.
    """

    roots: list[Element]
    document: bytes
    damage: str | None = None
    unfinished: AbstractSet[Element] = frozenset()


class RefusedXml(Exception):
    """The packet asks for what no XMP packet needs: a document type, entities, great depth, too many nodes."""


def parse(packet: bytes, budget: Budget) -> Tree:
    """The tree of one packet.

    Raises RefusedXml, and Spent where the budget is.
    """
    document = _utf8(packet)
    budget.check()
    if b"<!DOCTYPE" in document:
        _refuse_doctype(document)
    large = len(document) > MAX_NODES
    if large and _nodes(document) > MAX_NODES:
        raise RefusedXml(f"more than {MAX_NODES} elements and attributes")
    try:
        roots = [_read(document)]
    except ET.ParseError:
        return _parse_damaged(document, budget)
    if large or document.count(b"</") >= MAX_DEPTH:
        _bound(roots)
    return Tree(roots, document)


def _parse_damaged(document: bytes, budget: Budget) -> Tree:
    """The tree of a packet that is not well-formed: of its mended form, or what can be salvaged from that."""
    budget.check()
    mended = _mended(document)
    try:
        tree = Tree(list(_read(_enclosed(mended).encode())), document)
    except ET.ParseError as error:
        roots, unfinished = xml_salvage.read(mended, budget, MAX_SALVAGED, MAX_DEPTH)
        damage = f"{expat.ErrorString(error.code)} in line {error.position[0]}"
        tree = Tree(roots, document, damage, unfinished)
    _bound(tree.roots)
    return tree


def _read(document: bytes) -> Element:
    parser = ET.XMLParser(encoding="utf-8")  # noqa: S314 -- entities need a document type: it was refused
    parser.feed(document)
    root: Element = parser.close()
    return root


def _bound(roots: list[Element]) -> None:
    """Refuse a tree that is too deep or too large."""
    level, depth, nodes = roots, 0, 0
    while level:
        depth += 1
        nodes += len(level) + sum([len(element.keys()) for element in level])
        if nodes > MAX_NODES:
            raise RefusedXml(f"more than {MAX_NODES} elements and attributes")
        if depth > MAX_DEPTH:
            raise RefusedXml(f"elements nest deeper than {MAX_DEPTH}")
        level = [child for element in level for child in element]


def _nodes(document: bytes) -> int:
    """How many elements and attributes there may be: tags that close nothing, and signs of equality."""
    others = sum([document.count(begin) for begin in (b"</", b"<!", b"<?")])
    return document.count(b"<") - others + document.count(b"=")


def _refuse_doctype(document: bytes) -> None:
    """Refuse a packet that declares a document type, which stands before the first element; in a text it may."""
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = _begun
    with suppress(_Begun, expat.ExpatError):  # the reader will meet the damage again
        parser.Parse(document, True)


def _refuse(*_: object) -> NoReturn:
    raise RefusedXml("it declares a document type")


class _Begun(Exception):
    """The first element begins."""


def _begun(*_: object) -> NoReturn:
    raise _Begun


# --- bytes to UTF-8 ----------------------------------------------------------------------------------------

_SINGLE_BYTE = re.compile(rb"<\?xml[^>]{0,99}?encoding=[\"'](?:iso-8859-1|windows-1252)[\"']", re.IGNORECASE)


def _utf8(packet: bytes) -> bytes:
    """The packet from its first `<` on, in UTF-8; XMP allows UTF-16 and UTF-32 in either byte order too.

    Without trailer and padding, which is half of most packets.
    """
    start = max(packet.find(b"<"), 0)
    encoding = _wide_encoding(packet, start)
    if encoding is None:
        trailer = packet.rfind(b"<?xpacket end", start)
        document = packet[start : packet.rfind(b">", start, trailer if trailer > start else None) + 1]
        if _SINGLE_BYTE.match(document):
            return document.decode("cp1252", "replace").encode()
        return document
    text = packet.decode(encoding, "replace")
    return text[max(text.find("<"), 0) :].encode()


def _wide_encoding(packet: bytes, start: int) -> str | None:
    """Which of UTF-16 and UTF-32 the bytes around the first `<` show, or None for bytes of one each."""
    after = packet[start + 1 : start + 4]
    if after == b"\0\0\0":
        return "utf-32-be" if start % 4 else "utf-32-le"
    if after[:1] == b"\0":
        return "utf-16-be" if start % 2 else "utf-16-le"
    return None


# --- damage ------------------------------------------------------------------------------------------------

_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));")
_SLASH_IN_NAME = re.compile(r"(</?[A-Za-z][\w:.-]{0,99})/(?=[A-Za-z])")  # DxO: exif:TIFF/EPStandardID
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}\?>")
_ROOT = re.compile(r"<([A-Za-z_][\w:.-]{0,99})")
_PREFIX = re.compile(r"[<\s]([A-Za-z_][\w.-]{0,99}):")
_MOST_PREFIXES = 1000


def _mended(document: bytes) -> str:
    """The document without the damage that is common: bad UTF-8, control characters, bare `&`, `/` in names.

    Where not one character is UTF-8, all were written in a single-byte encoding. NUL, which ends texts, becomes a
    blank, as do references to characters that XML forbids; any other damaged character becomes U+FFFD. XML
    declarations, and what follows the last end of the root's name, go.
    """
    try:
        text = document.decode()
    except UnicodeDecodeError:
        is_single_byte = document.decode("utf-8", "ignore").isascii()
        text = document.decode("cp1252" if is_single_byte else "utf-8", "replace")
    text = _CONTROL.sub("\ufffd", _trimmed(text).replace("\0", " "))
    text = _BARE_AMPERSAND.sub("&amp;", text)
    text = _SLASH_IN_NAME.sub(r"\1_", text)
    text = _REFERENCE.sub(_legal_reference, text)
    return _DECLARATION.sub("", text)


def _trimmed(text: str) -> str:
    """The text up to the last end of what has the root's name: padding follows, or another packet's head."""
    root = _ROOT.search(text)
    end = f"</{root[1]}>" if root else ""
    before, found, _ = text.rpartition(end) if end else ("", "", "")
    return before + found if found else text


def _legal_reference(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    legal = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return match[0] if legal else " "


def _enclosed(text: str) -> str:
    """The text in an element that declares all prefixes: those that the text itself declares nobody else does."""
    prefixes = list(dict.fromkeys(_PREFIX.findall(text)))[:_MOST_PREFIXES]
    declared = "".join(f' xmlns:{prefix}="{prefix}:"' for prefix in prefixes if not prefix.lower().startswith("xml"))
    return f"<packet{declared}>{text}</packet>"
