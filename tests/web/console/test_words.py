"""Figures with their units, filters in words, and the one sentence that says how things are."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.catalog.query import parse
from worker.operate.pause import Pause
from worker.operate.status import Beat, Snapshot
from worker.ports import Backlog
from worker.web.console import filters, words
from worker.web.console.look import verdict

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)


def test_every_figure_has_its_unit() -> None:
    assert [words.size(value) for value in (0, 999, 9_600, 3_900_000, 250e9, 7e12)] == [
        "0 B",
        "999 B",
        "9.6 kB",
        "3.9 MB",
        "250 GB",
        "7.0 TB",
    ]
    assert [words.duration(value) for value in (0.4, 12, 119, 540, 12_240, 200_000)] == [
        "0.4 s",
        "12 s",
        "119 s",
        "9 min",
        "3.4 h",
        "2.3 d",
    ]
    assert [words.rate(value) for value in (0.25, 85.4, None)] == ["0.2/s", "85/s", "unknown"]
    assert words.exposure(0.004) == "1/250 s"
    assert words.exposure(1.3) == "1.3 s"
    assert words.place(46.5775, -7.985) == "46.5775° N, 7.985° W"
    assert words.moment("2024-07-14T05:42:10+02:00") == "2024-07-14 03:42:10 UTC"
    assert (words.count(1, "process"), words.count(1204, "process")) == ("1 process", "1,204 processes")


def test_of_many_columns_is_said_how_many() -> None:
    assert words.briefly("make:Sony --columns a,b,c,d,e,f,g,h --to x") == "make:Sony --columns (8) --to x"
    assert words.briefly("make:Sony --columns name,taken --to x") == "make:Sony --columns name,taken --to x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "all failures"),
        ("code:corrupt_image", "failures whose code is corrupt_image"),
        ("-code:poison name:2024/*", "failures whose code is not poison and whose name begins with 2024/"),
        ("in:gs://b/p redrives:>1", "failures that are below gs://b/p and whose redrives is above 1"),
        ("has:position -has:lens", "failures that have a position and that do not have a lens"),
        ("taken:2024-05..2024-07", "failures whose taken is from 2024-05 to 2024-07"),
        ('tag:"XMP:Rating">=3', "failures whose tag XMP:Rating is at least 3"),
        ("near:48.1,11.5,2km", "failures taken no farther than 2000 m from 48.1, 11.5"),
        ('"blue hour" quarantined:yes', "failures that hold the words blue hour and whose quarantined is yes"),
    ],
)
def test_a_filter_is_said_in_words(text: str, said: str) -> None:
    assert filters.in_words(parse(text), "failures") == said


def test_a_click_adds_a_term_and_another_takes_it_away() -> None:
    text, had = filters.toggled("iso:>800", 'camera:"Canon EOS R6"')
    assert (text, had) == ('iso:>800 camera:"Canon EOS R6"', False)
    assert filters.toggled(text, 'camera:"Canon EOS R6"') == ("iso:>800", True)


@pytest.mark.parametrize("name", ['a "quoted" name', "back\\slash", "comma, star*", "<b>", "spaces  twice"])
def test_objects_are_named_exactly(name: str) -> None:
    bucket, named = parse(filters.named("my bucket", [name, "other"])).terms
    assert (bucket.values, named.values) == (("my bucket",), (name, "other"))


def seen(backlog: Backlog, *, workers: int = 1, state: str = "pulling", paused: bool = False) -> Snapshot:
    beat = Beat("w", 0, NOW, NOW, "1", "1", state, 0, 0, 0, 85.0)
    pauses = [Pause("photos", NOW - timedelta(hours=4), "anna", {"x": 1})] if paused else []
    waiting = backlog.waiting or 0
    return Snapshot(NOW, backlog, {}, [beat] * workers, 85.0, waiting / 85 if workers else None, pauses, [])


@pytest.mark.parametrize(
    ("snapshot", "title", "part"),
    [
        (seen(Backlog(0, 0, 0, None)), "Healthy", "Nothing waits"),
        (seen(Backlog(850, 12, 0, 3.0)), "Healthy", "850 messages on the queue. Empty in 10 s"),
        (seen(Backlog(61_200, 12, 0, 540.0)), "Falling behind", "has waited 9 min; at 85/s empty in 12 min"),
        (seen(Backlog(3, 0, 0, 2.0), workers=0), "Nobody works", "3 messages wait"),
        (seen(Backlog(3, 0, 0, 2.0), state="held"), "Held back", "1 process found"),
        (seen(Backlog(0, 0, 0, None), paused=True), "Paused", "photos, since 2026-11-25 14:00:00 UTC by anna"),
        (seen(Backlog()), "Unknown", "imagemeta doctor"),
    ],
)
def test_one_sentence_says_how_things_are(snapshot: Snapshot, title: str, part: str) -> None:
    told = verdict(snapshot)
    assert told.title == title
    assert part in told.text


def test_what_a_page_would_obey_is_written_out() -> None:
    assert words.visible("a\x00b\x1b[31m\u202egpj\r") == "a\\x00b\\x1b[31m\\u202egpj\\r"
    assert words.visible("עברית 京都 👩\u200d🚀\n\t") == "עברית 京都 👩\u200d🚀\n\t"
