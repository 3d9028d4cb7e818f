"""What people wrote: which of three places counts, and what no person wrote."""

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from tests.extract.given import tags
from worker.extract.text import text
from worker.model import TagValue, Text

Values = dict[str, TagValue]
LONG = "An evening walk along the harbour wall, with the ferries coming in"


def of(values: Values, *, sidecar: Values | None = None) -> Text:
    found, _ = text(tags(values) | tags(sidecar or {}, sidecar=True))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("title", ["IPTC:ObjectName", "XMP-dc:title", "IFD0:XPTitle"]),
        ("description", ["IFD0:ImageDescription", "IPTC:Caption-Abstract", "XMP-dc:description", "IFD0:XPComment"]),
        ("copyright", ["IFD0:Copyright", "IPTC:CopyrightNotice", "XMP-dc:rights"]),
    ],
)
def test_the_order_of_places(field: str, names: list[str]) -> None:
    for start in range(len(names)):
        values: Values = {name: f"by {name}" for name in reversed(names[start:])}
        found, sources = text(tags(values))
        assert getattr(found, field) == f"by {names[start]}"
        assert sources == {f"text.{field}": names[start]}


@pytest.mark.parametrize(
    "placeholder",
    [
        "OLYMPUS DIGITAL CAMERA         ",
        "SONY DSC",
        "DCIM\\100GOPRO\\GOPR1785.JPG",
        "                               ",
        "Default",
        "untitled",
        "Created with GIMP",
        "---",
        "0.9.138",
        "",
    ],
)
def test_what_a_camera_fills_in_is_no_description(placeholder: str) -> None:
    found = of({"IFD0:ImageDescription": placeholder, "XMP-dc:description": "The harbour"})
    assert found.description == "The harbour"
    assert text(tags({"IFD0:ImageDescription": placeholder})) == (None, {})


def test_a_title_of_digits_is_a_title() -> None:
    assert of({"XMP-dc:title": "1984"}).title == "1984"


def test_a_full_text_comes_before_the_same_text_cut_short() -> None:
    found = of({"IPTC:Caption-Abstract": LONG[:40], "XMP-dc:description": LONG})
    assert found.description == LONG


def test_a_longer_text_of_another_beginning_does_not() -> None:
    found = of({"IPTC:Caption-Abstract": "Evening at the harbour, with ferries", "XMP-dc:description": LONG})
    assert found.description == "Evening at the harbour, with ferries"


def test_a_text_in_languages_is_its_default() -> None:
    found = of({"XMP-dc:title": {"x-default": "Hafen", "en": "Harbour"}})
    assert found.title == "Hafen"


def test_a_sidecar_outranks_all() -> None:
    found = of(
        {"IFD0:ImageDescription": "old", "IPTC:Keywords": ["old"], "IFD0:Artist": "old", "IFD0:Rating": 1},
        sidecar={
            "XMP-dc:description": "new",
            "XMP-dc:subject": ["new"],
            "XMP-dc:creator": ["New"],
            "XMP-xmp:Rating": 5.0,
        },
    )
    assert found == Text(description="new", keywords=("new",), creator=("New",), rating=5.0)


# --- keywords ----------------------------------------------------------------------------------------------


def test_keywords_of_all_places_come_once_each() -> None:
    values: Values = {
        "XMP-dc:subject": ["Harbour", "sea", " sea "],
        "IPTC:Keywords": ["harbour", "Ferry"],
        "IFD0:XPKeywords": "Ferry;2006; ",
    }
    found, sources = text(tags(values))
    assert found == Text(keywords=("Harbour", "sea", "Ferry", "2006"))
    assert sources["text.keywords"] == "XMP-dc:subject, IPTC:Keywords, IFD0:XPKeywords"


def test_a_keyword_cut_at_64_bytes_is_not_a_second_one() -> None:
    whole = "a very long keyword that does not fit into the field which IPTC keeps for it"
    assert of({"XMP-dc:subject": [whole], "IPTC:Keywords": [whole[:64]]}).keywords == (whole,)


def test_very_many_keywords_are_bounded() -> None:
    keywords: TagValue = [f"{number:064d}" for number in range(10_000)]
    assert len(of({"IPTC:Keywords": keywords}).keywords) == 1000


def test_keywords_that_are_not_text_are_no_keywords() -> None:
    assert text(tags({"XMP-dc:subject": [{"a": "b"}, None, 3]})) == (None, {})


# --- creator and rating ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "creator"),
    [
        ({"IFD0:Artist": "Ada; Grace"}, ("Ada", "Grace")),
        ({"IFD0:Artist": "  ", "IPTC:By-line": ["Ada", "Grace"]}, ("Ada", "Grace")),
        ({"XMP-dc:creator": ["Ada"], "IFD0:XPAuthor": "Grace"}, ("Ada",)),
        ({"IFD0:XPAuthor": "Ada;Grace;Ada"}, ("Ada", "Grace")),
    ],
)
def test_creators(values: Values, creator: tuple[str, ...]) -> None:
    assert of(values).creator == creator


@pytest.mark.parametrize(
    ("values", "rating"),
    [
        ({"XMP-xmp:Rating": 4.0, "IFD0:Rating": 2}, 4.0),
        ({"XMP-xmp:Rating": -1.0}, -1.0),
        ({"XMP-xmp:Rating": 0.0}, 0.0),
        ({"XMP-xmp:Rating": 63.0, "IFD0:Rating": 2}, 2.0),
        ({"XMP-microsoft:Rating": 99.0}, 5.0),
        ({"XMP-microsoft:Rating": 50.0}, 3.0),
        ({"XMP-microsoft:Rating": 1.0}, 1.0),
        ({"IFD0:RatingPercent": 75}, 4.0),
        ({"IFD0:RatingPercent": 0}, 0.0),
    ],
)
def test_ratings(values: Values, rating: float) -> None:
    assert of(values).rating == rating


@pytest.mark.parametrize("value", [True, "five", 6.0, -2.0, None, [], {"x": 1}])
def test_what_is_no_rating(value: TagValue) -> None:
    assert text(tags({"XMP-xmp:Rating": value})) == (None, {})


NAMES = ["IFD0:ImageDescription", "XMP-dc:title", "XMP-dc:subject", "IPTC:Keywords", "IFD0:Artist", "XMP-xmp:Rating"]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=80),
    st.lists(st.one_of(st.none(), st.text(max_size=70)), max_size=4),
    st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=2),
)


@forall(st.dictionaries(st.sampled_from(NAMES), ODD))
def test_no_tag_makes_it_raise(values: Values) -> None:
    found, _ = text(tags(values))
    assert found is None or len({keyword.casefold() for keyword in found.keywords}) == len(found.keywords)
