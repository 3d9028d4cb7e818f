"""When a picture was taken: the clocks' order, the offsets' rules, and everything that is no date at all."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from tests.extract.given import tags
from worker.extract.clock import offset_in, parse
from worker.extract.taken import taken
from worker.model import TagValue, Taken

ORIGINAL, CREATED, MODIFIED = "ExifIFD:DateTimeOriginal", "ExifIFD:CreateDate", "IFD0:ModifyDate"
OFFSET_ORIGINAL, OFFSET, OFFSET_CREATED = (
    "ExifIFD:OffsetTimeOriginal",
    "ExifIFD:OffsetTime",
    "ExifIFD:OffsetTimeDigitized",
)
GPS_DATE, GPS_TIME = "GPS:GPSDateStamp", "GPS:GPSTimeStamp"
ZONE, SAVING = "MakerNotes:TimeZone", "MakerNotes:DaylightSavings"
JUNE = "2023:06:15 14:30:05"


def of(values: dict[str, TagValue], *, sidecar: dict[str, TagValue] | None = None) -> Taken | None:
    return taken(tags(values) | tags(sidecar or {}, sidecar=True))


def known(values: dict[str, TagValue], *, sidecar: dict[str, TagValue] | None = None) -> Taken:
    found = of(values, sidecar=sidecar)
    assert found is not None
    return found


# --- the order of clocks -----------------------------------------------------------------------------------

CLOCKS: dict[str, TagValue] = {
    ORIGINAL: "2001:01:01 01:00:00",
    CREATED: "2002:01:01 01:00:00",
    "XMP-exif:DateTimeOriginal": "2003-01-01T01:00:00",
    "XMP-photoshop:DateCreated": "2004-01-01T01:00:00",
    "XMP-exif:DateTimeDigitized": "2005-01-01T01:00:00",
    "XMP-xmp:CreateDate": "2006-01-01T01:00:00",
    "IPTC:DateCreated": "2007-01-01",
    "IPTC:DigitalCreationDate": "2008-01-01",
    GPS_DATE: "2009:01:01",
    MODIFIED: "2010:01:01 01:00:00",
    "XMP-xmp:ModifyDate": "2011-01-01T01:00:00",
}


@pytest.mark.parametrize("best", CLOCKS)
def test_the_best_clock_that_is_there_counts(best: str) -> None:
    names = list(CLOCKS)
    values = {name: CLOCKS[name] for name in names[names.index(best) :]}
    found = known(values | {GPS_TIME: [1.0, 0.0, 0.0]} if GPS_DATE in values else values)
    assert found.source == best
    assert found.local.startswith(str(2001 + names.index(best)))


@pytest.mark.parametrize(
    ("name", "confidence"),
    [
        (ORIGINAL, "high"),
        (CREATED, "medium"),
        ("XMP-exif:DateTimeOriginal", "high"),
        ("XMP-xmp:CreateDate", "medium"),
        ("IPTC:DateCreated", "medium"),
        (MODIFIED, "low"),
    ],
)
def test_confidence_follows_the_clock(name: str, confidence: str) -> None:
    assert known({name: CLOCKS[name]}).confidence == confidence


def test_a_clock_that_says_nothing_is_passed_over() -> None:
    found = known({ORIGINAL: "0000:00:00 00:00:00", CREATED: JUNE})
    assert (found.source, found.local) == (CREATED, "2023-06-15T14:30:05")


# --- forms and precision -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "local", "precision"),
    [
        (JUNE, "2023-06-15T14:30:05", "second"),
        ("2023-06-15T14:30:05", "2023-06-15T14:30:05", "second"),
        ("2023-06-15 14:30:05", "2023-06-15T14:30:05", "second"),
        ("2023/06/15 14:30:05", "2023-06-15T14:30:05", "second"),
        ("2023:06:15 14:30:05\0", "2023-06-15T14:30:05", "second"),
        ("2023:06:15 14:30:05 ", "2023-06-15T14:30:05", "second"),
        ("2023:06:15 14:30:05.25", "2023-06-15T14:30:05.25", "subsecond"),
        ("2023-06-15T14:30:05,125", "2023-06-15T14:30:05.125", "subsecond"),
        ("2023-06-15T14:30", "2023-06-15T14:30", "minute"),
        ("2023:06:15 14:30:60", "2023-06-15T14:30", "minute"),
        ("2023:06:15", "2023-06-15", "day"),
        ("2023:06:15 24:00:00", "2023-06-15", "day"),
        ("2023:06:15   :  :  ", "2023-06-15", "day"),
        ("2023:06:15 14:70:00", "2023-06-15", "day"),
        ("2023-06", "2023-06", "month"),
        ("2023:06:00 00:00:00", "2023-06", "month"),
        ("2023:06:  ", "2023-06", "month"),
        ("2023", "2023", "year"),
        ("2023:00:00 00:00:00", "2023", "year"),
    ],
)
def test_a_date_is_read_as_far_as_it_is_known(text: str, local: str, precision: str) -> None:
    found = known({ORIGINAL: text})
    assert (found.local, found.precision, found.utc) == (local, precision, None)


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "                   ",
        "",
        "2023:02:30 10:00:00",
        "2023:13:01 10:00:00",
        "2023:06:32 10:00:00",
        "0001-01-01T00:00:00",
        "9999:12:31 23:59:59",
        "1500-01-01",
        "yesterday",
        "20230615",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert of({ORIGINAL: text}) is None


@pytest.mark.parametrize(
    ("subseconds", "local"),
    [
        ("57", "2023-06-15T14:30:05.57"),
        ("05 ", "2023-06-15T14:30:05.05"),
        ("123456789", "2023-06-15T14:30:05.123456789"),
        ("", "2023-06-15T14:30:05"),
        ("   ", "2023-06-15T14:30:05"),
        ("ab", "2023-06-15T14:30:05"),
        ("-1", "2023-06-15T14:30:05"),
    ],
)
def test_subseconds_come_from_their_own_tag(subseconds: str, local: str) -> None:
    assert known({ORIGINAL: JUNE, "ExifIFD:SubSecTimeOriginal": subseconds}).local == local


# --- offsets -----------------------------------------------------------------------------------------------


def test_without_an_offset_local_time_stays_local() -> None:
    found = known({ORIGINAL: JUNE})
    assert (found.offset, found.utc, found.confidence) == (None, None, "high")


def test_the_offset_of_the_clock_itself_makes_utc() -> None:
    found = known({ORIGINAL: JUNE, OFFSET_ORIGINAL: "+02:00"})
    assert (found.offset, found.confidence) == ("+02:00", "high")
    assert found.utc == datetime(2023, 6, 15, 12, 30, 5, tzinfo=UTC)


def test_offset_time_original_comes_before_offset_time() -> None:
    found = known({ORIGINAL: JUNE, OFFSET_ORIGINAL: "+09:00", OFFSET: "+02:00"})
    assert found.offset == "+09:00"


def test_offset_time_alone_serves_with_less_confidence() -> None:
    found = known({ORIGINAL: JUNE, OFFSET: "+02:00"})
    assert (found.offset, found.confidence) == ("+02:00", "medium")


def test_the_digitised_clock_has_an_offset_of_its_own() -> None:
    found = known({CREATED: JUNE, OFFSET_CREATED: "-03:30", OFFSET: "+02:00"})
    assert found.offset == "-03:30"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("+02:00", "+02:00"),
        ("-09:30", "-09:30"),
        ("+0545", "+05:45"),
        ("Z", "+00:00"),
        ("+00:00", "+00:00"),
        ("-00:00", "+00:00"),
        ("+2", "+02:00"),
        ("UTC+2", "+02:00"),
        ("+14:00", "+14:00"),
        ("+15:00", None),
        ("-12:30", None),
        ("+02:17", None),
        ("   :  ", None),
        ("", None),
        ("PST", None),
    ],
)
def test_offsets_as_files_write_them(text: str, offset: str | None) -> None:
    assert offset_in(text) == offset


@pytest.mark.parametrize(
    "text", ["2023-06-15T14:30:05+02:00", "2023-06-15T14:30:05+0200", "2023-06-15T14:30:05 +02:00"]
)
def test_an_offset_in_the_text_itself(text: str) -> None:
    found = known({"XMP-xmp:CreateDate": text})
    assert (found.local, found.offset) == ("2023-06-15T14:30:05", "+02:00")


def test_a_clock_without_offset_takes_it_from_an_equal_one() -> None:
    found = known({ORIGINAL: JUNE, "XMP-photoshop:DateCreated": "2023-06-15T14:30:05+02:00"})
    assert (found.source, found.offset, found.confidence) == (ORIGINAL, "+02:00", "medium")


def test_a_clock_that_differs_lends_no_offset() -> None:
    found = known({ORIGINAL: JUNE, "XMP-xmp:CreateDate": "2024-01-01T10:00:00+02:00"})
    assert found.offset is None


@pytest.mark.parametrize(
    ("values", "offset"),
    [
        ({"IFD0:Make": "Canon", ZONE: 120, SAVING: 60}, "+02:00"),  # Canon counts daylight saving in
        ({"IFD0:Make": "NIKON CORPORATION", ZONE: 60, SAVING: 60}, "+02:00"),  # Nikon does not
        ({"IFD0:Make": "NIKON CORPORATION", ZONE: -300, SAVING: 0}, "-05:00"),
        ({"IFD0:Make": "Canon", ZONE: 345}, "+05:45"),
        ({"IFD0:Make": "Canon", ZONE: 32767}, None),
        ({"ExifIFD:TimeZoneOffset": [-5, -5]}, "-05:00"),
        ({"ExifIFD:TimeZoneOffset": 99}, None),
    ],
)
def test_the_zone_the_camera_was_set_to(values: dict[str, TagValue], offset: str | None) -> None:
    found = known({ORIGINAL: JUNE, **values})
    assert (found.offset, found.confidence) == (offset, "medium" if offset else "high")


@pytest.mark.parametrize(
    ("local", "gps", "offset"),
    [
        ("2023:06:15 14:30:05", [12.0, 30.0, 3.0], "+02:00"),
        ("2023:06:15 14:30:05", [12.0, 28.0, 0.0], "+02:00"),
        ("2023:06:15 18:00:05", [12.0, 30.0, 3.0], "+05:30"),
        ("2023:06:15 18:15:05", [12.0, 30.0, 3.0], "+05:45"),
        ("2023:06:15 04:30:05", [12.0, 30.0, 3.0], "-08:00"),
        ("2023:06:16 01:30:05", [12.0, 30.0, 3.0], "+13:00"),
        ("2023:06:15 14:30:05", [12.0, 20.0, 0.0], None),
        ("2023:06:15 14:45:05", [12.0, 30.0, 3.0], None),
        ("2023:06:18 14:30:05", [12.0, 30.0, 3.0], None),
        ("2023:06:15 14:30:05", [None, None, None], None),
        ("2023:06:15 14:30:05", [25.0, 0.0, 0.0], None),
    ],
)
def test_the_zone_by_gps_time(local: str, gps: TagValue, offset: str | None) -> None:
    found = known({ORIGINAL: local, GPS_DATE: "2023:06:15", GPS_TIME: gps})
    assert found.offset == offset


def test_gps_time_alone_is_utc() -> None:
    found = known({GPS_DATE: "2023:06:15", GPS_TIME: [12.0, 30.0, 3.0], MODIFIED: JUNE})
    assert (found.local, found.offset, found.source) == ("2023-06-15T12:30:03", "+00:00", GPS_DATE)
    assert found.utc == datetime(2023, 6, 15, 12, 30, 3, tzinfo=UTC)


def test_gps_time_of_xmp() -> None:
    found = known({"XMP-exif:DateTimeOriginal": "2023-06-15T14:30:05", "XMP-exif:GPSTimeStamp": "2023-06-15T12:30:00Z"})
    assert found.offset == "+02:00"


# --- IPTC and sidecars -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "time", "local", "offset"),
    [
        ("2017-05-29", "17:19:21-04:00", "2017-05-29T17:19:21", "-04:00"),
        ("2017-05-29", "17:19:21", "2017-05-29T17:19:21", None),
        ("2017-05-29", "17:19:21+00:00", "2017-05-29T17:19:21", None),
        ("2017-05-29", "00:00:00+00:00", "2017-05-29", None),
        ("2017-05-29", None, "2017-05-29", None),
        ("2017-05", "17:19:21-04:00", "2017-05", None),
    ],
)
def test_iptc_date_and_time(date: str, time: str | None, local: str, offset: str | None) -> None:
    found = known({"IPTC:DateCreated": date, "IPTC:TimeCreated": time})
    assert (found.local, found.offset) == (local, offset)


def test_a_sidecars_date_outranks_the_cameras() -> None:
    found = known({ORIGINAL: JUNE}, sidecar={"XMP-exif:DateTimeOriginal": "2023-06-16T09:00:00"})
    assert (found.source, found.local) == ("XMP-exif:DateTimeOriginal", "2023-06-16T09:00:00")
    assert [other.source for other in found.alternatives] == [ORIGINAL]


def test_a_sidecar_without_zone_shifts_nothing() -> None:
    values: dict[str, TagValue] = {ORIGINAL: JUNE, OFFSET_ORIGINAL: "+02:00"}
    found = known(values, sidecar={"XMP-exif:DateTimeOriginal": "2023-06-15T14:30:05"})
    assert (found.local, found.offset, found.utc) == (
        "2023-06-15T14:30:05",
        "+02:00",
        datetime(2023, 6, 15, 12, 30, 5, tzinfo=UTC),
    )


def test_when_a_sidecar_was_written_is_not_when_the_picture_was_taken() -> None:
    assert known({ORIGINAL: JUNE}, sidecar={"XMP-xmp:CreateDate": "2024-01-01T00:00:00"}).source == ORIGINAL


# --- doubt -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1970:01:01 00:00:00", "1980:01:01 00:00:00", "2000:01:01 00:00:00"])
def test_a_clock_that_was_never_set_is_not_trusted(text: str) -> None:
    assert known({ORIGINAL: text}).confidence == "low"


def test_other_clocks_that_disagree_are_told() -> None:
    found = known(
        {
            ORIGINAL: JUNE,
            CREATED: "2023:06:15 14:30:06",  # the same, a moment later
            "XMP-photoshop:DateCreated": "2023-06-15",  # the same, less precise
            "XMP-xmp:CreateDate": "2024-01-01T10:00:00+01:00",
            "IPTC:DateCreated": "1950-01-01",
            MODIFIED: "2024:02:02 10:00:00",  # no clock of the capture
        }
    )
    assert [(other.source, other.local, other.offset) for other in found.alternatives] == [
        ("XMP-xmp:CreateDate", "2024-01-01T10:00:00", "+01:00"),
        ("IPTC:DateCreated", "1950-01-01", None),
    ]


def test_the_same_moment_in_another_zone_is_no_disagreement() -> None:
    found = known({ORIGINAL: JUNE, OFFSET_ORIGINAL: "+02:00", "XMP-xmp:CreateDate": "2023-06-15T12:30:05Z"})
    assert found.alternatives == ()


def test_gps_time_that_is_far_off_is_told() -> None:
    found = known({ORIGINAL: JUNE, OFFSET_ORIGINAL: "+02:00", GPS_DATE: "2023:06:14", GPS_TIME: [8.0, 0.0, 0.0]})
    assert [other.source for other in found.alternatives] == [GPS_DATE]
    assert found.offset == "+02:00"


def test_gps_time_of_the_last_fix_is_no_disagreement() -> None:
    found = known({ORIGINAL: JUNE, OFFSET_ORIGINAL: "+02:00", GPS_DATE: "2023:06:15", GPS_TIME: [12.0, 25.0, 0.0]})
    assert found.alternatives == ()


def test_heic_without_offset_is_not_utc() -> None:
    found = known(
        {ORIGINAL: "2022:12:24 18:00:00", MODIFIED: "2022:12:24 18:00:00", "XMP-xmp:CreateDate": "2022-12-24T18:00:00"}
    )
    assert (found.offset, found.utc) == (None, None)


def test_nothing_is_none() -> None:
    assert of({}) is None


# --- any input ---------------------------------------------------------------------------------------------

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.lists(st.floats(), max_size=4),
    st.from_regex(r"[0-9: T.+Z-]{0,30}", fullmatch=True),
)


@forall(
    st.dictionaries(
        st.sampled_from(
            [*CLOCKS, GPS_TIME, OFFSET, OFFSET_ORIGINAL, "MakerNotes:TimeZone", "MakerNotes:DaylightSavings"]
        ),
        ODD,
    )
)
def test_no_tag_makes_it_raise(values: dict[str, TagValue]) -> None:
    found = of(values)
    assert found is None or found.utc is None or found.offset is not None


@forall(
    st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001 -- wall clocks have no zone
    st.integers(-48, 56),
)
def test_utc_is_local_minus_offset(local: datetime, quarters: int) -> None:
    sign, minutes = ("-" if quarters < 0 else "+"), abs(quarters) * 15
    clock = parse(f"{local.isoformat(timespec='seconds')}{sign}{minutes // 60:02d}:{minutes % 60:02d}")
    assert clock is not None
    assert clock.utc == (local.replace(microsecond=0, tzinfo=UTC) - timedelta(minutes=quarters * 15))
