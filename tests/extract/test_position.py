"""Where a picture was taken: hemispheres, the equator, the sea, and everything that is no place at all."""

import math

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from tests.extract.given import tags
from worker import geohash
from worker.extract.position import position
from worker.model import Position, TagValue

LAT, LAT_REF, LON, LON_REF = "GPS:GPSLatitude", "GPS:GPSLatitudeRef", "GPS:GPSLongitude", "GPS:GPSLongitudeRef"
ALT, ALT_REF = "GPS:GPSAltitude", "GPS:GPSAltitudeRef"
XMP_LAT, XMP_LON = "XMP-exif:GPSLatitude", "XMP-exif:GPSLongitude"

Values = dict[str, TagValue]


def of(values: Values, *, sidecar: Values | None = None) -> Position:
    found = position(tags(values) | tags(sidecar or {}, sidecar=True))
    assert found is not None
    return found


def exif(lat: TagValue, lat_ref: TagValue, lon: TagValue, lon_ref: TagValue, **more: TagValue) -> Values:
    """A GPS directory; an absent reference is None."""
    values: Values = {LAT: lat, LAT_REF: lat_ref, LON: lon, LON_REF: lon_ref}
    values |= {f"GPS:{name}": value for name, value in more.items()}
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize(
    ("lat", "lat_ref", "lon", "lon_ref", "latitude", "longitude"),
    [
        ([48.0, 51.0, 29.99], "N", [2.0, 17.0, 40.2], "E", 48.858331, 2.2945),
        ([33.0, 51.0, 24.0], "S", [151.0, 12.0, 54.0], "E", -33.856667, 151.215),
        ([40.0, 41.0, 21.4], "N", [74.0, 2.0, 40.2], "W", 40.689278, -74.044500),
        ([54.0, 48.5, 0.0], "S", [68.0, 18.2, 0.0], "W", -54.808333, -68.303333),
        ([0.0, 0.0, 0.0], "N", [9.0, 27.0, 0.0], "E", 0.0, 9.45),  # the equator, Gabon
        ([0.0, 0.0, 0.0], "S", [50.0, 0.0, 0.0], "W", 0.0, -50.0),
        ([51.0, 28.0, 40.0], "N", [0.0, 0.0, 0.0], "E", 51.477778, 0.0),  # the meridian, Greenwich
        ([51.0, 28.0, 40.0], "N", [0.0, 0.0, 0.0], "W", 51.477778, 0.0),
        ([0.0, 0.0, 0.01], "N", [0.0, 0.0, 0.0], "E", 0.0000028, 0.0),  # next to null island, and real
        ([90.0, 0.0, 0.0], "N", [0.0, 0.0, 0.0], "E", 90.0, 0.0),
        ([90.0, 0.0, 0.0], "S", [139.0, 16.0, 0.0], "W", -90.0, -139.266667),
        ([16.0, 46.0, 0.0], "S", [180.0, 0.0, 0.0], "E", -16.766667, 180.0),  # the antimeridian, Taveuni
        ([16.0, 46.0, 0.0], "S", [180.0, 0.0, 0.0], "W", -16.766667, -180.0),
        ([48.0, 51.4998333, 0.0], "N", [2.0, 17.67, 0.0], "E", 48.858331, 2.2945),
        ([48.858331], "N", [2.2945], "E", 48.858331, 2.2945),
        (48.858331, "N", 2.2945, "E", 48.858331, 2.2945),
        ([48.0, 51.49986], "N", [2.0, 17.67], "E", 48.858331, 2.2945),
        ([48.0, 51.0, 29.99], "n", [2.0, 17.0, 40.2], "East", 48.858331, 2.2945),
        ([-33.0, 51.0, 24.0], "S", [151.0, 12.0, 54.0], "E", -33.856667, 151.215),
    ],
)
def test_true_places(
    lat: TagValue, lat_ref: str, lon: TagValue, lon_ref: str, latitude: float, longitude: float
) -> None:
    found = of(exif(lat, lat_ref, lon, lon_ref))
    assert (found.latitude, found.longitude) == pytest.approx((latitude, longitude), abs=1e-5)
    assert (found.flags, found.source) == ((), LAT)


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        (exif([0.0, 0.0, 0.0], "N", [0.0, 0.0, 0.0], "E"), "zero_zero"),
        (exif([0.0, 0.0, 0.0], "S", [0.0, 0.0, 0.0], "W"), "zero_zero"),
        (exif([None, None, None], "N", [None, None, None], "E"), "undefined"),
        (exif([48.0, 51.0, None], "N", [2.0, 17.0, 40.2], "E"), "undefined"),
        (exif([math.inf, 0.0, 0.0], "N", [2.0, 17.0, 40.2], "E"), "undefined"),
        (exif([], "N", [2.0], "E"), "undefined"),
        (exif([1.0, 2.0, 3.0, 4.0], "N", [2.0], "E"), "undefined"),
        (exif("somewhere", "N", [2.0], "E"), "undefined"),
        (exif([91.0, 0.0, 0.0], "N", [2.0, 17.0, 40.2], "E"), "out_of_range"),
        (exif([48.0, 0.0, 0.0], "N", [181.0, 0.0, 0.0], "E"), "out_of_range"),
        (exif([89.0, 59.0, 4200.0], "N", [2.0, 17.0, 40.2], "E"), "out_of_range"),
        (exif([48.0, 51.0, 29.99], None, [2.0, 17.0, 40.2], "E"), "ref_missing"),
        (exif([48.0, 51.0, 29.99], "N", [2.0, 17.0, 40.2], None), "ref_missing"),
        (exif([48.0, 51.0, 29.99], "", [2.0, 17.0, 40.2], "E"), "ref_missing"),
        (exif([48.0, 51.0, 29.99], "E", [2.0, 17.0, 40.2], "N"), "ref_missing"),
        (exif([48.0, 51.0, 29.99], "N", None, "E"), "incomplete"),
    ],
)
def test_what_is_no_place_is_left_out_with_its_reason(values: Values, flag: str) -> None:
    found = of(values)
    assert (found.latitude, found.longitude, found.geohash) == (None, None, None)
    assert flag in found.flags


