"""Which files are objects, and what they are called.

An object's name is its file's path below the root, with `/` between. File names are bytes and object names are text:
a byte that is not valid UTF-8 is written as U+FFFD and two hex digits (`caf<U+FFFD>E9.jpg`), and so are the three bytes
of a genuine U+FFFD, so that every name leads back to exactly one file. All other names stand as they are: nothing is
normalised, unquoted or folded.
"""

import re

_ODD = re.compile("[\ufffd\udc80-\udcff]")
_ESCAPE = re.compile(rb"\xef\xbf\xbd([0-9A-F]{2})")

_SYSTEM = frozenset({b"lost+found", b"@eaDir", b"Thumbs.db", b"desktop.ini"})
_TEMPORARY = (b"~", b".tmp", b".part", b".partial", b".crdownload", b".filepart", b".download")
_TEMPORARY_HEADS = (b".", b"~$", b"#")


def hidden(part: bytes) -> bool:
    """Whether a file or folder of this name is none of ours: dotfiles, what editors and downloads leave while they
    work (backup~, #autosave#, ~$lock, .tmp, .part), and the system's own."""
    return part in _SYSTEM or part.startswith(_TEMPORARY_HEADS) or part.lower().endswith(_TEMPORARY)


def name_of(path: bytes) -> str:
    """The object's name of a path below the root."""
    return _ODD.sub(_escaped, path.decode("utf-8", "surrogateescape"))


def path_of(name: str) -> bytes | None:
    """The path below the root of an object's name, or None where no file of ours can have that name.

    What comes back has no empty, hidden, `.` or `..` part: it cannot lead out of the root, unless through a link.
    """
    try:
        raw = name.encode()
    except UnicodeEncodeError:
        return None
    path = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), raw)
    legal = b"\0" not in path and all(part and not hidden(part) for part in path.split(b"/"))
    return path if legal and name_of(path) == name else None


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\ufffd{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))
