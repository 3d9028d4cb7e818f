"""Exports through the API: streams and files, of what the viewer may see."""

import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from tests.export.reading import merged, rows
from tests.export.rig import FORMATS, a_picture, a_tombstone
from tests.fakes import wait_until
from tests.web.api.client import BY_NAME, HEADER, UNHURRIED, Client
from tests.web.api.conftest import Place, place
from tests.web.api.test_privacy import PAIR, failure, hostile, leaks
from worker import exports
from worker.errors import Misconfigured
from worker.export.forms import FORMATS as KNOWN
from worker.exports import Wanted
from worker.model import Value
from worker.ports import DocumentReader
from worker.site import Site
from worker.web.access import Access
from worker.web.app import application
from worker.web.download import MOST
from worker.web.serving import served
from worker.web.viewer import Precision, Scope, Viewer

PICTURES = 250
MAPS = ("geojson", "kml", "geo.txt")
WHEN = a_picture(0).fields["processed_at"]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, str]]:
    """A catalog of pictures, one of which is deleted, and where it is served."""
    found = place(tmp_path_factory.mktemp("exported") / "photos")
    gone = a_tombstone(7, WHEN)  # type: ignore[arg-type] # a datetime
    found.store(*(a_picture(number) for number in range(PICTURES) if number != 7), gone)
    with served(found.settings, who=BY_NAME, bounds=UNHURRIED) as url:
        yield found, url


@pytest.fixture
def client(shelf: tuple[Place, str]) -> Iterator[Client]:
    with closing(Client(shelf[1], "exact")) as client:
        yield client


def named(form: str, stem: str = "images") -> str:
    return form if form == "geo.txt" else f"{stem}.{form}"


# --- streams -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("query", ["", "make:Sony"])
def test_a_stream_is_the_file_that_the_command_writes(
    shelf: tuple[Place, str], client: Client, tmp_path: Path, form: str, query: str
) -> None:
    reply = client.file("/v1/export", q=query, format=form)
    file = tmp_path / named(form)
    with Site(shelf[0].settings) as site:
        done = exports.export(site, Wanted(query, form), str(file), lambda _: None)
        counted = exports.count(site, Wanted(query, form))
    assert reply.content == file.read_bytes()
    assert len(rows(file, form)) == done.part.rows == counted[1] > 0
    assert reply.headers["content-type"].startswith(KNOWN[form].content_type)
    told = re.fullmatch(r'attachment; filename="(.+)"', reply.headers["content-disposition"])
    assert told
    assert re.fullmatch(r"geo\.txt" if form == "geo.txt" else rf"images-\d{{4}}-\d\d-\d\d\.{form}", told[1])
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_columns_packing_and_raw_texts_are_as_the_command_has_them(client: Client, tmp_path: Path) -> None:
    reply = client.file("/v1/export", format="csv", columns="name, text.title,tag:IFD0:Make", gzip=True, raw=True)
    assert reply.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in reply.headers
    assert reply.headers["content-disposition"].endswith('.csv.gz"')
    (tmp_path / "images.csv.gz").write_bytes(reply.content)
    found = rows(tmp_path / "images.csv.gz", "csv")
    assert list(found[0]) == ["name", "title", "tag:IFD0:Make"]
    assert "=1+1" in {row["title"] for row in found}
    assert "'=1+1" in {row["title"] for row in _csv(client, tmp_path, columns="title")}


def _csv(client: Client, folder: Path, **parameters: str) -> list[dict[str, Any]]:
    file = folder / "rows.csv"
    file.write_bytes(client.file("/v1/export", format="csv", **parameters).content)
    return rows(file, "csv")


def test_what_is_deleted_comes_along_where_it_is_asked_for(client: Client, tmp_path: Path) -> None:
    assert len(_csv(client, tmp_path)) == PICTURES - 1
    assert [row["status"] for row in _csv(client, tmp_path, q="status:deleted")] == ["deleted"]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, "format"),
        ({"format": "xls"}, "format"),
        ({"format": "csv", "columns": "name,mke"}, "there is no column 'mke'"),
        ({"format": "csv", "q": "mke:Sony"}, "did you mean make"),
        ({"format": "parquet", "gzip": "true"}, "without --gzip"),
        ({"format": "csv", "since": "last"}, "no parameter 'since'"),
    ],
)
def test_what_is_asked_for_wrongly_is_said_before_anything_is_sent(
    client: Client, parameters: dict[str, str], says: str
) -> None:
    reply = client.ask("GET", "/v1/export", params=parameters)
    assert reply.status_code == 400
    assert says in reply.json()["detail"]


