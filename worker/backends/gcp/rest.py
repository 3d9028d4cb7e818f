"""JSON requests to Google's APIs, or to their emulators, for what is asked seldom: what is set up, and how."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import google.auth
import orjson
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession
from requests import Response, Session

from worker.backends.gcp.errors import from_http, translated
from worker.errors import Transient
from worker.inspection import SwitchedOff, Unanswered

Json = dict[str, Any]

TIMEOUT = 10.0
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_OFF = (b"SERVICE_DISABLED", b"accessNotConfigured")
"""What an API that the project does not use says, in its newer and its older form."""


@dataclass(frozen=True, slots=True)
class Api:
    """One of Google's APIs: its short name, its prefix of all paths, and the variable that names its emulator."""

    name: str
    prefix: str
    variable: str

    @property
    def emulator(self) -> str:
        """The emulator's address, empty where Google is meant."""
        address = os.environ.get(self.variable, "")
        return address if "://" in address or not address else f"http://{address}"


STORAGE = Api("storage", "/storage/v1", "STORAGE_EMULATOR_HOST")
PUBSUB = Api("pubsub", "/v1", "PUBSUB_EMULATOR_HOST")
FIRESTORE = Api("firestore", "/v1", "FIRESTORE_EMULATOR_HOST")


class Rest:
    """One API, with a session of its own. Used by one thread.

    `credentials` are those of the environment where none are given; an emulator is sent none.
    """

    def __init__(self, api: Api, credentials: Credentials | None = None) -> None:
        self._root = (api.emulator.rstrip("/") or f"https://{api.name}.googleapis.com") + api.prefix
        self._api = api
        if api.emulator:
            self._session = Session()
            self._session.headers["authorization"] = (
                "Bearer owner"  # the Firestore emulator's word for an administrator
            )
        else:
            self._session = AuthorizedSession(credentials or default_credentials()[0])  # type: ignore[no-untyped-call] # has no types
        self.clock_ahead: float | None = None
        """Seconds by which this machine's clock was ahead of the server's at the last reply, to a second or so."""

    def find(self, path: str, **parameters: str) -> Json | None:
        """What is there under a path, or None where nothing is."""
        reply = self._send("GET", path, parameters)
        return None if reply.status_code == 404 else self._content(reply)

    def pages(self, path: str, field: str, **parameters: str) -> list[Any]:
        """What a list holds in this field, all pages of it; nothing where there is no such list."""
        found: list[Any] = []
        page = self.find(path, **parameters)
        while page:
            found += page.get(field, [])
            token = page.get("nextPageToken")
            page = self.find(path, **parameters, pageToken=token) if token else None
        return found

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **parameters: Any) -> Json:
        """The reply to a request. Raises our errors, Unanswered and SwitchedOff among them."""
        return self._content(self._send(method, path, parameters, body))

    def delete(self, path: str) -> None:
        """Have nothing under a path, whether or not something was there."""
        reply = self._send("DELETE", path, {})
        if reply.status_code != 404:
            self._content(reply)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._session.close()

    def _send(
        self, method: str, path: str, parameters: Mapping[str, Any], body: Mapping[str, Any] | None = None
    ) -> Response:
        with translated(Transient):
            reply = self._session.request(method, self._root + path, params=parameters, json=body, timeout=TIMEOUT)
        if date := reply.headers.get("date"):
            self.clock_ahead = time.time() - reply.elapsed.total_seconds() / 2 - parsedate_to_datetime(date).timestamp()
        if reply.status_code == 501 or (reply.status_code == 404 and not _says_why(reply)):
            raise Unanswered(f"{method} {path} is not implemented by {self._root}")
        return reply

    def _content(self, reply: Response) -> Json:
        if reply.ok:
            content: Json = orjson.loads(reply.content or b"{}")
            return content
        if reply.status_code == 403 and any(sign in reply.content for sign in _OFF):
            raise SwitchedOff(f"the project does not use {self._api.name}.googleapis.com")
        raise from_http(reply.status_code, _reason(reply), Transient)


def default_credentials() -> tuple[Credentials, str | None]:
    """The credentials of the environment, good for any API that their account may use, and its project."""
    with translated(Transient):
        credentials, project = google.auth.default(scopes=[_SCOPE])
    return credentials, project


def _error(reply: Response) -> Any:
    try:
        content = orjson.loads(reply.content)
    except orjson.JSONDecodeError:
        return None
    return content.get("error") if isinstance(content, dict) else None


def _says_why(reply: Response) -> bool:
    """Whether a refusal is Google's own: nobody else, and no emulator for a path that it does not know, says so."""
    return _error(reply) is not None


def _reason(reply: Response) -> str:
    error = _error(reply)
    return str(error.get("message", "")) if isinstance(error, dict) else ""
