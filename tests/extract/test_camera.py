"""Camera and exposure: names as people say them, numbers in their units."""

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from tests.extract.given import tags
from worker.extract.camera import camera, tidy
from worker.extract.exposure import exposure, flash_text
from worker.model import Camera, Exposure, TagValue

Values = dict[str, TagValue]


def camera_of(values: Values) -> Camera:
    found, _ = camera(tags(values))
    assert found is not None
    return found


def exposure_of(values: Values) -> Exposure:
    found, _ = exposure(tags(values))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("NIKON CORPORATION", "NIKON D90", ("Nikon", "D90")),
        ("NIKON", "COOLPIX P6000", ("Nikon", "COOLPIX P6000")),
        ("Canon", "Canon EOS 5D Mark III", ("Canon", "EOS 5D Mark III")),
        ("SONY", "ILCE-7M3", ("Sony", "ILCE-7M3")),
        ("Sony Ericsson", "K800i", ("Sony Ericsson", "K800i")),
        ("RICOH IMAGING COMPANY, LTD.", "PENTAX K-3 II", ("Pentax", "K-3 II")),
        ("PENTAX Corporation", "PENTAX *ist DL", ("Pentax", "*ist DL")),
        ("OLYMPUS IMAGING CORP.", "E-M10", ("Olympus", "E-M10")),
        ("EASTMAN KODAK COMPANY", "KODAK DX3600 DIGITAL CAMERA", ("Kodak", "DX3600")),
        ("Hewlett-Packard", "HP PhotoSmart 318", ("HP", "PhotoSmart 318")),
        ("LEICA CAMERA AG", "LEICA Q (Typ 116)", ("Leica", "Q (Typ 116)")),
        ("samsung", "SM-G930F", ("Samsung", "SM-G930F")),
        ("HUAWEI", "HUAWEI P20", ("Huawei", "P20")),
        ("vivo", "vivo X90 Pro+", ("vivo", "X90 Pro+")),
        ("Nintendo", "Nintendo 3DS", ("Nintendo", "3DS")),
        ("Minolta Co., Ltd.", "DiMAGE 7i", ("Minolta", "DiMAGE 7i")),
        ("Polyphony Digital Inc.", "Gran Turismo 5", ("Polyphony Digital", "Gran Turismo 5")),
        ("DJI", "FC300S", ("DJI", "FC300S")),
        ("Apple", "iPhone 13 mini", ("Apple", "iPhone 13 mini")),
        ("LAVACAM", "One", ("Lavacam", "One")),
        ("WWL", "ION230", ("WWL", "ION230")),
        ("Canonical", "X", ("Canonical", "X")),
        ("Canon", "Canon", ("Canon", "Canon")),
        ("Canon", None, ("Canon", None)),
        (None, "NIKON D3000", ("Nikon", "D3000")),
        (None, "Thing", (None, "Thing")),
        (None, None, (None, None)),
    ],
)
def test_make_and_model_read_as_one_would_say_them(
    make: str | None, model: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert tidy(make, model) == expected


@pytest.mark.parametrize(
    ("values", "lens", "source"),
    [
        ({"ExifIFD:LensModel": "EF50mm f/1.8 STM"}, "EF50mm f/1.8 STM", "ExifIFD:LensModel"),
        ({"ExifIFD:LensModel": "----", "XMP-aux:Lens": "EF85mm"}, "EF85mm", "XMP-aux:Lens"),
        ({"ExifIFD:LensModel": "0.0 mm f/0.0", "XMP-aux:Lens": "18.0-55.0 mm"}, "18.0-55.0 mm", "XMP-aux:Lens"),
        (
            {"XMP-aux:Lens": "Unknown (-1)", "ExifIFD:LensInfo": [50.0, 50.0, 1.4, 1.4]},
            "50mm f/1.4",
            "ExifIFD:LensInfo",
        ),
        ({"ExifIFD:LensInfo": [24.0, 70.0, 2.8, 2.8]}, "24-70mm f/2.8", "ExifIFD:LensInfo"),
        ({"ExifIFD:LensInfo": [18.0, 55.0, 3.5, 5.6]}, "18-55mm f/3.5-5.6", "ExifIFD:LensInfo"),
        ({"XMP-aux:LensInfo": [24.0, 105.0, None, None]}, "24-105mm", "XMP-aux:LensInfo"),
        ({"MakerNotes:Lens": [18.0, 200.0, 3.5, 5.6]}, "18-200mm f/3.5-5.6", "MakerNotes:Lens"),
        ({"IFD0:Make": "Canon", "ExifIFD:LensInfo": [None, None, None, None]}, None, None),
        ({"IFD0:Make": "Canon", "ExifIFD:LensInfo": [0.0, 0.0, 0.0, 0.0]}, None, None),
    ],
)
def test_the_lens_by_name_else_by_range(values: Values, lens: str | None, source: str | None) -> None:
    found, sources = camera(tags(values))
    assert found is not None
    assert (found.lens, sources.get("camera.lens")) == (lens, source)


def test_maker_notes_name_a_lens_by_the_text_of_its_number() -> None:
    found = tags({"MakerNotes:LensType": 61182})
    named = {name: type(tag)(tag.id, tag.type, tag.value, "RF 50mm F1.2L USM") for name, tag in found.items()}
    lens, _ = camera(named)
    assert lens is not None
    assert lens.lens == "RF 50mm F1.2L USM"
    assert camera(found) == (None, {})


@pytest.mark.parametrize("serial", ["0", "00000000", "Unknown", "", "   ", "N/A"])
def test_a_serial_that_says_nothing_is_none(serial: str) -> None:
    found = camera_of({"IFD0:Make": "Canon", "ExifIFD:SerialNumber": serial})
    assert found.body_serial is None


def test_serials() -> None:
    found, sources = camera(tags({"XMP-aux:SerialNumber": "044051002852", "ExifIFD:LensSerialNumber": "00000138bb"}))
    assert found == Camera(body_serial="044051002852", lens_serial="00000138bb")
    assert sources == {
        "camera.body_serial": "XMP-aux:SerialNumber",
        "camera.lens_serial": "ExifIFD:LensSerialNumber",
    }


def test_nothing_known_is_none() -> None:
    assert camera({}) == (None, {})
    assert exposure({}) == (None, {})


# --- exposure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "field", "value"),
    [
        ({"ExifIFD:ISO": 400}, "iso", 400),
        ({"ExifIFD:ISO": [100, 0]}, "iso", 100),
        ({"ExifIFD:ISO": 65535, "ExifIFD:RecommendedExposureIndex": 102400}, "iso", 102400),
        ({"ExifIFD:ISO": 0, "XMP-exif:ISOSpeedRatings": [200]}, "iso", 200),
        ({"ExifIFD:FNumber": 2.8}, "f_number", 2.8),
        ({"ExifIFD:FNumber": None, "ExifIFD:ApertureValue": 4.0}, "f_number", 4.0),
        ({"ExifIFD:FNumber": 0.0, "XMP-exif:FNumber": 5.6}, "f_number", 5.6),
        ({"ExifIFD:ExposureTime": 0.008}, "exposure_time", 0.008),
        ({"ExifIFD:ExposureTime": None, "ExifIFD:ShutterSpeedValue": 7.0}, "exposure_time", 0.00781),
        ({"ExifIFD:ExposureCompensation": -0.667}, "exposure_bias", -0.667),
        ({"ExifIFD:ExposureCompensation": 0.0}, "exposure_bias", 0.0),
        ({"ExifIFD:FocalLength": 50.0}, "focal_length", 50.0),
        ({"ExifIFD:FocalLengthIn35mmFormat": 75}, "focal_length_35mm", 75.0),
        ({"XMP-exif:FocalLengthIn35mmFilm": 75}, "focal_length_35mm", 75.0),
        ({"ExifIFD:SubjectDistance": 1.5}, "subject_distance", 1.5),
        ({"ExifIFD:MeteringMode": 5}, "metering", "Multi-segment"),
        ({"XMP-exif:MeteringMode": 3}, "metering", "Spot"),
        ({"ExifIFD:ExposureProgram": 3}, "program", "Aperture-priority AE"),
        ({"ExifIFD:WhiteBalance": 0}, "white_balance", "Auto"),
        ({"ExifIFD:Flash": 0x19}, "flash", "Auto, Fired"),
        ({"ExifIFD:Flash": 0x19}, "flash_fired", True),
        ({"ExifIFD:Flash": 0x10}, "flash_fired", False),
    ],
)
def test_an_exposure_value(values: Values, field: str, value: object) -> None:
    assert getattr(exposure_of(values), field) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ExifIFD:ExposureTime", 4294967295.0),
        ("ExifIFD:ExposureTime", -1.0),
        ("ExifIFD:ISO", 4294967295),
        ("ExifIFD:SubjectDistance", 4294967295.0),
        ("ExifIFD:ExposureCompensation", 4294967.0),
        ("ExifIFD:ShutterSpeedValue", 1e6),
        ("ExifIFD:ApertureValue", -1e6),
        ("ExifIFD:Flash", 65535),
        ("ExifIFD:MeteringMode", 77),
        ("ExifIFD:ExposureProgram", "Inf"),
    ],
)
def test_numbers_that_went_wrong_are_none(name: str, value: TagValue) -> None:
    assert exposure(tags({name: value})) == (None, {})


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (0x00, "Did not fire"),
        (0x01, "Fired"),
        (0x05, "Fired, Return not detected"),
        (0x07, "Fired, Return detected"),
        (0x09, "On, Fired"),
        (0x10, "Off, Did not fire"),
        (0x18, "Auto, Did not fire"),
        (0x20, "No flash"),
        (0x59, "Auto, Fired, Red-eye reduction"),
    ],
)
def test_the_flash_in_words(bits: int, text: str) -> None:
    assert flash_text(bits) == text


def test_the_flash_of_xmp_is_a_structure() -> None:
    value: TagValue = {"Fired": True, "Return": 3, "Mode": 3, "Function": False, "RedEyeMode": True}
    found = exposure_of({"XMP-exif:Flash": value})
    assert (found.flash, found.flash_fired) == ("Auto, Fired, Return detected, Red-eye reduction", True)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.lists(st.one_of(st.none(), st.floats(), st.text(max_size=3)), max_size=5),
    st.dictionaries(
        st.sampled_from(["Fired", "Mode", "x-default"]), st.one_of(st.booleans(), st.integers()), max_size=3
    ),
)
NAMES = [
    "IFD0:Make",
    "IFD0:Model",
    "ExifIFD:LensModel",
    "ExifIFD:LensInfo",
    "MakerNotes:LensType",
    "ExifIFD:ISO",
    "ExifIFD:FNumber",
    "ExifIFD:ApertureValue",
    "ExifIFD:ShutterSpeedValue",
    "XMP-exif:Flash",
    "ExifIFD:MeteringMode",
]


@forall(st.dictionaries(st.sampled_from(NAMES), ODD))
def test_no_tag_makes_it_raise(values: Values) -> None:
    camera(tags(values))
    exposure(tags(values))
