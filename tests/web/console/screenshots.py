"""`python -m tests.web.console.screenshots [--docs] [PAGE ...]`: every page as a picture, light, dark and narrow."""

import base64
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from tests.batches.images import grainy, saved
from tests.batches.server import Site as WebSite
from tests.batches.server import serving, status
from tests.cli.program import imagemeta, started
from tests.fakes import wait_until
from tests.samples.drawing import draw
from tests.web.console.browser import Browser, browsing
from tests.web.console.gallery import hang
from worker import logs
from worker.batches.policy import Policy
from worker.batches.sheet import SAMPLE
from worker.catalog.query import parse
from worker.local import settings_in
from worker.site import Site
from worker.web.serving import served

DOCS = Path(__file__).parents[3] / "docs" / "images"
KEPT = {
    "overview": "overview-light",
    "browse": "search-light",
    "map": "map-near-dark",
    "failures": "failures-light",
    "batch": "batch-light",
}
"""What the documentation shows: small, and the upper part alone."""
SIZES = {"light": (1360, 900), "dark": (1360, 900), "narrow": (375, 800)}


def pages(site: Site) -> dict[str, str]:
    """The address of each page, by its name."""
    query = parse('has:position has:title camera:"Fujifilm X-T5" taken:2024-07..2024-08')
    picture = site.catalog.page(query, limit=1).rows[0][0]
    failure = site.catalog.page(parse("status:failed code:unsupported_format"), limit=1).rows[0][0]
    bucket = f"gs://{site.catalog.facets(parse(''), ['bucket'])['bucket'][0][0]}"
    return {
        "overview": "/",
        "browse": "/images",
        "table": "/images?view=table&q=" + quote("iso:>=800 has:lens"),
        "search": "/images?q=" + quote('camera:"Canon EOS R6" taken:2023'),
        "nothing": "/images?q=" + quote("make:Leica"),
        "fault": "/images?q=" + quote("iso:>loud"),
        "picture": f"/images/{picture}",
        "map": "/map",
        "map-near": "/map?q=" + quote("box:35,-12,66,22"),
        "plots": "/plots",
        "queue": "/queue",
        "failures": "/failures",
        "failure": f"/failures/{failure}",
        "requeue": "/failures/requeue?q=" + quote("code:unsupported_format"),
        "backfills": f"/backfills?target={quote(bucket)}&select=all",
        "reconcile": "/reconcile?scope=" + quote(f"{bucket}/"),
        "workers": "/workers",
        "exports": "/exports?q=" + quote("make:Canon has:position"),
        "exports-map": "/exports?form=geojson&columns=these&names=name,taken&q=" + quote("taken:2023"),
        "exports-fault": "/exports?q=" + quote("iso:>loud"),
        "exported": f"/runs/{next(run.id for run in site.ledger.newest() if run.action == 'export')}?of=40",
        "batches": "/batches",
        "batch": f"/batches/{site.desk.newest()[0].batch.id}",
        "batch-failed": f"/batches/{site.desk.newest()[0].batch.id}?state=failed",
        "runs": "/runs",
        "run": f"/runs/{next(run.id for run in site.ledger.newest() if run.action == 'redrive')}",
    }


def take(browser: Browser, path: str, file: Path, width: int, height: int) -> None:
    """The whole page, once it is still."""
    browser.resize(width, height)
    browser.open(path)
    wait_until(lambda: browser.run("return document.readyState") == "complete", 60)
    if path.startswith("/map"):
        wait_until(lambda: browser.run("return document.querySelector('#map')?.dataset.painted !== undefined"))
    wait_until(lambda: "Counting" not in browser.text("body"), 60)
    browser.run("for (const image of document.images) image.loading = 'eager'")
    wait_until(lambda: browser.run("return [...document.images].every((image) => image.complete)"), 60)
    shoot(browser, file, width, height)


def shoot(browser: Browser, file: Path, width: int, height: int) -> None:
    """The page as it stands, as far down as it goes."""
    whole = min(2600, int(browser.run("return document.documentElement.scrollHeight")))
    browser.resize(width, max(height, whole))
    browser.still()
    shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    file.write_bytes(base64.b64decode(shot["data"]))


def _at_work(browser: Browser) -> bool:
    browser.open("/workers")
    return "heard of within the last minute" in browser.text()


