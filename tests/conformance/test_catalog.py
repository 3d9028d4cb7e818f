"""Catalog: exactly what a query means, newest first, page by page, whatever the store."""

from collections.abc import Iterator

import pytest

from tests.catalog.seeded import documents, of, picture, taken
from tests.conformance.rigs import CatalogRig
from tests.fakes import plain_json
from worker.catalog.facets import FACETS, counted
from worker.catalog.matching import matches
from worker.catalog.paths import picked
from worker.catalog.query import Query, parse
from worker.errors import QueryError
from worker.model import Text
from worker.ports import Catalog, Create, Page, Replace

QUERIES = """
make:Sony
make:sony,CANON
-make:sony has:make
-make:sony
model:"EOS R6"
model:ILCE*
camera:"sony ilce-7m4"
camera:"Evil Corp"*
lens:FE*
lens:"RF24-105mm F4 L IS USM"
has:lens
-has:lens
-lens:FE* has:lens
iso:800
iso:>800
iso:>=800
iso:<100
iso:100..800
iso:50,6400
-iso:>800 has:iso
-iso:>800
-iso:100..800 has:iso
-has:iso has:make
f:2.8
f:<2
exposure:1/250
exposure:>=1/30
focal:50mm
taken:2024
taken:2024-05
taken:2024-05-01
taken:2024-05..2024-06
taken:2024-05-10..2024-05-12
taken:2024-05,2024-07
taken:>=2024-07
taken:>2024-06
taken:<2024-05
taken:<=2024-05
taken:2024-07-14T05:42:10
taken:1861
-taken:2024-05 has:taken
-has:taken
has:position
-has:position
has:gps
near:48.1,11.5,2km
near:48.1,11.5,30km
near:48.1,11.5,1mi
near:-17.8,180,5km
near:90,0,50km
near:0,0,1m
near:48,11,20000km
box:47,10,48,11
box:-18,179,-17,-179
box:-90,-180,90,180
-near:48.1,11.5,30km
alt:<0
alt:-10..600
format:heic
-format:heic has:position
width:>=6000
height:3000
orientation:6,7,8
rating:>=4
rating:-1
size:>5MB
size:1kB..5MB
keyword:"Lake Garda"
keyword:alps,snow
keyword:zurich
keyword:日本
keyword:"a,b"
keyword:❤
keyword:al*
-keyword:alps
has:keyword
-has:keyword
title:"title 3"
title:Tit*
title:"he said \\"no\\"; drop table\\\\"
creator:"a. sample"
creator:zoë
copyright:CC0
copyright:"© müller"
alps
alps snow
ALPS -make:sony has:make
"garda lake"
zürich
cafe munchen
-alps
7m4 garda
drop
in:gs://photos
in:gs://photos/many/
in:gs://photos/ÄÖ/
in:gs://archive/photos
in:gs://nowhere/
-in:gs://photos
bucket:archive
-bucket:archive
name:nothing.jpg
name:munich/*
name:"100%_*?.jpg"
uploaded:2025-03-01
uploaded:<2025
event:>=2025-03-02T12:00
processed:>2025-03-01T12:00
processed:2025-03-01T12:00:05
-processed:2025-03-01
status:ok
status:failed,partial
-status:ok
-status:ok,failed
status:none
truncated:yes
truncated:no
code:corrupt_image
code:corrupt*
stage:walk
fingerprint:corrupt_image-1
redrives:>=2
has:failure
-has:failure
quarantined:yes
-quarantined:yes
-quarantined:yes status:failed
extractor:1
-extractor:1
recipe:r2
passes:>1
run:nightly
run:nightly status:failed
worker:w2
make:sony iso:>800 taken:2024-05..2024-07 -has:position
make:sony format:heic has:lens rating:>=2
near:48.1,11.5,60km make:canon iso:<=800
in:gs://photos/many/ alps taken:2024-06..2024-07
tag:"XMP:Rating">=3
tag:"Image Make"=sony
tag:IFD0:Make
-tag:IFD0:Make make:nobody
""".strip().split("\n")
REFUSED_BY_FIRESTORE = {
    *("-make:sony", "-iso:>800", "-format:heic has:position", "-near:48.1,11.5,30km", "keyword:al*", "-keyword:alps"),
    *("-alps", "-in:gs://photos", "truncated:no", "-quarantined:yes", "-quarantined:yes status:failed"),
    *('tag:"XMP:Rating">=3', 'tag:"Image Make"=sony', "tag:IFD0:Make", "-tag:IFD0:Make make:nobody"),
}
"""What its indexes cannot tell."""
MEANT_TO_FIND_NOTHING = {"in:gs://nowhere/", "-extractor:1", "-tag:IFD0:Make make:nobody"}


