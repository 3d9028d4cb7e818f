"""IPTC-IIM: datasets, encodings, dates, and every way in which a block can be broken."""

import struct

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from worker.extract import iptc
from worker.model import BlockStatus, Limits, TagValue

UTF8 = b"\x1b%G"


def dataset(number: int, value: bytes, record: int = 2) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def read(*blocks: bytes, tag_bytes: int = 16384) -> tuple[dict[str, TagValue], BlockStatus, str | None]:
    tags, block = iptc.read(blocks, Limits(tag_bytes=tag_bytes))
    return {name: tag.value for name, tag in tags.items()}, block.status, block.reason


def test_datasets_by_name() -> None:
    block = (
        dataset(0, b"\0\4")
        + dataset(5, b"Harbour")
        + dataset(25, b"sea")
        + dataset(25, b"ferry")
        + dataset(90, b"Oslo")
    )
    assert read(block) == (
        {
            "IPTC:ApplicationRecordVersion": 4,
            "IPTC:ObjectName": "Harbour",
            "IPTC:Keywords": ["sea", "ferry"],
            "IPTC:City": "Oslo",
        },
        BlockStatus.OK,
        None,
    )


def test_a_tag_tells_its_number_and_its_text() -> None:
    tags, _ = iptc.read([dataset(25, b"sea") + dataset(25, b"ferry")], Limits())
    keywords = tags["IPTC:Keywords"]
    assert (keywords.id, keywords.type, keywords.text) == ("2:25", "iptc", "sea, ferry")


def test_what_may_repeat_is_a_list_also_alone() -> None:
    assert read(dataset(80, b"Ada"))[0] == {"IPTC:By-line": ["Ada"]}


def test_of_what_may_not_repeat_the_last_counts() -> None:
    assert read(dataset(15, b"A") + dataset(15, b"B"))[0] == {"IPTC:Category": "B"}


def test_unknown_datasets_are_passed_over() -> None:
    assert read(dataset(199, b"?") + dataset(5, b"x", record=99) + dataset(90, b"Oslo"))[0] == {"IPTC:City": "Oslo"}


def test_the_first_block_with_anything_in_it_counts() -> None:
    assert read(b"", dataset(90, b"Oslo"), dataset(90, b"Rome"))[0] == {"IPTC:City": "Oslo"}


def test_nothing_is_absent() -> None:
    assert read() == read(b"") == read(b"\0\0\0\0") == ({}, BlockStatus.ABSENT, None)


# --- text --------------------------------------------------------------------------------------------------

CYRILLIC, LATIN, GREEK = "Гавань", "Zürich – café", "Λιμάνι"


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        (None, "ascii", "Harbour"),
        (None, "utf-8", CYRILLIC),
        (None, "utf-8", "港 🚢"),
        (None, "cp1252", LATIN),
        (None, "cp1252", "“quoted” – it’s €5"),
        (UTF8, "utf-8", CYRILLIC),
        (UTF8, "utf-8", LATIN),
        (UTF8, "cp1252", LATIN),  # says one thing and does another
        (b"\x1b-A", "latin-1", "Zürich"),
        (b"\x1b.A", "latin-1", "Zürich"),
        (b"\x1b-A", "utf-8", LATIN),  # says one thing and does another
        (b"\x1b-B", "iso8859-2", "Łódź"),
        (b"\x1b-F", "iso8859-7", GREEK),
        (b"\x1b-L", "iso8859-5", CYRILLIC),
        (b"\x1b-M", "iso8859-9", "İzmir"),
        (b"\x1b-b", "iso8859-15", "5 €"),
        (b"junk", "cp1252", LATIN),
    ],
)
def test_text_in_many_encodings(charset: bytes | None, encoding: str, text: str) -> None:
    block = dataset(90, charset, record=1) if charset else b""
    found, status, _ = read(block + dataset(120, text.encode(encoding)))
    assert (found["IPTC:Caption-Abstract"], status) == (text, BlockStatus.OK)


@pytest.mark.parametrize("charset", [UTF8, None])
def test_a_character_cut_in_half_by_the_fields_size_is_dropped(charset: bytes | None) -> None:
    block = dataset(90, charset, record=1) if charset else b""
    assert read(block + dataset(90, "Гавань".encode()[:-1]))[0]["IPTC:City"] == "Гаван"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Oslo\0\0\0", "Oslo"),
        (b"O\0s\0l\0o\0", "Oslo"),
        ("Malmö\0\0x".encode(), "Malmö"),
        (b"  Oslo ", "Oslo"),
        (b"one\rtwo\r\nthree", "one\ntwo\nthree"),
        (b"   ", ""),
        (b"", ""),
    ],
)
def test_padding_and_line_ends(raw: bytes, text: str) -> None:
    assert read(dataset(90, raw))[0]["IPTC:City"] == text


