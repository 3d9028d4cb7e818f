"""Nothing that is asked for lacks its index, and nothing large has one that nobody takes."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from worker.backends.gcp.catalog_query import LOCAL, TIME, plan
from worker.catalog.fields import FIELDS, Kind, Operator
from worker.catalog.query import parse
from worker.document import Attempt, extracted
from worker.indexes import COMPOSITE, EXEMPT
from worker.model import Block, BlockStatus, Event, ImageInfo, Metadata, Notification, ObjectRef, Text, Value

LARGE = 150
"""Bytes that the entries of one field may take: a name or a short text."""
TEXT = "words of many kinds, every other of which is new: " + " ".join(map(str, range(1000, 1250)))


def asked() -> list[str]:
    """A search by each field that Firestore can be asked for."""
    given = {
        Kind.NUMBER: "3",
        Kind.TIME: "2024",
        Kind.FLAG: "yes",
        Kind.SCOPE: "gs://photos/a",
        Kind.PRESENCE: "position",
    }
    places = {"near": "46.5,7.9,10km", "box": "46,7,47,8"}
    return [
        f"{field.name}:{places.get(field.name) or (field.choices or (given.get(field.kind, 'some'),))[0]}"
        for field in FIELDS
        if Operator.WORDS not in field.operators
    ]


@pytest.mark.parametrize("search", [*asked(), "some words", "-status:ok", "iso:100..800 make:canon", ""])
def test_every_search_is_ordered_by_time_so_that_no_index_of_a_single_field_is_taken(search: str) -> None:
    assert plan(parse(search)).order[:2] == (TIME, LOCAL)


def test_every_composite_index_but_that_of_a_listing_is_one_of_a_search() -> None:
    others = [index for index in COMPOSITE if not {(TIME, "DESCENDING"), (LOCAL, "DESCENDING")} <= {*index}]
    assert others == [(("bucket", "ASCENDING"), ("name", "ASCENDING"))]


def test_nothing_large_has_an_index_of_its_own() -> None:
    text = Text(TEXT, TEXT, (TEXT[:200],) * 50, (TEXT[:200],), TEXT, 3)
    found = Metadata(ImageInfo("jpeg"), {}, {"exif": Block(BlockStatus.OK)}, text=text)
    seen = Notification(Event.FINALIZE, ObjectRef("photos", "a" * 100, 7), datetime(2026, 1, 2, tzinfo=UTC))
    large = [path for path, size in sizes(extracted(seen, found, Attempt()).fields) if size > LARGE]
    assert {"text.title", "text.keywords", "search.words", "search.title"} <= {*large}
    assert [path for path in large if not exempt(path)] == []


def sizes(value: Mapping[str, Value], before: str = "") -> Iterator[tuple[str, int]]:
    for name, each in value.items():
        if isinstance(each, dict):
            yield from sizes(each, f"{before}{name}.")
        else:
            yield f"{before}{name}", len(str(each))


def exempt(path: str) -> bool:
    """Whether the field, or a map that holds it, has none."""
    return any(f"{path}.".startswith(f"{name}.") for name in EXEMPT)


def test_what_the_smoke_test_asks_for_by_itself_has_an_index_of_its_own() -> None:
    script = (Path(__file__).parents[2] / "deploy" / "smoke.sh").read_text()
    asked = re.findall(r'"field": \{"fieldPath": "([a-z.]+)"\}, "op": "EQUAL"', script.replace("\\", ""))
    assert asked == ["uri"]
    assert not any(map(exempt, asked))
