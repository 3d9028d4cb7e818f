"""The answers that people look for, from the tags alone: when, where, with what, and what they wrote about it.

Nothing here reads an image. The tags are stored, so a changed rule is applied to a whole catalog without fetching
one object: `summarise(tags_from_fields(stored))`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from worker.extract.camera import camera
from worker.extract.exposure import exposure
from worker.extract.lookup import Tags
from worker.extract.pose import pose
from worker.extract.position import position
from worker.extract.taken import taken
from worker.extract.text import text
from worker.model import Camera, Exposure, Pose, Position, Tag, Taken, Text


class Summary(NamedTuple):
    """The answers, None where the file has none, and the tag that each came from; in the order of Metadata's fields.

    `sources` maps `taken`, `position`, and `camera.lens` and its like, to `ExifIFD:LensModel` and its like.
    """

    taken: Taken | None = None
    position: Position | None = None
    camera: Camera | None = None
    exposure: Exposure | None = None
    pose: Pose | None = None
    text: Text | None = None
    sources: Mapping[str, str] = {}


def summarise(tags: Tags) -> Summary:
    """All answers that these tags give. Depends on nothing else, and raises for no tag that a file can hold."""
    when, where = taken(tags), position(tags)
    apparatus, apparatus_sources = camera(tags)
    exposed, exposed_sources = exposure(tags)
    attitude, attitude_sources = pose(tags)
    written, written_sources = text(tags)
    sources = {**apparatus_sources, **exposed_sources, **attitude_sources, **written_sources}
    if when:
        sources["taken"] = when.source
    if where:
        sources["position"] = where.source
    return Summary(when, where, apparatus, exposed, attitude, written, sources)


def tags_from_fields(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Tag]:
    """The tags as a document stores them: by name, each with `id`, `type`, `value` and `text`.

    Of a tag that had to make way for the size of the document only its length is there; it is left out.
    """
    return {
        name: Tag(stored["id"], stored["type"], stored["value"], stored["text"])
        for name, stored in fields.items()
        if "id" in stored
    }
