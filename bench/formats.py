"""docs/formats.md: what is read of each format and from where, and how well; `python -m bench.recall --markdown`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

Row = Mapping[str, Any]
"""One line of the scoring tool: `set`, `format`, `files`, and right and total of each block."""


@dataclass(frozen=True)
class Cost:
    """What one file took: requests and bytes."""

    reads: int
    bytes: int


HEAD = """\
# Formats

A file is what its first bytes say; its name and content type are only claims. Of each format all metadata is read
that it can hold: EXIF, XMP, IPTC, the name of the ICC profile, and the picture's size, in a few bounded ranged reads.

This page is written by `python -m bench.recall --markdown`.

## What is read, and from where
"""

PLACES = """\
| Format | EXIF | XMP | IPTC | ICC profile | Size |
|---|---|---|---|---|---|
| JPEG | APP1, anywhere before the scan, several joined | APP1, main and Extended | APP13, several joined | APP2 | SOF |
| TIFF, BigTIFF | the file itself | tag 700 of each directory | tags 33723 and 34377 | tag 34675 | first full picture |
| DNG, NEF, ARW, CR2, PEF, ORF, RW2 and other RAW on TIFF | the file itself; RW2: its preview too | tag 700 | as TIFF \
| tag 34675 | full picture, EXIF's size or sensor borders |
| JPEG XR | the file itself | tag 700 | tags 33723 and 34377 | tag 34675 | its own tags |
| PNG | `eXIf`, raw profiles | `iTXt` and its like, raw profiles | raw profiles | `iCCP`, `sRGB` | `IHDR` |
| WebP | `EXIF` | `XMP ` | | `ICCP` | `VP8X`, `VP8`, `VP8L` |
| HEIF, HEIC, AVIF | `Exif` items, wherever `iloc` puts them | `mime` items | | `colr` | `ispe`, after `irot` |
| CR3 | `CMT1`, `CMT2`, `CMT4` (`CMT3` is the maker's) | `uuid` box | | | EXIF's |
| JPEG XL | `Exif`, also in `brob` | `xml `, also in `brob` | | | codestream |
| JPEG 2000 | `uuid` boxes | `uuid` and `xml ` boxes | `uuid` boxes | `colr` | `ihdr`, codestream |
| PSD, PSB | resource 1058 | resource 1060 | resource 1028 | resource 1039 | header |
| RAF | its JPEG | its JPEG | its JPEG | | its directory |
| MRW | `TTW` block | | | | `PRD` block |
| X3F | its JPEG | its JPEG | its JPEG | | its image section |
| GIF | | application extension | | | header; frames are counted |
| BMP | | | | | header |

CRW (Canon, until 2004) is not read: such a file gets a document with the error `unsupported_format`.
"""

RECALL_HEAD = """\
## How well

Percent of the values that ExifTool 13.59 finds (`-j -G1 -n -D -a`) and that are found here with the same value: tags
of IFD0, ExifIFD and GPS, top-level XMP properties, IPTC datasets. A dash: the reference has none in these files.
Malformed files are cut, corrupted or made to break readers; of those, what is still there counts.

"""

OTHERS = """\
## Beside other readers

EXIF recall by the same rules, measured on 5,840 public files, of which those above are a part: 42,382 values in the
1,752 clean ones. Values that a reader gives in the wrong encoding still count as found.

| Reader | EXIF % |
|---|---|
| Pillow 13.0.0 with pillow_heif 1.8.1 | 87.9 |
| exifread 3.5.1 alone | 91.1 |
| pyexiv2 2.16.0 | 94.4 |

The difference is in the containers more than in EXIF: see [gotchas](gotchas.md).
"""


def page(rows: Sequence[Row], costs: Mapping[str, Sequence[Cost]]) -> str:
    """The whole page; `costs` are those of the files that were read, by the reference's name of their format."""
    return "\n".join([HEAD, PLACES, RECALL_HEAD + "\n".join(_table(rows, costs)), "", OTHERS]).rstrip()


def _table(rows: Sequence[Row], costs: Mapping[str, Sequence[Cost]]) -> Iterator[str]:
    yield "| Format | Files | EXIF | XMP | IPTC | Malformed | EXIF | XMP | IPTC | Reads | KiB per image |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    clean, malformed = ({row["format"]: row for row in rows if row["set"] == name} for name in ("clean", "malformed"))
    for name in clean:
        cells = [_title(name), *_cells(clean[name]), *_cells(malformed.get(name)), *_cost(costs.get(name, ()))]
        yield f"| {' | '.join(cells)} |"


def _title(name: str) -> str:
    return "**all**" if name == "ALL" else name


def _cells(row: Row | None) -> list[str]:
    if row is None:
        return ["0", "-", "-", "-"]
    return [str(row["files"]), *(_percent(row, block) for block in ("exif", "xmp", "iptc"))]


def _percent(row: Row, block: str) -> str:
    """The share; 100.0 only where all are right."""
    total, right = row.get(f"{block}_total"), row.get(f"{block}_right", 0)
    if not total:
        return "-"
    return "100" if right == total else f"{min(100 * right / total, 99.99):.2f}"


def _cost(costs: Sequence[Cost]) -> list[str]:
    if not costs:
        return ["-", "-"]
    return [f"{mean(cost.reads for cost in costs):.2f}", f"{mean(cost.bytes for cost in costs) / 1024:.0f}"]
