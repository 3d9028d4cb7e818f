"""A document as a row: fixed columns, and nothing that a spreadsheet would run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.export.rows import COLUMNS, row, safe


def cells(document: dict[str, object]) -> dict[str, object]:
    return dict(zip((heading for heading, _ in COLUMNS), row(document), strict=True))


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "\uff0d1"]
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
    assert safe(text).strip(" ")[:1] not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


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
