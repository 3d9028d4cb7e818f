"""`imagemeta batch`, as a user runs it: a table in, images and the table back, with no cloud."""

import csv
import io
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.batches.images import saved
from tests.batches.server import Answer, Site, endless, failing, serving, slowly, stall, status, truncated
from tests.cli.program import Result, group, imagemeta, on_a_terminal, started
from tests.fakes import wait_until
from tests.samples.drawing import draw
from worker.batches.sheet import SAMPLE

PHOTO = saved(draw(3, (320, 200)), "JPEG", quality=95)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(serving(PHOTO)) as site:
        yield site


def settings(site: Site, **more: str) -> dict[str, Any]:
    return {
        "IMAGEMETA_FETCH_ALLOW": site.address,
        "IMAGEMETA_FETCH_SECONDS": "3",
        "IMAGEMETA_FETCH_BYTES": "1000000",
        "IMAGEMETA_FETCH_PER_HOST": "60",
        "IMAGEMETA_LOG_LEVEL": "error",
        **more,
    }


def table(folder: Path, urls: list[str], per_row: int = 4) -> Path:
    """A table with so many URLs in a row, not quoted."""
    path = folder / "products.csv"
    rows = [f"{start},=SKU{start},{','.join(urls[start : start + per_row])}" for start in range(0, len(urls), per_row)]
    path.write_text("\n".join(["Serial Number,Product Name,Input Image Urls", *rows, ""]))
    return path


def cells(out: Path, per_row: int = 4) -> dict[str, dict[str, str]]:
    """What the output says of each URL."""
    found: dict[str, dict[str, str]] = {}
    with (out / "output.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            for number, url in enumerate(filter(None, row["Input Image Urls"].split(",")), 1):
                assert url not in found
                found[url] = {
                    name.removesuffix(f" {number}"): value
                    for name, value in row.items()
                    if name.endswith(f" {number}") or per_row == 1
                }
    return found


def said(result: Result) -> dict[str, Any]:
    assert result.stdout, result.stderr
    record: dict[str, Any] = json.loads(result.stdout)
    return record


@pytest.mark.timeout(600)
def test_a_thousand_urls_on_a_bad_day_then_mended(tmp_path: Path, site: Site) -> None:
    urls = [site.url(f"/{number}.jpg") for number in range(1000)]
    faults: list[Answer] = [status(404), status(500), stall, endless, serving(b"<html>", "text/html"), truncated(PHOTO)]
    codes = [
        "not_served",
        "site_unavailable",
        "site_unavailable",
        "limit_exceeded",
        "unsupported_format",
        "site_unavailable",
    ]
    expected: dict[str, str] = {}
    for number in range(0, 1000, 10):
        kind = number // 10 % 7
        url = urls[number]
        if kind == 6:  # it gets better by itself
            site.answers[f"/{number}.jpg"] = failing(2, 503, serving(PHOTO))
        else:
            site.answers[f"/{number}.jpg"] = faults[kind]
            expected[url] = codes[kind]
    command = ("batch", "run", table(tmp_path, urls), "--out", tmp_path / "out", "--format", "json")
    first = imagemeta(*command, seconds=200, **settings(site))
    progress = said(first)
    assert (first.returncode, progress["state"]) == (1, "done"), first.stderr
    assert (progress["done"], progress["failed"], progress["pending"]) == (1000 - len(expected), len(expected), 0)
    found = cells(tmp_path / "out")
    assert list(found) == urls
    assert {url: cell["Error"].split(":")[0] for url, cell in found.items() if cell["Status"] == "failed"} == expected
    done = {url: cell for url, cell in found.items() if cell["Status"] == "done"}
    assert len(done) + len(expected) == 1000
    assert {(cell["Bytes Before"], len(cell["SHA-256"])) for cell in done.values()} == {(str(len(PHOTO)), 64)}
    healthy = {f"/{number}.jpg" for number in range(1000) if number % 10}
    assert {path: count for path, count in site.visits().items() if path in healthy and count != 1} == {}

    site.answers.clear()
    before = site.visits()
    second = imagemeta("batch", "retry", progress["id"], "--folder", tmp_path / "out", "-f", "json", **settings(site))
    assert (second.returncode, said(second)["done"]) == (0, 1000), second.stderr
    assert site.visits() - before == Counter(url.removeprefix(site.url("")) for url in expected)
    assert {cell["Status"] for cell in cells(tmp_path / "out").values()} == {"done"}
    for cell in cells(tmp_path / "out").values():
        path = Path(cell["Output Image Url"].removeprefix("file://"))
        assert path.stat().st_size == int(cell["Bytes After"]) < len(PHOTO)


def test_being_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, site: Site) -> None:
    site.default = slowly(0.02, serving(PHOTO))
    urls = [site.url(f"/{number}.jpg") for number in range(400)]
    command = ("batch", "run", table(tmp_path, urls), "--out", tmp_path / "out")
    environment = settings(site, IMAGEMETA_LEASE_SECONDS="10", IMAGEMETA_THREADS="8", IMAGEMETA_SHARDS="2")
    for visits in (60, 200):
        with started(*command, **environment) as program:
            wait_until(lambda: len(site.log) > visits, 60)  # noqa: B023 -- ends within this turn
            os.killpg(program.pid, signal.SIGKILL)
            wait_until(lambda: not group(program.pid))
    last = imagemeta(*command, "--format", "json", **environment)
    progress = said(last)
    assert (last.returncode, progress["done"], progress["failed"]) == (0, 400, 0), last.stderr
    assert {cell["Status"] for cell in cells(tmp_path / "out").values()} == {"done"}
    listed = imagemeta("batch", "list", "--folder", tmp_path / "out", "--format", "json", **environment)
    assert len(listed.stdout.splitlines()) == 1  # one batch, gone on with twice
    assert set(site.visits()) == {f"/{number}.jpg" for number in range(400)}
    assert len(site.log) <= 400 + 2 * 16  # what was in hand at each death
    images = [path for path in (tmp_path / "out" / progress["id"]).iterdir() if not path.name.startswith(".")]
    assert len(images) == 1  # all are the same picture, stored by its content


