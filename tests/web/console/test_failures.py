"""344 failures: one number everywhere, and one button that does what it says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import imagemeta, started
from tests.fakes import wait_until
from tests.web.console.browser import Browser
from tests.web.console.conftest import console, watched
from tests.web.console.gallery import hang

BROKEN = 344


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many files that are no pictures, of two kinds, among a few pictures."""
    folder = tmp_path_factory.mktemp("failing") / "pictures"
    hang(folder, 5)
    for broken in (folder / "inbox").rglob("*.*"):
        broken.unlink()
    for number in range(BROKEN):
        path = folder / ("notes" if number < 300 else "empty") / f"{number:03}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"No picture." if number < 300 else b"")
    assert imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error").returncode == 0
    return folder


@pytest.fixture
def browser(window: Browser, folder: Path) -> Iterator[Browser]:
    with console(folder) as url:
        yield from watched(window, url)


def number(text: str) -> int:
    found = re.search(r"\d[\d,]*", text)
    assert found, text
    return int(found[0].replace(",", ""))


def test_badge_total_and_button_say_the_same_number(browser: Browser) -> None:
    browser.open("/failures")
    assert number(browser.text("#badge")) == BROKEN
    assert number(browser.text("#total")) == BROKEN
    assert browser.text("#all") == f"Requeue all matching: {BROKEN}"
    assert sum(number(each.text) for each in browser.all(".cause .num")) == BROKEN
    assert browser.text("#quarantine") == f"Quarantine ({BROKEN})"
    assert len(browser.all(".cause .spark rect")) >= 2, "each cause shows when it failed"
    browser.open("/")
    assert number(browser.text("#badge")) == BROKEN
    assert number(browser.text(".tile[href='/failures'] .figure")) == BROKEN


def test_all_pages_together_hold_each_failure_once(browser: Browser) -> None:
    browser.open("/failures")
    seen: list[str] = []
    while True:
        seen += [each.text for each in browser.all(".item .mono")]
        older = browser.all(".pager [rel=next]")
        if not older:
            break
        browser.open(older[0].get_attribute("href").removeprefix(browser.url))  # type: ignore[union-attr] # a link has one
    assert len(seen) == len(set(seen)) == BROKEN


def test_a_cause_narrows_the_list_and_the_button_follows(browser: Browser) -> None:
    browser.open("/failures")
    browser.all(".cause")[1].click()
    wait_until(lambda: browser.text("#total") == "44")
    assert browser.text("#all") == "Requeue all matching: 44"
    browser.one("#all").click()
    wait_until(lambda: browser.all("#words"))
    assert re.fullmatch(r"failures whose fingerprint is [0-9a-f]{12}", browser.text("#words"))
    assert browser.text("#confirm") == "Requeue 44 failures"


def test_what_is_ticked_is_what_is_asked_about(browser: Browser) -> None:
    browser.open("/failures?q=in:gs://pictures/empty/")
    names = [each.text.removeprefix("gs://pictures/") for each in browser.all(".item .mono")[:2]]
    for box in browser.all("#list input[type=checkbox]")[:2]:
        box.click()
    assert browser.text("#selected") == "Requeue selected (2)"
    browser.one("#selected").click()
    wait_until(lambda: browser.all("#words"))
    assert browser.text("#words") == f"failures whose bucket is pictures and whose name is {' or '.join(names)}"
    assert browser.text("#confirm") == "Requeue 2 failures"


def test_a_failure_tells_all_that_is_known(browser: Browser) -> None:
    browser.open("/failures?q=in:gs://pictures/notes/")
    browser.one(".item a").click()
    wait_until(lambda: browser.all("pre.hex"))
    told = browser.text()
    for expected in ("unsupported_format", "Same cause: 299 more", "UnsupportedFormat", "Traceback", "OBJECT_FINALIZE"):
        assert expected in told
    assert "4e 6f 20 70 69 63 74 75 72 65 2e" in browser.text("pre.hex")
    assert "No picture." in browser.text("pre.hex")
    assert "The first 11 bytes" in told


def test_a_requeue_is_watched_to_its_end(browser: Browser, folder: Path) -> None:
    browser.open("/failures/requeue")
    assert browser.text("#words") == "all failures"
    with started("up", folder, "--no-console", "--shards", "1", IMAGEMETA_LOG_LEVEL="error"):
        browser.follow("#confirm")
        assert "/runs/" in browser.driver.current_url
        browser.look_again()
        wait_until(lambda: browser.text("#published") == str(BROKEN), 60)
        wait_until(lambda: browser.text("#again") == str(BROKEN), 60)  # they are still no pictures
        assert browser.text("#pending") == "0"
        assert "done" in browser.text(".lead")
    browser.open("/runs")
    assert [cell.text for cell in browser.all("tbody tr:first-child td")][:4] == [
        "redrive",
        "✓ done",
        "all failures",
        "344 msg",
    ]


def test_what_changed_since_the_question_is_asked_again(browser: Browser) -> None:
    browser.open("/failures/requeue?q=in:gs://pictures/empty/")
    browser.run("document.querySelector('[name=confirmed]').value = '45'")
    browser.one("#confirm").click()
    wait_until(lambda: "What matches has changed" in browser.text())
    assert "/runs/" not in browser.driver.current_url
