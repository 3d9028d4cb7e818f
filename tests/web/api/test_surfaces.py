"""One string finds the same documents wherever it is written: API, command line, console, export and redrive.

And in both stores: Firestore finds the same, or says on every surface that it cannot tell.
"""

import html
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests
import structlog
from typer.testing import CliRunner

from tests.catalog.seeded import documents
from tests.cli.program import records
from tests.conformance.test_catalog import meant
from tests.web.api.client import BY_NAME, HEADER, UNHURRIED
from worker.backends.gcp.firestore import FirestoreDocuments
from worker.catalog.query import parse
from worker.cli.app import app
from worker.document import key_for
from worker.errors import QueryError
from worker.operate import again
from worker.operate.runs import rehearsal
from worker.ports import Create
from worker.settings import Settings, load
from worker.site import Site
from worker.web.serving import served

if TYPE_CHECKING:
    from deploy.stack import Stack
    from tests.web.api.conftest import Place

EVERYWHERE = """
make:Sony
make:sony,CANON
-make:sony has:make
camera:"sony ilce-7m4"
model:ILCE*
lens:"RF24-105mm F4 L IS USM"
-has:lens
iso:800
iso:>800
iso:<=100
iso:100..800
-iso:>800 has:iso
f:<2
exposure:1/250
focal:50mm
taken:2024-05
taken:2024-05..2024-06
taken:>=2024-07
-taken:2024-05 has:taken
has:position
near:48.1,11.5,30km
near:-17.8,180,5km
box:47,10,48,11
alt:-10..600
format:heic
width:>=6000
orientation:6,7,8
rating:>=4
size:1kB..5MB
keyword:"Lake Garda"
keyword:alps,snow
title:"title 3"
creator:zoë
copyright:"© müller"
cafe munchen
ALPS -make:sony has:make
in:gs://photos/many/
in:gs://photos/broken/
name:broken/*
name:"100%_*?.jpg"
bucket:archive
uploaded:2025-03-01
processed:>2025-03-01T12:00
truncated:yes
code:corrupt_image
stage:walk redrives:<3
has:failure
-has:failure
quarantined:yes
run:nightly
make:sony iso:>800 taken:2024-05..2024-07 -has:position
""".strip().split("\n")

IN_SQLITE_ALONE = """
-make:sony
-near:48.1,11.5,30km
-alps
keyword:al*
-in:gs://archive
-quarantined:yes
tag:"XMP:Rating">=3
-tag:IFD0:Make
""".strip().split("\n")
"""What no index of Firestore tells, and it refuses."""

Found = list[str]
"""Keys of documents, in the order in which a surface has them."""


class Refused(Exception):
    """A surface says that the query cannot be answered; the text is what it says."""


@dataclass(frozen=True)
class Store:
    """A set-up with the seeded documents, and where it is served. `refuses` what no index tells."""

    settings: Settings
    url: str
    refuses: bool

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        reply = requests.request(method, f"{self.url}{path}", headers={HEADER: "exact"}, timeout=60, **more)
        if reply.status_code == 400:
            raise Refused(html.unescape(reply.text))
        reply.raise_for_status()
        return reply

    def command(self, *arguments: str) -> list[dict[str, Any]]:
        """The lines of JSON that a command writes."""
        there = {"IMAGEMETA_DOCUMENTS": self.settings.documents, "IMAGEMETA_QUEUE": self.settings.queue}
        done = CliRunner().invoke(app, arguments, env=there)
        if done.exit_code == 2 or isinstance(done.exception, QueryError):
            raise Refused(f"{done.stderr}{done.exception}")
        assert done.exit_code == 0, done.output
        return records(done.stdout)


# --- the surfaces ------------------------------------------------------------------------------------------


def through_the_api(store: Store, text: str) -> Found:
    page = store.ask("GET", "/v1/images", params={"q": text, "limit": 40}).json()
    found = [image["id"] for image in page["images"]]
    while page["next"]:
        page = store.ask("GET", "/v1/images", params={"q": text, "limit": 40, "cursor": page["next"]}).json()
        found += [image["id"] for image in page["images"]]
    return found


