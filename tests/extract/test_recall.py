"""The share of ExifTool's values that is found, held at the goals. The corpora bring their own scoring tool."""

from pathlib import Path
from typing import Any

import pytest

from bench.recall import extractions, recall
from worker.model import Limits

pytestmark = [pytest.mark.corpora, pytest.mark.deep]

FORMATS = ["JPEG", "TIFF", "HEIF", "AVIF", "WebP", "PSD", "CR3", "JXL", "PNG"]


@pytest.fixture(scope="module")
def rows(corpora: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["set"], row["format"]): row for row in recall(corpora, Limits(makernotes="never"))}


@pytest.mark.parametrize("name", FORMATS)
def test_exif_recall_by_format(rows: dict[tuple[str, str], dict[str, Any]], name: str) -> None:
    assert rows["clean", name]["exif_recall"] >= 99.5


@pytest.mark.parametrize(
    ("family", "kind", "goal"),
    [("exif", "clean", 99.0), ("exif", "malformed", 99.0), ("xmp", "clean", 98.0), ("iptc", "clean", 99.0)],
)
def test_recall_over_all_files(
    rows: dict[tuple[str, str], dict[str, Any]], family: str, kind: str, goal: float
) -> None:
    assert rows[kind, "ALL"][f"{family}_recall"] >= goal


def test_reads_and_bytes_over_all_files(corpora: Path) -> None:
    runs = [run for run in extractions(corpora, Limits()) if run.format and not run.file.startswith("crafted/")]
    assert sum(len(run.ranges) for run in runs) / len(runs) <= 1.3
    assert sum(length for run in runs for _, length in run.ranges) / len(runs) <= 150 * 1024
