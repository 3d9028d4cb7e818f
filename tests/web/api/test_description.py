"""The API's description, and the page that shows it."""

import re
from pathlib import Path

import pytest
import requests
from jsonschema import Draft202012Validator

from tests.web.api.client import HEADER, description
from worker.web.api import description as module

ASSETS = Path(module.__file__).parent / "assets"


def test_it_is_openapi_31_and_each_schema_is_one() -> None:
    assert description()["openapi"].startswith("3.1")
    for schema in description()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_everything_is_explained_and_may_go_wrong_in_one_way() -> None:
    for path, operations in description()["paths"].items():
        assert path.startswith("/v1/")
        for operation in operations.values():
            assert operation["description"], path
            assert "422" not in operation["responses"]
            problem = operation["responses"]["default"]["content"]["application/problem+json"]
            assert problem["schema"]["$ref"].endswith("/Problem")


def test_no_name_in_it_leads_nowhere() -> None:
    text = str(description())
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in description()["components"]["schemas"]


@pytest.mark.parametrize("name", ["", "/swagger-ui.css", "/swagger-ui-bundle.js", "/begin.js"])
def test_the_page_needs_nothing_from_elsewhere(url: str, name: str) -> None:
    reply = requests.get(f"{url}/v1/docs{name}", headers={HEADER: "reader"}, timeout=10)
    assert reply.status_code == 200
    if name in ("", "/begin.js"):
        assert "://" not in reply.text
        assert "<script>" not in reply.text
    assert not re.search(r"(?:src|href|url)\s*[=(:]\s*[\"']?https?://(?!www\.w3\.org)", reply.text[:2000])


def test_nothing_else_of_the_folder_is_handed_out(url: str) -> None:
    for name in ("LICENSE-swagger-ui.txt", "..%2fdescription.py", "nothing"):
        assert requests.get(f"{url}/v1/docs/{name}", headers={HEADER: "reader"}, timeout=10).status_code == 404


def test_the_licence_lies_beside_what_it_is_about() -> None:
    assert "Apache License" in (ASSETS / "LICENSE-swagger-ui.txt").read_text()
