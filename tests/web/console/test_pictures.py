"""From a search to any tag; facets, completions, the map, plots, the keyboard; and a picture that comes meanwhile."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.cli.program import started
from tests.fakes import wait_until
from tests.samples import SAMPLES
from tests.web.console.browser import Browser
from tests.web.console.conftest import PICTURES, console, watched
from tests.web.console.gallery import hang
from worker.backends.local.catalog import LocalCatalog
from worker.catalog.facets import FEW
from worker.catalog.query import Query, parse
from worker.errors import QueryError
from worker.local import settings_in
from worker.ports import Catalog
from worker.site import Site

BROKEN = 17


@pytest.fixture
def site(gallery: Path) -> Iterator[Site]:
    with Site(settings_in(gallery, {})) as found:
        yield found


def keys(browser: Browser, *pressed: str) -> None:
    ActionChains(browser.driver).send_keys(*pressed).perform()


def test_a_search_leads_to_any_tag(browser: Browser) -> None:
    browser.open("/")
    browser.one("a[href='/images']").click()
    wait_until(lambda: browser.text("#total") == str(PICTURES + BROKEN))
    keys(browser, "/")
    keys(browser, "make:Fujifilm has:position", Keys.ENTER)
    wait_until(lambda: "make" in browser.driver.current_url)
    assert browser.all(".card")
    browser.one(".card").click()
    wait_until(lambda: browser.all("#tags"))
    assert "X-T5" in browser.text(".summary")
    assert "ExifIFD:ExposureTime" in browser.text(".summary")
    browser.one("#tags").send_keys("gpslatituderef")
    wait_until(lambda: len([row for row in browser.all(".tag") if row.is_displayed()]) == 1)
    assert next(row for row in browser.all(".tag") if row.is_displayed()).text.startswith("GPSLatitudeRef")
    wait_until(lambda: browser.run("return document.querySelector('figure img').naturalWidth") == 720)


def test_facets_count_what_there_is_and_narrow_it(browser: Browser, site: Site) -> None:
    browser.open("/images")
    wait_until(lambda: browser.all(".facet a"))
    shown = {each.text.split("\n")[0]: int(each.text.split("\n")[1]) for each in browser.all(".facet:first-child a")}
    assert shown == dict(site.catalog.facets(parse(""), ["camera"])["camera"])
    first = browser.all(".facet:first-child a")[0]
    name, count = first.text.split("\n")
    first.click()
    wait_until(lambda: browser.text("#total") == count)
    wait_until(lambda: browser.all(".facet a[aria-current]"))
    assert name in browser.one("#q").get_attribute("value")  # type: ignore[operator] # it has one
    browser.one(".facet a[aria-current]").click()  # and away with it
    wait_until(lambda: browser.text("#total") == str(PICTURES + BROKEN))


def test_the_box_completes_fields_and_values(browser: Browser) -> None:
    browser.open("/images")
    box = browser.one("#q")
    box.send_keys("cam")
    wait_until(lambda: browser.text("#suggestions [role=option]").startswith("camera:"))
    box.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    wait_until(lambda: "Fujifilm X-T5" in browser.text("#suggestions"))
    box.send_keys("fuji")
    wait_until(lambda: len(browser.all("#suggestions [role=option]")) == 1)
    box.send_keys(Keys.ARROW_DOWN, Keys.TAB)
    assert box.get_attribute("value") == 'camera:"Fujifilm X-T5" '
    box.send_keys("status:")
    wait_until(lambda: "status:partial" in browser.text("#suggestions"))


def test_a_fault_in_a_search_says_where_it_is(browser: Browser) -> None:
    for path in ("/images", "/map", "/plots", "/failures"):
        browser.open(f"{path}?q=iso:%3Eloud")
        assert "'loud' is no number (column 6)" in browser.text("[role=alert]")
        assert browser.one("#q").get_attribute("value") == "iso:>loud"
    browser.complaints()  # it tells of the answers' status


def test_the_keyboard_goes_through_a_list(browser: Browser) -> None:
    browser.open("/images?view=table")
    keys(browser, "j", "j", "k", "j")
    chosen = browser.one("tr.chosen").get_attribute("data-href")
    assert chosen == browser.all("tr.row")[1].get_attribute("data-href")
    keys(browser, Keys.ENTER)
    wait_until(lambda: browser.driver.current_url.endswith(str(chosen)))


PILES = "[...document.querySelectorAll('.leaflet-marker-icon')].map((each) => each.title.split(' ')[0])"
"""How many pictures each pile on the map says it holds; a map that moves piles them anew."""


def test_the_map_gathers_what_the_search_finds(browser: Browser, site: Site) -> None:
    for q in ("", "make:Canon"):
        browser.open(f"/map?q={q}")
        expected = site.catalog.count(parse(f"{q} has:position"))
        wait_until(lambda: sum(map(int, browser.run(f"return {PILES}"))) == expected)  # noqa: B023 -- called at once
        assert int(browser.text("#shown")) == expected


def test_a_rectangle_on_the_map_becomes_a_list(browser: Browser) -> None:
    browser.open("/map")
    wait_until(lambda: browser.run("return document.querySelector('#map').dataset.painted"))
    wait_until(lambda: browser.all(".leaflet-marker-icon"))
    total = int(browser.text("#shown"))
    browser.one("#rectangle").click()
    place = browser.one("#map")
    wide, high = place.size["width"] // 2 - 4, place.size["height"] // 2 - 4
    (
        ActionChains(browser.driver)
        .move_to_element_with_offset(place, -wide, -high + 90)
        .click_and_hold()
        .move_to_element_with_offset(place, 0, 0)
        .move_to_element_with_offset(place, wide, high)
        .release()
        .perform()
    )
    wait_until(lambda: browser.all("#listed"))
    assert 0 < int(browser.text("#listed")) <= total
    assert browser.all("#within .card")
    browser.one("#within .button").click()
    wait_until(lambda: "/images" in browser.driver.current_url)
    assert "box:" in str(browser.one("#q").get_attribute("value"))


def test_plots_count_as_facets_do_and_a_click_filters(browser: Browser, site: Site) -> None:
    browser.open("/plots")
    wait_until(lambda: browser.all("#p-week"))
    counts = site.catalog.facets(parse(""), ["camera", "month"])
    bars = browser.all("[aria-labelledby=p-camera] .bars a")
    assert [int(each.text.split("\n")[-1]) for each in bars] == [count for _, count in counts["camera"]]
    plotted = browser.run("return JSON.parse(document.querySelector('[data-chart=months]').dataset.values).counts")
    assert sum(plotted) == sum(count for _, count in counts["month"])
    week = [int(each.text) for each in browser.all(".week td") if each.text]
    assert sum(week) == sum(plotted)
    assert not browser.all(".week a"), "no search asks for an hour of the week"
    wait_until(lambda: browser.all("[data-chart=months] canvas"))
    wanted = int(bars[0].text.split("\n")[-1])
    bars[0].click()
    wait_until(lambda: browser.text("#total") == str(wanted))


class FewFacets(LocalCatalog):
    """A catalog of so many documents that its store counts facets of few values alone, as Firestore does."""

    def facets(self, query: Query, names: Sequence[str]) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Those of few values."""
        if {*names} - {*FEW}:
            raise QueryError(0, "there are too many to count each camera; narrow the search")
        return super().facets(query, names)


