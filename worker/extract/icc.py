"""The name of an ICC profile: its description tag (ICC.1:2022, 7.3, 10.13; ICC.1:2001-04, 6.5.17)."""

import struct

HEAD = 16 * 1024
"""As much of a profile as is read: its name stands near the beginning, its tables of up to 2 MiB behind."""
_TAGS = 128
_MOST_TAGS = 200
_LONGEST = 200


def description(profile: bytes) -> str | None:
    """What the profile calls itself ("sRGB IEC61966-2.1", "Display P3"), or None where it does not say."""
    try:
        (count,) = struct.unpack_from(">I", profile, _TAGS)
        for index in range(min(count, _MOST_TAGS)):
            name, offset, length = struct.unpack_from(">4sII", profile, _TAGS + 4 + 12 * index)
            if name == b"desc":
                return _text(profile[offset : offset + length])
    except struct.error:
        pass  # the head of a profile is too short for what it promises: then it has no name
    return None


def _text(tag: bytes) -> str | None:
    """The first text of a `desc` (version 2) or `mluc` (version 4) element, if all of it is there."""
    if tag[:4] == b"mluc":
        length, offset = struct.unpack_from(">II", tag, 20)
        raw, encoding = tag[offset : offset + length], "utf-16-be"
    elif tag[:4] == b"desc":
        (length,) = struct.unpack_from(">I", tag, 8)
        raw, encoding = tag[12 : 12 + length], "latin-1"
    else:
        return None
    if len(raw) != length:
        return None
    return raw.decode(encoding, "replace").split("\0")[0].strip()[:_LONGEST] or None
