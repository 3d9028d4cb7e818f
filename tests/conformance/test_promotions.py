"""Promoted tags: found by index as they were found before, in both stores; filled from what documents hold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.catalog.seeded import documents, failure, of, picture
from tests.conformance.rigs import CatalogRig
from tests.conformance.test_catalog import found
from tests.fakes import FakeClock, MemoryRecords, plain_json
from worker.catalog.matching import matches
from worker.catalog.query import parse
from worker.catalog.tag_values import slug
from worker.errors import CorruptImage, Misconfigured, QueryError, StoreUnavailable
from worker.model import Camera, Document, Head, Tag
from worker.operate.conveyor import Watch
from worker.operate.pace import Pace
from worker.operate.promote import Extent, Filling, extent
from worker.operate.runs import Ledger, Run, State
from worker.ports import Catalog, Create, Replace
from worker.promotions import EVERY, MOST, Promotions, added, keep, listed

NAME = "XMP:Rating"
NAMES = {slug(NAME): NAME}
RATINGS: tuple[Tag, ...] = (
    Tag("xmp:Rating", "xmp", 5.0, "5"),
    Tag("xmp:Rating", "xmp", 4, "4"),
    Tag("xmp:Rating", "xmp", -1, "-1"),
    Tag("xmp:Rating", "xmp", "4.5", "4.5"),
    Tag("xmp:Rating", "xmp", "Très bien", "Très bien"),
    Tag("xmp:Rating", "xmp", ["1", 12], "1, 12"),
    Tag("xmp:Rating", "xmp", "2024:05:01", "2024:05:01"),
    Tag("xmp:Rating", "xmp", "", ""),
    Tag("xmp:Rating", "xmp", None, "1/2"),
)
ASKED = """
tag:XMP:Rating
tag:XMP:Rating=5
tag:XMP:Rating=4,4.5
tag:XMP:Rating="très bien"
tag:XMP:Rating="TRES BIEN",12
tag:XMP:Rating>4
tag:XMP:Rating>=4.5
tag:XMP:Rating<0
tag:XMP:Rating<=0.5
tag:XMP:Rating<2025
tag:XMP:Rating>t
tag:XMP:Rating>=4 make:Leica
tag:xmp:rating>4
""".strip().split("\n")
IN_SQLITE_ALONE = ("-tag:XMP:Rating", "tag:XMP:Rating=tr*", "-tag:XMP:Rating>4")


def rated() -> list[Document]:
    made = [
        picture(f"rated/{n}.jpg", of(camera=Camera("Leica"), tags={"XMP-xmp:Rating": tag}))
        for n, tag in enumerate(RATINGS)
    ]
    return [*made, failure("rated/broken.jpg", CorruptImage("cut"))]


class World:
    """The catalog of a rig, which knows what is promoted, and a ledger."""

    catalog: Catalog

    def __init__(self, rig: CatalogRig) -> None:
        self.rig = rig
        self.clock = FakeClock()
        self.records = MemoryRecords()
        self.ledger = Ledger(self.records, "somebody")
        self.promotions = Promotions(lambda: self.records, self.clock)

    def promote(self) -> None:
        """As one who said so, and that it is done."""
        keep(self.records, replace(added(self.records, NAME, "somebody"), filled=True))
        self.clock.now += EVERY

    def fill(self, watch: Watch = lambda _: None) -> Run:
        run, documents = self.ledger.begin("promote", NAME), self.rig.documents
        return Filling(documents, documents, self.ledger, Pace(self.clock, warm=True), watch).fill(run, NAMES)


@pytest.fixture
def world(catalog: CatalogRig) -> Iterator[World]:
    assert not any(catalog.documents.commit([Create(each) for each in [*documents(), *rated()]]))
    world = World(catalog)
    with catalog.knowing(world.promotions.asked) as world.catalog:
        yield world


def meant(text: str) -> set[str]:
    query = parse(text)
    return {each.key for each in [*documents(), *rated()] if matches(query, plain_json(each.fields))}


def test_a_promoted_tag_is_found_as_it_was_before(world: World) -> None:
    added(world.records, NAME, "somebody")
    assert extent(world.rig.documents, NAMES) == Extent(len(documents()) + len(rated()), len(RATINGS) + 1)
    run = world.fill()
    assert (run.state, run.seen, run.published) == (State.DONE, len(documents()) + len(rated()), len(RATINGS) + 1)
    if world.rig.by_indexes_alone:
        with pytest.raises(QueryError, match="fields add XMP:Rating"):
            found(world.catalog, "tag:XMP:Rating")
    world.promote()
    for text in (*ASKED, *IN_SQLITE_ALONE):
        if world.rig.by_indexes_alone and text in IN_SQLITE_ALONE:
            with pytest.raises(QueryError, match="of a promoted tag it finds whole values"):
                found(world.catalog, text)
            continue
        keys = found(world.catalog, text)
        assert meant(text), text
        assert set(keys) == meant(text), text
        assert len(keys) == len(set(keys)) == world.catalog.count(parse(text)), text


def test_a_run_that_broke_off_goes_on_and_another_writes_nothing(world: World) -> None:
    def break_off(_: Run) -> None:
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        world.fill(break_off)
    stopped = world.ledger.unfinished("promote", NAME)
    assert stopped
    assert (stopped.state, stopped.why, stopped.seen) == (State.STOPPED, "gone", len(documents()) + len(rated()))
    done = world.fill()
    assert (done.id, done.state, done.seen, done.published) == (stopped.id, State.DONE, stopped.seen, stopped.published)
    assert world.fill().published == 0
    assert extent(world.rig.documents, NAMES).written == 0


def test_a_newer_document_is_never_overwritten(world: World) -> None:
    """A worker writes between the look at a document and the write of what it lacked."""
    store, old = world.rig.documents, rated()[0]
    newer = picture("rated/0.jpg", of(camera=Camera("Leica"), tags={"XMP-xmp:Rating": Tag("x", "xmp", 2.0, "2")}))

    class Racing:
        """The store, in which a worker is faster once."""

        raced = False

        def heads(self, keys: Sequence[str]) -> Sequence[Head | None]:
            heads = store.heads(keys)
            if not self.raced:
                self.raced = True
                head = heads[list(keys).index(old.key)]
                assert head
                assert list(store.commit([Replace(newer, head.version)])) == [None]
            return heads

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

    run = world.ledger.begin("promote", NAME)
    Filling(store, Racing(), world.ledger, Pace(world.clock, warm=True), lambda _: None).fill(run, NAMES)
    world.promote()
    stored = store.get(old.key)
    assert stored
    assert stored["tags"] == newer.fields["tags"]
    assert old.key in found(world.catalog, "tag:XMP:Rating=2")
    assert old.key not in found(world.catalog, "tag:XMP:Rating=5")


def test_new_documents_keep_what_is_promoted_and_lose_it_with_their_tag(world: World) -> None:
    world.promote()
    store, first = world.rig.documents, rated()[0]
    head = store.heads([first.key])[0]
    assert head
    assert not any(store.commit([Replace(world.promotions.kept(first), head.version)]))
    assert found(world.catalog, "tag:XMP:Rating>4") == [first.key]
    head = store.heads([first.key])[0]
    assert head
    assert not any(store.commit([Replace(world.promotions.kept(picture("rated/0.jpg")), head.version)]))
    assert found(world.catalog, "tag:XMP:Rating>4") == []


def test_the_list_is_one_of_tags_and_not_of_their_names(world: World) -> None:
    added(world.records, NAME, "somebody")
    added(world.records, "xmp:rating", "another")
    added(world.records, "Xmp.xmp.Rating", "somebody")
    assert [(each.name, each.who) for each in listed(world.records)] == [
        ("Xmp.xmp.Rating", "somebody"),
        ("XMP:Rating", "somebody"),
    ]
    for number in range(MOST - 2):
        added(world.records, f"IFD0:Tag{number}", "somebody")
    with pytest.raises(Misconfigured, match="20 tags are promoted already"):
        added(world.records, "IFD0:OneMore", "somebody")
    with pytest.raises(Misconfigured, match="is no name of a tag"):
        added(world.records, "XMP:", "somebody")
