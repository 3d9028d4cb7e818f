"""Whoever may not see exact positions never gets more than two decimals of one, wherever it stands."""

import io
import itertools
import json
import math
import random
import re
from collections.abc import Iterator
from contextlib import closing, redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from tests.catalog.seeded import UPLOADED, of, picture, placed
from tests.fakes import plain_json
from tests.samples import SAMPLES
from tests.web.api.client import BY_NAME, UNHURRIED, Client
from tests.web.api.conftest import Place, place
from worker import logs
from worker.catalog.matching import matches
from worker.catalog.query import parse
from worker.document import Attempt, Evidence, failed
from worker.errors import CorruptImage, QueryError
from worker.model import Document, Event, Message, Notification, ObjectRef, Pose, Tag, TagValue, Text
from worker.web.privacy import asked, permitted, shown
from worker.web.serving import served
from worker.web.viewer import Precision

LATITUDE, LONGITUDE, ALTITUDE = 48.137154, 11.575493, 519.37
PAIR = f"{LATITUDE},{LONGITUDE}"
NAME = f"trip/{PAIR}.jpg"
LIMITED = [Precision.ROUNDED, Precision.HIDDEN]


def hostile() -> Document:
    """A picture that tells its place wherever it can."""
    dms: list[TagValue] = [48.0, 8.0, 13.7544]
    tags = {
        "GPS:GPSLatitude": Tag(2, "rational", dms, "48 deg 8' 13.7544\""),
        "GPS:GPSLongitude": Tag(4, "rational", [11.0, 34.0, 31.7748], "[11, 34, 31.7748]"),
        "GPS:GPSAltitude": Tag(6, "rational", ALTITUDE, str(ALTITUDE)),
        "XMP-exif:GPSLatitude": Tag("exif:GPSLatitude", "xmp", "48,8.22924N", "48,8.22924N"),
        "XMP-drone-dji:GpsLongtitude": Tag("x", "xmp", LONGITUDE, str(LONGITUDE)),
        "XMP-drone-dji:LRFTargetLat": Tag("x", "xmp", LATITUDE, f"+{LATITUDE}"),
        "XMP-drone-dji:RelativeAltitude": Tag("x", "xmp", "+119.37", "+119.37"),
        "XMP-drone-dji:AbsoluteAltitude": Tag("x", "xmp", f"+{ALTITUDE}", f"+{ALTITUDE}"),
        "XMP-odd:Spot": Tag("x", "xmp", LATITUDE, f"{LATITUDE} N"),
        "XMP-odd:Sexagesimal": Tag("x", "xmp", dms, "somewhere"),
        "XMP-odd:Micro": Tag("x", "xmp", int(LATITUDE * 1e7), str(int(LONGITUDE * 1e6))),
        "XMP-odd:Nested": Tag("x", "xmp", {"a": [{"lat": LATITUDE, "where": PAIR}]}, PAIR),
        "XMP-odd:Iso6709": Tag("x", "xmp", f"+{LATITUDE}+0{LONGITUDE}/", ""),
        "XMP-odd:Hash": Tag("x", "xmp", placed(LATITUDE, LONGITUDE).geohash, "u281z7"),
        "MakerNotes:FNumber": Tag("x", "rational", 1.7777, "1.7777"),
    }
    text = Text(f"At {PAIR}", f"geo:{PAIR} 48\u00b08'13.75\"N 11\u00b034'31.77\"E " + "x" * 2000, (f"{LATITUDE}",))
    return picture(
        NAME,
        of(position=placed(LATITUDE, LONGITUDE, ALTITUDE), tags=tags, text=text, pose=Pose(relative_altitude=119.37)),
        custom={"taken-at": PAIR, "lat": str(LATITUDE)},
        long_texts={"text.description": f"{PAIR} again {LATITUDE}"},
    )


