"""Batches in the console: a table is chosen, looked at, handed in, watched, mended and had back."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.batches.images import saved
from tests.batches.server import Site as WebSite
from tests.batches.server import serving, slowly, status
from tests.cli.program import started
from tests.fakes import wait_until
from tests.samples.drawing import draw
from tests.web.api.client import BY_NAME, HEADER
from tests.web.console.browser import Browser
from tests.web.console.conftest import watched
from tests.web.console.hostile import STRINGS
from worker.local import settings_in
from worker.settings import Settings
from worker.web.guard import Bounds
from worker.web.serving import served

PHOTO = saved(draw(3, (320, 200)), "JPEG", quality=95)
UNHURRIED = Bounds(rate=10_000, burst=10_000)


@pytest.fixture(scope="module")
def web() -> Iterator[WebSite]:
    with WebSite(serving(PHOTO)) as site:
        yield site


@pytest.fixture(scope="module")
def settings(web: WebSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Those of a folder whose worker is at work."""
    folder = tmp_path_factory.mktemp("batches") / "photos"
    folder.mkdir()
    more = {"IMAGEMETA_FETCH_ALLOW": web.address, "IMAGEMETA_LOG_LEVEL": "error"}
    with started("up", folder, "--no-console", "--shards", "1", **more) as program:
        wait_until((folder / ".imagemeta" / "catalog.db").exists, 60)
        yield settings_in(folder, more)
        program.terminate()
        assert program.wait(30) == 0


@pytest.fixture
def browser(window: Browser, settings: Settings, web: WebSite) -> Iterator[Browser]:
    web.answers.clear()
    with served(settings, bounds=UNHURRIED) as url:
        yield from watched(window, url)


def choose(browser: Browser, file: Path) -> None:
    """Have the table looked at."""
    browser.open("/batches")
    browser.one("#file").send_keys(str(file))
    wait_until(lambda: browser.text("#preview").strip())


def test_from_a_table_to_its_output(browser: Browser, web: WebSite, tmp_path: Path) -> None:
    web.answers["/3.jpg"] = status(404)
    file = tmp_path / "products.csv"
    rows = [f"{number};SKU{number};{web.url(f'/{number}.jpg')}" for number in range(8)]
    file.write_text("\n".join(["Serial;Product;Photo", *rows, ""]))
    choose(browser, file)
    assert browser.text("#counted") == "8 URLs"
    assert [box.get_attribute("value") for box in browser.all("#preview input:checked")] == ["Photo"]
    assert len(browser.all("#preview tbody tr")) == 5
    assert "Semicolon" in browser.text("#preview")

    browser.follow("#submit")
    wait_until(lambda: browser.all("#output"))
    assert browser.text("h1") == "products.csv"
    browser.look_again()
    wait_until(lambda: "7 of 8 URLs done" in browser.text(".lead"), 60)
    assert browser.text("#retry") == "Retry failed (1)"
    assert browser.text("#failed") == "1 failed"

    opened = requests.get(str(browser.one("#rows a[target]").get_attribute("href")), timeout=30)
    assert opened.content[:2] == b"\xff\xd8"
    assert len(opened.content) < len(PHOTO)
    assert "sandbox" in opened.headers["content-security-policy"]
    table = requests.get(str(browser.one("#output").get_attribute("href")), timeout=30).text
    assert [row["Status"] for row in csv.DictReader(io.StringIO(table), delimiter=";")].count("done") == 7

    browser.one("#only-failed").click()
    wait_until(lambda: "not_served" in browser.text("#rows"))
    assert len(browser.all("#rows tbody tr")) == 1
    browser.one("#rows summary").click()
    browser.run("document.querySelector('#rows [name=url]').value = arguments[0]", web.url("/better.jpg"))
    browser.follow("#rows details button")
    browser.look_again()
    wait_until(lambda: "8 of 8 URLs done" in browser.text(".lead"), 60)
    assert not browser.all("#retry")
    browser.one("nav a[href='/batches']").click()
    wait_until(lambda: browser.all("#known"))
    assert "products.csv" in browser.text("#known tbody tr")


