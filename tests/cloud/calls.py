"""Requests and replies in the form of Google's APIs."""

from dataclasses import dataclass
from typing import Any

import orjson

PAGE = 5
"""What a page of a list holds: few, so that there are several."""

Json = dict[str, Any]


class Fault(Exception):
    """An error as Google's APIs send it."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.status = status
        self.reason = reason


@dataclass
class Request:
    """A request that came: `parts` are what the groups of its route matched."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    parts: tuple[str, ...] = ()

    @property
    def json(self) -> Json:
        content: Json = orjson.loads(self.body or b"{}")
        return content


def api_of(path: str) -> str:
    """Which API a path belongs to."""
    if path.startswith(("/storage/", "/upload/")):
        return "storage"
    if "/databases" in path:
        return "firestore"
    return "serviceusage" if "/services/" in path else "pubsub"


def found(things: dict[str, Json], name: str) -> Json:
    """One of these things, or the fault that there is none of that name."""
    if name not in things:
        raise Fault(404, "NOT_FOUND", f"there is no {name}")
    return things[name]


def page(request: Request, field: str, things: list[Json]) -> Json:
    """Some at a time, with a token for the next."""
    start = int(request.query.get("pageToken", ["0"])[0])
    more = {"nextPageToken": str(start + PAGE)} if start + PAGE < len(things) else {}
    return {field: things[start : start + PAGE], **more}


def done(name: str, response: Json) -> Json:
    """A long-running operation that is over."""
    return {"name": name, "done": True, "metadata": {"state": "SUCCESSFUL"}, "response": response}
