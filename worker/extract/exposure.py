"""How a picture was exposed: numbers in their units, enumerations as their English text.

EXIF comes before XMP, and a value as such before one in APEX units.
"""

from functools import partial

from worker.extract.camera_tables import METERING, PROGRAM, WHITE_BALANCE
from worker.extract.lookup import Sources, Tags, answered, number_of, rows
from worker.model import Exposure

_ISO = (
    "ExifIFD:ISO",
    "ExifIFD:PhotographicSensitivity",
    "ExifIFD:RecommendedExposureIndex",
    "ExifIFD:ISOSpeed",
    "ExifIFD:StandardOutputSensitivity",
    "XMP-exifEX:PhotographicSensitivity",
    "XMP-exif:ISOSpeedRatings",
    "XMP-exifEX:RecommendedExposureIndex",
)
_ISO_OVERFLOW = 65535
"""Written for speeds that 16 bits cannot hold; the true one is in another tag."""
_CEILING = 10_000_000
"""Of speeds, seconds, millimetres and metres alike; beyond are 2**32 - 1 (unknown, or at infinity) and its like."""
_MOST_BIAS = 20.0


# --- readers -----------------------------------------------------------------------------------------------


def _positive(tags: Tags, name: str) -> float | None:
    number = number_of(tags, name)
    return float(number) if number is not None and 0 < number < _CEILING else None


def _iso(tags: Tags, name: str) -> int | None:
    number = number_of(tags, name)
    return int(number) if number is not None and 0 < number < _CEILING and number != _ISO_OVERFLOW else None


def _bias(tags: Tags, name: str) -> float | None:
    number = number_of(tags, name)
    return float(number) if number is not None and abs(number) <= _MOST_BIAS else None


def _f_number(tags: Tags, name: str) -> float | None:
    """The f-number of an aperture in APEX units."""
    apex = number_of(tags, name)
    return round(2 ** (apex / 2), 1) if apex is not None and 0 <= apex < 20 else None


def _seconds(tags: Tags, name: str) -> float | None:
    """The seconds of a shutter speed in APEX units, to three digits: the file's number is rounded itself."""
    apex = number_of(tags, name)
    return float(f"{2**-apex:.3g}") if apex is not None and abs(apex) < 40 else None


def _label(labels: dict[int, str], tags: Tags, name: str) -> str | None:
    number = number_of(tags, name)
    return None if number is None else labels.get(int(number))


# --- flash -------------------------------------------------------------------------------------------------


def _flash_bits(tags: Tags, name: str) -> int | None:
    """EXIF's byte, or the same put together from the fields of XMP's structure."""
    value = tags[name].value
    if isinstance(value, dict):
        if not isinstance(value.get("Fired"), bool):
            return None
        mode, returned = value.get("Mode"), value.get("Return")
        return (
            int(value["Fired"] is True)
            | ((returned & 3) << 1 if isinstance(returned, int) else 0)
            | ((mode & 3) << 3 if isinstance(mode, int) else 0)
            | int(value.get("Function") is True) << 5
            | int(value.get("RedEyeMode") is True) << 6
        )
    number = number_of(tags, name)
    return int(number) if number is not None and 0 <= number < 128 else None


def flash_text(bits: int) -> str:
    """The flash in words, from the byte that EXIF has for it: bit 0 fired, 1-2 return, 3-4 mode, 5 none, 6 red-eye."""
    fired = bits & 1
    if bits & 32 and not fired:
        return "No flash"
    words = [("", "On", "Off", "Auto")[bits >> 3 & 3], "Fired" if fired else "Did not fire"]
    words.append(("", "", "Return not detected", "Return detected")[bits >> 1 & 3])
    words.append("Red-eye reduction" if bits & 64 else "")
    return ", ".join(word for word in words if word)


# --- the fields ------------------------------------------------------------------------------------------


def _both(name: str) -> tuple[str, str]:
    return f"ExifIFD:{name}", f"XMP-exif:{name}"


_ROWS = rows(
    "exposure",
    (
        ("iso", _ISO, _iso),
        ("f_number", _both("FNumber"), _positive),
        ("f_number", _both("ApertureValue"), _f_number),
        ("exposure_time", _both("ExposureTime"), _positive),
        ("exposure_time", _both("ShutterSpeedValue"), _seconds),
        ("exposure_bias", ("ExifIFD:ExposureCompensation", "XMP-exif:ExposureBiasValue"), _bias),
        ("focal_length", _both("FocalLength"), _positive),
        ("focal_length_35mm", ("ExifIFD:FocalLengthIn35mmFormat", "XMP-exif:FocalLengthIn35mmFilm"), _positive),
        (
            "subject_distance",
            (*_both("SubjectDistance"), "XMP-aux:ApproximateFocusDistance", "MakerNotes:SubjectDistance"),
            _positive,
        ),
        ("flash", _both("Flash"), _flash_bits),
        ("metering", _both("MeteringMode"), partial(_label, METERING)),
        ("program", _both("ExposureProgram"), partial(_label, PROGRAM)),
        ("white_balance", _both("WhiteBalance"), partial(_label, WHITE_BALANCE)),
    ),
)
"""Field, tags and reader; where a field comes twice the second row serves if the first finds nothing."""


def exposure(tags: Tags) -> tuple[Exposure | None, Sources]:
    """The exposure, and the tag that each of its fields came from; None if no field is known."""
    fields, sources = answered(tags, _ROWS)
    if not fields:
        return None, sources
    if "flash" in fields:
        bits = fields["flash"]
        fields.update(flash=flash_text(bits), flash_fired=bool(bits & 1))
    return Exposure(**fields), sources
