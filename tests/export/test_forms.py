"""Each format, as other programs read it."""

import csv
import io
import itertools
import math
import random
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import duckdb
import orjson
import pyarrow.parquet  # type: ignore[import-untyped] # has no types
import pytest

from tests.export.reading import KML, rows
from tests.export.rig import World, a_picture
from worker.backends.local.shelf import LocalShelf
from worker.export.columns import DEFAULT, OF_EXTRACT, TABLE, chosen
from worker.export.forms import FORMATS, columns_for, format_of
from worker.export.series import name_of_part
from worker.exports import Wanted
from worker.model import Value
from worker.outlet import Kind

PICTURES = 60


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(LocalShelf(tmp_path), PICTURES)


def written(world: World, folder: Path, name: str, *columns: str, query: str = "", raw: bool = False) -> Path:
    world.export(Wanted(query, columns=columns, raw=raw), name)
    return folder / name


# --- tables ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_duckdb_reads_it(form: str, world: World, tmp_path: Path) -> None:
    file = written(world, tmp_path, f"images.{form}")
    readers = {"csv": "read_csv", "tsv": "read_csv", "jsonl": "read_json", "parquet": "read_parquet"}
    (found,) = (
        duckdb.connect()
        .execute(
            f"SELECT count(*), sum(size), min(altitude), count(latitude), max(iso) FROM {readers[form]}('{file}')"  # noqa: S608
        )
        .fetchall()
    )
    pictures: list[Any] = [a_picture(number).fields for number in range(PICTURES)]
    assert found == (
        PICTURES,
        sum(picture["size"] for picture in pictures),
        -12.5,
        sum("position" in picture for picture in pictures),
        max(picture["exposure"]["iso"] for picture in pictures),
    )