def test_what_failed_is_fetched_again(browser: Browser, web: WebSite, tmp_path: Path) -> None:
    web.answers["/again.jpg"] = status(403)
    file = tmp_path / "again.csv"
    file.write_text(f"url\n{web.url('/again.jpg')}\n")
    choose(browser, file)
    browser.follow("#submit")
    wait_until(lambda: browser.all("#output"))
    browser.look_again()
    wait_until(lambda: browser.all("#retry"), 60)
    web.answers.clear()
    browser.follow("#retry")
    wait_until(lambda: browser.all("#output"))
    browser.look_again()
    wait_until(lambda: "1 of 1 URL done" in browser.text(".lead"), 60)


def test_columns_are_chosen_and_another_table_chooses_anew(browser: Browser, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("image,proof\nhttps://a.test/1.jpg,https://a.test/2.jpg\n")
    second.write_text("picture\nhttps://a.test/1.jpg\n")
    choose(browser, first)
    assert browser.text("#counted") == "1 URL"
    browser.one("#preview input[value=proof]").click()
    wait_until(lambda: browser.text("#counted") == "2 URLs")
    browser.one("#file").send_keys(str(second))
    wait_until(lambda: browser.all("#preview input[value=picture]"))
    assert browser.text("#counted") == "1 URL"


def test_a_wrong_table_is_told_before_it_is_handed_in(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text('url\n"https://a.test/1.jpg\n')
    choose(browser, file)
    assert "line 2: " in browser.text("#wrong")
    browser.one("#submit").click()
    wait_until(lambda: "line 2: " in browser.text("main") and not browser.all("#submit"))
    assert ["422" in told for told in browser.complaints()] == [True]


def test_what_waits_is_cancelled_after_a_word_of_warning(browser: Browser, web: WebSite, tmp_path: Path) -> None:
    web.default = slowly(0.3, serving(PHOTO))
    try:
        file = tmp_path / "many.csv"
        file.write_text("url\n" + "".join(f"{web.url(f'/c{number}.jpg')}\n" for number in range(300)))
        choose(browser, file)
        browser.one("#submit").click()
        wait_until(lambda: browser.all("#output"))
        browser.one("a[href$='confirm=cancel']").click()
        wait_until(lambda: browser.all("#cancel"))
        browser.one("#cancel").click()
        wait_until(lambda: "cancelled" in browser.text(".lead"))
        assert not browser.all("#retry")
    finally:
        web.default = serving(PHOTO)


def test_hostile_cells_are_shown_and_never_run(browser: Browser, web: WebSite, tmp_path: Path) -> None:
    lines = [text.replace("\r", " ").replace("\n", " ").replace("\0", "") for text in STRINGS[:60]]
    file = tmp_path / "hostile.csv"
    with file.open("w", newline="", encoding="utf-8", errors="replace") as out:
        writer = csv.writer(out)
        writer.writerow(["<img src=x onerror=pwned(1)>", "url"])
        writer.writerows(
            [line, f"{web.url('/')}{'' if number else '<script>pwned(2)</script>'}"]
            for number, line in enumerate(lines)
        )
    choose(browser, file)
    assert "<img src=x onerror=pwned(1)>" in browser.text("#preview")
    browser.one("#submit").click()
    wait_until(lambda: browser.all("#rows"))
    assert "<script>pwned(2)</script>" in browser.text("#rows")


def test_it_takes_a_page_of_ours_and_the_right_to_operate(settings: Settings, web: WebSite) -> None:
    form = {"file": ("t.csv", f"url\n{web.url('/a.jpg')}\n")}
    with served(settings, who=BY_NAME, bounds=UNHURRIED) as url:
        for path in ("/batches", "/batches/preview"):
            reply = requests.post(f"{url}{path}", files=form, headers={HEADER: "exact"}, timeout=30)
            assert (reply.status_code, "too old" in reply.text) == (403, True)
        for path in ("/batches", "/batches/x", "/batches/x/results/1/1"):
            assert requests.get(f"{url}{path}", headers={HEADER: "reader"}, timeout=30).status_code == 403
            found = requests.get(f"{url}{path}", headers={HEADER: "exact"}, timeout=30)
            assert found.status_code == (200 if path == "/batches" else 404)
        assert "/batches" not in re.findall(
            r'href="([^"]+)"', requests.get(url, headers={HEADER: "reader"}, timeout=30).text
        )
