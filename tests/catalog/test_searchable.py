"""What documents hold for searches: bounded, folded, and never cut in silence."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.seeded import failure, of, picture, placed, taken
from worker.catalog.folding import LONGEST, fold, listed, words
from worker.catalog.paths import picked
from worker.catalog.searchable import HAS, MOST_WORDS, searchable
from worker.errors import CorruptImage
from worker.geohash import cover, encode
from worker.legal import size_of
from worker.model import Camera, Document, Text


def search(document: Document) -> dict[str, Any]:
    found: Any = document.fields["search"]
    return dict(found)


def test_a_picture_is_told_in_a_few_folded_texts() -> None:
    text = Text("Été à Zürich", None, ("Lake Garda",), ("Zoë",), None, 5.0)
    made = search(picture("2024/IMG_1.JPG", of(camera=Camera("Sony", "ILCE-7M4"), text=text, position=placed(1, 2))))
    assert (made["make"], made["camera"], made["title"]) == ("sony", "sony ilce-7m4", "ete a zurich")
    assert made["words"][:2] == ["keyword:lake_garda", "creator:zoe"]
    assert {"ete", "zurich", "lake", "garda", "zoe", "sony", "ilce", "7m4", "2024", "img", "1", "jpg"} <= {
        *made["words"]
    }
    assert {name for name in HAS if made["has"][name]} == {
        *("make", "model", "position", "rating", "keyword", "title", "creator")
    }
    assert "left_out" not in made


@pytest.mark.parametrize(
    ("document", "time", "local"),
    [
        (picture("a", of(taken=taken("2024-05-01T00:30:00", "+09:00"))), "2024-04-30T15:30:00", "2024-05-01T00:30:00"),
        (picture("b", of(taken=taken("2024-05-01T00:30:00.5"))), "2024-05-01T00:30:00.5", "2024-05-01T00:30:00.5"),
        (picture("c", of(taken=taken("2024-05", precision="month"))), "2024-05-01T00:00:00", "2024-05"),
        (picture("d"), "2025-03-01T12:00:00", ""),
        (failure("e", CorruptImage("?")), "2025-03-01T12:00:00", ""),
    ],
)
def test_every_document_has_a_place_in_time(document: Document, time: str, local: str) -> None:
    made = search(document)
    assert (made["time"], made["local"]) == (time, local)


def test_a_document_without_any_time_comes_last() -> None:
    assert searchable({"name": "x"})["time"] == "0001-01-01T00:00:00"
    assert searchable({"processed_at": datetime(2025, 1, 1, tzinfo=UTC)})["time"] == "2025-01-01T00:00:00"


def test_what_is_beyond_the_bounds_is_counted() -> None:
    text = Text("t" * 5000, "many " + " ".join(f"word{n}" for n in range(500)), tuple(f"key {n}" for n in range(300)))
    made = search(picture("x.jpg", of(text=text)))
    assert len(made["words"]) == MOST_WORDS
    assert made["left_out"] > 400
    assert len(made["title"]) == LONGEST
    assert size_of(made) < 30_000


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert words(" ".join(words(text))) == words(text)
    assert fold(text).isprintable()


def test_items_with_the_same_words_are_the_same() -> None:
    assert {listed("keyword", text) for text in ("Lake Garda", "lake-garda", "LAKE_GARDA")} == {"keyword:lake_garda"}
    assert listed("keyword", "❤") != listed("keyword", "☂")


@given(st.text(max_size=50))
def test_words_have_nothing_in_them_that_stands_between_words(text: str) -> None:
    assert all(word.isalnum() for word in words(text))


def test_fields_that_are_picked_stay_where_they_were() -> None:
    document: Any = {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": None, "g": [1]}
    assert picked(document, ["a.b.c", "f", "g", "x.y"]) == {"a": {"b": {"c": 1}}, "g": [1]}
    assert picked(document, ["a.b.c", "a.b", "a.e"]) == {"a": {"b": {"c": 1, "d": 2}, "e": 3}}


latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


@given(st.tuples(latitudes, latitudes), st.tuples(longitudes, longitudes), st.floats(0, 1), st.floats(0, 1))
def test_a_cover_has_every_place_of_its_box(
    rows: tuple[float, float], columns: tuple[float, float], up: float, along: float
) -> None:
    (south, north), (west, east) = sorted(rows), sorted(columns)
    place = encode(min(north, south + (north - south) * up), min(east, west + (east - west) * along))
    ranges = cover(south, west, north, east, 8)
    assert len(ranges) <= 8
    assert sum(first <= place < end for first, end in ranges) == 1


def test_a_cover_has_few_places_beside_its_box() -> None:
    rng = random.Random(8)
    for _ in range(40):
        south, west, high, wide = rng.uniform(-60, 60), rng.uniform(-170, 160), 10 ** rng.uniform(-4, 1), rng.random()
        ranges = cover(south, west, south + high, west + wide, 8)
        around = [
            (rng.uniform(south - high, south + 2 * high), rng.uniform(west - wide, west + 2 * wide))
            for _ in range(2000)
        ]
        within = sum(south <= row <= south + high and west <= column <= west + wide for row, column in around)
        found = sum(any(first <= encode(*place) < end for first, end in ranges) for place in around)
        assert within <= found < 4 * within
