"""A document as a row: fixed columns, and nothing that a spreadsheet would run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.export.columns import OF_EXTRACT, chosen
from worker.export.rows import cutter, flat, safe


def cells(document: dict[str, Any]) -> dict[str, object]:
    cut = map(flat, cutter(OF_EXTRACT)("", document))
    return dict(zip((column.name for column in OF_EXTRACT), cut, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "\uff0d1"),
        *("\u00a0=1", "\u3000\uff0b1", "\ufeff@x", "\u200b=1", "\x00=1", "\ufe66x", "  \t-1"),
    ],
)
def test_a_caption_that_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    assert cells({"text": {"title": text}})["title"] == f"'{text}"
    assert cells({"text": {"keywords": [text, "x"]}})["keywords"] == f"'{text}; x"
    assert cells({"file": text})["file"] == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "1-2", "sunset @ sea", "'quoted'", "京都"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@given(st.text())
def test_no_cell_begins_with_a_spark(text: str) -> None:
    assert safe(text)[:1] not in set("\t\r\n")
    assert safe(text).strip()[:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20")


def test_numbers_stay_numbers() -> None:
    found = cells({"position": {"latitude": -49.5, "longitude": -68.25, "altitude": -105}})
    assert (found["latitude"], found["longitude"], found["altitude"]) == (-49.5, -68.25, -105)


def test_a_time_and_its_offset_are_one_cell() -> None:
    assert (
        cells({"taken": {"local": "2024-01-02T03:04:05", "offset": "-03:00"}})["taken"] == "2024-01-02T03:04:05-03:00"
    )
    assert cells({"taken": {"local": "2024-01-02T03:04:05"}})["taken"] == "2024-01-02T03:04:05"


def test_what_a_document_does_not_have_is_empty() -> None:
    assert set(cells({"file": "x", "position": None}).values()) == {"x", None}


def test_each_item_of_a_list_is_made_text() -> None:
    assert flat(["x", "=1", "-2"]) == "x; '=1; '-2"
    assert flat(["=1"], raw=True) == "=1"


def test_a_long_text_is_whole_again() -> None:
    whole = "x" * 2000
    document: dict[str, Any] = {
        "text": {"description": whole[:1500], "keywords": ["a", whole[:1500]], "title": "t"},
        "long_texts": {
            "text.description": whole,
            "text.keywords.1": whole,
            "text.nothing.7": whole,
            "size": {"x": 9},
        },
        "size": 3,
    }
    cut = cutter(chosen(("description", "keywords", "title", "size")))("", document)
    assert cut == [whole, ["a", whole], "t", 3]


def test_a_tag_is_a_column() -> None:
    document: dict[str, Any] = {"tags": {"IFD0:Make": {"value": "Sony"}, "XMP-x:a.b": {"value": 2.5}}}
    columns = chosen(("tag:IFD0:Make", "tag:XMP-x:a.b", "tag:IFD0:Model"))
    assert cutter(columns)("", document) == ["Sony", 2.5, None]
