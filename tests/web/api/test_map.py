"""Clusters on a map: counted on the server, however many pictures there are."""

import random
import tracemalloc
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import pytest

from tests.fakes import MemoryCatalog, MemoryDocuments
from tests.web.api.client import Client
from worker.catalog.query import Query, parse
from worker.model import Value
from worker.web.clusters import MOST_CELLS, WORLD, clusters
from worker.web.viewer import Precision

MANY = 200_000


class Places(MemoryCatalog):
    """So many pictures, each at a place of its own."""

    def __init__(self, count: int) -> None:
        super().__init__(MemoryDocuments())
        self.count_ = count

    def stream(
        self,
        query: Query,  # noqa: ARG002 -- all match
        fields: Sequence[str] | None = None,  # noqa: ARG002 -- all there are
    ) -> Iterator[tuple[str, dict[str, Value]]]:
        rng = random.Random(3)
        for number in range(self.count_):
            place: dict[str, Value] = {"latitude": rng.uniform(-90, 90), "longitude": rng.uniform(-180, 180)}
            yield str(number), {"position": place}


def found(client: Client, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/map", **asked)
    assert answer["complete"]
    assert answer["count"] == sum(cluster["count"] for cluster in answer["clusters"])
    clusters: list[dict[str, Any]] = answer["clusters"]
    return clusters


def test_every_picture_with_a_position_is_in_one_cluster_at_any_zoom(client: Client) -> None:
    there = len(client.get("/v1/images", q="has:position", limit=1000)["images"])
    before = 0
    for zoom in range(0, 23, 2):
        now = found(client, zoom=zoom)
        assert sum(cluster["count"] for cluster in now) == there
        assert len(now) >= before
        before = len(now)
        for each in now:
            assert each["south"] <= each["latitude"] <= each["north"]
            assert each["west"] <= each["longitude"] <= each["east"]
    assert before == there  # no two are at one place


def test_a_cluster_is_counted_by_the_box_that_holds_it(client: Client) -> None:
    for cluster in found(client, zoom=3):
        box = ",".join(str(cluster[side]) for side in ("south", "west", "north", "east"))
        inside = client.get("/v1/images", q=f"box:{box}", limit=1000)["images"]
        assert len(inside) >= cluster["count"]
        assert cluster["key"] in [image["id"] for image in inside]


def test_the_map_shares_the_search_and_ends_at_its_box(client: Client) -> None:
    q = "make:sony iso:>=400"
    there = len(client.get("/v1/images", q=f"{q} box:47.5,10.5,48.5,11.5", limit=1000)["images"])
    assert there
    assert sum(each["count"] for each in found(client, q=q, box="47.5,10.5,48.5,11.5", zoom=9)) == there
    east_and_west = found(client, box="-18,179,-17,-179", zoom=8)
    assert sum(each["count"] for each in east_and_west) == 2  # over the date line


@pytest.mark.parametrize("precision", [Precision.EXACT, Precision.ROUNDED])
def test_as_many_as_there_are_take_no_more_memory_and_little_time(precision: Precision) -> None:
    few, many = Places(MANY // 10), Places(MANY)
    tracemalloc.start()
    clusters(few, parse(""), WORLD, 22, precision)
    least = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    clusters(many, parse(""), WORLD, 22, precision)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1.5 * least
    began = perf_counter()
    seen = clusters(many, parse(""), WORLD, 22, precision)
    assert perf_counter() - began < 5.0  # a second of ours, on a machine that is not busy
    assert seen.count == MANY
    assert len(seen.clusters) <= MOST_CELLS
