"""Sidecars: which image they belong to, and what they change."""

import pytest

from tests.extract.given import tags
from worker.errors import UnsupportedFormat
from worker.extract import extract
from worker.extract.sidecar import belongs, candidates, is_sidecar, merge, prefix
from worker.extract.summary import summarise, tags_from_fields
from worker.extract.window import BytesReader
from worker.model import Limits, TagValue


@pytest.mark.parametrize(
    ("sidecar", "image", "expected"),
    [
        ("a/IMG_1.xmp", "a/IMG_1.CR2", True),
        ("a/IMG_1.CR2.xmp", "a/IMG_1.CR2", True),
        ("a/IMG_1.XMP", "a/IMG_1.jpg", True),
        ("a/IMG_1.CR2.XMP", "a/IMG_1.CR2", True),
        ("a/IMG.1.xmp", "a/IMG.1.jpg", True),
        ("IMG_1.xmp", "IMG_1", True),
        ("a/IMG_1.CR2.xmp", "a/IMG_1.JPG", False),
        ("a/IMG_1.xmp", "b/IMG_1.CR2", False),
        ("a/IMG_1.xmp", "a/IMG_10.CR2", False),
        ("a/IMG_1.xmp", "a/img_1.CR2", False),
        ("a.b/IMG.xmp", "a.b/IMG.jpg", True),
        ("a.b/IMG.xmp", "a.c/IMG.jpg", False),
        ("a/IMG_1_01.xmp", "a/IMG_1.CR2", False),
        ("a/IMG_1.xmp", "a/IMG_1.xmp", False),
        ("a/.xmp", "a/.jpg", False),
        ("a/IMG_1.jpg", "a/IMG_1.jpg", False),
    ],
)
def test_which_image_a_sidecar_belongs_to(sidecar: str, image: str, expected: bool) -> None:
    assert belongs(sidecar, image) is expected
    if expected:
        assert image.startswith(prefix(sidecar))
        assert sidecar in candidates(image)


def test_the_full_name_counts_first() -> None:
    assert candidates("a/IMG.CR2") == ("a/IMG.CR2.xmp", "a/IMG.CR2.XMP", "a/IMG.xmp", "a/IMG.XMP")
    assert candidates("a.b/IMG") == ("a.b/IMG.xmp", "a.b/IMG.XMP")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/IMG.xmp", True),
        ("a/IMG.XMP", True),
        ("a/IMG.Xmp", False),
        ("a/IMG.jpg", False),
        ("a/.xmp", False),
        ("", False),
    ],
)
def test_what_is_a_sidecar(name: str, expected: bool) -> None:
    assert is_sidecar(name) is expected


def test_a_sidecar_has_no_sidecar() -> None:
    assert candidates("a/IMG.xmp") == ()


RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
RDF += '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="é"/></rdf:RDF>'
META = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{RDF}</x:xmpmeta>'
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@pytest.mark.parametrize(
    "text", [META, RDF, DECLARATION + META, f"<?xpacket begin='' id='W5'?>\n{META}<?xpacket end='w'?>"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_that_is_xmp_is_read_as_such_in_any_encoding(text: str, encoding: str) -> None:
    found = extract(BytesReader.of(text.encode(encoding)), Limits())
    assert (found.image.format, found.status) == ("XMP", "ok")
    assert found.tags["XMP-dc:format"].value == "é"


def test_a_comment_may_stand_before_the_first_element() -> None:
    commented = f"{DECLARATION}<!-- <svg> -- by hand --> {META}"
    assert extract(BytesReader.of(commented.encode()), Limits()).image.format == "XMP"


@pytest.mark.parametrize(
    "text",
    [
        "<svg><metadata>" + RDF,
        "<html>",
        "<RDFa>",
        "<!-- " + META,
        "<?xml " + "<?a" * 5000,
        "<" * 5000,
        "RDF",
        "<!--" * 5000,
    ],
)
def test_other_text_is_no_image(text: str) -> None:
    with pytest.raises(UnsupportedFormat):
        extract(BytesReader.of(text.encode()), Limits())


IMAGE: dict[str, TagValue] = {
    "IFD0:Model": "K-1",
    "ExifIFD:DateTimeOriginal": "2023:06:15 14:30:05",
    "XMP-dc:title": "camera's",
    "XMP-dc:rights": "kept",
}
EDITED: dict[str, TagValue] = {
    "XMP-dc:title": "mine",
    "XMP-xmp:Rating": 4.0,
    "XMP-exif:DateTimeOriginal": "2023-06-16T09:00:00",
    "XMP-tiff:Model": "edited",
}


def test_a_sidecar_changes_what_it_says_and_nothing_else() -> None:
    merged = merge(tags(IMAGE), tags(EDITED))
    found = summarise(merged)
    assert found.text is not None
    assert (found.text.title, found.text.copyright, found.text.rating) == ("mine", "kept", 4.0)
    assert found.taken is not None
    assert found.taken.local == "2023-06-16T09:00:00"
    assert found.camera is not None
    assert found.camera.model == "K-1"


def test_the_same_sidecar_twice_changes_nothing() -> None:
    once = merge(tags(IMAGE), tags(EDITED))
    assert merge(once, tags(EDITED)) == once


def test_the_images_own_tags_stay_as_they_are() -> None:
    image = tags(IMAGE)
    merge(image, tags(EDITED))
    assert image == tags(IMAGE)


def test_a_changed_rule_needs_the_stored_tags_alone() -> None:
    merged = merge(tags(IMAGE), tags(EDITED))
    stored = {
        name: {"id": tag.id, "type": tag.type, "value": tag.value, "text": tag.text} for name, tag in merged.items()
    }
    assert summarise(tags_from_fields(stored)) == summarise(merged)
