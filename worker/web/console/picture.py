"""One picture: what is known of it, where each value came from, and every tag of its file."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from worker import actions
from worker.document import key_for
from worker.model import Status
from worker.operate.conveyor import Watch
from worker.operate.runs import Run
from worker.site import Site
from worker.web.console import jobs, words
from worker.web.console.forms import Form
from worker.web.console.pages import HEADERS, document_of, id_of, page, seen

router = APIRouter()

_AROUND = "2km"


@router.get("/images/{key}")
def picture(request: Request, key: str) -> Response:
    """All that is known of one."""
    fields = document_of(request, key)
    if fields is None:
        return page(request, "absent.html", 404, what="picture", back="/images")
    fields = seen(request, fields)
    return page(
        request,
        "picture.html",
        key=id_of(request, key),
        fields=fields,
        summary=list(_summary(fields)),
        groups=_grouped(fields.get("tags") or {}),
        near=_near(fields),
        json=orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode(),
    )


@router.get("/images/{key}/json")
def as_json(request: Request, key: str) -> Response:
    """The document itself."""
    fields = document_of(request, key)
    if fields is None:
        return page(request, "absent.html", 404, what="picture", back="/images")
    body = orjson.dumps(seen(request, fields), option=orjson.OPT_INDENT_2)
    return Response(body, media_type="application/json", headers=HEADERS)


@router.post("/images/{key}/reextract")
def reextract(request: Request, key: str, _: Form) -> Response:
    """Have the document made anew from its object, and show the run."""
    fields = document_of(request, key)
    if fields is None or fields.get("status") == Status.DELETED:
        return page(request, "absent.html", 404, what="picture", back="/images")
    whole, uri = key_for(fields["bucket"], fields["name"]), fields["uri"]

    def work(acting: Site, watch: Watch) -> Run:
        return actions.reextract_one(acting, whole, uri, watch)

    return jobs.begin(request, work, 1)


def _summary(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What a person looks for: its name, the value with its unit, and the tag that it came from."""
    sources = fields.get("sources") or {}
    for label, source, value in (
        *_of_taking(fields.get("taken") or {}),
        *_of_place(fields.get("position") or {}),
        *_of_camera(fields.get("camera") or {}, fields.get("exposure") or {}),
        *_of_picture(fields.get("image") or {}),
        *_of_text(fields.get("text") or {}),
    ):
        if value not in ("", None):
            yield label, str(value), str(sources.get(source) or "")


def _of_taking(taken: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    offset = f" {taken['offset']}" if taken.get("offset") else ""
    yield "Taken", "taken", f"{words.local_time(taken.get('local'))}{offset}"
    yield "In UTC", "", words.moment(taken.get("utc"))
    if taken:
        yield "Known to the", "", f"{taken.get('precision')}, with {taken.get('confidence')} confidence"
    for other in taken.get("alternatives") or []:
        yield "Another clock", "", f"{words.local_time(other.get('local'))} ({other.get('source')})"


def _of_place(position: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    latitude, longitude = position.get("latitude"), position.get("longitude")
    if latitude is not None and longitude is not None:
        yield "Place", "position", words.place(latitude, longitude)
    yield "Altitude", "position.altitude", _with(position.get("altitude"), "m", 1)
    yield "Accuracy", "", _with(position.get("accuracy"), "m", 1)
    yield "Position flags", "", ", ".join(position.get("flags") or [])


def _of_camera(camera: Mapping[str, Any], exposure: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    named = " ".join(part for part in (camera.get("make"), camera.get("model")) if part)
    yield "Camera", "camera.model", named
    yield "Lens", "camera.lens", camera.get("lens") or ""
    yield "Body serial", "camera.body_serial", camera.get("body_serial") or ""
    yield "Exposure", "exposure.exposure_time", words.exposure(exposure.get("exposure_time"))
    f_number = exposure.get("f_number")
    yield "Aperture", "exposure.f_number", f"f/{f_number:g}" if f_number else ""
    iso = exposure.get("iso")
    yield "Sensitivity", "exposure.iso", f"ISO {iso}" if iso else ""
    yield "Focal length", "exposure.focal_length", _with(exposure.get("focal_length"), "mm")
    yield "As on 35 mm film", "exposure.focal_length_35mm", _with(exposure.get("focal_length_35mm"), "mm")
    yield "Bias", "exposure.exposure_bias", _with(exposure.get("exposure_bias"), "EV")
    for label, name in (("Flash", "flash"), ("Metering", "metering"), ("Program", "program")):
        yield label, f"exposure.{name}", exposure.get(name) or ""
    yield "White balance", "exposure.white_balance", exposure.get("white_balance") or ""


def _of_picture(image: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    width, height = image.get("width"), image.get("height")
    pixels = f" ({width * height / 1e6:.1f} megapixels)" if width and height else ""
    yield "Size", "", f"{width} x {height} pixels{pixels}" if width and height else ""
    depth = image.get("bit_depth")
    colour = " ".join(part for part in (image.get("color_space"), f"{depth} bit" if depth else "") if part)
    yield "Colour", "", colour
    yield "Profile", "", image.get("icc_profile") or ""
    yield "Orientation", "", f"{image['orientation']} of 8" if image.get("orientation") else ""
    yield "Frames", "", f"{image['frames']} frames" if image.get("frames") else ""


def _of_text(text: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in ("title", "description", "keywords", "creator", "copyright"):
        value = text.get(name)
        yield name.capitalize(), f"text.{name}", ", ".join(value) if isinstance(value, list) else value or ""
    rating = text.get("rating")
    yield "Rating", "text.rating", "" if rating is None else f"{rating:g} of 5"


def _with(value: float | None, unit: str, decimals: int = 4) -> str:
    return "" if value is None else f"{round(value, decimals):g} {unit}"


def _grouped(tags: Mapping[str, Any]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Tags by their group, each in the order of the file."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, tag in tags.items():
        group, _, last = name.rpartition(":")
        shown = {"text": "", "type": "", "id": "", **tag} if isinstance(tag, dict) else {"text": str(tag), "type": ""}
        found.setdefault(group or "File", []).append((last, {**shown, "plain": _plain(shown.get("value"))}))
    return found


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _near(fields: Mapping[str, Any]) -> str:
    position = fields.get("position") or {}
    if position.get("latitude") is None or position.get("longitude") is None:
        return ""
    return f"near:{position['latitude']},{position['longitude']},{_AROUND}"