def failure() -> Document:
    """A failure whose message, name, head and error tell a place."""
    error = CorruptImage(f"no picture at {PAIR}")
    seen = Notification(Event.FINALIZE, ObjectRef("photos", f"broken-{PAIR}", 1, created=UPLOADED), UPLOADED)
    sent = Message("1", {"objectId": NAME, "eventType": "OBJECT_FINALIZE"}, json.dumps({"metadata": PAIR}).encode())
    return failed(sent, seen, error, Attempt(1, "w", UPLOADED), Evidence(first_bytes=PAIR.encode()))


def told(value: Any) -> Iterator[str]:
    """Every text and number in JSON, names of fields included."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from told(each)
    elif isinstance(value, list):
        numbers = [each for each in value if isinstance(each, int | float) and not isinstance(each, bool)]
        if len(numbers) == len(value) in (2, 3):
            yield repr(sum(abs(each) / 60**place for place, each in enumerate(numbers)))
        for each in value:
            yield from told(each)
    elif value is not None:
        yield str(value)


def leaks(value: Any) -> list[str]:
    """What tells one of the coordinates to more than two decimals."""
    found = []
    for text in told(value):
        for number in re.findall(r"\d+(?:\.\d+)?", text):
            for scale, true in itertools.product((1, 1e5, 1e6, 1e7), (LATITUDE, LONGITUDE, ALTITUDE, 119.37)):
                degrees = float(number) / scale
                if abs(degrees - true) < 0.005 and abs(degrees - round(degrees, 2)) > 1e-9:
                    found.append(text)
        if re.search(r"u281z7|13\.7[57]|31\.77|8\.229", text) or ("519.37" in text or "119.37" in text):
            found.append(text)
    return found


@pytest.fixture(scope="module")
def telltale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, str]]:
    found = place(tmp_path_factory.mktemp("telltale") / "photos")
    found.store(hostile(), failure())
    (found.folder / "alps.jpg").write_bytes(SAMPLES[0].make())
    with served(found.settings, who=BY_NAME, bounds=UNHURRIED) as url:
        yield found, url


def everything(client: Client) -> Iterator[tuple[str, Any]]:
    """The answers of all endpoints that tell something."""
    for path, parameters in (
        ("/v1/images", {}),
        ("/v1/images", {"limit": 1}),
        ("/v1/images", {"fields": "tags,position,alt,custom,name,text"}),
        ("/v1/facets", {}),
        ("/v1/failures", {}),
        ("/v1/failures/items", {}),
        ("/v1/status", {}),
        ("/v1/runs", {}),
        ("/v1/redrives", {}),
    ):
        yield path, client.get(path, **parameters)
    for image in client.get("/v1/images")["images"]:
        yield "/v1/images/{id}", client.get(f"/v1/images/{image['id']}")
    yield "/v1/reconciles", client.post("/v1/reconciles", scope="gs://photos/", dry_run=True).json()


def test_the_test_sees_what_it_looks_for(telltale: tuple[Place, str]) -> None:
    with closing(Client(telltale[1], "exact")) as client:
        assert len(leaks(dict(everything(client))["/v1/images"])) > 20
        [cluster] = client.get("/v1/map", zoom=10)["clusters"]
        assert leaks(cluster)


@pytest.mark.parametrize("viewer", ["rounded", "hidden"])
def test_no_endpoint_tells_more_than_two_decimals(telltale: tuple[Place, str], viewer: str) -> None:
    with closing(Client(telltale[1], viewer)) as client:
        with closing(Client(telltale[1], "exact")) as exact:
            exact.post("/v1/redrives", query=f"near:{PAIR},2km")  # whose search stands in the record of runs
        for path, answer in everything(client):
            assert leaks(answer) == [], path
        assert "1.7777" in str(client.get("/v1/images"))  # what is no position stays
        assert (viewer == "rounded") == ("48.14" in str(client.get("/v1/images")))
        for path, answer in (
            ("/v1/image", client.ask("GET", "/v1/image", params={"uri": f"gs://photos/{NAME}"}).json()),
            ("/v1/map", client.ask("GET", "/v1/map", params={"zoom": 22}).json()),
            ("/v1/inspect", client.ask("POST", "/v1/inspect", data=SAMPLES[0].make()).json()),
        ):
            assert leaks(answer) == [], path


def test_an_inspected_picture_tells_no_more_than_a_stored_one(telltale: tuple[Place, str]) -> None:
    for viewer, decimals in (("exact", 4), ("rounded", 2), ("hidden", None)):
        with closing(Client(telltale[1], viewer)) as client:
            position = client.ask("POST", "/v1/inspect", data=SAMPLES[0].make()).json().get("position", {})
            latitude = position.get("latitude")
            assert (latitude is None) == (decimals is None)
            assert ("altitude" in position or "geohash" in position) == (decimals == 4)
            assert latitude is None or (round(latitude, 2) == latitude) == (decimals == 2)


def test_hidden_positions_are_not_on_the_map_and_not_asked_for(telltale: tuple[Place, str]) -> None:
    with closing(Client(telltale[1], "hidden")) as client:
        assert client.ask("GET", "/v1/map").status_code == 403
        for query in ("near:48.1,11.5,2km", "-box:47,10,49,12", "alt:>100", "tag:GPS:GPSLatitude"):
            reply = client.ask("GET", "/v1/images", params={"q": query})
            assert (reply.status_code, reply.json()["column"]) == (400, 1), query


@pytest.mark.parametrize("path", ["/v1/images", "/v1/facets", "/v1/map", "/v1/failures", "/v1/failures/items"])
@pytest.mark.parametrize(
    "query", ["alt:519..520", "tag:GPS:GPSLatitude>48.1371", "tag:XMP-odd:Spot>48.1371", 'title:"At 48.1371"*']
)
def test_no_search_feels_for_decimals(telltale: tuple[Place, str], path: str, query: str) -> None:
    with closing(Client(telltale[1], "rounded")) as client:
        assert client.ask("GET", path, params={"q": query}).status_code == 400
    for name in ("/v1/redrives", "/v1/reextractions"):
        with closing(Client(telltale[1], "rounded")) as client:
            assert client.post(name, query=query, dry_run=True).status_code == 400


def test_a_tag_filter_does_not_feel_for_decimals(telltale: tuple[Place, str]) -> None:
    with closing(Client(telltale[1], "rounded")) as client:
        for tag in ("GPS GPSLatitude", "GPSAltitude>500", "Spot>48.1371"):
            assert client.ask("GET", "/v1/images", params={"tag": tag}).status_code == 400


def test_what_looks_alike_is_found_alike() -> None:
    """Whether a search for places finds a picture depends on its rounded position alone."""
    rng = random.Random(7)
    for _ in range(300):
        latitude, longitude = round(rng.uniform(-89, 89), 2), round(rng.uniform(-179.9, 179.9), 2)
        twins = [
            plain_json(picture("a", of(position=placed(latitude + north, longitude + east))).fields)
            for north, east in ((-0.0049, -0.0049), (0.0049, -0.0049), (0.0, 0.0), (0.0049, 0.0049))
        ]
        about = latitude + rng.uniform(-0.02, 0.02), longitude + rng.uniform(-0.02, 0.02)
        for text in (
            f"near:{about[0]},{about[1]},{rng.uniform(1, 3000):.3f}m",
            f"box:{about[0] - rng.uniform(0, 0.02)},{about[1]},{about[0]},{about[1] + rng.uniform(0, 0.02)}",
        ):
            query = asked(text, Precision.ROUNDED)
            assert len({matches(query, twin) for twin in twins}) == 1, text
            assert all(matches(query, twin) for twin in twins if matches(parse(text), twin)), text


def test_a_cursor_does_not_hold_a_place(telltale: tuple[Place, str]) -> None:
    with closing(Client(telltale[1], "exact")) as exact, closing(Client(telltale[1], "rounded")) as client:
        plain = exact.get("/v1/images", limit=1)["next"]
        sealed = client.get("/v1/images", limit=1)["next"]
        assert plain not in sealed
        assert len(sealed) > 80
        assert client.get("/v1/images", limit=1, cursor=sealed)["next"] is None
        assert client.ask("GET", "/v1/images", params={"cursor": plain}).status_code == 400


@pytest.mark.parametrize("precision", LIMITED)
def test_any_coordinate_in_any_form_is_found_out(precision: Precision) -> None:
    rng = random.Random(11)
    for _ in range(200):
        latitude, longitude = rng.uniform(-89, 89), rng.uniform(-179, 179)
        document = {
            "position": {"latitude": latitude, "longitude": longitude},
            "text": {"title": f"{latitude:.5f} {longitude:.5f}", "description": f"{latitude:.4f}\u00b0 N, x"},
            "run": {"scope": f"make:Sony near:{latitude:.4f},{longitude:.1f},2km"},
            "comma": f"{latitude:.5f}; {longitude:.5f}".replace(".", ","),
            "tags": {"A:B": {"value": [latitude, "x"], "text": f"lat {latitude:.6f}"}},
        }
        seen = json.dumps(shown(document, precision))
        for number in (latitude, longitude):
            for told in (f"{abs(number):.3f}", f"{abs(number):.3f}".replace(".", ",")):
                assert told not in seen, seen


def test_one_who_sees_everything_sees_it_unchanged() -> None:
    document = plain_json(hostile().fields)
    assert shown(document, Precision.EXACT) is document
    query = parse("near:48.1,11.5,2km alt:>3")
    assert permitted(query, Precision.EXACT) is query


def test_names_of_places_and_ordinary_numbers_stay() -> None:
    document = {
        "text": {"title": "Lake Garda, 2024-05-31 12:30:05.123", "keywords": ["24-70mm F2.8"]},
        "exposure": {"exposure_time": 1 / 250, "f_number": 1.7777, "focal_length": 4.25},
        "position": {"latitude": 0.353, "longitude": 11.575493},
        "tags": {"IFD0:XResolution": {"value": 72.0, "text": "72"}, "IPTC:City": {"value": "Munich", "text": "Munich"}},
    }
    seen = shown(document, Precision.ROUNDED)
    assert seen == document | {"position": {"latitude": 0.35, "longitude": 11.58}}
    assert math.isclose(seen["exposure"]["exposure_time"], 0.004)


def test_a_refusal_points_at_the_term() -> None:
    with pytest.raises(QueryError) as refused:
        asked("make:Sony alt:>3", Precision.ROUNDED)
    assert refused.value.column == 11


def test_nothing_of_a_place_gets_into_the_log(telltale: tuple[Place, str]) -> None:
    with redirect_stderr(io.StringIO()) as logged, closing(Client(telltale[1], "exact")) as client:
        logs.configure("debug", "json")  # whatever another test has set
        client.ask("GET", "/v1/images", params={"q": f"near:{PAIR},2km"})
        client.ask("GET", "/v1/images", params={"q": f"near:{PAIR}"})
        client.ask("GET", f"/v1/images/{PAIR}")
    logs.configure("info", "json")
    assert "/images" in logged.getvalue()
    assert "48.1" not in logged.getvalue()


def test_a_place_without_a_file_is_still_a_place(tmp_path: Path) -> None:
    """Two pictures in one cell are one cluster of the rounded position, at any zoom."""
    found = place(tmp_path / "photos")
    found.store(
        picture("a", of(position=placed(LATITUDE, LONGITUDE))),
        picture("b", of(position=placed(LATITUDE + 0.0011, LONGITUDE + 0.0011))),
    )
    with served(found.settings, who=BY_NAME, bounds=UNHURRIED) as url, closing(Client(url, "rounded")) as client:
        [cluster] = client.get("/v1/map", zoom=22)["clusters"]
    assert (cluster["count"], cluster["latitude"], cluster["longitude"]) == (2, 48.14, 11.58)