class LargeSite(Site):
    """A site with that catalog."""

    @cached_property
    def catalog(self) -> Catalog:
        """Of the folder."""
        return self._kept(FewFacets(Path(self.settings.documents.removeprefix("sqlite:"))))


def test_where_there_is_too_much_to_count_pages_say_so(window: Browser, gallery: Path) -> None:
    with console(gallery, kind=LargeSite) as url:
        window.url = url
        window.open("/images")
        wait_until(lambda: "too many to count each camera" in window.text(".facets"))
        assert "failed" in window.text(".facets")
        assert "Counting" not in window.text()
        window.open("/plots")
        wait_until(lambda: "too many to count each camera" in window.text("#figures"))
        window.open("/queue")
        assert window.all("#bucket")


def test_light_and_dark_are_remembered(browser: Browser) -> None:
    browser.open("/")
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(ground)
    browser.one("#theme").click()
    dark = browser.run(ground)
    assert light != dark
    browser.open("/workers")
    assert browser.run(ground) == dark
    browser.run("document.cookie = 'theme=; path=/; max-age=0'")
    browser.dark(True)
    browser.open("/workers")
    assert browser.run(ground) == dark


@pytest.mark.parametrize(
    "path", ["/", "/images", "/images?view=table", "/map", "/plots", "/queue", "/failures", "/runs"]
)
def test_a_narrow_screen_scrolls_in_one_direction(browser: Browser, path: str) -> None:
    browser.resize(375, 800)
    browser.open(path)
    wait_until(lambda: "Counting" not in browser.text("body"))
    assert browser.run("return document.documentElement.scrollWidth") <= 375
    browser.one("#menu summary").click()
    assert browser.one("nav a[href='/failures']").is_displayed()


def test_a_hidden_tab_does_not_ask(browser: Browser) -> None:
    browser.open("/")
    browser.run(
        "localStorage.setItem('every', '2'); document.querySelector('#every').value = '2';"
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => window.away ?? false});"
        "window.ticks = 0; document.body.addEventListener('tick', () => { window.ticks += 1; });"
    )
    wait_until(lambda: browser.run("return window.ticks") >= 1)
    browser.run("window.away = true; window.ticks = 0")
    until = time.monotonic() + 5  # twice as long as it would take
    wait_until(lambda: time.monotonic() > until)
    assert browser.run("return window.ticks") == 0
    browser.run("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    wait_until(lambda: browser.run("return window.ticks") >= 1)
    browser.run("localStorage.clear()")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    hang(folder, 3)
    return folder


@pytest.fixture
def beside(window: Browser, folder: Path) -> Iterator[Browser]:
    """At the console that `imagemeta up` serves beside its work on the folder."""
    with started("up", folder, "--shards", "1", IMAGEMETA_LOG_LEVEL="info") as program:
        assert program.stderr
        told = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in program.stderr)
        yield from watched(window, next(url[0] for url in told if url))


def test_a_picture_that_comes_is_there_without_a_reload(beside: Browser, folder: Path) -> None:
    beside.open("/images")
    beside.run("window.same = true")
    beside.look_again()
    wait_until(lambda: beside.text("#total") == str(3 + BROKEN), 60)
    alps = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg")
    (folder / alps.name).write_bytes(alps.make())
    wait_until(lambda: alps.name in beside.text("#live"), 60)
    assert beside.text("#total") == str(4 + BROKEN)
    assert beside.run("return window.same") is True
