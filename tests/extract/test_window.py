from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import SourceUnavailable
from worker.extract.parts import Unread
from worker.extract.window import BytesBuffer, BytesReader, Cut, Section, Window, exactly
from worker.model import Limits, ObjectRef

KIB = 1024
DATA = bytes(range(251)) * 20_000  # about 4.8 MiB, no two places within 251 bytes alike


def window(data: bytes = DATA, **limits: int) -> Window:
    return Window(BytesReader.of(data), Limits(**limits))  # type: ignore[arg-type] # only numbers are given


def test_a_small_object_is_read_whole_in_one_request() -> None:
    small = window(DATA[: 200 * KIB])
    assert small.read(0, 64) == DATA[:64]
    assert small.read(199 * KIB, 2 * KIB) == DATA[199 * KIB : 200 * KIB]
    assert small.ranges == [(0, 200 * KIB)]


def test_of_a_large_object_the_head_comes_first() -> None:
    large = window()
    large.read(0, 64)
    assert large.ranges == [(0, 64 * KIB)]


def test_misses_that_follow_each_other_double_up_to_a_mebibyte() -> None:
    large = window(total_bytes=8 * KIB * KIB, reads=20)
    for offset in range(0, len(DATA), 32 * KIB):
        large.read(offset, 32 * KIB)
    lengths = [length // KIB for _, length in large.ranges]
    assert lengths[:6] == [64, 64, 128, 256, 512, 1024]
    assert max(lengths) == 1024
    assert sum(length for _, length in large.ranges) == len(DATA)


def test_a_jump_starts_small_again() -> None:
    large = window()
    for offset in (0, 64 * KIB, 128 * KIB, 4000 * KIB):
        large.read(offset, 4)
    assert large.ranges[-1] == (4000 * KIB, 64 * KIB)


def test_a_read_across_what_is_there_and_what_is_not_fetches_the_gap_only() -> None:
    large = window()
    large.read(0, 4)
    large.prefetch([(100 * KIB, 10 * KIB)])
    assert large.read(60 * KIB, 60 * KIB) == DATA[60 * KIB : 120 * KIB]
    assert large.ranges[2] == (64 * KIB, 36 * KIB), "up to what is at hand, not over it"
    assert large.ranges[3][0] == 110 * KIB


def test_prefetch_reads_exact_ranges_and_near_ones_together() -> None:
    large = window()
    large.read(0, 4)
    large.prefetch([(3000 * KIB, 10), (1000 * KIB, 100), (1030 * KIB, 50)])
    assert large.ranges[1:] == [(1000 * KIB, 30 * KIB + 50), (3000 * KIB, 10)]
    assert large.read(1030 * KIB, 50) == DATA[1030 * KIB : 1030 * KIB + 50]
    assert len(large.ranges) == 3


def test_prefetch_leaves_out_what_is_beyond_the_budget_and_read_says_so() -> None:
    large = window(total_bytes=100 * KIB)
    large.read(0, 4)
    large.prefetch([(1000 * KIB, 50 * KIB), (2000 * KIB, KIB)])
    assert large.read(2000 * KIB, KIB) == DATA[2000 * KIB : 2001 * KIB]
    with pytest.raises(Unread):
        large.read(1000 * KIB, 50 * KIB)
    assert large.truncated


def test_no_more_requests_than_allowed() -> None:
    large = window(reads=3)
    for offset in (0, 1000 * KIB, 2000 * KIB):
        large.read(offset, 4)
    with pytest.raises(Unread):
        large.read(3000 * KIB, 4)
    assert large.truncated
    assert len(large.ranges) == 3
    assert large.read(1000 * KIB, 4) == DATA[1000 * KIB : 1000 * KIB + 4], "what is at hand stays readable"


def test_no_more_bytes_than_allowed() -> None:
    large = window(total_bytes=80 * KIB)
    large.read(0, 4)
    large.read(1000 * KIB, 4)
    assert sum(length for _, length in large.ranges) == 80 * KIB
    with pytest.raises(Unread):
        large.read(2000 * KIB, 4)


def test_the_end_of_the_object_cuts_and_what_is_outside_is_empty() -> None:
    small = window(b"abc")
    assert small.read(1, 100) == b"bc"
    assert small.read(3, 1) == b""
    assert small.read(-1, 2) == b""
    assert small.read(10, 5) == b""


@pytest.mark.parametrize("make", [window, BytesBuffer], ids=["window", "bytes"])
def test_exactly_raises_where_the_end_comes_before(make: Callable[[bytes], Window | BytesBuffer]) -> None:
    assert exactly(make(b"abcdef"), 2, 4) == b"cdef"
    for offset, length in ((3, 4), (7, 1), (-1, 2), (0, -1)):
        with pytest.raises(Cut):
            exactly(make(b"abcdef"), offset, length)


def test_a_reader_that_delivers_less_is_an_outage_not_a_short_file() -> None:
    short = Window(BytesReader(DATA[:100], ObjectRef("b", "n", 1, size=200)), Limits())
    with pytest.raises(SourceUnavailable):
        short.read(0, 4)


def test_a_section_is_a_file_of_its_own() -> None:
    section = Section(window(), 1000, 500)
    assert section.size == 500
    assert section.read(0, 4) == DATA[1000:1004]
    assert section.read(498, 10) == DATA[1498:1500]
    assert section.read(500, 10) == b""
    assert section.read(-1, 10) == b""
    assert section.has(400, 200)
    assert Section(window(), len(DATA) - 10, 500).size == 10
    assert Section(window(), len(DATA) + 10, 500).size == 0


ranges = st.tuples(st.integers(0, len(DATA) + 1000), st.integers(0, 300 * KIB))


@settings(max_examples=60)
@given(reads=st.lists(ranges, max_size=12), prefetched=st.lists(ranges, max_size=6))
def test_whatever_is_read_is_what_the_object_holds(
    reads: list[tuple[int, int]], prefetched: list[tuple[int, int]]
) -> None:
    large = window()
    large.read(0, 64)
    large.prefetch(prefetched)
    for offset, length in reads:
        try:
            assert large.read(offset, length) == DATA[offset : offset + length]
        except Unread:
            assert large.truncated
    limits = Limits()
    assert len(large.ranges) <= limits.reads
    assert sum(length for _, length in large.ranges) <= limits.total_bytes