def by_the_command(store: Store, text: str) -> Found:
    lines = store.command("find", "--format", "jsonl", "--", text)
    return [key_for(line["bucket"], line["name"]) for line in lines]


def on_the_page(store: Store, text: str) -> Found:
    found: Found = []
    address: str | None = "/images?" + urlencode({"q": text, "view": "table"})
    while address:
        page = store.ask("GET", address).text
        found += re.findall(r'data-href="/images/([^"]+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = html.unescape(older[1]) if older else None
    return found


def in_the_export(store: Store, text: str) -> Found:
    lines = store.command("export", "--to", "-", "--format", "jsonl", "--columns", "key", "--", text)
    return [line["key"] for line in lines]


def by_a_redrive(store: Store, text: str) -> Found:
    """The failures that would be sent back; a dry run counts as many."""
    with Site(store.settings) as site:
        try:
            query = again.failed_ones(text)
            items = list(again.redriven(site.catalog, site.documents, query, rehearsal("redrive"), release=True))
        except QueryError as error:
            raise Refused(str(error)) from error
    sent = [item.cursor for item in items if item.message]
    rehearsed = store.ask("POST", "/v1/redrives", json={"query": text, "release": True, "dry_run": True}).json()
    assert rehearsed["found"] == {"looked_at": len(items), "messages": len(sent), "refused": len(items) - len(sent)}
    return sent


SEARCHES: tuple[Callable[[Store, str], Found], ...] = (through_the_api, by_the_command, on_the_page, in_the_export)

# --- the stores --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    """What the server logs would get among the lines of commands, which run in the same process."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@contextmanager
def in_sqlite(request: pytest.FixtureRequest) -> Iterator[Store]:
    place: Place = request.getfixturevalue("seeded")
    with served(place.settings, who=BY_NAME, bounds=UNHURRIED) as url:
        yield Store(place.settings, url, refuses=False)


@contextmanager
def in_firestore(request: pytest.FixtureRequest) -> Iterator[Store]:
    stack: Stack = request.getfixturevalue("stack")
    storage = stack.start_storage("surfaces", "images")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environment("surfaces", storage).items():
            patch.setenv(name, value)
        with closing(FirestoreDocuments("surfaces")) as documents_there:
            assert not any(documents_there.commit([Create(document) for document in documents()]))
        settings = load({"IMAGEMETA_DOCUMENTS": "firestore://surfaces/(default)/images"})
        with served(settings, who=BY_NAME, bounds=UNHURRIED) as url:
            yield Store(settings, url, refuses=True)
    storage.stop()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(in_sqlite, id="sqlite"),
        pytest.param(in_firestore, id="firestore", marks=pytest.mark.emulators),
    ],
)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """The seeded documents; tests only read them."""
    with request.param(request) as found:
        yield found


# --- the table ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*EVERYWHERE, *IN_SQLITE_ALONE])
def test_one_string_finds_the_same_everywhere(store: Store, text: str) -> None:
    if store.refuses and text in IN_SQLITE_ALONE:
        for surface in (*SEARCHES, by_a_redrive):
            with pytest.raises(Refused, match="Firestore cannot answer"):
                surface(store, text)
        return
    expected = meant(text)
    assert expected, "a poor example: it finds nothing"
    shown = through_the_api(store, text)
    assert len(shown) == len(set(shown))
    assert set(shown) == expected
    for surface in SEARCHES:
        assert surface(store, text) == shown, surface.__name__
    redrivable = meant("status:failed redrives:<3")
    assert by_a_redrive(store, text) == [key for key in shown if key in redrivable]


def test_a_redrive_is_about_failures_and_says_so(store: Store) -> None:
    with pytest.raises(Refused, match="leave status: out"):
        by_a_redrive(store, "status:ok")


def test_every_kind_of_term_is_in_the_table() -> None:
    """A field or an operator that is new belongs here as well."""
    terms = [term for text in (*EVERYWHERE, *IN_SQLITE_ALONE) for term in parse(text).terms]
    assert len(EVERYWHERE) >= 40
    assert {term.operator.name for term in terms} >= {
        *("IS", "BEGINS", "LESS", "AT_MOST", "MORE", "AT_LEAST", "BETWEEN", "NEAR", "BOX", "WITHIN", "HAS", "WORDS")
    }
