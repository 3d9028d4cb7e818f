"""What people wrote about a picture: one text per meaning, out of IPTC, XMP and EXIF.

The order is the Metadata Working Group's (Guidelines for Handling Image Metadata 2.0, chapter 5) for files whose
IPTC digest is not checked: EXIF, then IPTC, then XMP. Three things outrank it: a sidecar, a full text over the same
text cut by a field of limited size, and any text over what a camera fills in by itself.
"""

import re
from collections.abc import Iterator

from worker.extract.lookup import SIDECAR, Sources, Tags, number_of, text_of
from worker.model import Text

_TITLE = ("IPTC:ObjectName", "XMP-dc:title", "IFD0:XPTitle", "ExifIFD:ImageTitle")
_DESCRIPTION = (
    "IFD0:ImageDescription",
    "IPTC:Caption-Abstract",
    "XMP-dc:description",
    "XMP-tiff:ImageDescription",
    "IFD0:XPComment",
    "IFD0:XPSubject",
)
_CREATOR = ("IFD0:Artist", "IPTC:By-line", "XMP-dc:creator", "XMP-tiff:Artist", "IFD0:XPAuthor")
_COPYRIGHT = ("IFD0:Copyright", "IPTC:CopyrightNotice", "XMP-dc:rights", "XMP-tiff:Copyright")
_KEYWORDS = ("XMP-dc:subject", "IPTC:Keywords", "IFD0:XPKeywords", "XMP-microsoft:LastKeywordXMP")
_STARS = ("XMP-xmp:Rating", "IFD0:Rating")
_PERCENT = ("XMP-microsoft:Rating", "IFD0:RatingPercent")
_ALL = frozenset(_TITLE + _DESCRIPTION + _CREATOR + _COPYRIGHT + _KEYWORDS + _STARS + _PERCENT)

_MOST_KEYWORDS = 1000
_KEYWORD_BYTES = 64
"""Size of IPTC's field; a keyword that fills it may be the beginning of a longer one."""
_SHORTEST_CUT = 30
"""The smallest of IPTC's fields has 32 bytes: an equal beginning shorter than that is no cut."""

_BY_CAMERA = re.compile(
    r"(?:olympus digital camera|sony dsc|dsc_?\d*|dcim[\\/].*|minolta digital camera|konica minolta digital camera|"
    r"kodak .*digital (?:still )?camera|samsung (?:camera|digimax.*)?|digital camera|default|untitled|"
    r"exif[ _]jpeg.*|jpeg picture|created with (?:the )?gimp.*|"
    r"bty|btf|cof|dav|edf|fbt|hdrpl|jpn|mde|nor|oznor\w*|ptr|rhdr|rpt|sdr|"  # Huawei's codes for how it was processed
    r"<?keywords?>?|ascii|\(?c\)?|copyright|\[none\].*|unknown|none|<[a-z]+>|[\W_]*|\d+(?:\.\d+){2,})",
    re.IGNORECASE,
)
"""Descriptions and names that firmware or software writes into every picture.

UserComment is no description at all: most that are filled in hold a camera's own notes.
"""


def text(tags: Tags) -> tuple[Text | None, Sources]:
    """The texts, and the tags they came from; None if nobody wrote anything."""
    sources: Sources = {}
    if _ALL.isdisjoint(tags):
        return None, sources
    title = _pick(tags, "title", _TITLE, sources)
    description = _pick(tags, "description", _DESCRIPTION, sources)
    notice = _pick(tags, "copyright", _COPYRIGHT, sources)
    creator = _creator(tags, sources)
    keywords = _keywords(tags, sources)
    rating = _rating(tags, sources)
    if not sources:
        return None, sources
    return Text(title, description, keywords, creator, notice, rating), sources


def _edited(tags: Tags, name: str) -> bool:
    """Whether the tag came from a sidecar."""
    return name in tags and tags[name].type == SIDECAR


def _pick(tags: Tags, field: str, names: tuple[str, ...], sources: Sources) -> str | None:
    """The first text that a person wrote, or a fuller form of it from a later place."""
    found = [(text_of(tags, name), name) for name in names if name in tags]
    written = [(value, name) for value, name in found if value and not _BY_CAMERA.fullmatch(value)]
    if not written:
        return None
    value, name = next((one for one in written if _edited(tags, one[1])), written[0])
    if len(value) >= _SHORTEST_CUT and not _edited(tags, name):
        value, name = max((one for one in written if one[0].startswith(value)), key=lambda one: len(one[0]))
    sources[f"text.{field}"] = name
    return value


def _texts(tags: Tags, name: str) -> Iterator[str]:
    """The items of a list, or of a text with semicolons between them as Windows and EXIF's Artist have it."""
    value = tags[name].value
    if isinstance(value, list):
        items = [item for item in value if isinstance(item, str)]
    else:
        items = (text_of(tags, name) or "").split(";")
    return (stripped for item in items if (stripped := item.strip()))


def _creator(tags: Tags, sources: Sources) -> tuple[str, ...]:
    names = [name for name in _CREATOR if name in tags]
    names.sort(key=lambda name: not _edited(tags, name))
    for name in names:
        if people := tuple(dict.fromkeys(who for who in _texts(tags, name) if not _BY_CAMERA.fullmatch(who))):
            sources["text.creator"] = name
            return people
    return ()


def _keywords(tags: Tags, sources: Sources) -> tuple[str, ...]:
    """The keywords of all places, each once whatever its case; those of a sidecar alone, if it has any."""
    names = [name for name in _KEYWORDS if name in tags]
    edited = [name for name in names if _edited(tags, name)]
    seen: dict[str, str] = {}
    used = []
    for name in edited or names:
        before = len(seen)
        for keyword in _texts(tags, name):
            if len(seen) < _MOST_KEYWORDS and not _is_cut(keyword, seen):
                seen.setdefault(keyword.casefold(), keyword)
        if len(seen) > before:
            used.append(name)
    if used:
        sources["text.keywords"] = ", ".join(used)
    return tuple(seen.values())


def _is_cut(keyword: str, seen: dict[str, str]) -> bool:
    """Whether this is the beginning of a known keyword, cut at the size of IPTC's field."""
    if len(keyword.encode()) < _KEYWORD_BYTES - 3:
        return False
    return any(known.startswith(keyword.casefold()) for known in seen)


def _rating(tags: Tags, sources: Sources) -> float | None:
    """Stars from -1 (rejected) over 0 (not rated) to 5; Windows' percents are 1, 25, 50, 75, 99."""
    for name in _STARS:
        stars = number_of(tags, name)
        if stars is not None and -1 <= stars <= 5:
            sources["text.rating"] = name
            return float(stars)
    for name in _PERCENT:
        percent = number_of(tags, name)
        if percent is not None and 0 <= percent <= 100:
            sources["text.rating"] = name
            return 0.0 if percent < 1 else 1.0 + round(percent / 25)
    return None
