"""IPTC-IIM datasets to tags.

A dataset is a marker (0x1C), record and number, a length of two bytes (or, where its high bit is set, of as many
bytes as the rest of it says), and the value. IPTC-NAA IIM 4.2, chapter 2.
"""

import hashlib
import re
from collections.abc import Sequence

from worker.extract.iptc_datasets import CHARACTER_SET, DATASETS, ESCAPES, Form
from worker.model import Block, BlockStatus, Limits, Tag, TagValue

Tags = dict[str, Tag]
Found = list[tuple[tuple[int, int], bytes]]

MAX_DATASETS = 10_000
_MARKER = 0x1C
_UTF8 = b"\x1b%G"
_LONG = 0x8000
_LONGEST_LENGTH = 4


def read(blocks: Sequence[bytes], limits: Limits) -> tuple[Tags, Block]:
    """The tags of the first block that holds any dataset, and how reading went. Never raises."""
    damage: str | None = None
    for block in blocks:
        found, damage = _datasets(_unswapped(block))
        if found:
            tags = _tags(found, limits.tag_bytes)
            return tags, Block(BlockStatus.PARTIAL, damage) if damage else Block(BlockStatus.OK)
    return {}, Block(BlockStatus.FAILED, damage) if damage else Block(BlockStatus.ABSENT)


def _unswapped(block: bytes) -> bytes:
    """The block in its own byte order: some TIFF writers store it as 32-bit numbers, little-endian."""
    if block[:1] == bytes([_MARKER]) or block[3:4] != bytes([_MARKER]):
        return block
    whole = block[: len(block) // 4 * 4]
    swapped = bytearray(len(whole))
    for place in range(4):
        swapped[place::4] = whole[3 - place :: 4]
    return bytes(swapped)


def _datasets(block: bytes) -> tuple[Found, str | None]:
    """The datasets of a block, and what ended the walk early; zeros behind the last one are padding."""
    found: Found = []
    at = 0
    while at + 5 <= len(block) and block[at] == _MARKER:
        if len(found) == MAX_DATASETS:
            return found, f"too_many: more than {MAX_DATASETS} datasets"
        key = (block[at + 1], block[at + 2])
        length = block[at + 3] << 8 | block[at + 4]
        at += 5
        if length & _LONG:
            width = length - _LONG
            if width > _LONGEST_LENGTH:
                return found, "ill_formed: the length of a dataset is out of range"
            length = int.from_bytes(block[at : at + width])
            at += width
        if at + length > len(block):
            return found, "cut: a dataset ends behind its block"
        found.append((key, block[at : at + length]))
        at += length
    if block[at:].strip(b"\0 "):
        return found, "ill_formed: bytes that are no dataset"
    return found, None


def _tags(found: Found, tag_bytes: int) -> Tags:
    """Tags by name. What may repeat is always a list; of what may not, the last one counts."""
    charset = next((value for key, value in found if key == CHARACTER_SET), b"")
    tags: Tags = {}
    lists: dict[str, tuple[list[TagValue], list[str]]] = {}
    for number, raw in found:
        dataset = DATASETS.get(number)
        if dataset is None:
            continue
        value, text = _value(dataset.form, raw, charset, tag_bytes)
        if dataset.repeats:
            values, texts = lists.setdefault(dataset.key, ([], []))
            values.append(value)
            texts.append(text)
            value = values
        tags[dataset.key] = Tag(dataset.id, "iptc", value, text)
    for key, (values, texts) in lists.items():
        tags[key] = Tag(tags[key].id, "iptc", values, ", ".join(texts))
    return tags


def _value(form: Form, raw: bytes, charset: bytes, tag_bytes: int) -> tuple[TagValue, str]:
    """The typed value and the text of one dataset."""
    if form == "binary" or len(raw) > tag_bytes:
        return {"omitted": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}, ""
    if form == "number":
        number = int.from_bytes(raw[:8])
        return number, str(number)
    text = _decoded(raw, charset)
    if form == "text":
        return text, text
    return _date(text) if form == "date" else _time(text), text


def _decoded(raw: bytes, charset: bytes) -> str:
    """Text: UTF-8 wherever it is valid UTF-8, else by the escape sequence in 1:90, else Windows-1252.

    Valid UTF-8 outside ASCII is never another encoding by chance, whatever 1:90 says. A character cut in half at
    the end, by a writer that fills a field to its last byte, does not count against it. A NUL is left out of
    ASCII: most are padding, others every second byte of UTF-16. In other text it is the end, as in ExifTool.
    """
    raw = raw.replace(b"\0", b"") if raw.isascii() else raw.partition(b"\0")[0]
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        whole = raw[: error.start]
        if error.reason == "unexpected end of data" and (charset == _UTF8 or not whole.isascii()):
            text = whole.decode()
        else:
            text = raw.decode(ESCAPES.get(charset, "cp1252"), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


_DATE = re.compile(r"(\d{4})[-:]?(\d\d)[-:]?(\d\d)")
_TIME = re.compile(r"(\d\d):?(\d\d)(?::?(\d\d)(\.\d{1,6})?)?\s?(?:([+-]\d\d):?(\d\d)|(Z))?")


def _date(text: str) -> TagValue:
    """CCYYMMDD as ISO 8601: `2004-02-26`; a day or month of 00 is not known and left out. None if impossible."""
    match = _DATE.fullmatch(text)
    if not match or match[1] == "0000" or match[2] > "12" or match[3] > "31":
        return None
    if match[2] == "00":
        return match[1]
    return f"{match[1]}-{match[2]}" if match[3] == "00" else "-".join(match.groups())


def _time(text: str) -> TagValue:
    """HHMMSS±HHMM as ISO 8601: `15:12:02+01:00`. None if impossible."""
    match = _TIME.fullmatch(text)
    if not match or match[1] > "23" or match[2] > "59" or (match[3] or "00") > "59":
        return None
    zone = f"{match[5]}:{match[6]}" if match[5] else match[7] or ""
    return f"{match[1]}:{match[2]}:{match[3] or '00'}{match[4] or ''}{zone}"
