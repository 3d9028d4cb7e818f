"""Searches in Firestore beyond the suite: what is refused and why, and the answers that its emulator never gives."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import grpc
import pytest

from tests.catalog.seeded import documents
from tests.conftest import Cloud
from worker.backends.gcp.catalog import FirestoreCatalog
from worker.backends.gcp.catalog_query import plan
from worker.backends.gcp.firestore import FirestoreDocuments
from worker.catalog.query import parse
from worker.errors import Misconfigured, QueryError, StoreUnavailable, Throttled
from worker.ports import Create

Code = grpc.StatusCode
MANY_RANGES = "iso:>1 f:>1 exposure:>1 focal:>1 alt:>1 width:>1 height:>1 size:>1 rating:>1"


class UnwillingFirestore(grpc.GenericRpcHandler):
    """Answers every call with that code and sentence."""

    def __init__(self) -> None:
        self.code, self.sentence = Code.UNAVAILABLE, "scripted"

    def service(self, _details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_stream_rpc_method_handler(lambda _, context: context.abort(self.code, self.sentence))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[UnwillingFirestore]:
    handler = UnwillingFirestore()
    server = grpc.server(ThreadPoolExecutor(2), handlers=[handler])
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield handler
    server.stop(None).wait()


def every_call(catalog: FirestoreCatalog) -> list[Any]:
    query = parse("make:sony iso:>800")
    return [
        lambda: catalog.page(query),
        lambda: catalog.count(query),
        lambda: list(catalog.stream(query)),
        lambda: catalog.facets(query, ["status"]),
        lambda: list(catalog.by_name("photos")),
    ]


def test_a_missing_index_is_told_with_the_link_that_makes_it(server: UnwillingFirestore) -> None:
    server.code = Code.FAILED_PRECONDITION
    server.sentence = "The query requires an index. You can create it here: https://console.example/index"
    with closing(FirestoreCatalog("project")) as catalog:
        for call in every_call(catalog):
            with pytest.raises(QueryError, match=r"https://console\.example/index"):
                call()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.UNAVAILABLE, StoreUnavailable),
        (Code.DEADLINE_EXCEEDED, StoreUnavailable),
        (Code.RESOURCE_EXHAUSTED, Throttled),
        (Code.PERMISSION_DENIED, Misconfigured),
        (Code.FAILED_PRECONDITION, Misconfigured),
        (Code.INVALID_ARGUMENT, QueryError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_firestore_says_is_told_in_our_terms(
    server: UnwillingFirestore, code: Code, kind: type[Exception]
) -> None:
    server.code = code
    with closing(FirestoreCatalog("project")) as catalog:
        for call in every_call(catalog):
            with pytest.raises(kind, match="scripted"):
                call()


@pytest.mark.parametrize(
    ("text", "column", "advice"),
    [
        ("iso:>100 -make:Sony", 10, "add has:make"),
        ("-code:x", 1, "ask for the values that there may be instead"),
        ("has:make -make:Sony,Canon", 10, "a term with a minus for each"),
        ("has:taken -taken:2024,2023", 11, "a term with a minus for each"),
        ("a -near:1,1,1km", 3, "ask for the areas beside it"),
        ("a -in:gs://b/c", 3, "ask for those that there may be"),
        ("a -b", 3, "ask for what there must be"),
        ("keyword:al*", 1, "leave the * out"),
        ("tag:XMP:Rating>3", 1, "`imagemeta fields add XMP:Rating` makes it one"),
        ("has:width", 1, "it can tell this of make, model"),
        ("quarantined:no", 1, "leave this out"),
        ("-truncated:yes", 1, "leave this out"),
        (
            " ".join(
                f"{name}:>1" for name in ["iso", "f", "exposure", "focal", "alt", "width", "height", "size", "rating"]
            ),
            0,
            "8 fields",
        ),
        ("iso:1,2,3,4,5,6 f:1,2,3,4,5,6", 0, "30 alternatives, multiplied out"),
    ],
)
def test_what_its_indexes_cannot_tell_is_refused_with_advice(text: str, column: int, advice: str) -> None:
    with pytest.raises(QueryError) as caught:
        plan(parse(text))
    assert advice in caught.value.message
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("make:sony -iso:>800 has:iso taken:2024 sunset", []),
        ("sunset at sea", ["at", "sea"]),
        ("keyword:alps sunset", ["sunset"]),
        ('"sunset sea"', ['"sunset sea"']),
        ("near:48,11,1km", ["near:48,11,1000m"]),
        ("box:48,11,49,12 -status:ok", ["box:48,11,49,12"]),
    ],
)
def test_only_words_and_places_are_looked_at_again(text: str, left: list[str]) -> None:
    assert [str(term) for term in plan(parse(text)).left] == left


@pytest.mark.parametrize(
    "text",
    ["near:1,1,1km iso:1,2,3,4,5,6,7,8", "box:47,10,48,11 near:47.5,10.5,9km status:ok,partial", "near:0,180,9km"],
)
def test_places_take_what_alternatives_are_left(text: str) -> None:
    terms = [plan(parse(part)) for part in text.split()]
    assert len(plan(parse(text)).filters) == len(terms)


def test_what_would_take_too_many_reads_is_refused(cloud: Cloud) -> None:
    with closing(FirestoreDocuments(cloud.project)) as store:
        store.commit([Create(document) for document in documents()])
    with closing(FirestoreCatalog(cloud.project, counted=10)) as catalog:
        assert catalog.count(parse("")) == len(documents())
        assert dict(catalog.facets(parse(""), ["status", "position", "iso"])["status"])["failed"] == 3
        buckets = dict(catalog.facets(parse(""), ["bucket"])["bucket"])
        assert buckets == {"photos": len(documents()) - 2, "archive": 2}
        assert catalog.facets(parse("status:failed"), ["bucket"]) == {"bucket": [("photos", 3)]}
        for refused in (
            lambda: catalog.count(parse("near:48,11,2000km")),
            lambda: catalog.page(parse("near:48,11,2000km"), limit=20),
            lambda: catalog.facets(parse(""), ["camera"]),
            lambda: catalog.facets(parse("jpg many"), ["status"]),
        ):
            with pytest.raises(QueryError, match=r"10 documents.*narrow the search"):
                refused()
