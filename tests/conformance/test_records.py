"""What every store of records does."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from worker.ports import Records

if TYPE_CHECKING:
    from worker.model import Value

NOON = datetime(2026, 11, 25, 12, 0, 0, 120_000, UTC)


def test_what_is_put_is_there_as_plain_json(records: Records) -> None:
    fields: dict[str, Value] = {
        "at": NOON,
        "who": "a@b",
        "published": 3,
        "saved": {"list": [{"x": None}, 1.5]},
        "done": True,
    }
    records.put("runs", "20261125T120000-backfill", fields)
    assert records.get("runs", "20261125T120000-backfill") == fields | {"at": "2026-11-25T12:00:00.120000Z"}
    assert records.get("runs", "another") is None
    assert records.get("pauses", "20261125T120000-backfill") is None


def test_the_last_word_counts(records: Records) -> None:
    records.put("runs", "a", {"at": NOON, "first": 1})
    records.put("runs", "a", {"at": NOON, "second": 2})
    found = records.get("runs", "a")
    assert found
    assert set(found) == {"at", "second"}


def test_the_newest_come_first_and_of_their_kind_only(records: Records) -> None:
    for number in (2, 0, 1):
        records.put("runs", f"r{number}", {"at": NOON + timedelta(seconds=number), "number": number})
    records.put("runs", "whole second", {"at": NOON.replace(microsecond=0) + timedelta(seconds=1)})
    records.put("pauses", "other", {"at": NOON + timedelta(days=1)})
    assert [key for key, _ in records.newest("runs")] == ["r2", "r1", "whole second", "r0"]
    assert [fields["number"] for _, fields in records.newest("runs", 2)] == [2, 1]


def test_what_is_dropped_is_gone_and_what_was_not_there_is_no_matter(records: Records) -> None:
    records.put("pauses", "photos", {"at": NOON})
    records.drop("pauses", "photos")
    records.drop("pauses", "photos")
    assert records.get("pauses", "photos") is None
    assert not records.newest("pauses")
