"""A bounded XML reader for XMP packets: bytes to a tree, however damaged the bytes are.

Expat does the reading. What an XMP packet has no use for and an attacker has (a document type, and with it
entities) is refused; depth and number of nodes are bounded. A packet that is not well-formed is mended once, by
what is known to go wrong in practice; if that does not help, the tree holds what came before the damage.
"""

import re
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from worker.extract.budget import Budget

MAX_DEPTH = 64
MAX_NODES = 200_000
_NODES_PER_CHECK = 1024


class Element:
    """An element: its name with prefix, its attributes, and its children or, where it has none, its text.

    `text` is None until the element's end was seen: what is None in a finished tree was cut off by the damage.
    """

    __slots__ = ("attributes", "children", "name", "text")
    name: str
    attributes: dict[str, str]
    children: list["Element"]
    text: str | None


_NONE: list[Element] = []
"""The children of every element without any: most are leaves, and a list for each would be half of a tree's memory."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The elements read; where reading ended early, `damage` says why."""

    roots: list[Element]
    damage: str | None = None


class RefusedXml(Exception):
    """The packet asks for what no XMP packet needs: a document type, entities, great depth, too many nodes."""


def parse(packet: bytes, budget: Budget) -> Tree:
    """The tree of one packet.

    Raises RefusedXml, and Spent where the budget is.
    """
    document = _utf8(packet)
    tree = _Reader(budget).read(document)
    if tree.damage is None:
        return tree
    mended = _mended(document)
    return _Reader(budget).read(mended) if mended != document else tree


class _Reader:
    """Builds the tree from expat's events; one per document."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._top = Element()
        self._top.children = _NONE
        self._open = [self._top]
        self._nodes = 0
        self._next_check = _NODES_PER_CHECK
        self._text: list[str] = []

    def read(self, document: bytes) -> Tree:
        parser = expat.ParserCreate("utf-8", intern={})
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append  # a method of C: most calls are for blanks between elements
        parser.StartDoctypeDeclHandler = _refuse_doctype
        damage = None
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            whole = self._top.children and len(self._open) == 1  # then it is padding, or another packet's head
            damage = None if whole else f"{expat.ErrorString(error.code)} in line {error.lineno}"
        return Tree(self._top.children, damage)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element()  # filled in here, because a constructor would cost as much as all the rest
        element.name, element.attributes, element.children, element.text = name, attributes, _NONE, None
        stack = self._open
        parent = stack[-1]
        if parent.children is _NONE:
            parent.children = [element]
        else:
            parent.children.append(element)
        stack.append(element)
        self._text.clear()
        self._nodes += 1 + len(attributes)
        if len(stack) > MAX_DEPTH:
            raise RefusedXml(f"elements nest deeper than {MAX_DEPTH}")
        if self._nodes > self._next_check:
            self._pause()

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        element.text = "" if element.children else "".join(self._text)
        self._text.clear()

    def _pause(self) -> None:
        if self._nodes > MAX_NODES:
            raise RefusedXml(f"more than {MAX_NODES} elements and attributes")
        self._budget.check()
        self._next_check = self._nodes + _NODES_PER_CHECK


def _refuse_doctype(*_: object) -> NoReturn:
    raise RefusedXml("it declares a document type")


# --- bytes to UTF-8 ----------------------------------------------------------------------------------------

_SINGLE_BYTE = re.compile(rb"<\?xml[^>]{0,99}?encoding=[\"'](?:iso-8859-1|windows-1252)[\"']", re.IGNORECASE)


def _utf8(packet: bytes) -> bytes:
    """The packet from its first `<` on, in UTF-8; XMP allows UTF-16 and UTF-32 in either byte order too."""
    start = max(packet.find(b"<"), 0)
    encoding = _wide_encoding(packet, start)
    if encoding is None:
        document = packet[start:] if start else packet
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


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));")
_SLASH_IN_NAME = re.compile(r"(</?[A-Za-z][\w:.-]{0,99})/(?=[A-Za-z])")  # DxO: exif:TIFF/EPStandardID
_INNER_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}\?>")


def _mended(document: bytes) -> bytes:
    """The document without the damage that is common: bad UTF-8, control characters, bare `&`, `/` in names.

    Where not one character is UTF-8, all were written in a single-byte encoding. References to characters that
    XML forbids, and XML declarations behind the start, go as well.
    """
    try:
        text = document.decode()
    except UnicodeDecodeError:
        is_single_byte = document.decode("utf-8", "ignore").isascii()
        text = document.decode("cp1252" if is_single_byte else "utf-8", "replace")
    text = _CONTROL.sub(" ", text)
    text = _BARE_AMPERSAND.sub("&amp;", text)
    text = _SLASH_IN_NAME.sub(r"\1_", text)
    text = _REFERENCE.sub(_legal_reference, text)
    return _INNER_DECLARATION.sub("", text).encode()


def _legal_reference(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    legal = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return match[0] if legal else " "