def test_no_gps_at_all_is_none() -> None:
    assert position({}) is None
    assert position(tags({ALT: 12.0, "GPS:GPSVersionID": [2, 3, 0, 0]})) is None


# --- hemispheres -------------------------------------------------------------------------------------------


def test_a_sign_against_its_letter_wins_and_is_flagged() -> None:
    found = of(exif([-33.0, 51.0, 24.0], "N", [151.0, 12.0, 54.0], "E"))
    assert found.latitude == pytest.approx(-33.856667, abs=1e-5)
    assert found.flags == ("sign_conflict",)


def test_a_sign_serves_where_the_letter_is_missing() -> None:
    found = of(exif([-33.0, 51.0, 24.0], None, [-151.0, 12.0, 54.0], None))
    assert (found.latitude, found.longitude) == pytest.approx((-33.856667, -151.215), abs=1e-5)
    assert found.flags == ("ref_missing",)


def test_minus_zero_degrees_are_south() -> None:
    assert of(exif([-0.0, 30.0, 0.0], "S", [10.0], "E")).latitude == pytest.approx(-0.5)


# --- altitude, accuracy, doubt -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("altitude", "ref", "metres"),
    [
        (8848.9, 0, 8848.9),
        (430.5, 1, -430.5),  # the Dead Sea
        (-430.5, 1, -430.5),
        (-12.0, None, -12.0),
        (120.0, None, 120.0),
        (5.0, 2, 5.0),
        (5.0, 3, -5.0),
        (0.0, 1, 0.0),
        (None, 0, None),
        (1e9, 0, None),
    ],
)
def test_altitude_has_a_sign_and_may_be_unknown(altitude: float | None, ref: int | None, metres: float | None) -> None:
    values = exif([31.5], "N", [35.5], "E", GPSAltitude=altitude, GPSAltitudeRef=ref)
    found = of(values)
    assert found.altitude == metres
    assert str(found.altitude) != "-0.0"