def test_parquet_has_proper_types(world: World, tmp_path: Path) -> None:
    file = written(world, tmp_path, "images.parquet", "all", "tag:ExifIFD:FNumber")
    schema = pyarrow.parquet.read_schema(file)
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert types["taken_utc"] == types["processed_at"] == "timestamp[us, tz=UTC]"
    assert (types["latitude"], types["size"], types["truncated"]) == ("double", "int64", "bool")
    assert types["keywords"] in {"list<element: string>", "list<item: string>"}
    assert types["tag:ExifIFD:FNumber"] == "string"
    first = min(rows(file, "parquet"), key=lambda row: str(row["name"]))
    assert first["taken_utc"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert (first["keywords"], first["tag:ExifIFD:FNumber"]) == (["alps", "day 0"], "2.8")


def test_the_dialect_is_rfc_4180(world: World, tmp_path: Path) -> None:
    content = written(world, tmp_path, "images.csv", "name", "title", "size", "rating").read_bytes()
    assert content.startswith(b"name,title,size,rating\r\n")
    assert content.endswith(b"\r\n")
    assert b'"He said ""no"", twice"' in content
    assert b'"two\nlines"' in content
    assert "日本語 テスト".encode() in content


def test_numbers_and_flags_stay_what_they_are(world: World, tmp_path: Path) -> None:
    file = written(world, tmp_path, "images.csv", "name", "altitude", "tag:ExifIFD:FNumber", "tag:GPS:GPSVersionID")
    row = next(row for row in rows(file, "csv") if row["altitude"])
    assert (row["altitude"], row["tag:ExifIFD:FNumber"], row["tag:GPS:GPSVersionID"]) == ("-12.5", "2.8", "2; 3; 0; 0")
    lines = rows(written(world, tmp_path, "images.jsonl", "altitude", "tag:GPS:GPSVersionID"), "jsonl")
    assert {"altitude": -12.5, "tag:GPS:GPSVersionID": [2, 3, 0, 0]} in lines


def payloads() -> list[str]:
    """A thousand ways to begin a formula."""
    blanks = ("", " ", "\u00a0", "\u3000", "\t", "\r", "\n", "\ufeff", "\u200b", "\x0b", " \t", "\x00")
    signs = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe66", "\ufe62", "\ufe63", "\ufe6b")
    ends = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x","y")', "SUM(1)*cmd|' /C calc'!A0", '1","=2', "A1\r\n=B1")
    mixed = ["".join(each) for each in itertools.product(blanks, signs, (*ends, "x"))]
    random.Random(1).shuffle(mixed)
    assert len(mixed) >= 1000
    return mixed[:1000]


INERT = re.compile(r"[\w'\[\{\"]")


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_a_thousand_formulas_come_out_inert(form: str, tmp_path: Path) -> None:
    world = World(LocalShelf(tmp_path))
    for number, payload in enumerate(payloads()):
        text: dict[str, Value] = {"title": payload, "keywords": ["x", payload], "creator": [payload]}
        tags: Value = {"IFD0:Make": {"value": payload}, "IFD0:Model": {"value": [payload]}}
        world.put(a_picture(number, text=text, tags=tags, camera={"make": payload}, custom={payload: payload}))
    names = ("title", "keywords", "creator", "make", "tag:IFD0:Make", "tag:IFD0:Model", "custom")
    file = written(world, tmp_path, f"images.{form}", *names)
    text_ = io.StringIO(file.read_bytes().decode(), newline="")
    found = list(csv.reader(text_, delimiter="," if form == "csv" else "\t", strict=True))
    assert len(found) == 1001
    assert {len(row) for row in found} == {len(names)}
    for cell in itertools.chain(*found):
        assert INERT.match(cell), repr(cell)
        assert all(INERT.match(part) for part in cell.split("; ")), repr(cell)
    raw = rows(written(world, tmp_path, f"raw.{form}", "title", raw=True), form)
    assert {row["title"] for row in raw} == set(payloads())


# --- maps --------------------------------------------------------------------------------------------------


def test_geojson_is_valid_by_rfc_7946(world: World, tmp_path: Path) -> None:
    content = written(world, tmp_path, "map.geojson").read_bytes()
    assert not content.startswith(b"\xef\xbb\xbf")
    collection = orjson.loads(content)
    check_collection(collection)
    assert len(collection["features"]) == sum("position" in a_picture(number).fields for number in range(PICTURES))
    assert "latitude" in collection["features"][0]["properties"]


def check_collection(found: dict[str, Any]) -> None:
    """Sections 3, 4, 5 and 7, as far as they concern points."""
    assert found["type"] == "FeatureCollection"
    assert "crs" not in found, "section 4: no other reference system"
    assert not {"coordinates", "geometries", "geometry", "properties"} & set(found), "section 7.1"
    for feature in found["features"]:
        assert feature["type"] == "Feature"
        assert set(feature) == {"type", "id", "geometry", "properties"}, "section 3.2: both are there"
        assert isinstance(feature["id"], str | int)
        assert feature["properties"] is None or isinstance(feature["properties"], dict)
        if feature["geometry"] is not None:
            check_point(feature["geometry"])
    ids = [feature["id"] for feature in found["features"]]
    assert len(set(ids)) == len(ids)


def check_point(geometry: dict[str, Any]) -> None:
    assert geometry["type"] == "Point"
    assert not {"geometry", "properties", "features"} & set(geometry), "section 7.1"
    longitude, latitude = geometry["coordinates"]
    assert all(type(each) in {int, float} and math.isfinite(each) for each in (longitude, latitude))
    assert -180 <= longitude <= 180
    assert -90 <= latitude <= 90


def test_kml_is_well_formed_whatever_a_caption_says(tmp_path: Path) -> None:
    world = World(LocalShelf(tmp_path))
    world.put(a_picture(1, text={"title": "\x01 <script>]]>&amp; \ufffe", "keywords": ["a", "b"]}))
    content = written(world, tmp_path, "map.kml", "title", "keywords").read_bytes()
    (mark,) = ET.fromstring(content).iter(f"{KML}Placemark")  # noqa: S314 -- ours
    assert [each.tag.removeprefix(KML) for each in mark] == ["name", "TimeStamp", "ExtendedData", "Point"]
    assert mark.findtext(f"{KML}name") == "0000001.jpg"
    assert {each.get("name"): each.findtext(f"{KML}value") for each in mark.iter(f"{KML}Data")} == {
        "title": "\ufffd <script>]]>&amp; \ufffd",
        "keywords": "a; b",
    }
    point = str(mark.findtext(f"{KML}Point/{KML}coordinates")).split(",")
    assert (len(point), point[2]) == (3, "-12.5")


def geo_lines(tmp_path: Path, **fields: Value) -> list[str]:
    world = World(LocalShelf(tmp_path))
    place: Value = {"latitude": 46.84252125, "longitude": -91.9942096, "source": "x"}
    about: dict[str, Any] = {"position": place, "pose": {}, "tags": {}} | fields
    world.put(a_picture(1, **about))
    run, _ = world.export(Wanted(), "geo.txt")
    first, *rest = (tmp_path / "geo.txt").read_text().splitlines()
    assert first == "EPSG:4326"
    assert run.refused == (not rest)
    return rest


HIGH: Value = {"latitude": 46.84252125, "longitude": -91.9942096, "altitude": 198.609, "source": "x"}
POSE: Value = {"camera_yaw": 12.5, "camera_pitch": -90.0, "camera_roll": 0.0}
RTK: Value = {f"XMP-drone-dji:RtkStd{axis}": {"value": value} for axis, value in (("Lat", 0.01), ("Lon", "0.02"))}


def test_geo_txt_tells_as_much_as_is_known_in_order(tmp_path: Path) -> None:
    head = "0000001.jpg -91.9942096 46.84252125"
    heights: Value = {**RTK, "XMP-drone-dji:RtkStdHgt": {"value": 0.03}}  # type: ignore[dict-item] # a map
    assert geo_lines(tmp_path) == [head]
    assert geo_lines(tmp_path, position=HIGH) == [f"{head} 198.609"]
    assert geo_lines(tmp_path, position=HIGH, pose=POSE) == [f"{head} 198.609 12.5 0 0"]
    assert geo_lines(tmp_path, position=HIGH, tags=heights) == [f"{head} 198.609 0 0 0 0.02 0.03"]
    assert geo_lines(tmp_path, position=HIGH, pose=POSE, tags=RTK) == [f"{head} 198.609 12.5 0 0"]
    assert geo_lines(tmp_path, pose=POSE) == [head]


@pytest.mark.parametrize("name", ["a b.jpg", "x/#1.jpg", "x/tab\t.jpg"])
def test_geo_txt_leaves_out_what_it_cannot_name_and_counts_it(name: str, tmp_path: Path) -> None:
    assert geo_lines(tmp_path, name=name) == []


# --- what can be asked for ---------------------------------------------------------------------------------


def test_the_table_of_columns_names_everything_once() -> None:
    names = [column.name for column in TABLE]
    assert len(set(names)) == len(names)
    assert set(DEFAULT) < set(names)
    assert chosen(("all",)) == TABLE
    assert [column.name for column in chosen(("camera.make", "make", "tag:A:B"))] == ["make", "tag:A:B"]
    assert len({column.name for column in OF_EXTRACT}) == len(OF_EXTRACT)


def test_all_columns_are_all_that_a_document_holds(world: World, tmp_path: Path) -> None:
    known = {column.path.split(" ")[0].split(".")[0] for column in TABLE}
    held = {name for number in range(3) for name in a_picture(number).fields}
    assert held - known == {"tags", "search"}
    assert len(rows(written(world, tmp_path, "images.csv", "all"), "csv")) == PICTURES


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", "csv"), ("a.csv.gz", "csv"), ("a.ndjson", "jsonl"), ("geo.txt", "geo.txt"), ("a.db", "sqlite")],
)
def test_a_name_tells_its_format(name: str, form: str) -> None:
    assert format_of("", name).name == form


def test_parts_keep_the_end_of_the_name() -> None:
    assert name_of_part("images.csv.gz", 1) == "images.csv.gz"
    assert name_of_part("images.csv.gz", 2) == "images.00002.csv.gz"
    assert name_of_part("images", 12) == "images.00012"


def test_sqlite_always_has_its_primary_key() -> None:
    assert [column.name for column in columns_for(FORMATS["sqlite"], ("name",))] == ["key", "name"]
    assert columns_for(FORMATS["sqlite"], ())[-1].kind is Kind.JSON
