"""The table that is searched stays in step with the documents, whoever writes them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.catalog.seeded import UPLOADED, documents, of, picture, taken
from worker.backends.local.catalog import LocalCatalog
from worker.backends.local.database import Database
from worker.backends.local.documents import SCHEMA, LocalDocuments
from worker.catalog.facets import FACETS, ISO_BANDS, iso_band
from worker.catalog.query import parse
from worker.errors import Misconfigured
from worker.model import Camera, Text
from worker.ports import Create, Patch, Replace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def store(path: Path) -> Iterator[LocalDocuments]:
    with closing(LocalDocuments(path)) as documents:
        yield documents


@pytest.fixture
def catalog(store: LocalDocuments, path: Path) -> Iterator[LocalCatalog]:
    store.probe()
    with closing(LocalCatalog(path)) as catalog:
        yield catalog


def keys(catalog: LocalCatalog, text: str) -> list[str]:
    return [key for key, _ in catalog.stream(parse(text))]


def test_a_replaced_document_is_found_as_it_is_now_and_no_more_as_it_was(
    store: LocalDocuments, catalog: LocalCatalog
) -> None:
    was = picture("a.jpg", of(camera=Camera("Sony"), text=Text("Snow"), taken=taken("2024-05-01T10:00:00")))
    now = picture("a.jpg", of(camera=Camera("Canon"), text=Text("Beach"), taken=taken("2020-05-01T10:00:00")))
    store.commit([Create(was)])
    store.commit([Replace(now, head.version) for head in store.heads([was.key]) if head])
    assert [len(keys(catalog, text)) for text in ("make:sony", "snow", "taken:2024")] == [0, 0, 0]
    assert [len(keys(catalog, text)) for text in ("make:canon", "beach", "taken:2020", "")] == [1, 1, 1, 1]
    assert catalog.facets(parse(""), ["camera", "month"]) == {"camera": [("Canon", 1)], "month": [("2020-05", 1)]}


def test_a_patch_is_searched_as_well(store: LocalDocuments, catalog: LocalCatalog) -> None:
    made = picture("a.jpg", of(text=Text("Snow")))
    store.commit([Create(made)])
    cursor_before = catalog.page(parse("snow"), limit=1)
    store.commit([Patch(made.key, {"quarantined": True}, head.version) for head in store.heads([made.key]) if head])
    assert keys(catalog, "quarantined:yes snow") == [made.key]
    assert catalog.page(parse("snow"), limit=1).next == cursor_before.next == ""


def test_a_deleted_row_is_forgotten(store: LocalDocuments, catalog: LocalCatalog, path: Path) -> None:
    store.commit([Create(each) for each in documents()])
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("DELETE FROM documents")
        plain.commit()
        plain.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        for table in ("search", "piles WHERE count > 0", "words WHERE words MATCH '\"jpg\"'"):
            assert plain.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table  # noqa: S608 -- constants
    assert catalog.facets(parse(""), list(FACETS)) == {name: [] for name in FACETS}


def test_a_catalog_of_the_first_version_is_searched_after_it_was_opened(path: Path) -> None:
    with closing(Database(path, replace(SCHEMA, migrations=SCHEMA.migrations[:1]), durable=True)) as old:
        for version, each in enumerate(documents()):
            row = (
                each.key,
                each.ref.bucket,
                each.ref.name,
                1,
                1,
                str(each.status),
                "1",
                version,
                "2025",
                orjson.dumps(each.fields, option=orjson.OPT_UTC_Z).decode(),
            )
            old.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    with closing(LocalCatalog(path)) as catalog:
        assert len(keys(catalog, "")) == len(documents())
        assert keys(catalog, "alps make:sony")
        assert dict(catalog.facets(parse(""), ["status"])["status"])["failed"] == 3


def test_thousands_in_one_second_are_all_there_once(store: LocalDocuments, catalog: LocalCatalog) -> None:
    made = [picture(f"{number}.jpg", of(taken=taken("2000-01-01T00:00:00"))) for number in range(3000)]
    store.commit([Create(each) for each in made])
    store.commit([Replace(each, head.version) for each in made for head in store.heads([each.key]) if head])
    assert sorted(keys(catalog, "taken:2000")) == sorted(each.key for each in made)


def test_facets_of_thousands_are_the_same_along_the_index_of_names_and_through_the_table(
    store: LocalDocuments, catalog: LocalCatalog
) -> None:
    count = 12_000  # more than are read at once, twice
    store.commit([Create(picture(f"{number % 3}/{number}.jpg", uploaded=UPLOADED)) for number in range(count)])
    for query, expected in (
        ("in:gs://photos/0/", count // 3),
        ("-name:x", count),
        ("in:gs://photos/ status:ok", count),
    ):
        assert catalog.facets(parse(query), ["status", "camera"])["status"] == [("ok", expected)], query


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        LocalCatalog(tmp_path / "nothing.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("iso", [1, 100, 101, 12800, 12801, 409600])
def test_bands_of_iso_are_the_same_for_every_store(store: LocalDocuments, catalog: LocalCatalog, iso: int) -> None:
    made = picture("a.jpg")
    store.commit([Create(replace(made, fields={**made.fields, "exposure": {"iso": iso}}))])
    assert catalog.facets(parse(""), ["iso"]) == {"iso": [(iso_band(iso), 1)]}
    assert catalog.count(parse(f"iso:{iso_band(iso)}")) == 1
    assert iso_band(iso) in ISO_BANDS
