"""The page of exports: it counts first, and what is written is what was counted."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from selenium.webdriver.support.ui import Select

from tests.cli.program import imagemeta
from tests.fakes import wait_until
from tests.web.api.client import BY_NAME, HEADER
from tests.web.console.browser import Browser
from tests.web.console.conftest import console, watched
from tests.web.console.gallery import hang
from worker.catalog.query import parse
from worker.local import settings_in
from worker.site import Site

QUERY = "make:Canon"
PICTURES = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exporting") / "pictures"
    hang(folder, PICTURES)
    assert imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error").returncode == 0
    return folder


@pytest.fixture
def browser(window: Browser, folder: Path) -> Iterator[Browser]:
    with console(folder) as url:
        yield from watched(window, url)


@pytest.fixture
def matching(folder: Path) -> int:
    with Site(settings_in(folder, {})) as site:
        count = site.catalog.count(parse(QUERY))
    assert 0 < count < PICTURES
    return count


def test_from_a_search_to_a_file(browser: Browser, matching: int) -> None:
    browser.open(f"/images?{urlencode({'q': QUERY})}")
    assert browser.text("#export") == f"Export these ({matching})"
    browser.one("#export").click()
    wait_until(lambda: browser.all("#write"))
    assert browser.text("#ways h2") == f"Export these ({matching})"
    assert browser.text("#download") == f"Download now ({matching})"
    assert browser.text("#write") == f"Write it as a job ({matching})"

    now = requests.get(str(browser.one("#download").get_attribute("href")), timeout=30)
    assert len(list(csv.DictReader(io.StringIO(now.text)))) == matching

    Select(browser.one("[name=form]")).select_by_value("jsonl")
    wait_until(lambda: "jsonl" in str(browser.one("#download").get_attribute("href")))
    browser.run("const name = document.querySelector('#name'); name.value = 'canon.jsonl.gz'")
    browser.follow("#write")
    browser.look_again()
    wait_until(lambda: browser.all("#file"), 30)
    assert browser.text("#published") == str(matching)
    written = requests.get(str(browser.one("#file").get_attribute("href")), timeout=30)
    rows = [json.loads(line) for line in gzip.decompress(written.content).splitlines()]
    assert len(rows) == matching
    assert {row["make"] for row in rows} == {"Canon"}

    browser.one("nav a[href='/exports']").click()
    wait_until(lambda: browser.all("#known"))
    assert "canon.jsonl.gz" in browser.text("#known tbody")


def test_a_rectangle_is_exported_as_it_is_listed(browser: Browser) -> None:
    listed = requests.get(f"{browser.url}/map/pictures?box=-90,-180,90,180", timeout=30).text
    browser.open("/exports?" + urlencode({"q": "box:-90,-180,90,180", "form": "geojson"}))
    count = browser.text("#download").removeprefix("Download now ").strip("()")
    assert f"Export these ({count})" in listed


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"q": "iso:>loud"}, "is no number"),
        ({"form": "xlsx"}, "there is no format"),
        ({"columns": "these"}, "name the columns"),
        ({"columns": "these", "names": "colour"}, "colour"),
    ],
)
def test_what_is_asked_wrongly_is_told_where_it_stands(folder: Path, asked: dict[str, str], told: str) -> None:
    with console(folder) as url:
        page = requests.get(f"{url}/exports", params=asked, timeout=30)
    assert page.status_code == 200
    assert told in page.text.split('id="fault"')[1].split("</p>")[0]
    assert 'id="write"' not in page.text


def test_who_may_not_know_places_exactly_has_streams_alone(folder: Path) -> None:
    with console(folder, BY_NAME) as url:
        reader, rounded = (requests.get(f"{url}/exports", headers={HEADER: who}, timeout=30) for who in VIEWERS)
        overview = requests.get(url, headers={HEADER: "reader"}, timeout=30).text
    assert reader.status_code == 403
    assert 'href="/exports"' not in overview
    assert 'id="download"' in rounded.text
    assert 'id="write"' not in rounded.text
    assert "positions are rounded" in rounded.text


VIEWERS = ("reader", "rounded")