@pytest.fixture
def seeded(catalog: CatalogRig) -> CatalogRig:
    catalog.documents.commit([Create(document) for document in documents()])
    return catalog


def meant(text: str) -> set[str]:
    """The keys of what the query means, by looking at each document."""
    query = parse(text)
    return {document.key for document in documents() if matches(query, plain_json(document.fields))}


def pages(catalog: Catalog, query: Query, limit: int) -> Iterator[Page]:
    cursor = ""
    while True:
        page = catalog.page(query, cursor, limit)
        yield page
        cursor = page.next
        if not cursor:
            return


def found(catalog: Catalog, text: str, limit: int = 7) -> list[str]:
    return [key for page in pages(catalog, parse(text), limit) for key, _ in page.rows]


def test_every_query_finds_what_it_means(seeded: CatalogRig) -> None:
    wrong: dict[str, object] = {}
    for text in ["", *QUERIES]:
        expected = meant(text)
        assert expected or text in MEANT_TO_FIND_NOTHING, f"{text} is a poor example: it finds nothing"
        if seeded.by_indexes_alone and text in REFUSED_BY_FIRESTORE:
            with pytest.raises(QueryError, match="Firestore cannot answer"):
                seeded.catalog.page(parse(text))
            continue
        keys = found(seeded.catalog, text)
        count = seeded.catalog.count(parse(text))
        streamed = [key for key, _ in seeded.catalog.stream(parse(text), ["status"])]
        if len(keys) != len(set(keys)) or set(keys) != expected or count != len(expected) or streamed != keys:
            wrong[text] = {"missed": expected - set(keys), "too many": set(keys) - expected, "count": count}
    assert not wrong


def test_pages_are_full_and_come_newest_first(seeded: CatalogRig) -> None:
    for text in ("", "has:position", "near:48.1,11.5,60km", "alps 7m4", "taken:2024-05..2024-06"):
        sizes = [len(page.rows) for page in pages(seeded.catalog, parse(text), 5)]
        assert sizes[:-1] == [5] * (len(sizes) - 1), text
        rows = [row for page in pages(seeded.catalog, parse(text), 5) for row in page.rows]
        moments = [str(plain_json(fields)["search"]["time"])[:19] for _, fields in rows]  # type: ignore[index,call-overload] # a map
        assert moments == sorted(moments, reverse=True), text


def test_a_page_has_whole_documents(seeded: CatalogRig) -> None:
    by_key = {document.key: plain_json(document.fields) for document in documents()}
    page = seeded.catalog.page(parse("make:sony"), limit=3)
    assert [fields for _, fields in page.rows] == [by_key[key] for key, _ in page.rows]


def test_what_is_written_meanwhile_moves_nothing(seeded: CatalogRig) -> None:
    known = {document.key: document for document in documents()}
    before = meant("in:gs://photos/")
    seen: list[str] = []
    for number, page in enumerate(pages(seeded.catalog, parse("in:gs://photos/"), 9)):
        seen += [key for key, _ in page.rows]
        moments = ("2031-01-01T00:00:00", "2024-05-20T00:00:00", "1900-01-01T00:00:00")
        new = [picture(f"new/{number}-{place}.jpg", of(taken=taken(when))) for place, when in enumerate(moments)]
        seeded.documents.commit([Create(each) for each in new])
        for last in (key for key in seen[-1:] if key in known):  # written again, as it was
            head = seeded.documents.heads([last])[0]
            assert head
            assert list(seeded.documents.commit([Replace(known[last], head.version)])) == [None]
        if before <= set(seen):
            break
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_only_the_fields_that_are_asked_for_travel(seeded: CatalogRig) -> None:
    wanted = ["status", "position.latitude", "camera.make", "no.such"]
    rows = dict(seeded.catalog.stream(parse("name:munich/in.jpg"), wanted))
    assert list(rows.values()) == [{"status": "ok", "position": {"latitude": 48.1}}]


