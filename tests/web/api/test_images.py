from typing import Any

import pytest

from tests.catalog.seeded import documents
from tests.conformance.test_catalog import QUERIES, meant
from tests.web.api.client import Client
from tests.web.api.conftest import Asking
from worker.catalog.facets import FACETS


def ids(client: Client, limit: int = 7, **asked: Any) -> list[str]:
    found: list[str] = []
    page = client.get("/v1/images", limit=limit, **asked)
    while True:
        found += [image["id"] for image in page["images"]]
        if page["next"] is None:
            return found
        assert len(page["images"]) == limit
        page = client.get("/v1/images", limit=limit, cursor=page["next"], **asked)


def test_a_query_finds_the_same_through_the_api_and_by_its_meaning(client: Client) -> None:
    for text in QUERIES:
        found = ids(client, 50, q=text)
        assert len(found) == len(set(found))
        assert set(found) == meant(text), text


def test_pages_have_every_document_once_newest_first(client: Client) -> None:
    assert ids(client, 7) == ids(client, 1000)
    assert len(ids(client)) == len(documents())


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (["Image Make=SONY"], ["tagged.jpg"]),
        (["Exif.Image.Make=sony"], ["tagged.jpg"]),
        (["IFD0:Make=So*"], ["tagged.jpg"]),
        (["XMP:Rating>=3"], ["rated.jpg"]),
        (["XMP:Rating<3"], []),
        (["Rating"], ["rated.jpg"]),
        (["Image Make=SONY", "XMP:Rating"], []),
        (['Image Make=S"O,N*Y'], []),
    ],
)
def test_any_tag_is_a_filter_by_the_name_it_goes_by_elsewhere(
    client: Client, tag: list[str], expected: list[str]
) -> None:
    assert [image["name"] for image in client.get("/v1/images", tag=tag)["images"]] == expected


def test_fields_narrow_what_is_shown_and_nothing_else(client: Client) -> None:
    whole = client.get("/v1/images", q="make:sony")["images"]
    narrow = client.get("/v1/images", q="make:sony", fields="make,exposure.iso,uri")["images"]
    assert [image["id"] for image in narrow] == [image["id"] for image in whole]
    for image, all_of_it in zip(narrow, whole, strict=True):
        assert image.keys() <= {"id", "uri", "camera", "exposure"}
        assert image["camera"] == {"make": all_of_it["camera"]["make"]}


def test_one_document_by_id_by_the_beginning_of_its_id_and_by_uri(client: Client) -> None:
    [listed] = client.get("/v1/images", q='name:"ÄÖ/café_München.JPG"')["images"]
    assert client.get(f"/v1/images/{listed['id']}") == listed
    assert client.get(f"/v1/images/{listed['id'][:32]}") == listed
    assert client.get("/v1/image", uri="gs://photos/ÄÖ/café_München.JPG") == listed
    assert "search" not in listed


WRONG: list[tuple[str, dict[str, Any], int, str]] = [
    ("/v1/images", {"q": "iso:>800 mke:Sony"}, 10, "did you mean make"),
    ("/v1/images", {"q": "near:48,11"}, 6, "latitude,longitude,radius"),
    ("/v1/images", {"colour": "red"}, 0, "no parameter 'colour'"),
    ("/v1/images", {"limit": 0}, 0, "limit"),
    ("/v1/images", {"limit": "many"}, 0, "limit"),
    ("/v1/images", {"cursor": "elsewhere"}, 0, "cursor"),
    ("/v1/images", {"fields": "colour"}, 0, "no field 'colour'"),
    ("/v1/images", {"tag": "=3"}, 0, "no tag"),
    ("/v1/images", {"tag": "Make="}, 0, "no tag"),
    ("/v1/image", {"uri": "photos/a.jpg"}, 0, "uri"),
    ("/v1/image", {}, 0, "uri"),
    ("/v1/facets", {"names": "colour"}, 0, "no facet 'colour'"),
    ("/v1/map", {"zoom": 23}, 0, "zoom"),
    ("/v1/map", {"box": "1,2,3"}, 0, "south,west,north,east"),
    ("/v1/status", {"q": "make:Sony"}, 0, "no parameter 'q'"),
    ("/v1/failures", {"q": "status:ok"}, 1, "leave status"),
]


