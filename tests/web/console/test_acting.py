"""What operators do with buttons: they see what it will come to, begin it, and watch it."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.cli.program import imagemeta
from tests.fakes import wait_until
from tests.web.console.conftest import console
from tests.web.console.gallery import hang
from worker.catalog.query import parse
from worker.local import settings_in
from worker.operate.status import Beat, Held, beat
from worker.site import Site

FILES = 5 + 17


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    hang(folder, 5)
    assert imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error").returncode == 0
    return folder


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    with Site(settings_in(folder, {})) as found:
        yield found


class Person:
    """Reads pages and presses their buttons."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.page = ""

    def read(self, path: str) -> str:
        answer = self.session.get(self.url + path, timeout=30)
        self.page = re.sub(r"<[^>]*>", " ", answer.text.partition("<main")[2])
        self.page = re.sub(r"\s+", " ", self.page)
        self.token = next(iter(re.findall(r'name="token" value="([^"]+)"', answer.text)), "")
        return self.page

    def press(self, path: str, **fields: str) -> str:
        """The address that it leads to."""
        sent = {"token": self.token, **fields}
        answer = self.session.post(self.url + path, sent, timeout=60, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


@pytest.fixture
def person(folder: Path) -> Iterator[Person]:
    with console(folder) as url:
        yield Person(url)


def test_a_backfill_says_what_it_comes_to_and_is_watched(person: Person, site: Site) -> None:
    page = person.read("/backfills?target=gs://pictures/&select=all")
    assert f"{FILES} objects" in page
    assert f"Announce {FILES} objects" in page
    run = person.press("/backfills", target="gs://pictures/", select="all", total=str(FILES), rate="1000")
    wait_until(lambda: "✓ done" in person.read(run))
    assert f"{FILES} of {FILES}" in person.page
    assert site.gauge.backlog().waiting == FILES
    assert [found.who for found in site.ledger.newest()] == ["local"]
    assert "gs://pictures/ --all" in person.read("/runs")


def test_a_run_is_stopped_and_goes_on(person: Person, site: Site) -> None:
    person.read("/backfills?target=gs://pictures/&select=all")
    run = person.press("/backfills", target="gs://pictures/", select="all", rate="1", cap="3")
    wait_until(lambda: "the cap of 3 messages is reached" in person.read(run).lower())
    person.read("/backfills?target=gs://pictures/&select=all")
    assert person.press("/backfills", target="gs://pictures/", select="all", rate="1000").startswith(
        run.partition("?")[0]
    )
    wait_until(lambda: "✓ done" in person.read(run))
    assert site.gauge.backlog().waiting == FILES


def test_a_comparison_finds_what_differs_and_has_it_mended(person: Person, site: Site, folder: Path) -> None:
    (folder / "new.jpg").write_bytes(b"nobody told")
    person.read("/reconcile")
    report = person.press("/reconcile", target="gs://pictures")
    wait_until(lambda: "done" in person.read(report))
    assert re.search(r"Missing 1 an object", person.page)
    assert re.search(r"Failed 17 ", person.page)
    assert "new.jpg" in person.page
    assert "Repair (18)" in person.page
    run = person.press("/reconcile/repair", scope="gs://pictures/")
    wait_until(lambda: "✓ done" in person.read(run))
    assert site.gauge.backlog().waiting == 18
    assert "gs://pictures/" in person.read("/reconcile")  # the last report stays


def test_a_bucket_is_paused_and_resumed(person: Person) -> None:
    person.read("/queue")
    person.press("/queue/pause", bucket="gs://pictures/")
    wait_until(lambda: "Paused pictures, since" in person.read("/queue"))
    assert "by local" in person.page
    run = person.press("/queue/resume", bucket="pictures")
    wait_until(lambda: "✓ done" in person.read(run))
    wait_until(lambda: "None: every bucket announces" in person.read("/queue"))


@pytest.mark.parametrize(
    ("path", "fields", "says"),
    [
        ("/queue/pause", {"bucket": ""}, "name the bucket"),
        ("/queue/resume", {"bucket": "pictures"}, "is not paused"),
        ("/backfills", {"target": "pictures", "select": "all"}, "write gs://BUCKET"),
        ("/backfills", {"target": "gs://pictures", "select": "most"}, "missing, outdated, all"),
        ("/backfills", {"target": "gs://pictures", "select": "all", "rate": "fast"}, "no number"),
        ("/failures/selected", {}, "tick some"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(person: Person, path: str, fields: dict[str, str], says: str) -> None:
    person.read("/reconcile")
    answer = person.session.post(person.url + path, {"token": person.token, **fields}, timeout=30)
    assert answer.status_code in (400, 409)
    assert says in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_the_queue_tells_who_reads_what_and_for_how_long(person: Person, site: Site) -> None:
    assert "Nothing was being read" in person.read("/queue")
    now = datetime.now(UTC)
    held = [Held("gs://pictures/<b>slow.tif", now - timedelta(seconds=90), 3), Held("gs://pictures/new.jpg", now, 1)]
    beat(site.records, Beat("w1", 2, now, now, "1", "1", "pulling", 2, 0, 0, 1.0, held))
    wait_until(lambda: "In hand Object Worker For Attempt" in person.read("/queue"))
    assert re.search(r"slow\.tif w1 process 2 9\d s 3 gs://pictures/new\.jpg w1 process 2 [\d.]+ s 1", person.page)
    told = person.session.get(person.url + "/v1/queue", timeout=30).json()["in_hand"]
    assert [(each["uri"], each["attempt"]) for each in told] == [(each.uri, each.attempt) for each in held]
    assert told[0]["seconds"] >= 90


def test_failures_are_set_aside_by_a_button_that_says_how_many(person: Person, site: Site) -> None:
    (failed,) = re.findall(r"(\d+) failures", person.read("/failures"))
    assert f"Quarantine ({failed})" in person.page
    assert f"Quarantine {failed} failures" in person.read("/failures/quarantine")
    run = person.press("/failures/quarantine", q="", confirmed=failed)
    wait_until(lambda: "✓ done" in person.read(run))
    assert f"Set aside {failed} of {failed} documents" in person.page
    assert "Quarantine (" not in person.read("/failures")
    assert site.catalog.count(parse("quarantined:yes")) == int(failed)


def test_failures_are_taken_away_as_a_table_without_formulas(person: Person) -> None:
    (failed,) = re.findall(r"(\d+) failures", person.read("/failures"))
    answer = person.session.get(person.url + "/failures/export.csv", timeout=30)
    heading, *rows = csv.reader(answer.text.splitlines())
    assert answer.headers["content-type"].startswith("text/csv")
    assert "failures.csv" in answer.headers["content-disposition"]
    assert heading[:3] == ["uri", "at", "code"]
    assert len(rows) == int(failed)
    assert all(row[0].startswith("gs://pictures/") and row[2] for row in rows)
    refused = person.session.get(person.url + "/failures/export.csv?q=nonsense:1", timeout=30)
    assert refused.status_code == 400


def test_a_picture_is_extracted_again_from_its_page(person: Person, site: Site) -> None:
    key = site.catalog.page(parse("status:ok"), limit=1).rows[0][0]
    assert "Re-extract" in person.read(f"/images/{key}")
    run = person.press(f"/images/{key}/reextract")
    wait_until(lambda: "✓ done" in person.read(run))
    assert "1 of 1 messages" in person.page
    assert site.gauge.backlog().waiting == 1
