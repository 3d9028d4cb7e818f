"""What other programs make of an export: rows as plain mappings, by the column's name."""

import csv
import gzip
import io
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pyarrow.parquet  # type: ignore[import-untyped] # has no types

KML = "{http://www.opengis.net/kml/2.2}"

Rows = list[dict[str, Any]]


def rows(file: Path, form: str) -> Rows:
    """All rows of one file."""
    content = file.read_bytes()
    content = gzip.decompress(content) if file.suffix == ".gz" else content
    match form:
        case "csv" | "tsv":
            text = io.StringIO(content.decode(), newline="")
            return [*csv.DictReader(text, delimiter="," if form == "csv" else "\t", strict=True)]
        case "jsonl":
            return [orjson.loads(line) for line in content.splitlines()]
        case "parquet":
            return list(pyarrow.parquet.read_table(file).to_pylist())
        case "geojson":
            return [each["properties"] | {"geometry": each["geometry"]} for each in orjson.loads(content)["features"]]
        case "kml":
            return [_placemark(each) for each in ET.fromstring(content).iter(f"{KML}Placemark")]  # noqa: S314 -- ours
        case "geo.txt":
            return [{"name": line.split(" ")[0], "line": line} for line in content.decode().splitlines()[1:]]
    with sqlite3.connect(file) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM images ORDER BY rowid")]


def merged(files: Sequence[Path], form: str) -> dict[str, dict[str, Any]]:
    """The union of parts, as docs/export.md says it is made: the last row of a key wins, what is gone is left out."""
    last = {row["key"]: row for file in files for row in rows(file, form)}
    return {key: row for key, row in last.items() if row["status"] not in {"deleted", "unmatched"}}


def _placemark(element: ET.Element) -> dict[str, Any]:
    data = {each.get("name", ""): each.findtext(f"{KML}value") for each in element.iter(f"{KML}Data")}
    return data | {"point": element.findtext(f"{KML}Point/{KML}coordinates")}
