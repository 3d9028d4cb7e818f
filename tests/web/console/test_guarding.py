"""Who may do what, what a form must know, and what a preview gives away."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.cli.program import imagemeta
from tests.samples.drawing import draw, encoded
from tests.samples.packets import with_jpeg_metadata
from tests.samples.tiff import exif, short, text
from tests.web.console import shelf
from tests.web.console.conftest import console
from worker.catalog.query import parse
from worker.document import key_for
from worker.extract import extract
from worker.extract.window import BytesReader
from worker.local import settings_in
from worker.model import Limits
from worker.site import Site
from worker.web.access import Access, Headers
from worker.web.console import assets, jpeg
from worker.web.viewer import Precision, Scope, Viewer

PAGES = (
    "/",
    "/images",
    "/images?view=table",
    "/map",
    "/plots",
    "/plots/figures",
    "/images/facets",
    "/queue",
    "/failures",
)
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/queue/pause", {"bucket": "pictures"}),
    ("/queue/resume", {"bucket": "pictures"}),
    ("/failures/requeue", {"q": "", "confirmed": "17"}),
    ("/failures/selected", {"key": "x"}),
    ("/backfills", {"target": "gs://pictures", "select": "all"}),
    ("/reconcile", {"target": "gs://pictures"}),
    ("/reconcile/repair", {"scope": "gs://pictures/"}),
    ("/runs/x/stop", {}),
)


@pytest.fixture
def url(gallery: Path) -> Iterator[str]:
    with console(gallery) as found:
        yield found


def token(session: requests.Session, url: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', session.get(f"{url}/reconcile", timeout=30).text)
    assert found
    return found[1]


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_a_form_without_the_pages_token_does_nothing(
    url: str, gallery: Path, path: str, fields: dict[str, str]
) -> None:
    with requests.Session() as session:
        known = token(session, url)
        for wrong in ({}, {"token": ""}, {"token": known[::-1]}):
            assert session.post(f"{url}{path}", {**fields, **wrong}, timeout=30).status_code == 403
        plain = {"Content-Type": "text/plain"}
        assert session.post(f"{url}{path}", f"token={known}", headers=plain, timeout=30).status_code == 403
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = session.post(f"{url}{path}", {**fields, "token": known}, headers=foreign, timeout=30)
        assert answer.status_code == 403
    with Site(settings_in(gallery, {})) as site:
        assert not site.ledger.newest()


def test_who_may_only_read_sees_no_buttons_and_starts_nothing(gallery: Path) -> None:
    reader = Viewer("reader", frozenset({Scope.READ}), Precision.EXACT)
    with console(gallery, Access((lambda _: reader,))) as url, requests.Session() as session:
        for path in PAGES:
            page = session.get(url + path, timeout=30)
            assert page.status_code == 200
            assert 'method="post" action' not in page.text or "/failures/selected" in page.text
            assert "Requeue all" not in page.text
        for path in ("/backfills", "/reconcile", "/runs"):
            assert session.get(url + path, timeout=30).status_code == 403
        for path, fields in FORMS:
            assert session.post(url + path, fields, timeout=30).status_code == 403


@pytest.mark.parametrize("precision", [Precision.ROUNDED, Precision.HIDDEN])
def test_no_page_tells_a_place_more_exactly_than_it_may(tmp_path: Path, precision: Precision) -> None:
    folder = tmp_path / "pictures"
    catalog = shelf.catalog_in(folder)
    shelf.put(catalog, [shelf.picture("photos", f"46.57754_7.98512 {number}.jpg", ["word"]) for number in range(3)])
    viewer = Viewer("somebody", frozenset({Scope.READ}), precision)
    key = key_for("photos", "46.57754_7.98512 1.jpg")[:32]
    with console(folder, Access((lambda _: viewer,))) as url, requests.Session() as session:
        for path in (
            *PAGES,
            f"/images/{key}",
            f"/images/{key}/json",
            "/map/pictures?box=40,0,50,10",
            "/map/clusters?zoom=18",
        ):
            page = session.get(url + path, timeout=30).text
            assert not re.search(r"46\W57\d|(?<!\d)7\W98\d{2}", page), path
            assert precision is Precision.ROUNDED or not re.search(r"46\.58|7\.99", page), path
        exact = session.get(f"{url}/images?q=box:46.5775,7.9851,46.5776,7.9852", timeout=30)
        if precision is Precision.HIDDEN:
            assert exact.status_code == 400


# --- previews ----------------------------------------------------------------------------------------------


def with_thumbnail(orientation: int = 1, word: str = "a secret") -> bytes:
    """A large JPEG whose EXIF block holds a small one, as cameras leave it; the metadata of both say a word."""
    small = encoded(draw(3, (160, 120)), "JPEG", quality=70, comment=word.encode())
    block = exif({0x010F: text(word), 0x0112: short(orientation)})
    at = len(block)
    directory = _directory({0x0103: 6, 0x0201: at + 2 + 3 * 12 + 4, 0x0202: len(small)})
    chained = _with_next(block, at) + directory + small
    large = encoded(draw(4, (1200, 900)), "JPEG", quality=95, comment=word.encode())
    return with_jpeg_metadata(large, chained)


def _directory(numbers: dict[int, int]) -> bytes:
    entries = b"".join(
        tag.to_bytes(2, "little") + (4).to_bytes(2, "little") + (1).to_bytes(4, "little") + value.to_bytes(4, "little")
        for tag, value in numbers.items()
    )
    return len(numbers).to_bytes(2, "little") + entries + bytes(4)


def _with_next(block: bytes, at: int) -> bytes:
    """The TIFF block whose first directory says that another follows."""
    count = int.from_bytes(block[8:10], "little")
    place = 10 + 12 * count
    return block[:place] + at.to_bytes(4, "little") + block[place + 4 :]


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A console over a folder of a few files, and the folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "large.jpg").write_bytes(with_thumbnail(6))
    (folder / "page.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    (folder / "page.jpg").write_bytes(b"<html><script>alert(1)</script></html>")
    (folder / "small.png").write_bytes(encoded(draw(1, (60, 40)), "PNG"))
    assert imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error").returncode == 0
    with console(folder) as url:
        yield url, folder


def preview(url: str, folder: Path, name: str, size: str = "small") -> requests.Response:
    with Site(settings_in(folder, {})) as site:
        ((key, fields),) = site.catalog.page(parse(f"name:{name}")).rows
    return requests.get(f"{url}/previews/{size}/{key}/{fields['generation']}", timeout=30)


def test_a_preview_is_the_cameras_own_without_what_else_the_file_says(shown: tuple[str, Path]) -> None:
    answer = preview(*shown, "large.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert len(answer.content) < 10_000
    assert b"a secret" not in answer.content
    found = extract(BytesReader.of(answer.content), Limits())
    assert (found.image.width, found.image.height, found.image.orientation) == (120, 160, 6)
    assert set(found.tags) <= {"IFD0:Orientation"}
    large = preview(*shown, "large.jpg", "large")
    assert b"a secret" not in large.content
    assert extract(BytesReader.of(large.content), Limits()).image.width == 900


def test_nothing_in_an_object_can_run(shown: tuple[str, Path]) -> None:
    for name in ("large.jpg", "page.jpg", "small.png"):
        answer = preview(*shown, name)
        assert answer.headers["content-type"] in ("image/jpeg", "image/png", "image/svg+xml")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert b"<script" not in answer.content
        assert b"onload" not in answer.content
    assert "immutable" in preview(*shown, "small.png").headers["cache-control"]
    assert "immutable" not in preview(*shown, "page.jpg").headers["cache-control"]


def test_another_generation_has_no_preview(shown: tuple[str, Path]) -> None:
    url, folder = shown
    before = preview(url, folder, "small.png").content
    (folder / "small.png").write_bytes(encoded(draw(2, (60, 40)), "PNG"))
    after = preview(url, folder, "small.png").content
    assert before.startswith(b"\x89PNG")
    assert after == assets.asset("no-preview.svg")[0]  # type: ignore[index] # it is there


@pytest.mark.parametrize("size", ["small", "large"])
def test_who_may_not_know_the_place_gets_no_metadata_by_way_of_the_picture(shown: tuple[str, Path], size: str) -> None:
    _, folder = shown
    viewer = Viewer("somebody", frozenset({Scope.READ}), Precision.ROUNDED)

    def check(_: Headers) -> Viewer:
        return viewer

    with console(folder, Access((check,))) as guarded:
        assert preview(guarded, folder, "small.png", size).headers["content-type"] == "image/svg+xml"
        assert b"a secret" not in preview(guarded, folder, "large.jpg", size).content


@pytest.mark.parametrize("cut", [3, 10, 200, 3000])
def test_a_jpeg_that_is_cut_is_not_shown(cut: int) -> None:
    assert jpeg.bare(with_thumbnail()[:cut]) is None


def test_what_follows_a_picture_does_not_come_along() -> None:
    assert jpeg.bare(with_thumbnail() + b"GPS 48.1374") == jpeg.bare(with_thumbnail())


def test_nothing_but_assets_can_be_asked_for(url: str) -> None:
    for name in ("../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "//etc/passwd", "", "vendor"):
        answer = requests.get(f"{url}/static/{name}", timeout=30)
        assert answer.status_code == 404
    for name in assets.names():
        assert requests.get(url + assets.address(name), timeout=30).status_code == 200