def test_accuracy_is_the_receivers() -> None:
    assert of(exif([31.5], "N", [35.5], "E", GPSHPositioningError=4.7)).accuracy == 4.7
    assert of(exif([31.5], "N", [35.5], "E", GPSHPositioningError=0.0)).accuracy is None


@pytest.mark.parametrize(
    ("name", "value", "flags"),
    [
        ("GPSStatus", "V", ("void",)),
        ("GPSStatus", "A", ()),
        ("GPSMapDatum", "TOKYO", ("other_datum",)),
        ("GPSMapDatum", "WGS-84", ()),
        ("GPSMapDatum", "WGS-84 (G1674)", ()),
        ("GPSMapDatum", "", ()),
    ],
)
def test_doubtful_fixes_are_flagged_and_kept(name: str, value: str, flags: tuple[str, ...]) -> None:
    found = of(exif([35.6], "N", [139.7], "E", **{name: value}))
    assert (found.latitude, found.flags) == (35.6, flags)


# --- XMP, drones, sidecars ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("48,51.49986N", "2,17.67E", (48.858331, 2.2945)),
        ("33,51,24S", "151,12,54E", (-33.856667, 151.215)),
        ("48,8.5N", "11,34.5W", (48.141667, -11.575)),
        ("0,0.0N", "9,27.0E", (0.0, 9.45)),
        ("48.858331N", "2.2945E", (48.858331, 2.2945)),
        ("48/1 51/1 2999/100 N", "2/1 17/1 402/10 E", (48.858331, 2.2945)),
        ("-33.856667", "-151.215", (-33.856667, -151.215)),
    ],
)
def test_coordinates_of_xmp(latitude: str, longitude: str, expected: tuple[float, float]) -> None:
    found = of({XMP_LAT: latitude, XMP_LON: longitude})
    assert (found.latitude, found.longitude) == pytest.approx(expected, abs=1e-5)
    assert found.source == XMP_LAT


def test_the_letter_may_stand_in_a_tag_of_its_own() -> None:
    refs: Values = {f"{XMP_LAT}Ref": "S", f"{XMP_LON}Ref": "W"}
    found = of({XMP_LAT: "33.5", XMP_LON: "70.6", **refs})
    assert (found.latitude, found.longitude, found.flags) == (-33.5, -70.6, ())


def test_two_letters_that_disagree_are_flagged() -> None:
    found = of({XMP_LAT: "33,30.0S", XMP_LON: "70,36.0W", f"{XMP_LAT}Ref": "N"})
    assert (found.latitude, found.flags) == (-33.5, ("sign_conflict",))


def test_xmp_helps_out_where_exif_has_no_usable_place() -> None:
    values = exif([33.0, 30.0, 0.0], None, [70.0, 36.0, 0.0], None, GPSAltitude=520.0)
    found = of({**values, XMP_LAT: "33,30.0S", XMP_LON: "70,36.0W"})
    assert (found.latitude, found.source, found.altitude) == (-33.5, XMP_LAT, 520.0)


@pytest.mark.parametrize(
    ("latitude", "longitude", "flags"),
    [
        ("48,51.5N", "2,17.67E", ()),
        ("48,51.5N", "2,17.71E", ()),  # 50 m
        ("48,51.5N", "2,17.9E", ("exif_xmp_differ",)),  # 280 m
        ("48,51.5S", "2,17.67E", ("exif_xmp_differ", "sign_conflict")),
        ("51,0.0N", "7,0.0E", ("exif_xmp_differ",)),
    ],
)
def test_exif_and_xmp_that_differ_are_flagged(latitude: str, longitude: str, flags: tuple[str, ...]) -> None:
    exif_values = exif([48.0, 51.5, 0.0], "N", [2.0, 17.67, 0.0], "E")
    found = of({**exif_values, XMP_LAT: latitude, XMP_LON: longitude})
    assert (found.source, found.flags) == (LAT, flags)


