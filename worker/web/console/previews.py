"""Pictures to look at: the preview in a file, or the file itself where it is small and of a kind that browsers read.

Whatever comes out is of a picture's media type by its own first bytes, and no browser runs anything in it. A huge file
is never read whole.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from worker.document import ref_of
from worker.errors import WorkerError
from worker.extract.sniff import LENGTH, Kind, sniff
from worker.extract.window import Window
from worker.model import Limits
from worker.ports import ObjectStore
from worker.web.console import assets, jpeg
from worker.web.console.embedded import previews
from worker.web.console.pages import document_of, site_of, viewer_of
from worker.web.viewer import Precision

router = APIRouter()

_PREVIEW_BYTES = {"small": 256 * 1024, "large": 2 * 1024 * 1024}
"""Of a preview in a file, at most."""
_WHOLE_BYTES = {"small": 1024 * 1024, "large": 6 * 1024 * 1024}
"""Of an object that is shown itself, at most."""
_LIMITS = Limits(
    whole_object=64 * 1024,
    first_read=64 * 1024,
    total_bytes=8 * 1024 * 1024,
    reads=10,
    seconds=0.5,
    inflated_bytes=1024,
)
_SAFE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"})
"""What browsers show and never run."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
}
_KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
_AGAIN = {"Cache-Control": "private, max-age=60"}


@router.get("/previews/{size}/{key}/{generation}")
def preview(request: Request, size: str, key: str, generation: int) -> Response:
    """A picture of that generation, or one that says that there is none."""
    fields = document_of(request, key)
    if size not in _PREVIEW_BYTES or fields is None or fields.get("generation") != generation:
        return _none()
    exact = viewer_of(request).position is Precision.EXACT
    try:
        found = _picture(site_of(request).objects, fields, size, exact=exact)
    except WorkerError:  # gone, or the bucket does not answer: the page can do without
        found = None
    if found is None:
        return _none()
    return Response(found[0], media_type=found[1], headers=_HEADERS | _KEPT)


def _picture(objects: ObjectStore, fields: dict[str, Any], size: str, *, exact: bool) -> tuple[bytes, str] | None:
    orientation = int((fields.get("image") or {}).get("orientation") or 1)
    with objects.open(ref_of(fields)) as reader:
        window = Window(reader, _LIMITS)
        kind = sniff(window.read(0, LENGTH))
        if kind is None:
            return None
        itself = window.size <= _WHOLE_BYTES[size] and kind.mime in _SAFE
        if size == "large" and itself and (found := _whole(window, kind, orientation, exact=exact)):
            return found
        left = previews(window, kind, _PREVIEW_BYTES[size])
        best = left[0 if size == "small" else -1] if left else b""
        if best and (shown := jpeg.bare(best, orientation)):
            return shown, "image/jpeg"
        return _whole(Window(reader, _LIMITS), kind, orientation, exact=exact) if itself else None


def _whole(window: Window, kind: Kind, orientation: int, *, exact: bool) -> tuple[bytes, str] | None:
    """The object itself. Of one that is no JPEG, its metadata come along: for viewers who may see all of it."""
    if kind.mime != "image/jpeg":
        return (window.read(0, window.size), kind.mime) if exact else None
    shown = jpeg.bare(window.read(0, window.size), orientation)
    return (shown, kind.mime) if shown else None


def _none() -> Response:
    found = assets.asset("no-preview.svg")
    return Response(found[0] if found else b"", media_type="image/svg+xml", headers=_HEADERS | _AGAIN)