def test_the_sample_is_worked_off_with_no_cloud(tmp_path: Path, site: Site) -> None:
    sample = imagemeta("batch", "sample").stdout
    assert sample == SAMPLE.replace("\r\n", "\n")
    (tmp_path / "sample.csv").write_text(sample.replace("https://www.example.com", site.url("")))
    result = imagemeta("batch", "run", "sample.csv", cwd=tmp_path, **settings(site))
    assert result.returncode == 0, result.stderr
    assert "done: 4 done, 0 failed, 0 pending of 4" in result.stdout
    assert result.stdout.endswith(f"The output is {tmp_path}/batch/output.csv\n")
    assert {cell["Status"] for cell in cells(tmp_path / "batch", 2).values()} == {"done"}


def test_options_reach_the_images(tmp_path: Path, site: Site) -> None:
    from PIL import Image

    path = table(tmp_path, [site.url("/a.jpg")], 1)
    options = ("--longest", "100", "--as", "webp", "--quality", "30", "--originals", "--metadata", "strip")
    result = imagemeta("batch", "run", path, "--out", tmp_path / "out", *options, "-f", "json", **settings(site))
    assert said(result)["policy"] == {
        "quality": 30,
        "longest": 100,
        "format": "webp",
        "target_bytes": 0,
        "metadata": "strip",
        "originals": True,
    }
    (cell,) = cells(tmp_path / "out", 1).values()
    with Image.open(cell["Output Image Url"].removeprefix("file://")) as image:
        assert (image.format, image.size) == ("WEBP", (100, 63))
    (original,) = (tmp_path / "out" / said(result)["id"] / "originals").iterdir()
    assert original.read_bytes() == PHOTO


def test_what_a_stranger_wrote_is_no_formula(tmp_path: Path, site: Site) -> None:
    path = table(tmp_path, [site.url("/a.jpg")], 1)
    for raw, shown in (((), "'=SKU0"), (("--raw",), "=SKU0")):
        imagemeta("batch", "run", path, "--out", tmp_path / "out", *raw, **settings(site))
        rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "output.csv").read_text())))
        assert rows[0]["Product Name"] == shown


def test_an_interrupted_run_goes_on(tmp_path: Path, site: Site) -> None:
    site.default = slowly(0.1, serving(PHOTO))
    path = table(tmp_path, [site.url(f"/{number}.jpg") for number in range(300)])
    command = ("batch", "run", path, "--out", tmp_path / "out")
    with started(*command, **settings(site)) as program:
        wait_until(lambda: len(site.log) > 30, 60)
        os.killpg(program.pid, signal.SIGINT)
        assert program.wait(60) == 130
    assert {"done", "running"} == {cell["Status"] for cell in cells(tmp_path / "out").values()}
    assert imagemeta(*command, **settings(site)).returncode == 0
    assert {cell["Status"] for cell in cells(tmp_path / "out").values()} == {"done"}


