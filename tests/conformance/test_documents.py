"""DocumentStore and DocumentReader: conditional writes, one answer each, durable when answered."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.conformance.rigs import DocumentRig, Store
from tests.fakes import a_document
from worker.errors import Permanent
from worker.model import DIED, FailedAttempt, Head, Sidecar, Status, Value
from worker.ports import Conflict, Create, Patch, Replace, Write, WriteResult

THREADS = 8


@pytest.fixture
def store(documents: DocumentRig) -> Store:
    return documents.open()


def commit_one(store: Store, write: Write) -> WriteResult:
    (result,) = store.commit([write])
    return result


def head_of(store: Store, key: str) -> Head:
    (head,) = store.heads([key])
    assert head
    return head


def version_of(store: Store, key: str) -> str:
    return head_of(store, key).version


def test_what_is_created_is_there(store: Store) -> None:
    document = a_document("a", generation=7, metageneration=3, status=Status.PARTIAL, extractor="2.1", title="Dusk")
    assert commit_one(store, Create(document)) is None
    head = head_of(store, "a")
    assert (head.generation, head.metageneration, head.status, head.extractor) == (7, 3, Status.PARTIAL, "2.1")
    fields = store.get("a")
    assert fields
    assert fields["title"] == "Dusk"
    assert fields["generation"] == 7


def test_a_head_names_the_sidecar_that_was_merged(store: Store) -> None:
    sidecar: Value = {"name": "holiday/å\n.xmp", "generation": 2**62}
    store.commit([Create(a_document("with", sidecar=sidecar)), Create(a_document("without"))])
    assert head_of(store, "with").sidecar == Sidecar("holiday/å\n.xmp", 2**62)
    assert head_of(store, "without").sidecar is None


def test_nothing_is_found_where_nothing_is(store: Store) -> None:
    assert store.get("a") is None
    assert store.heads(["a", "b"]) == [None, None]
    assert store.heads([]) == []
    assert list(store.scan()) == []


def test_every_kind_of_value_comes_back(store: Store) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
    values: dict[str, Value] = {
        "null": None,
        "yes": True,
        "largest": 2**63 - 1,
        "smallest": -(2**63),
        "float": 0.1,
        "text": "naïve “quotes” 写真 🏔 \u202e e\u0301 \n\t\"'\\ <b>",
        "list": [1, "two", {"three": [4.5]}],
        "map": {"IFD0:Make": {"value": "Ångström"}, "a.b": 1, "a/b": {"`": "x"}},
        "empty": {"list": [], "map": {}, "text": ""},
    }
    document = a_document("a", moment=moment)
    assert commit_one(store, Create(replace(document, fields={**document.fields, **values}))) is None
    fields = store.get("a")
    assert fields
    assert {name: fields[name] for name in values} == values
    assert isinstance(fields["moment"], str)
    assert datetime.fromisoformat(fields["moment"]) == moment


def test_create_never_overwrites(store: Store) -> None:
    commit_one(store, Create(a_document("a", title="first")))
    version = version_of(store, "a")
    assert isinstance(commit_one(store, Create(a_document("a", title="second"))), Conflict)
    fields = store.get("a")
    assert fields
    assert fields["title"] == "first"
    assert version_of(store, "a") == version


def test_replace_takes_the_whole_documents_place(store: Store) -> None:
    commit_one(store, Create(a_document("a", title="old", rating=5)))
    new = a_document("a", generation=2, title="new")
    assert commit_one(store, Replace(new, version_of(store, "a"))) is None
    fields = store.get("a")
    assert fields
    assert fields["title"] == "new"
    assert "rating" not in fields
    assert head_of(store, "a").generation == 2


def test_replace_loses_to_whoever_was_faster(store: Store) -> None:
    commit_one(store, Create(a_document("a", title="old")))
    stale = version_of(store, "a")
    commit_one(store, Replace(a_document("a", title="faster"), stale))
    assert isinstance(commit_one(store, Replace(a_document("a", title="slower"), stale)), Conflict)
    fields = store.get("a")
    assert fields
    assert fields["title"] == "faster"


def test_replace_and_patch_create_nothing(store: Store) -> None:
    commit_one(store, Create(a_document("other")))
    version = version_of(store, "other")
    assert isinstance(commit_one(store, Replace(a_document("a"), version)), Conflict)
    assert isinstance(commit_one(store, Patch("a", {"size": 1}, version)), Conflict)
    assert store.get("a") is None


def test_patch_sets_its_fields_and_no_other(store: Store) -> None:
    commit_one(store, Create(a_document("a", custom={"old": "1", "both": "1"}, title="kept")))
    patch = Patch("a", {"metageneration": 9, "custom": {"both": "2"}, "with.dot": 1}, version_of(store, "a"))
    assert commit_one(store, patch) is None
    fields = store.get("a")
    assert fields
    assert fields["custom"] == {"both": "2"}
    assert fields["title"] == "kept"
    assert fields["with.dot"] == 1
    assert head_of(store, "a").metageneration == 9


def test_patch_loses_to_whoever_was_faster(store: Store) -> None:
    commit_one(store, Create(a_document("a", size=1)))
    stale = version_of(store, "a")
    commit_one(store, Patch("a", {"size": 2}, stale))
    assert isinstance(commit_one(store, Patch("a", {"size": 3}, stale)), Conflict)
    fields = store.get("a")
    assert fields
    assert fields["size"] == 2


def test_every_write_that_changes_something_changes_the_version(store: Store) -> None:
    commit_one(store, Create(a_document("a", size=1)))
    versions = [version_of(store, "a")]
    for write in (Replace(a_document("a", size=2), versions[0]), None, None):
        again = write or Patch("a", {"size": len(versions) + 2}, versions[-1])
        assert commit_one(store, again) is None
        versions.append(version_of(store, "a"))
    assert len(set(versions)) == len(versions)


def test_each_write_of_a_batch_has_its_own_answer(store: Store, documents: DocumentRig) -> None:
    for key in ("taken", "stale", "patched"):
        commit_one(store, Create(a_document(key)))
    stale = version_of(store, "stale")
    commit_one(store, Replace(a_document("stale", title="faster"), stale))
    results = store.commit(
        [
            Create(a_document("new")),
            Create(a_document("taken")),
            Create(documents.unwritable),
            Replace(a_document("stale"), stale),
            Patch("patched", {"size": 1}, version_of(store, "patched")),
            Create(a_document("last")),
        ]
    )
    kinds = [type(result) if isinstance(result, Conflict) else result for result in results]
    assert isinstance(kinds.pop(2), Permanent)
    assert kinds == [None, Conflict, Conflict, None, None]
    found = {key for key, _ in store.scan()}
    assert found == {"new", "taken", "stale", "patched", "last"}


def test_an_empty_batch_is_no_error(store: Store) -> None:
    assert list(store.commit([])) == []


def test_a_large_batch_of_large_documents(store: Store) -> None:
    batch = [Create(a_document(f"k{number:03}", tags={"XMP:All": "x" * 20_000})) for number in range(100)]
    assert list(store.commit(batch)) == [None] * 100
    assert commit_one(store, Create(a_document("huge", tags={"XMP:All": "x" * 900_000}))) is None
    heads = store.heads([f"k{number:03}" for number in range(100)])
    assert all(heads)


def test_heads_may_be_many_and_asked_for_twice(store: Store) -> None:
    keys = [f"k{number:03}" for number in range(95)]
    store.commit([Create(a_document(key, generation=number)) for number, key in enumerate(keys)])
    heads = store.heads([*keys, "none", *keys])
    assert [head and head.generation for head in heads] == [*range(95), None, *range(95)]


def test_heads_come_in_the_order_asked_for(store: Store) -> None:
    for number in range(5):
        commit_one(store, Create(a_document(f"k{number}", generation=number)))
    heads = store.heads(["k3", "none", "k0", "k4"])
    assert [head and head.generation for head in heads] == [3, None, 0, 4]


def test_heads_see_every_write_that_was_answered(documents: DocumentRig) -> None:
    writer, reader = documents.open(), documents.open()
    commit_one(writer, Create(a_document("a", generation=0)))
    for generation in range(1, 30):
        version = version_of(reader, "a")
        assert commit_one(writer, Replace(a_document("a", generation=generation), version)) is None
        assert head_of(reader, "a").generation == generation


def test_of_many_that_create_at_once_one_wins(documents: DocumentRig) -> None:
    stores = [documents.open() for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        for round_number in range(5):
            writes = [Create(a_document(f"k{round_number}", writer=number)) for number in range(THREADS)]
            results = list(pool.map(commit_one, stores, writes))
            assert results.count(None) == 1
            assert sum(isinstance(result, Conflict) for result in results) == THREADS - 1
            fields = stores[0].get(f"k{round_number}")
            assert fields
            assert fields["writer"] == results.index(None)


def test_of_many_that_replace_at_once_one_wins(documents: DocumentRig) -> None:
    stores = [documents.open() for _ in range(THREADS)]
    commit_one(stores[0], Create(a_document("a")))
    version = version_of(stores[0], "a")
    writes = [Replace(a_document("a", writer=number), version) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(commit_one, stores, writes))
    assert results.count(None) == 1
    fields = stores[0].get("a")
    assert fields
    assert fields["writer"] == results.index(None)


def test_one_store_may_be_used_by_many_threads(store: Store) -> None:
    def work(number: int) -> bool:
        answer = commit_one(store, Create(a_document(f"k{number}", number=number)))
        fields = store.get(f"k{number}")
        return answer is None and fields is not None and fields["number"] == number

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(40)))


def test_failed_attempts_are_kept_in_order_until_they_are_forgotten(documents: DocumentRig) -> None:
    store = documents.open()
    assert not store.attempts("a")
    made = [
        FailedAttempt(datetime(2026, 1, 1, 12, 0, number, 250_000, UTC), "w1", code, "it said: no\n", 2**53, number)
        for number, code in enumerate(["internal", "source_unavailable", DIED])
    ]
    assert [list(store.attempted("a", attempt)) for attempt in made] == [made[:1], made[:2], made]
    assert documents.open().attempts("a") == made
    assert not store.attempts("b")
    assert store.get("a") is None
    store.forget_attempts("a")
    store.forget_attempts("never tried")
    assert not documents.open().attempts("a")


def test_a_head_says_what_an_operator_asked_for(store: Store) -> None:
    plain, asked = a_document("a"), a_document("b", passes=3, quarantined=True)
    commit_one(store, Create(plain))
    commit_one(store, Create(asked))
    heads = store.heads(["a", "b"])
    assert [head and (head.passes, head.quarantined) for head in heads] == [(1, False), (3, True)]


def test_scan_hands_out_all_by_key(store: Store) -> None:
    keys = sorted(["b", "a", "B", "a-b", "a.b", "é", "z", "写", "🏔"], key=str.encode)
    for key in reversed(keys):
        commit_one(store, Create(a_document(key, mine=key)))
    found = list(store.scan())
    assert [key for key, _ in found] == keys
    assert all(fields["mine"] == key for key, fields in found)
    for number, key in enumerate(keys):
        assert [key for key, _ in store.scan(key)] == keys[number + 1 :]
    assert [key for key, _ in store.scan("a0")] == [key for key in keys if key.encode() > b"a0"]


def test_scan_goes_on_over_many(store: Store) -> None:
    keys = [f"k{number:04}" for number in range(320)]
    for start in range(0, 320, 80):
        store.commit([Create(a_document(key)) for key in keys[start : start + 80]])
    assert [key for key, _ in store.scan()] == keys


def test_a_probe_writes_nothing(store: Store) -> None:
    store.probe()
    assert list(store.scan()) == []


def test_what_was_answered_survives_the_process(documents: DocumentRig) -> None:
    if documents.commit_and_die is None:
        pytest.skip("this store lives in the test's own process")
    documents.open()
    documents.commit_and_die([Create(a_document(f"k{number}", title="kept")) for number in range(20)])
    store = documents.open()
    assert [fields["title"] for _, fields in store.scan()] == ["kept"] * 20
    assert commit_one(store, Create(a_document("k3"))) is not None
