"""What queries mean, told by hand. The conformance suite holds every store to matching.py; this holds matching.py."""

import pytest

from tests.catalog.seeded import documents
from tests.fakes import plain_json
from worker.catalog.matching import matches
from worker.catalog.query import parse

NAMED = {document.ref.name: plain_json(document.fields) for document in documents()}
PICTURE = {
    "bucket": "photos",
    "name": "2024/alps.jpg",
    "status": "ok",
    "created": "2025-01-01T10:00:00.5Z",
    "exposure": {"iso": 800},
    "position": {"latitude": 48.1, "longitude": 11.5, "altitude": -3},
    "taken": {"local": "2024-05-31T23:30:00"},
    "search": {"make": "leica camera ag", "words": ["alps", "snow", "keyword:lake_garda"]},
    "tags": {
        "IFD0:Make": {"value": "LEICA", "text": "LEICA"},
        "XMP-xmp:Rating": {"value": 4.0, "text": "4"},
        "ExifIFD:ISO": {"value": 800, "text": "800"},
        "ExifIFD:MeteringMode": {"value": 5, "text": "Multi-segment"},
        "ExifIFD:DateTimeOriginal": {"value": "2024:05:31 23:30:00", "text": "2024:05:31 23:30:00"},
        "IFD0:ModifyDate": {"value": "2024:06:01 00:00:00", "text": "2024:06:01 00:00:00"},
        "IPTC:Keywords": {"value": ["alps", "snow"], "text": "alps, snow"},
        "GPS:GPSLatitude": {"value": [48.0, 6.0, 0.0], "text": "48 6 0"},
        "MakerNotes:Odd": {"value": None, "text": ""},
    },
}

HOLDS = """
make:"Leica Camera AG"
make:LEICA*
-make:Leica
iso:800
iso:799..800
-iso:>800
-f:2.8
taken:2024-05-31
taken:<2024-06
taken:>=2024-05-31T23:30
-taken:>2024-05
uploaded:2025-01-01T10:00
uploaded:>=2025-01-01T10:00:00
uploaded:<=2025-01-01T10:00:00
has:position
-has:lens
near:48.11,11.5,2km
-near:48.2,11.5,2km
box:48,11,49,12
in:gs://photos/2024/
in:photos
-in:gs://photos/2025/
keyword:"lake-garda"
alps
"snow alps"
-beach
-truncated:yes
truncated:no
tag:IFD0:Make=leica
tag:"Image Make"=Leica
tag:Exif.Image.Make=Leica
tag:EXIF:Make=Leica
tag:Make=Lei*
tag:"XMP:Rating">=3
tag:Xmp.xmp.Rating=4
tag:"EXIF ISOSpeedRatings"<=800
tag:"Image DateTime">="2024:06"
tag:"EXIF DateTimeOriginal"<2025
tag:MeteringMode=5
tag:MeteringMode="multi-segment"
tag:IPTC:Keywords=snow
tag:GPS:GPSLatitude>=48
tag:MakerNotes:Odd
-tag:IFD1:Make
-tag:Rating>4
""".strip().split("\n")

FAILS = """
make:Leica
make:"leica camera a"
iso:>800
iso:1..799
taken:2024-06
taken:>2024-05
uploaded:2024
-has:position
near:48.2,11.5,2km
in:gs://photos/2024/alps.jpg/
in:gs://photo
keyword:lake
keyword:garda
alp
garda
"alps beach"
truncated:yes
tag:IFD1:Make=leica
tag:XMP:Make
tag:"Image Model"
tag:Rating>4
tag:Rating=four
tag:MeteringMode=multi
tag:"EXIF DateTimeOriginal"<2024
tag:MakerNotes:Odd=0
""".strip().split("\n")


@pytest.mark.parametrize("text", HOLDS)
def test_it_holds(text: str) -> None:
    assert matches(parse(text), PICTURE)
    if len(parse(text).terms) == 1:
        assert not matches(parse(f"-{text}" if text[0] != "-" else text[1:]), PICTURE)


@pytest.mark.parametrize("text", FAILS)
def test_it_does_not_hold(text: str) -> None:
    assert not matches(parse(text), PICTURE)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("near:48.1,11.5,2km in:gs://photos/munich/", {"munich/in.jpg", "munich/edge.jpg"}),
        ("box:-18,179,-17,-179", {"fiji/east.jpg", "fiji/west.jpg"}),
        ("near:90,0,50km", {"pole.jpg"}),
        ("near:0,0,1m", {"null-island.jpg"}),
        ("taken:2024-05-01 has:taken in:gs://photos/may", {"may-first.jpg"}),
        ("taken:<1900", {"old.jpg"}),
        ("code:corrupt_image", {"broken/a.jpg", "broken/b.jpg"}),
        ("redrives:>=2", {"broken/b.jpg", "broken/c.txt"}),
        ("quarantined:yes", {"broken/a.jpg"}),
        ("status:none", {"none.png"}),
        ("cafe munchen", {"ÄÖ/café_München.JPG"}),
        ("camera:evil*", {"control.jpg"}),
        ('tag:"Image Make"=SONY', {"tagged.jpg"}),
    ],
)
def test_it_finds(text: str, names: set[str]) -> None:
    assert {name for name, fields in NAMED.items() if matches(parse(text), fields)} == names