def test_a_batch_can_be_asked_for_and_cancelled(tmp_path: Path, site: Site) -> None:
    out = tmp_path / "out"
    imagemeta("batch", "run", table(tmp_path, [site.url("/a.jpg")], 1), "--out", out, **settings(site))
    more = table(tmp_path, [site.url("/b.jpg"), site.url("/c.jpg")], 1)
    id_ = imagemeta("batch", "submit", more, "--folder", out, **settings(site)).stdout.strip()
    progress = said(imagemeta("batch", "status", id_, "--folder", out, "-f", "json"))
    assert (progress["state"], progress["pending"], progress["name"]) == ("running", 2, "products.csv")
    assert imagemeta("batch", "output", id_, "--folder", out).stdout.count("running") == 2
    assert said(imagemeta("batch", "cancel", id_, "--folder", out, "-f", "json"))["state"] == "cancelled"
    assert "cancelled" in imagemeta("batch", "retry", id_, "--folder", out).stderr
    assert imagemeta("batch", "output", id_, "--folder", out, "--out", tmp_path / "o.csv").returncode == 0
    assert (tmp_path / "o.csv").read_text().count("cancelled") == 2
    assert len(imagemeta("batch", "list", "--folder", out).stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("a,b\n1,2\n", (), "no column holds URLs; name the one that does: a, b"),
        ('a,url\n1,"http://x\n', (), "line 2: unexpected end of data; is a quotation mark missing?"),
        ("url\nhttp://x/\n", ("--url-column", "photo"), "there is no column 'photo'; there are: url"),
        ("url\nhttp://x/\n", ("--longest", "5"), "a longest side of 5 pixels: choose 16 to 16384, or 0 for no limit"),
        (None, (), "products.csv cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    tmp_path: Path, text: str | None, options: tuple[str, ...], says: str
) -> None:
    if text is not None:
        (tmp_path / "products.csv").write_text(text)
    result = imagemeta("batch", "run", "products.csv", *options, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"imagemeta: {says}\n"


def test_a_setting_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("url\nhttp://x/\n")
    result = imagemeta("batch", "run", "products.csv", cwd=tmp_path, IMAGEMETA_FETCH_ALLOW="intranet:http")
    assert result.returncode == 78
    assert result.stderr == "imagemeta: IMAGEMETA_FETCH_PORTS, IMAGEMETA_FETCH_ALLOW: 'http' is no port\n"


def test_an_unknown_batch_is_one_line(tmp_path: Path, site: Site) -> None:
    imagemeta("batch", "run", table(tmp_path, [site.url("/a.jpg")], 1), "--out", tmp_path, **settings(site))
    result = imagemeta("batch", "status", "nothing", "--folder", tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "there is no batch 'nothing'" in result.stderr


def test_on_a_terminal_one_line_says_how_far_it_is(tmp_path: Path, site: Site) -> None:
    site.default = slowly(0.05, serving(PHOTO))
    path = table(tmp_path, [site.url(f"/{number}.jpg") for number in range(100)])
    code, shown, output = on_a_terminal("batch", "run", path, "--out", tmp_path / "out", **settings(site))
    assert code == 0
    assert "pending of 100" in shown
    assert "severity" not in shown
    assert "100 done" in output


def test_a_wrong_url_is_mended_in_its_row(tmp_path: Path, site: Site) -> None:
    site.answers["/wrong.jpg"] = status(404)
    out = tmp_path / "out"
    path = table(tmp_path, [site.url("/right.jpg"), site.url("/wrong.jpg")], 1)
    first = said(imagemeta("batch", "run", path, "--out", out, "--format", "json", **settings(site)))
    assert (first["done"], first["failed"]) == (1, 1)
    command = ("batch", "mend", first["id"], "2", site.url("/mended.jpg"), "--folder", out)
    result = imagemeta(*command, **settings(site))
    assert result.returncode == 0, result.stderr
    assert "2 done, 0 failed" in result.stdout
    assert list(cells(out, 1)) == [site.url("/right.jpg"), site.url("/mended.jpg")]
    again = imagemeta(*command, **settings(site))
    assert (again.returncode, "has not failed" in again.stderr) == (2, True)
