"""The camera and its lens, tidied for people: the raw tags stay beside this.

Make and model together read as one would say them, and the brand comes once: "NIKON CORPORATION" and "NIKON D90"
become "Nikon" and "D90", "RICOH IMAGING COMPANY, LTD." and "PENTAX K-1" become "Pentax" and "K-1".
"""

import re
from functools import lru_cache

from worker.extract.camera_tables import BRANDS, COMPANY
from worker.extract.lookup import Sources, Tags, answered, as_number, rows, text_of
from worker.model import Camera

_LENS = (
    "ExifIFD:LensModel",
    "XMP-exifEX:LensModel",
    "XMP-aux:Lens",
    "XMP-exif:Lens",
    "MakerNotes:LensModel",
    "MakerNotes:LensType",
)
_LENS_RANGE = (
    "ExifIFD:LensInfo",
    "XMP-exifEX:LensSpecification",
    "XMP-aux:LensInfo",
    "IFD0:DNGLensInfo",
    "MakerNotes:Lens",
)
_BODY_SERIAL = (
    "ExifIFD:SerialNumber",
    "XMP-exifEX:BodySerialNumber",
    "XMP-aux:SerialNumber",
    "IFD0:CameraSerialNumber",
    "MakerNotes:SerialNumber",
)
_LENS_SERIAL = (
    "ExifIFD:LensSerialNumber",
    "XMP-exifEX:LensSerialNumber",
    "XMP-aux:LensSerialNumber",
    "MakerNotes:LensSerialNumber",
)


def camera(tags: Tags) -> tuple[Camera | None, Sources]:
    """The apparatus, and the tag that each of its fields came from; None if no field is known."""
    fields, sources = answered(tags, _ROWS)
    if not fields:
        return None, sources
    make, model = tidy(fields.get("make"), fields.get("model"))
    if make and "make" not in fields:
        sources["camera.make"] = sources["camera.model"]
    return Camera(make, model, fields.get("lens"), fields.get("body_serial"), fields.get("lens_serial")), sources


@lru_cache(maxsize=1024)  # a bucket's pictures come from few cameras; bounded, as files choose the names
def tidy(make: str | None, model: str | None) -> tuple[str | None, str | None]:
    """Make and model as one would say them; the brand in the model, if there is one, is the one that people know."""
    brand = _brand(make) if make else None
    if not model:
        return brand, None
    model = _KIND.sub("", model)
    lower = model.lower()
    if make and lower.startswith(f"{make.lower()} "):
        return brand, model[len(make) :].strip()
    if lower.startswith(_WORDS):
        for word, name in BRANDS.items():
            if len(model) > len(word) and lower.startswith(word) and not model[len(word)].isalnum():
                return name, model[len(word) :].strip(" _-") or model
    if brand and lower.startswith(f"{brand.lower()} "):
        model = model[len(brand) :].strip()
    return brand, model


_WORDS = tuple(BRANDS)


def _brand(make: str) -> str:
    """The brand of a maker: by the table, else without its company form, and not in capitals throughout."""
    lower = make.lower()
    for word, name in BRANDS.items():
        if lower == word or (lower.startswith(word) and not lower[len(word)].isalnum()):
            return name
    plain = COMPANY.sub("", make).strip(" ,.") or make
    return plain.title() if len(plain) > 4 and plain.isalpha() and (plain.isupper() or plain.islower()) else plain


_LONGEST = 200
_KIND = re.compile(r"(?<=\S)\s+digital (?:still )?camera$", re.IGNORECASE)
"""What some models say of themselves behind their name."""
_PLACEHOLDER = re.compile(
    r"unknown.*|n/?a|none|null|default|[-_.*?0 ]*|65535|0(?:\.0)? ?mm(?: f/0(?:\.0)?)?|manual lens.*",
    re.IGNORECASE | re.DOTALL,
)


def _written(tags: Tags, name: str) -> str | None:
    """A text that says something, on one line and no longer than a name can be."""
    text = text_of(tags, name)
    return _said(text[:_LONGEST]) if text else None


@lru_cache(maxsize=1024)  # as above
def _said(text: str) -> str | None:
    text = " ".join(text.split())
    return text if text and not _PLACEHOLDER.fullmatch(text) else None


def _lens_name(tags: Tags, name: str) -> str | None:
    """A lens by its name; maker notes have a number there, whose printable text is the name."""
    value = tags[name].value
    if isinstance(value, str):
        return _written(tags, name)
    text = tags[name].text[:_LONGEST].strip()
    return text if text[:1].isalpha() and not _PLACEHOLDER.fullmatch(text) else None


def _lens_range(tags: Tags, name: str) -> str | None:
    """`24-70mm f/2.8` from the shortest and longest focal length and the widest apertures at both."""
    value = tags[name].value
    if not isinstance(value, list) or len(value) != 4:
        return None
    short, long, wide, narrow = (as_number(part) for part in value)
    if not short or short < 0:
        return None
    focal = f"{short:g}mm" if not long or long == short else f"{short:g}-{long:g}mm"
    if not wide or wide < 0:
        return focal
    return f"{focal} f/{wide:g}" if not narrow or narrow == wide else f"{focal} f/{wide:g}-{narrow:g}"


_ROWS = rows(
    "camera",
    (
        ("make", ("IFD0:Make", "XMP-tiff:Make"), _written),
        ("model", ("IFD0:Model", "XMP-tiff:Model", "IFD0:UniqueCameraModel"), _written),
        ("lens", _LENS, _lens_name),
        ("lens", _LENS_RANGE, _lens_range),
        ("body_serial", _BODY_SERIAL, _written),
        ("lens_serial", _LENS_SERIAL, _written),
    ),
)
