"""Extraction on demand."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import imagemeta, records
from tests.samples import SAMPLES
from tests.web.api.client import BY_NAME, Client
from tests.web.api.conftest import Place
from worker.web.serving import served

OF_THE_FILE = ("file", "created", "updated", "content_type")
GOOD = [sample for sample in SAMPLES if sample.status in ("ok", "partial", "none")]


def printed(path: Path) -> dict[str, Any]:
    [record] = records(imagemeta("extract", "--format", "jsonl", path).stdout)
    return {name: value for name, value in record.items() if name not in OF_THE_FILE}


@pytest.mark.parametrize("sample", GOOD[:4], ids=lambda sample: sample.name)
def test_a_picture_that_is_sent_holds_what_it_holds_elsewhere(client: Client, sample: Any, tmp_path: Path) -> None:
    data = sample.make()
    file = tmp_path / "picture"
    file.write_bytes(data)
    for reply in (
        client.ask("POST", "/v1/inspect", data=data, headers={"Content-Type": "image/jpeg"}),
        client.ask("POST", "/v1/inspect", files={"file": ("x.jpg", data, "image/jpeg")}),
    ):
        assert reply.status_code == 200, reply.text
        assert reply.json() == printed(file)


def test_an_object_is_read_without_being_stored(empty: Place) -> None:
    (empty.folder / "a b.jpg").write_bytes(SAMPLES[0].make())
    with served(empty.settings, who=BY_NAME) as url, closing(Client(url, "exact")) as client:
        found = client.post("/v1/inspect", uri="gs://photos/a b.jpg").json()
        assert found["uri"] == "gs://photos/a b.jpg"
        assert found["status"] == "ok"
        assert client.get("/v1/images")["images"] == []


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "corrupt_image"), (b"no picture", "unsupported_format"), (b"\xff\xd8\xff", "")]
)
def test_what_is_no_picture_is_told_so(client: Client, data: bytes, code: str) -> None:
    reply = client.ask("POST", "/v1/inspect", data=data)
    assert reply.status_code == 422
    assert not code or reply.json()["code"] == code
    assert "imagemeta-" not in reply.text  # where it lay meanwhile


@pytest.mark.parametrize("body", ["{}", '{"uri": "photos/a.jpg"}', "[", '{"uri": "gs://photos/a", "more": 1}'])
def test_a_body_that_names_no_object_is_refused(client: Client, body: str) -> None:
    reply = client.ask("POST", "/v1/inspect", data=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400


def test_a_form_without_a_file_is_refused(client: Client) -> None:
    assert client.ask("POST", "/v1/inspect", files={"picture": b"x"}).status_code == 400
    assert client.ask("POST", "/v1/inspect", files={"file": (None, "text")}).status_code == 400


def test_what_is_told_is_json_that_says_so(client: Client) -> None:
    reply = client.ask("POST", "/v1/inspect", data=SAMPLES[0].make())
    assert json.loads(reply.content)["image"]["format"] == "JPEG"
