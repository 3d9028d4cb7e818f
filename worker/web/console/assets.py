"""What pages are made with beside their text: styles, scripts, the land map. All of it is in the package."""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"


@cache
def asset(name: str) -> tuple[bytes, str] | None:
    """The bytes and media type of an asset; None where there is none of that name."""
    if name not in names():
        return None
    return (FOLDER / name).read_bytes(), mimetypes.guess_type(name)[0] or "text/plain"


@cache
def names() -> frozenset[str]:
    """All there are. Nothing else of the file system can be asked for."""
    return frozenset(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file())


@cache
def address(name: str) -> str:
    """Where an asset is; another version of it has another address."""
    found = asset(name)
    if found is None:
        raise LookupError(name)
    return f"/static/{name}?{hashlib.sha256(found[0]).hexdigest()[:12]}"
