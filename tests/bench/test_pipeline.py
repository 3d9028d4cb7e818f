from collections.abc import Iterator

import pytest

from bench.images import CAMERA_BYTES
from bench.pipeline import Bench, Variant
from bench.servers import Servers


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Servers(round_trip=0.001) as servers:
        yield Bench(servers, core=None, images=20, seconds=0, rounds=1)


def test_the_guides_arm_does_all_the_work_and_downloads_whole_images(bench: Bench) -> None:
    measured = bench.measure("guide", Variant(8), CAMERA_BYTES)  # raises where a document is missing or another image's
    assert measured.reads == 1
    assert measured.kib > CAMERA_BYTES[0] / 1024


def test_our_arm_does_all_the_work_and_reads_a_head(bench: Bench) -> None:
    measured = bench.measure("ours", Variant(8), CAMERA_BYTES)
    assert measured.reads <= 1.2
    assert measured.kib <= 110
