"""The metadata that stays, as ExifTool reads it."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batches.images import grainy, saved, srgb, turned
from tests.batches.test_compress import compress
from tests.samples.packets import iptc, with_jpeg_metadata, xmp
from tests.samples.tiff import exif, long, rational, raw, short, text
from worker.batches.policy import Format, Policy, Retain

Read = Callable[[bytes], dict[str, Any]]
ALL_FORMATS = list(Format)
ABOUT_PIXELS = {
    "ExifTool",
    "SourceFile",
    "File",
    "System",
    "Composite",
    "JFIF",
    "RIFF",
    "PNG",
    "QuickTime",
    "Meta",
    "Track1",
}
ABOUT_PIXELS |= {"Adobe", "ICC_Profile", "ICC-header", "ICC-chrm", "ICC-view", "ICC-meas", "AVIF", "HEIF"}
"""ExifTool's groups that speak of the file and its pixels."""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """All that ExifTool finds, by group and name."""
    program = shutil.which("exiftool")
    if not program:
        pytest.skip("exiftool is not installed")

    def tags(data: bytes) -> dict[str, Any]:
        path = tmp_path / "image"
        path.write_bytes(data)
        done = subprocess.run(
            [program, "-j", "-G1", "-a", "-struct", "-warning", "-all", path], capture_output=True, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return found

    return tags


def talkative() -> bytes:
    """A JPEG that says much of who took it, of whom it is, and where it was taken; lying on its side."""
    block = exif(
        {
            0x010F: text("Canon"),
            0x0110: text("Canon EOS R6"),
            0x0112: short(6),
            0x013B: text("Žofie Příkladová"),
            0x8298: text("© 2024 Žofie Příkladová"),
        },
        {
            0x9003: text("2024:07:14 05:42:10"),
            0xA002: long(200),
            0xA003: long(320),
            0xA431: text("012345678"),
            0x927C: raw(b"maker notes that may hide a place"),
        },
        {1: text("N"), 2: rational(46, 34, 39), 3: text("E"), 4: rational(7, 59, 6)},
    )
    packet = xmp(
        {
            "dc:creator": ["Žofie Příkladová"],
            "dc:rights": {"x-default": "© 2024 Žofie Příkladová"},
            "dc:title": {"x-default": "Sunrise"},
            "exif:GPSLatitude": "46,34.65N",
            "exif:GPSLongitude": "7,59.1E",
            "photoshop:City": "Fieschertal",
            "drone-dji:GpsLatitude": "46.5775",
            "xmp:Rating": "5",
        }
    )
    packet = packet.replace(
        b"<rdf:Description ", b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
    )
    datasets = iptc([(5, "Sunrise"), (80, "Žofie Příkladová"), (90, "Fieschertal"), (101, "Switzerland")])
    return with_jpeg_metadata(
        saved(grainy().rotate(90, expand=True), "JPEG", quality=95, icc_profile=srgb()), block, packet, datasets
    )


def kept(data: bytes, retain: Retain, format_: Format, read: Read) -> dict[str, Any]:
    """What ExifTool reads in the result, without what is about its pixels."""
    result = compress(data, Policy(format=format_, metadata=retain))
    found = read(result.data)
    assert "minor" in found.get("ExifTool:Warning", "minor"), found
    assert any(name.startswith("ICC_Profile:") for name in found), "the colour profile is gone"
    return {name: value for name, value in found.items() if name.split(":")[0] not in ABOUT_PIXELS}


def upright(found: dict[str, Any]) -> bool:
    return bool(found.get("IFD0:Orientation", "Horizontal (normal)") == "Horizontal (normal)")


def test_the_sample_says_it_all(read: Read) -> None:
    found = read(talkative())
    assert {"GPS:GPSLatitude", "XMP-exif:GPSLatitude", "XMP-photoshop:City", "IPTC:City", "IFD0:Artist"} <= set(found)


@pytest.mark.parametrize("format_", ALL_FORMATS)
def test_keep(read: Read, format_: Format) -> None:
    found = kept(talkative(), Retain.KEEP, format_, read)
    assert found["IFD0:Make"] == "Canon"
    assert found["IFD0:Copyright"] == "© 2024 Žofie Příkladová"
    assert found["ExifIFD:DateTimeOriginal"] == "2024:07:14 05:42:10"
    assert found["ExifIFD:SerialNumber"] in {"012345678", 12345678}
    assert found["GPS:GPSLatitude"].startswith("46 deg 34' 39")
    assert upright(found)
    assert found["XMP-tiff:Orientation"] == "Horizontal (normal)"
    assert (found["ExifIFD:ExifImageWidth"], found["ExifIFD:ExifImageHeight"]) == (320, 200)
    assert (found["XMP-dc:Title"], found["XMP-photoshop:City"]) == ("Sunrise", "Fieschertal")
    if format_ in {Format.KEEP, Format.JPEG}:
        assert (found["IPTC:ObjectName"], found["IPTC:City"]) == ("Sunrise", "Fieschertal")


@pytest.mark.parametrize("format_", ALL_FORMATS)
def test_no_position(read: Read, format_: Format) -> None:
    found = kept(talkative(), Retain.NO_POSITION, format_, read)
    assert not [
        name for name in found if "GPS" in name.upper() or "City" in name or "Country" in name or "Maker" in name
    ]
    assert not [value for value in found.values() if "Fieschertal" in str(value) or "46" in str(value)]
    assert found["IFD0:Make"] == "Canon"
    assert found["XMP-dc:Title"] == "Sunrise"
    assert found["XMP-xmp:Rating"] == 5
    assert upright(found)
    if format_ in {Format.KEEP, Format.JPEG}:
        assert found["IPTC:ObjectName"] == "Sunrise"


@pytest.mark.parametrize("format_", ALL_FORMATS)
def test_copyright_only(read: Read, format_: Format) -> None:
    found = kept(talkative(), Retain.COPYRIGHT, format_, read)
    said = {
        name: value for name, value in found.items() if not name.endswith((":YCbCrPositioning", "Resolution", "Unit"))
    }
    assert said == {
        "IFD0:Artist": "Žofie Příkladová",
        "IFD0:Copyright": "© 2024 Žofie Příkladová",
        "XMP-dc:Creator": ["Žofie Příkladová"],
        "XMP-dc:Rights": "© 2024 Žofie Příkladová",
    }


@pytest.mark.parametrize("format_", ALL_FORMATS)
def test_strip(read: Read, format_: Format) -> None:
    assert kept(talkative(), Retain.STRIP, format_, read) == {}


def test_a_picture_that_says_nothing_says_nothing_after(read: Read) -> None:
    data = saved(grainy(), "JPEG", quality=95, icc_profile=srgb())
    for retain in Retain:
        assert kept(data, retain, Format.KEEP, read) == {}


def test_the_tags_of_a_png_and_a_heic_stay_too(read: Read) -> None:
    for format_ in ("PNG", "HEIF"):
        data = turned(6, format_, icc_profile=srgb())
        found = kept(data, Retain.KEEP, Format.WEBP, read)
        assert upright(found)


def test_xmp_with_declarations_is_left_out_where_it_must_be_read(read: Read) -> None:
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>'
    )
    data = with_jpeg_metadata(saved(grainy(), "JPEG", quality=95, icc_profile=srgb()), xmp=bomb)
    result = compress(data, Policy(metadata=Retain.NO_POSITION))
    assert result.notes == ("XMP left out: it cannot be read",)
    assert not [name for name in read(result.data) if name.startswith("XMP")]