@pytest.mark.parametrize(("path", "asked", "column", "words"), WRONG)
def test_what_cannot_be_understood_is_a_problem_that_says_where(
    client: Client, path: str, asked: dict[str, Any], column: int, words: str
) -> None:
    reply = client.ask("GET", path, params=asked)
    assert reply.status_code == 400
    assert words in reply.json()["detail"]
    assert reply.json().get("column", 0) == column


def test_what_is_not_there_is_a_404(client: Client) -> None:
    for path in ("/v1/images/nothing", f"/v1/images/{'z' * 32}", "/v1/nothing", "/v1/redrives/nothing"):
        reply = client.ask("GET", path)
        assert (reply.status_code, reply.json()["status"]) == (404, 404)
    assert client.ask("GET", "/v1/image", params={"uri": "gs://photos/nothing"}).status_code == 404


def test_facets_count_what_matches_and_lead_to_it(client: Client) -> None:
    found = client.get("/v1/facets", q="has:make")
    assert found["count"] == len(ids(client, 1000, q="has:make"))
    assert list(found["facets"]) == list(FACETS)
    for pile in (pile for piles in found["facets"].values() for pile in piles):
        assert len(ids(client, 1000, q=f"has:make {pile['query']}")) == pile["count"], pile
    assert list(client.get("/v1/facets", names="iso,status")["facets"]) == ["iso", "status"]


def test_failures_add_up_and_come_one_by_one(client: Client) -> None:
    grouped = client.get("/v1/failures")
    assert grouped["total"] == sum(group["count"] for group in grouped["groups"]) == 3
    assert (grouped["groups"][0]["code"], grouped["groups"][0]["count"]) == ("corrupt_image", 2)
    one = client.get("/v1/failures", limit=1)
    assert (one["total"], one["others"], [group["count"] for group in one["groups"]]) == (3, 1, [2])
    page = client.get("/v1/failures/items", q="code:corrupt_image", limit=1)
    rest = client.get("/v1/failures/items", q="code:corrupt_image", limit=1, cursor=page["next"])
    assert {each["uri"] for each in page["failures"] + rest["failures"]} == {
        "gs://photos/broken/a.jpg",
        "gs://photos/broken/b.jpg",
    }
    assert rest["next"] is None
    assert client.get(f"/v1/images/{page['failures'][0]['key']}")["status"] == "failed"


def test_one_snapshot_feeds_status_queue_and_workers(client: Client) -> None:
    status = client.get("/v1/status")
    assert status["documents"] == {
        name: len(ids(client, 1000, q=f"status:{name}")) for name in ("ok", "partial", "none", "failed", "deleted")
    }
    assert (
        client.get("/v1/queue")["backlog"]
        == status["backlog"]
        == {
            "waiting": 0,
            "in_hand": 0,
            "dead": 0,
            "oldest": None,
        }
    )
    assert client.get("/v1/workers")["workers"] == status["workers"] == []


def test_who_may_read_only_may_do_nothing_else(asking: Asking) -> None:
    reader = asking("reader")
    assert reader.ask("GET", "/v1/images").status_code == 200
    for method, path, body in (
        ("POST", "/v1/redrives", {"dry_run": True}),
        ("POST", "/v1/pause", {"bucket": "photos"}),
        ("POST", "/v1/inspect", {"uri": "gs://photos/a.jpg"}),
        ("GET", "/v1/runs", None),
        ("DELETE", "/v1/redrives/x", None),
    ):
        assert reader.ask(method, path, json=body).status_code == 403, path
    assert asking("nobody").ask("GET", "/v1/images").status_code == 403
    assert asking("").ask("GET", "/v1/images").status_code == 401
    assert asking("somebody").ask("GET", "/v1/images").status_code == 401
