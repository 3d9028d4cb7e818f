"""Hundreds of texts that a careless page would obey, on every page: all of them are shown, none of them runs."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from tests.fakes import wait_until
from tests.web.console import shelf
from tests.web.console.browser import Browser
from tests.web.console.conftest import console, watched
from tests.web.console.hostile import STRINGS
from worker.catalog.query import parse
from worker.document import key_for
from worker.local import settings_in
from worker.operate.pause import KIND as PAUSES
from worker.operate.runs import Ledger
from worker.site import Site
from worker.web.console.words import visible

TOGETHER = 10
"""Texts in one picture's tags and captions."""
CHUNKS = [list(STRINGS[start : start + TOGETHER]) for start in range(0, len(STRINGS), TOGETHER)]
SEARCHED = [
    "/images",
    "/images?view=table",
    "/map",
    "/plots",
    "/failures",
    "/failures/requeue",
    "/backfills",
    "/reconcile",
]


def test_there_are_enough_of_them() -> None:
    assert len(set(STRINGS)) >= 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog in which each text is a name of a picture and of a failure, a reason, a caption, a tag and more."""
    folder = tmp_path_factory.mktemp("hostile") / "pictures"
    catalog = shelf.catalog_in(folder)
    named = [shelf.picture("photos", text, CHUNKS[number % len(CHUNKS)]) for number, text in enumerate(STRINGS)]
    shelf.put(catalog, named)
    shelf.put(catalog, [shelf.failure("broken", text, text) for text in STRINGS])
    with Site(settings_in(folder, {})) as site:
        for text in STRINGS[::8]:
            ledger = Ledger(site.records, text)
            ledger.save(ledger.begin("redrive", text, fresh=True))
            site.records.put(PAUSES, text, {"at": shelf.WHEN, "who": text, "saved": {"x": text}})
            report = {"who": text, "looked_at": 1, "counts": {}, "state": "done", "why": text}
            found = [{"kind": text, "name": text, "code": text}]
            site.records.put("reports", text, {"at": shelf.WHEN, **report, "found": found})  # type: ignore[dict-item] # it is JSON
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with console(folder) as found:
        yield found


@pytest.fixture
def browser(window: Browser, url: str) -> Iterator[Browser]:
    yield from watched(window, url)


class _Suspicious(HTMLParser):
    """What stands in a page that none of our templates has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcdoc", "formaction"):
                self.found.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action") and not str(value).startswith(("/", "#")):
                self.found.append(f"{tag} {name}={value}")
            if name.startswith("hx-") and "on:" in name:
                self.found.append(f"{tag} {name}={value}")
        if tag in ("iframe", "object", "embed", "base", "style", "math", "marquee", "template", "video"):
            self.found.append(tag)
        if tag == "script" and not str(dict(attrs).get("src")).startswith("/static/"):
            self.found.append("script without a file")


def told(browser: Browser) -> str:
    return str(browser.run("return document.body.textContent"))


def test_lists_show_every_name_and_run_nothing(browser: Browser) -> None:
    for path, bucket in (("/images?view=table&q=bucket:photos", "photos"), ("/failures", "broken")):
        seen = ""
        browser.open(path)
        while True:
            seen += told(browser)
            assert browser.ran() == []
            older = browser.all(".pager [rel=next]")
            if not older:
                break
            browser.open(str(older[0].get_attribute("href")).removeprefix(browser.url))
        missing = [text for text in STRINGS if visible(text).strip() not in seen]
        assert not missing, bucket


def test_a_picture_shows_every_value_and_runs_nothing(browser: Browser) -> None:
    for number, texts in enumerate(CHUNKS):
        browser.open(f"/images/{quote(key_for('photos', STRINGS[number]), safe='')}")
        seen = told(browser)
        assert [text for text in texts if visible(text).strip() not in seen] == []
        assert browser.ran() == []


@pytest.mark.parametrize("path", ["/", "/images", "/map", "/plots", "/queue", "/workers", "/runs", "/reconcile"])
def test_pages_of_many_run_nothing(browser: Browser, path: str) -> None:
    browser.open(path)
    wait_until(lambda: "Counting" not in browser.text("body"))
    if path == "/map":
        wait_until(lambda: browser.run("return document.querySelector('#map').dataset.painted"))
    for details in browser.all("details:not([open]):not(.menu) summary"):
        details.click()
    assert browser.ran() == []


def test_completions_run_nothing(browser: Browser) -> None:
    browser.open("/images")
    box = browser.one("#q")
    box.send_keys("lens:")
    wait_until(lambda: browser.all("#suggestions [role=option]"))
    assert browser.ran() == []


def test_no_failure_and_no_run_says_more_than_its_text(url: str) -> None:
    with requests.Session() as session:
        for number, text in enumerate(STRINGS):
            page = session.get(f"{url}/failures/{quote(key_for('broken', text), safe='')}", timeout=30)
            assert page.status_code == 200
            assert _Suspicious(page.text).found == [], text
            if number % 3 == 0:
                page = session.get(f"{url}/images/{quote(key_for('photos', text), safe='')}", timeout=30)
                assert _Suspicious(page.text).found == [], text


@pytest.mark.parametrize("path", SEARCHED)
def test_searches_are_shown_and_not_obeyed(url: str, path: str) -> None:
    name = "target" if path == "/backfills" else "scope" if path == "/reconcile" else "q"
    for text in STRINGS if path == "/images" else STRINGS[::4]:
        where = f"{url}{path}{'&' if '?' in path else '?'}{name}={quote(text, safe='')}"
        page = requests.get(where, timeout=30)
        assert page.status_code in (200, 400), text
        assert page.headers["content-type"].startswith("text/html")
        assert _Suspicious(page.text).found == [], text


def test_a_search_goes_out_as_it_came_in(browser: Browser) -> None:
    for text in STRINGS[::12]:
        browser.open(f"/images?q={quote(text, safe='')}")
        assert browser.ran() == []
        if "\n" not in text:  # a line's end cannot be typed into the box
            assert browser.one("#q").get_attribute("value") == text
    browser.complaints()  # it tells of the answers' status


def test_texts_that_are_searched_for_are_found(folder: Path) -> None:
    with Site(settings_in(folder, {})) as site:
        assert site.catalog.count(parse("bucket:photos")) == len(STRINGS)
        assert site.catalog.count(parse("bucket:broken status:failed")) == len(STRINGS)