def test_across_the_antimeridian_is_near() -> None:
    values = exif([16.0], "S", [179.9999], "E")
    assert of({**values, XMP_LAT: "16,0.0S", XMP_LON: "179,59.994W"}).flags == ()


def test_a_position_set_in_a_sidecar_outranks_the_cameras() -> None:
    sidecar: Values = {XMP_LAT: "51,0.0N", XMP_LON: "7,0.0E"}
    found = of(exif([48.0], "N", [2.0], "E"), sidecar=sidecar)
    assert (found.latitude, found.source) == (51.0, XMP_LAT)


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("XMP-drone-dji:GpsLatitude", "XMP-drone-dji:GpsLongitude"),
        ("XMP-drone-dji:GpsLatitude", "XMP-drone-dji:GpsLongtitude"),
        ("XMP-drone-dji:Latitude", "XMP-drone-dji:Longitude"),
        ("XMP-drone:GpsLatitude", "XMP-drone:GpsLongitude"),
        ("XMP-drone-skydio:Latitude", "XMP-drone-skydio:Longitude"),
    ],
)
def test_drones_state_decimal_degrees(latitude: str, longitude: str) -> None:
    altitude = latitude.rpartition(":")[0] + ":AbsoluteAltitude"
    found = of({latitude: -33.5, longitude: -70.6, altitude: 523.4})
    assert (found.latitude, found.longitude, found.altitude, found.source) == (-33.5, -70.6, 523.4, latitude)


# --- any input ---------------------------------------------------------------------------------------------

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=3)), max_size=4),
    st.from_regex(r"[0-9]{1,3},[0-9]{1,2}\.[0-9]{1,4}[NSEW]?", fullmatch=True),
)
NAMES = [LAT, LAT_REF, LON, LON_REF, ALT, ALT_REF, XMP_LAT, XMP_LON, "XMP-drone-dji:GpsLatitude", "GPS:GPSMapDatum"]


@forall(st.dictionaries(st.sampled_from(NAMES), ODD))
def test_no_tag_makes_it_raise_or_tell_an_impossible_place(values: Values) -> None:
    found = position(tags(values))
    if found is None or found.latitude is None or found.longitude is None:
        assert found is None or (found.latitude, found.longitude) == (None, None)
        return
    assert abs(found.latitude) <= 90
    assert abs(found.longitude) <= 180
    assert (found.latitude, found.longitude) != (0, 0)


@forall(st.floats(-90, 90), st.floats(-180, 180))
def test_a_position_written_in_degrees_minutes_seconds_is_read_back(latitude: float, longitude: float) -> None:
    def parts(value: float) -> TagValue:
        minutes, seconds = divmod(abs(value) * 3600, 60)
        return [float(minutes // 60), minutes % 60, seconds]

    found = of(exif(parts(latitude), "S" if latitude < 0 else "N", parts(longitude), "W" if longitude < 0 else "E"))
    if latitude or longitude:
        assert (found.latitude, found.longitude) == pytest.approx((latitude, longitude), abs=1e-9)


# --- geohash -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (57.64911, 10.40744, "u4pruydqqv"),
        (48.858331, 2.2945, "u09tunqu"),
        (-33.856667, 151.215, "r3gx2ux"),
        (0.0, 0.0, "s000000000"),
        (90.0, 180.0, "zzzzzzzzzz"),
        (-90.0, -180.0, "0000000000"),
    ],
)
def test_geohash_of_known_places(latitude: float, longitude: float, expected: str) -> None:
    assert geohash.encode(latitude, longitude, len(expected)) == expected


@forall(st.floats(-90, 90), st.floats(-180, 180), st.integers(1, 12))
def test_a_shorter_geohash_is_the_beginning_of_a_longer(latitude: float, longitude: float, length: int) -> None:
    assert geohash.encode(latitude, longitude, 12).startswith(geohash.encode(latitude, longitude, length))
