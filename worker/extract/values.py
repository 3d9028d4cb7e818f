"""From what a TIFF field holds to what a document may hold: one type per tag, null where there is no value.

Rules (with the files they come from in docs/extraction): rationals are floats and undefined ones null, never 0,
which would put 0/0 positions on null island; text is UTF-8, else Windows-1252, up to NUL; a large or binary value
is left out with its length and hash in its place. What is not kept as a value is kept as text.
"""

import hashlib
import math
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from worker.model import TagValue

_INT64 = range(-(2**63), 2**63)


def fraction(num: int, den: int) -> str:
    """A fraction in lowest terms, as exifread prints it; undefined ones as they stand."""
    if den == 0:
        return f"{num}/0"
    divisor = math.gcd(num, den) if den > 0 else -math.gcd(num, den)
    return str(num // den) if divisor == den else f"{num // divisor}/{den // divisor}"


def ratio(num: int, den: int) -> tuple[float | None, str]:
    """The value of a fraction, None where it is undefined, and its text."""
    if den == 1:
        return float(num), str(num)
    return num / den if den else None, fraction(num, den)


class Rational(NamedTuple):
    """A fraction as the file has it. exifread's Ratio prints the same but reduces at once, which costs 4 us each."""

    num: int
    den: int

    def __repr__(self) -> str:
        """A list of fractions prints like exifread's."""
        return fraction(self.num, self.den)

    def __str__(self) -> str:
        """And so does a single one."""
        return fraction(self.num, self.den)


class Omitted(NamedTuple):
    """What stands for a value that is too large or binary; `sha256` is None where hashing would need a fetch."""

    length: int
    sha256: str | None

    @classmethod
    def of(cls, data: bytes) -> "Omitted":
        """The place holder of these bytes."""
        return cls(len(data), hashlib.sha256(data).hexdigest())

    def value(self) -> TagValue:
        """As a document holds it."""
        return {"omitted": self.length, "sha256": self.sha256} if self.sha256 else {"omitted": self.length}

    def __str__(self) -> str:
        """For people."""
        return f"({self.length} bytes)"


# --- types of fields ---------------------------------------------------------------------------------------

BYTE, ASCII, RATIONAL, UNDEFINED, SRATIONAL, UTF8 = 1, 2, 5, 7, 10, 129

FIELDS: dict[int, str] = {
    BYTE: "BYTE",
    ASCII: "ASCII",
    3: "SHORT",
    4: "LONG",
    RATIONAL: "RATIONAL",
    6: "SBYTE",
    UNDEFINED: "UNDEFINED",
    8: "SSHORT",
    9: "SLONG",
    SRATIONAL: "SRATIONAL",
    11: "FLOAT",
    12: "DOUBLE",
    13: "IFD",
    16: "LONG8",
    17: "SLONG8",
    18: "IFD8",
    UTF8: "UTF-8",
}
"""The field types of TIFF 6.0 and its supplements, of BigTIFF (16 to 18) and of Exif 3.0 (129)."""

CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
"""struct's letters for the types that are numbers."""
RATIONALS = {RATIONAL: "I", SRATIONAL: "i"}
"""struct's letters for each half."""
TEXTUAL = frozenset({ASCII, UTF8})
SIZES = {kind: struct.calcsize("=" + letter) for kind, letter in CODES.items()} | {
    **dict.fromkeys((BYTE, ASCII, UNDEFINED, UTF8), 1),
    **dict.fromkeys(RATIONALS, 8),
}
"""Bytes of one value."""
SMALL_INTEGERS = frozenset({1, 3, 4, 6, 8, 9, 13})
"""Types whose numbers fit into a directory's slot, and into 64 bits with a sign."""


# --- text --------------------------------------------------------------------------------------------------


def text(raw: bytes, name: str = "") -> str:
    """The text up to the first NUL: UTF-8 where it is valid, else Windows-1252, else Latin-1.

    Copyright has two parts, the photographer's and, after a NUL, the editor's (Exif 2.32, 4.6.5.4.5): a line each.
    """
    first, _, second = raw.partition(b"\0")
    if name == "Copyright" and second.strip(b"\0 "):
        return decode(first) + "\n" + text(second)
    return first.decode() if first.isascii() else decode(first)


def decode(raw: bytes) -> str:
    """The bytes as UTF-8 where that is valid, else as Windows-1252, else as Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def utf16(raw: bytes, encoding: str = "utf-16-le") -> str:
    """UTF-16 text up to NUL; a unit without its second half, or an odd last byte, is replaced or dropped."""
    return raw[: len(raw) // 2 * 2].decode(encoding, "replace").partition("\0")[0]


def comment(raw: bytes, order: str) -> str:
    """UserComment and its like: eight bytes of character code, then text (Exif 2.32, 4.6.5.6.2).

    Many writers leave the code out or blank: such a text is read like any other. `order` is the TIFF's, "<" or ">".
    """
    code, body = raw[:8].rstrip(b"\0 ").upper(), raw[8:]
    if code == b"UNICODE":
        return _unicode_comment(body, order)
    if code == b"JIS":
        return _jis(body)
    coded = code == b"ASCII" or raw[:1] == b"\0"
    return text(body if coded else raw).rstrip()


def _unicode_comment(body: bytes, order: str) -> str:
    """UTF-16 in the order of its mark, else of the TIFF, else (CJK and Latin alike vary less in the high byte)
    the other one: cameras and editors disagree about which it is."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return utf16(body[2:], "utf-16-le" if body[0] == 0xFF else "utf-16-be").rstrip()
    even, odd = len(set(body[::2])), len(set(body[1::2]))
    big = even < odd or (even == odd and order == ">")
    return utf16(body, "utf-16-be" if big else "utf-16-le").rstrip()


def _jis(body: bytes) -> str:
    """JIS X 0208 by ISO 2022, as the standard wants it, or by Shift-JIS, as some write it."""
    for encoding in ("iso2022_jp", "shift_jis"):
        try:
            return body.decode(encoding).partition("\0")[0].rstrip()
        except UnicodeDecodeError:
            continue
    return text(body).rstrip()


Reader = Callable[[bytes, str], str]


def _plain(raw: bytes, _order: str) -> str:
    return text(raw)


def _xp(raw: bytes, _order: str) -> str:
    return utf16(raw)


COMMENTS = frozenset({"UserComment", "GPSProcessingMethod", "GPSAreaInformation"})

TEXTS: dict[str, Reader] = {
    **dict.fromkeys(COMMENTS, comment),
    **dict.fromkeys(("XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"), _xp),
    **dict.fromkeys(("ExifVersion", "FlashpixVersion", "InteropVersion"), _plain),
    **dict.fromkeys(("LocalizedCameraModel", "OriginalRawFileName", "CameraCalibrationSig"), _plain),
    **dict.fromkeys(("ProfileCalibrationSig", "AsShotProfileName", "ProfileName", "ProfileCopyright"), _plain),
    **dict.fromkeys(("PreviewApplicationName", "PreviewApplicationVersion", "PreviewSettingsName"), _plain),
}
"""Tags whose bytes (BYTE or UNDEFINED) are text, and how to read it."""


# --- values ------------------------------------------------------------------------------------------------

SHORT_BYTES = 64
"""More BYTE or UNDEFINED values than this are a blob, not a list that anybody reads."""


def content(kind: int, count: int, raw: bytes, order: str) -> str | Omitted | list[Any]:
    """A value in the form that exifread's printing functions know: text, or a list of numbers."""
    if kind in TEXTUAL:
        return text(raw)
    if kind in RATIONALS:
        numbers = struct.unpack(f"{order}{2 * count}{RATIONALS[kind]}", raw)
        return [Rational(num, den) for num, den in zip(numbers[::2], numbers[1::2], strict=True)]
    if kind in CODES and (kind != BYTE or count <= SHORT_BYTES):
        return [*struct.unpack(f"{order}{count}{CODES[kind]}", raw)]
    return list(raw) if count <= SHORT_BYTES else Omitted.of(raw)


def typed(content: str | Omitted | list[Any]) -> TagValue:
    """The same as a document holds it: one number by itself, none as null."""
    if isinstance(content, str):
        return content
    if isinstance(content, Omitted):
        return content.value()
    return number(content[0]) if len(content) == 1 else [number(each) for each in content] or None


def number(value: float | Rational) -> float | None:
    """The number where a document can hold it, else None: 0/0, n/0, infinity, not a number, over 64 bits."""
    if isinstance(value, Rational):
        return value.num / value.den if value.den else None
    if isinstance(value, int):
        return value if value in _INT64 else None
    return value if math.isfinite(value) else None