# --- dates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"20040226", "2004-02-26"),
        (b"2004-02-26", "2004-02-26"),
        (b"2004:02:26", "2004-02-26"),
        (b"20040200", "2004-02"),
        (b"20040000", "2004"),
        (b"00000000", None),
        (b"20041301", None),
        (b"20040232", None),
        (b"SE", None),
        (b"", None),
    ],
)
def test_dates(raw: bytes, value: str | None) -> None:
    tags, block = iptc.read([dataset(55, raw)], Limits())
    tag = tags["IPTC:DateCreated"]
    assert (tag.value, tag.text, block.status) == (value, raw.decode(), BlockStatus.OK)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"171921-0400", "17:19:21-04:00"),
        (b"171921+0000", "17:19:21+00:00"),
        (b"171921", "17:19:21"),
        (b"17:19:21+02:00", "17:19:21+02:00"),
        (b"171921Z", "17:19:21Z"),
        (b"1719", "17:19:00"),
        (b"135926.054-0600", "13:59:26.054-06:00"),
        (b"240000", None),
        (b"176000", None),
        (b"noon", None),
    ],
)
def test_times(raw: bytes, value: str | None) -> None:
    assert read(dataset(60, raw))[0]["IPTC:TimeCreated"] == value


# --- size and damage ---------------------------------------------------------------------------------------


def test_a_long_dataset_has_its_length_in_more_bytes() -> None:
    text = b"x" * 40_000
    block = struct.pack(">BBBHI", 0x1C, 2, 120, 0x8004, len(text)) + text
    assert read(block + dataset(90, b"Oslo"), tag_bytes=50_000)[0] == {
        "IPTC:Caption-Abstract": text.decode(),
        "IPTC:City": "Oslo",
    }


def test_a_value_beyond_the_limit_leaves_its_length_and_hash() -> None:
    found = read(dataset(120, b"x" * 20_000))[0]["IPTC:Caption-Abstract"]
    assert isinstance(found, dict)
    assert found["omitted"] == 20_000
    assert len(str(found["sha256"])) == 64


def test_words_swapped_by_a_tiff_writer_are_put_right() -> None:
    block = dataset(90, b"Oslo") + dataset(5, b"Harbour")
    block += b"\0" * (-len(block) % 4)
    swapped = b"".join(block[at : at + 4][::-1] for at in range(0, len(block), 4))
    assert read(swapped)[0] == {"IPTC:City": "Oslo", "IPTC:ObjectName": "Harbour"}


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        (struct.pack(">BBBH", 0x1C, 2, 5, 500) + b"cut", "cut"),
        (struct.pack(">BBBH", 0x1C, 2, 5, 0x8FFF), "ill_formed"),
        (struct.pack(">BBBHI", 0x1C, 2, 5, 0x8004, 2**32 - 1), "cut"),
        (b"junk behind", "ill_formed"),
    ],
)
def test_what_comes_before_the_damage_is_kept(tail: bytes, code: str) -> None:
    found, status, reason = read(dataset(90, b"Oslo") + tail)
    assert (found, status) == ({"IPTC:City": "Oslo"}, BlockStatus.PARTIAL)
    assert reason is not None
    assert reason.startswith(f"{code}: ")


def test_a_block_of_nothing_but_damage_has_failed() -> None:
    assert read(b"no datasets here") == ({}, BlockStatus.FAILED, "ill_formed: bytes that are no dataset")


def test_a_block_of_very_many_datasets_is_bounded() -> None:
    found, status, reason = read(dataset(25, b"k") * 50_000)
    keywords = found["IPTC:Keywords"]
    assert isinstance(keywords, list)
    assert (len(keywords), status) == (iptc.MAX_DATASETS, BlockStatus.PARTIAL)
    assert reason is not None
    assert reason.startswith("too_many: ")


@forall(
    st.integers(0, 60), st.lists(st.tuples(st.sampled_from([0, 5, 25, 55, 60, 90, 120, 202]), st.binary(max_size=20)))
)
def test_a_block_cut_anywhere_tells_nothing_wrong(cut: int, values: list[tuple[int, bytes]]) -> None:
    datasets = [dataset(number, value) for number, value in values]
    whole = b"".join(datasets)
    found, status, _ = read(whole[:cut])
    kept = 0
    while kept < len(datasets) and len(b"".join(datasets[: kept + 1])) <= cut:
        kept += 1
    assert found == read(b"".join(datasets[:kept]))[0]
    assert kept == len(datasets) or status is not BlockStatus.OK or cut == len(b"".join(datasets[:kept]))


@forall(st.lists(st.binary(max_size=300), max_size=3))
def test_no_bytes_make_it_raise(blocks: list[bytes]) -> None:
    read(*blocks)
    read(*(b"\x1c\x02" + block for block in blocks))