class Breaking(Site):
    """A set-up whose store gives so many documents, and then no more."""

    def __init__(self, place: Place, whole: int) -> None:
        super().__init__(place.settings)
        self.whole = whole

    @cached_property
    def reader(self) -> DocumentReader:
        return _Reader(self.whole)


class _Reader:
    def __init__(self, whole: int) -> None:
        self._whole = whole

    def get(self, key: str) -> dict[str, Value] | None:
        raise AssertionError(key)

    def scan(self, start_after: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
        assert start_after == "", "a page is asked for once"
        fields = dict(a_picture(1).fields) | {"processed_at": "2024-01-01T00:00:00Z", "created": None, "taken": {}}
        for number in range(self._whole):
            yield f"{number:032}", fields
        raise Misconfigured("the store is gone")

    def close(self) -> None:
        """Nothing to free."""


@contextmanager
def breaking(place: Place, whole: int) -> Iterator[str]:
    with Breaking(place, whole) as site, socket.create_server(("127.0.0.1", 0)) as listener:
        app = application(site, BY_NAME, UNHURRIED)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.parametrize("form", FORMATS)
def test_a_stream_that_breaks_off_does_not_look_whole(empty: Place, form: str) -> None:
    with breaking(empty, 950) as url, pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(f"{url}/v1/export", params={"format": form}, headers={HEADER: "exact"}, timeout=30)


def test_so_many_files_are_sent_at_once_and_whoever_leaves_makes_room(empty: Place) -> None:
    with breaking(empty, 10**9) as url, ExitStack() as stack:

        def asked(form: str = "csv") -> requests.Response:
            reply = requests.get(
                f"{url}/v1/export", params={"format": form}, headers={HEADER: "exact"}, stream=True, timeout=30
            )
            return stack.enter_context(closing(reply))

        taken = [asked("sqlite"), *(asked() for _ in range(MOST - 1))]
        assert {reply.status_code for reply in taken} == {200}
        refused = asked()
        assert (refused.status_code, refused.json()["code"]) == (503, "throttled")
        taken[0].close()  # before its first byte: it would never have an end
        wait_until(lambda: asked().status_code == 200)


# --- who may have what ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def telltale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a picture and a failure are served that tell a place wherever they can."""
    found = place(tmp_path_factory.mktemp("telltale") / "photos")
    found.store(hostile(), failure())
    with served(found.settings, who=BY_NAME, bounds=UNHURRIED) as url:
        yield url


def everything(content: bytes, form: str, folder: Path) -> Any:
    """All that a file tells, index and all."""
    file = folder / named(form)
    file.write_bytes(content)
    if form == "sqlite":
        with closing(sqlite3.connect(file)) as db:
            return [*db.iterdump(), rows(file, form)]
    return rows(file, form) if form == "parquet" else [content.decode(), rows(file, form)]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("viewer", ["exact", "rounded", "hidden"])
def test_no_file_tells_a_place_more_exactly_than_its_viewer_may_know(
    telltale: str, tmp_path: Path, form: str, viewer: str
) -> None:
    asked = "all,tags,tag:GPS:GPSLatitude,tag:XMP-odd:Spot,tag:XMP-drone-dji:GpsLongtitude,position.altitude"
    with closing(Client(telltale, viewer)) as client:
        if viewer == "hidden" and form in MAPS:
            reply = client.ask("GET", "/v1/export", params={"format": form})
            assert (reply.status_code, reply.json()["detail"]) == (403, "positions are hidden from you")
            return
        for query in ("", "has:position" if form in MAPS else "status:ok,failed"):
            told = everything(client.file("/v1/export", format=form, columns=asked, q=query).content, form, tmp_path)
            assert bool(leaks(told)) == (viewer == "exact")
            assert ("48.14" in str(told)) == (viewer == "rounded")
            assert form == "geo.txt" or "Canon" in str(told) or "image" in str(told)


def test_a_file_of_rounded_places_is_a_map_of_them(telltale: str, tmp_path: Path) -> None:
    with closing(Client(telltale, "rounded")) as client:
        for form, says in (("geojson", "[11.58, 48.14]"), ("kml", "11.58,48.14"), ("geo.txt", "11.58 48.14")):
            assert says in str(everything(client.file("/v1/export", format=form).content, form, tmp_path))


@pytest.mark.parametrize("viewer", ["rounded", "hidden"])
def test_no_export_feels_for_decimals(telltale: str, viewer: str) -> None:
    with closing(Client(telltale, viewer)) as client:
        for query in ("alt:519..520", "tag:GPS:GPSLatitude>48.1371", 'title:"At 48.1371"*'):
            assert client.ask("GET", "/v1/export", params={"format": "csv", "q": query}).status_code == 400


def test_a_rounded_viewer_who_asks_for_a_circle_gets_whole_cells(telltale: str, tmp_path: Path) -> None:
    with closing(Client(telltale, "rounded")) as client:
        assert len(_csv(client, tmp_path, q="near:48.1351,11.5849,1m")) == 1
        assert len(_csv(client, tmp_path, q="near:48.1251,11.5849,1m")) == 0


def test_each_way_takes_its_rights(shelf: tuple[Place, str], telltale: str) -> None:
    body = {"to": "x.csv"}
    with closing(Client(shelf[1], "reader")) as client:
        for method, path in (("GET", "/v1/export?format=csv"), ("GET", "/v1/exports"), ("GET", "/v1/exports/x.csv")):
            reply = client.ask(method, path.partition("?")[0], params={"format": "csv"} if "?" in path else {})
            assert (reply.status_code, "scope export" in reply.json()["detail"]) == (403, True), path
        assert client.post("/v1/exports", **body).status_code == 403
        assert client.ask("GET", "/v1/exports/runs").status_code == 403
    for viewer in ("rounded", "hidden"):
        with closing(Client(telltale, viewer)) as client:
            for reply in (client.post("/v1/exports", **body), client.ask("GET", "/v1/exports/x.csv")):
                assert reply.status_code == 403
                assert "exact positions, which are not for you" in reply.json()["detail"]


def test_who_may_export_but_not_operate_writes_nothing(empty: Place) -> None:
    viewer = Viewer("analyst", frozenset({Scope.READ, Scope.EXPORT}), Precision.EXACT)
    with served(empty.settings, who=Access((lambda _: viewer,))) as url, closing(Client(url)) as client:
        assert client.file("/v1/export", format="csv").content.startswith(b"key,bucket")
        reply = client.post("/v1/exports", to="x.csv")
        assert (reply.status_code, "scope operate" in reply.json()["detail"]) == (403, True)
    assert not (empty.folder / ".imagemeta" / "exports").exists()


def test_the_list_tells_no_search_for_a_place(telltale: str) -> None:
    with closing(Client(telltale, "exact")) as exact:
        written(exact, query=f"near:{PAIR},2km", to="near.csv")
        assert PAIR in str(exact.get("/v1/exports"))
    with closing(Client(telltale, "rounded")) as rounded:
        assert len(rounded.get("/v1/exports")["exports"]) == 1
        assert not leaks(rounded.get("/v1/exports"))


# --- files that runs write -----------------------------------------------------------------------------------


def written(client: Client, **body: Any) -> dict[str, Any]:
    """The run of a POST, once it is done."""
    reply = client.post("/v1/exports", **body)
    assert reply.status_code == 202, reply.text
    id_ = reply.json()["run"]["id"]
    wait_until(lambda: client.get(f"/v1/exports/runs/{id_}")["state"] != "running")
    run: dict[str, Any] = client.get(f"/v1/exports/runs/{id_}")
    assert run["state"] == "done", run
    return run


@pytest.mark.parametrize("form", FORMATS)
def test_a_run_writes_the_file_that_a_stream_is(shelf: tuple[Place, str], client: Client, form: str) -> None:
    name = named(form, "run")
    found = client.post("/v1/exports", to=name, dry_run=True).json()["found"]
    run = written(client, to=name)
    assert (run["action"], run["who"], run["published"]) == ("export", "exact", found["rows"])
    reply = client.file(f"/v1/exports/{name}")
    assert reply.content == client.file("/v1/export", format=form).content
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert reply.headers["content-type"].startswith(KNOWN[form].content_type)
    [told] = [each for each in client.get("/v1/exports")["exports"] if each["run"] == run["id"]]
    assert told["file"] == found["file"] == str(shelf[0].folder / ".imagemeta" / "exports" / name)
    part = {"name": name, "rows": found["rows"], "bytes": len(reply.content), "url": f"/v1/exports/{name}"}
    assert (told["parts"], told["rows"], told["bytes"]) == ([part], part["rows"], part["bytes"])


def test_what_changed_is_another_part(empty: Place, tmp_path: Path) -> None:
    empty.store(a_picture(1), a_picture(2))
    with served(empty.settings, who=BY_NAME, bounds=UNHURRIED) as url, closing(Client(url, "exact")) as client:
        assert client.post("/v1/exports", to="n.jsonl.gz", since="last").status_code == 409  # there is none yet
        written(client, to="n.jsonl.gz", columns=["key", "name", "status"])
        empty.store(a_picture(3))
        asked = {"to": "n.jsonl.gz", "columns": ["key", "name", "status"], "since": "2020-01-01T00:00:00Z"}
        assert client.post("/v1/exports", **asked, dry_run=True).json()["found"]["rows"] == 3
        written(client, **asked)
        [told] = client.get("/v1/exports")["exports"]
        assert [part["name"] for part in told["parts"]] == ["n.jsonl.gz", "n.00002.jsonl.gz"]
        assert (told["gzip"], told["rows"]) == (True, 5)
        files = []
        for part in told["parts"]:
            files.append(tmp_path / part["name"])
            files[-1].write_bytes(client.file(part["url"]).content)
        assert len(merged(files, "jsonl")) == 3


@pytest.mark.parametrize(
    "name",
    [
        *("../x.csv", "/x.csv", "a/b.csv", "a\\b.csv", "..", ".x.csv", "x.csv.part", "x.00002.csv", "x", ""),
        *("x.csv\n", "a b.csv", "x\0.csv", "n\u00e4.csv", "-x.csv", "x" * 99 + ".csv", "x..csv", "gs://bucket/x.csv"),
    ],
)
def test_a_name_leads_nowhere_else(client: Client, name: str) -> None:
    reply = client.post("/v1/exports", to=name, format="csv")
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")
    assert "is no name for a file here" in reply.json()["detail"]


def test_nothing_but_whole_exports_is_handed_out(shelf: tuple[Place, str], client: Client) -> None:
    written(client, to="whole.csv")
    folder = shelf[0].folder / ".imagemeta" / "exports"
    (folder / "half.csv.part").write_bytes(b"half")
    (folder / "other.csv").write_bytes(b"not ours")
    assert client.file("/v1/exports/whole.csv").content
    for name in ("half.csv", "half.csv.part", "other.csv", ".whole.csv.recent", "..%2fcatalog.db", "%2e%2e"):
        assert client.ask("GET", f"/v1/exports/{name}").status_code == 404, name
    with Site(shelf[0].settings) as site:  # what lies elsewhere is listed, and had where it lies
        exports.export(site, Wanted(), str(shelf[0].folder.parent / "elsewhere.csv"), lambda _: None)
    [told] = [each for each in client.get("/v1/exports")["exports"] if each["file"].endswith("elsewhere.csv")]
    assert told["parts"][0]["url"] is None
    assert client.ask("GET", "/v1/exports/elsewhere.csv").status_code == 404


def test_exports_lie_where_the_setting_says_and_never_among_pictures(empty: Place, tmp_path: Path) -> None:
    empty.store(a_picture(1))
    for value, status in ((f"file://{tmp_path}/out", 202), (f"file://{empty.folder}/out", 409), ("ftp://x/y", 409)):
        settings = empty.settings.model_copy(update={"exports": value})
        with served(settings, who=BY_NAME) as url, closing(Client(url, "exact")) as client:
            reply = client.post("/v1/exports", to="images.csv")
            assert reply.status_code == status, reply.text
            if status == 202:
                wait_until(lambda: client.get("/v1/exports")["exports"] != [])
                assert client.file("/v1/exports/images.csv").content == (tmp_path / "out" / "images.csv").read_bytes()
