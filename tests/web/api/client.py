"""Whoever asks the API over HTTP: each answer is held against the API's own description."""

import re
from functools import cache
from typing import Any

import requests
from jsonschema import Draft202012Validator

from worker.errors import Forbidden
from worker.settings import load
from worker.site import Site
from worker.web.access import Access, Headers
from worker.web.api.description import described
from worker.web.app import application
from worker.web.guard import Bounds
from worker.web.viewer import Precision, Scope, Viewer

ALL = frozenset(Scope)
VIEWERS = {
    "exact": Viewer("exact", ALL, Precision.EXACT),
    "rounded": Viewer("rounded", ALL, Precision.ROUNDED),
    "hidden": Viewer("hidden", ALL, Precision.HIDDEN),
    "reader": Viewer("reader", frozenset({Scope.READ}), Precision.EXACT),
    "nobody": Viewer("nobody", frozenset(), Precision.HIDDEN),
}
HEADER = "x-viewer"


def named(headers: Headers) -> Viewer | None:
    """Who a request says it is from: access.Check for tests."""
    name = headers.get(HEADER)
    if name and name not in VIEWERS:
        raise Forbidden(f"{name} is nobody")
    return VIEWERS[name] if name else None


BY_NAME = Access((named,))
UNHURRIED = Bounds(rate=1e6, burst=1e6)


@cache
def description() -> Any:
    """The API's description, by itself."""
    return described(application(Site(load({})), BY_NAME))


class Client:
    """Asks as one viewer, or with other headers; without either, as nobody that is known."""

    def __init__(self, url: str, viewer: str = "", **headers: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.headers.update({HEADER: viewer} if viewer else {})
        self._session.headers.update(headers)

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of an answer that is none but 200."""
        reply = self.ask("GET", path, params=parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, path: str, **body: Any) -> requests.Response:
        """The answer to a JSON body."""
        return self.ask("POST", path, json=body)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Any answer; it is as the description says."""
        reply = self._session.request(method, f"{self.url}{path}", timeout=60, **more)
        self._hold_against_description(method, path, reply)
        return reply

    def file(self, path: str, **parameters: Any) -> requests.Response:
        """An answer that is a file, of a kind that is described, once it is whole."""
        reply = self._session.get(f"{self.url}{path}", params=parameters, timeout=60)
        assert reply.status_code == 200, reply.text
        described = self._operation("GET", path)["responses"]["200"]["content"]
        assert reply.headers["content-type"].partition(";")[0] in described
        return reply

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def _hold_against_description(self, method: str, path: str, reply: requests.Response) -> None:
        kind = reply.headers["content-type"]
        if reply.ok:
            responses = self._operation(method, path)["responses"]
            schema = responses[str(reply.status_code)]["content"]["application/json"]["schema"]
            assert kind == "application/json"
        else:
            schema = {"$ref": "#/components/schemas/Problem"}
            assert kind == "application/problem+json"
            assert reply.json()["status"] == reply.status_code
        whole = {**schema, "components": description()["components"]}
        Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(reply.json())

    def _operation(self, method: str, path: str) -> Any:
        for pattern, operations in description()["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) and method.lower() in operations:
                return operations[method.lower()]
        raise AssertionError(f"{method} {path} is not described")