def _hand_in(site: Site, web: WebSite) -> None:
    """A batch with some of everything."""
    web.answers.update({"/lamp.png": status(404), "/chair.jpg": serving(b"<html>", "text/html")})
    web.answers["/table.png"] = serving(saved(grainy(), "PNG"), "image/png")
    names = ("lamp.png", "chair.jpg", "table.png", "sofa.jpg", "desk.jpg", "shelf.jpg", "rug.jpg", "clock.jpg")
    rows = "".join(f"{number},{name[:-4]},{web.url(f'/{name}')}\n" for number, name in enumerate(names, 1))
    batch, _ = site.desk.take(f"Serial Number,Product Name,Photo\n{rows}".encode(), Policy(), name="furniture.csv")
    wait_until(lambda: not site.desk.status(batch.id).pending, 60)


def _choose(browser: Browser, into: Path, room: Path) -> None:
    """The page of batches with a table that is looked at before it is handed in."""
    table = room / "furniture.csv"
    table.write_text(SAMPLE)
    for look, (width, height) in SIZES.items():
        browser.dark(look == "dark")
        browser.resize(width, height)
        browser.open("/batches")
        browser.one("#file").send_keys(str(table))
        wait_until(lambda: browser.all("#counted"))
        shoot(browser, into / f"batches-chosen-{look}.png", width, height)


def _act(browser: Browser) -> None:
    """Do what leaves something to be seen: a requeue, a backfill, exports, and a comparison."""
    browser.resize(*SIZES["light"])
    browser.open("/")
    browser.run("localStorage.every = '2'")
    browser.open("/failures/requeue?q=code:unsupported_format")
    browser.click("#confirm")
    wait_until(lambda: browser.text("#pending") == "0", 30)
    browser.open("/backfills?target=gs://pictures/2024&select=all")
    browser.click("#confirm")
    wait_until(lambda: "done" in browser.text(".lead"), 30)
    for path in ("form=sqlite", "q=make:Canon", "form=jsonl&gzip=on&name=nightly.jsonl.gz"):
        browser.open(f"/exports?{path}")
        browser.click("#write")
        wait_until(lambda: browser.all("#file"), 30)
    browser.click("nav a[href='/exports']")
    browser.click("#known a.button")
    browser.click("#write")
    wait_until(lambda: browser.all("#file"), 30)
    browser.open("/reconcile")
    browser.click("main .primary")
    wait_until(lambda: "done" in browser.text("#report h2"), 30)


def keep(shot: Path, file: Path) -> None:
    """A copy for the documentation."""
    with Image.open(shot) as image:
        upper = image.convert("RGB").crop((0, 0, image.width, min(image.height, 860)))
    small = upper.resize((upper.width * 4 // 5, upper.height * 4 // 5), Image.Resampling.LANCZOS)
    small.quantize(160, dither=Image.Dither.NONE).save(file, optimize=True)


def main(into: Path, only: list[str]) -> None:
    """Take them, of all pages or of some."""
    logs.configure("error", "console")
    into.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        room = stack.enter_context(tempfile.TemporaryDirectory())
        folder = Path(room) / "pictures"
        hang(folder)
        imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error")
        web = stack.enter_context(WebSite(serving(saved(draw(3, (1600, 1067)), "JPEG", quality=95))))
        more = {"IMAGEMETA_FETCH_ALLOW": web.address, "IMAGEMETA_LOG_LEVEL": "error"}
        settings = settings_in(folder, dict(os.environ) | more)
        at_work = started("up", folder, "--no-console", **more)
        with at_work, Site(settings) as site, served(settings) as url, browsing(url) as browser:
            wait_until(lambda: _at_work(browser), 30)
            _hand_in(site, web)
            _act(browser)
            if not only or "batches-chosen" in only:
                _choose(browser, into, Path(room))
            for name, path in pages(site).items():
                if only and name not in only:
                    continue
                for look, (width, height) in SIZES.items():
                    browser.dark(look == "dark")
                    take(browser, path, into / f"{name}-{look}.png", width, height)
                    sys.stdout.write(f"{into / f'{name}-{look}.png'}\n")


if __name__ == "__main__":
    main(Path(".screenshots"), [name for name in sys.argv[1:] if name != "--docs"])
    if "--docs" in sys.argv:
        DOCS.mkdir(exist_ok=True)
        for kept, taken in KEPT.items():
            keep(Path(f".screenshots/{taken}.png"), DOCS / f"{kept}.png")