def test_fields_travel_as_they_stand_in_the_documents(seeded: CatalogRig) -> None:
    wanted = ["position.latitude", "position.longitude", "exposure.iso", "image.width", "failure.code", "run"]
    rows = dict(seeded.catalog.stream(parse(""), wanted))
    assert rows == {document.key: picked(plain_json(document.fields), wanted) for document in documents()}


def test_facets_count_what_matches(seeded: CatalogRig) -> None:
    everything = [plain_json(document.fields) for document in documents()]
    for text in ("", "make:sony", "near:48.1,11.5,60km", "status:failed", "alps"):
        query = parse(text)
        expected = counted([each for each in everything if matches(query, each)], list(FACETS.values()))
        answer = seeded.catalog.facets(query, list(FACETS))
        for name in FACETS:
            mine = [(value.casefold(), count) for value, count in answer[name]]
            assert sorted(mine) == sorted((value.casefold(), count) for value, count in expected[name]), (text, name)
            for value, count in answer[name]:
                narrowed = Query(query.terms + parse(FACETS[name].asked(value)).terms)
                assert seeded.catalog.count(narrowed) == count, f"{text}: a click on {name} {value}"


def test_an_unknown_facet_is_named(seeded: CatalogRig) -> None:
    with pytest.raises(QueryError, match="there is no facet 'colour'; known: camera"):
        seeded.catalog.facets(parse(""), ["colour"])


def test_by_name_is_in_the_order_of_listings(seeded: CatalogRig) -> None:
    names = sorted((each.ref.name for each in documents() if each.ref.bucket == "photos"), key=str.encode)
    half = len(names) // 2

    def listing(*arguments: str) -> list[str]:
        return [each.name for each in seeded.catalog.by_name("photos", *arguments)]

    assert listing() == names
    assert listing("", names[half]) == names[half + 1 :]
    assert listing("many/3/") == [name for name in names if name.startswith("many/3/")]
    assert listing("many/", "broken") == [name for name in names if name.startswith("many/")]
    assert not list(seeded.catalog.by_name("nowhere"))
    broken = next(seeded.catalog.by_name("photos", "broken/b"))
    assert (broken.status, broken.code, broken.size, broken.generation) == ("failed", "corrupt_image", 5, 1)
    assert broken.extractor == "1"


@pytest.mark.parametrize("cursor", ["nonsense", "-1", "é", "bnVsbA==", "W10=", "W3t9XQ==", "9" * 50])
def test_a_cursor_that_no_page_gave_is_refused(seeded: CatalogRig, cursor: str) -> None:
    with pytest.raises(QueryError, match="begin with the first page"):
        seeded.catalog.page(parse(""), cursor)


HOSTILE = [
    "'; DROP TABLE search; --",
    '" OR 1=1 --',
    "%_*?[a-z]",
    "\\",
    '\\"',
    "\u202egpj.exe",
    "x\U0010ffff",
    "NEAR(a b)",
    "listed : x",
    "$.search",
    "a\r\n\t\x1fb",
    "`__name__`",
]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_hostile_texts_are_texts(catalog: CatalogRig) -> None:
    made = [picture(f"{n} {text}.jpg", of(text=Text(text, None, (text,)))) for n, text in enumerate(HOSTILE)]
    catalog.documents.commit([Create(each) for each in made])
    for number, text in enumerate(HOSTILE):
        exactly = quoted(f"{number} {text}.jpg")
        for written in (f"name:{exactly}", f"title:{quoted(text)}", f"keyword:{quoted(text)}", exactly):
            query = parse(written)
            expected = {each.key for each in made if matches(query, plain_json(each.fields))}
            assert made[number].key in expected, written
            assert {key for key, _ in catalog.catalog.page(query).rows} == expected, written
        assert catalog.catalog.count(parse(f"bucket:{quoted(text)}")) == 0
    assert catalog.catalog.count(parse("")) == len(made)
