"""What goes wrong, as problem details (RFC 9457): one shape for every error, with words that a person can act on."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from worker.errors import Forbidden, Misconfigured, NotThere, QueryError, TooLarge, Transient, WorkerError

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = "5"


class Problem(HTTPException):
    """An answer that is an error. `code` is stable; `more` are further members."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, more: Mapping[str, object] | None = None) -> None:
        super().__init__(status, detail)
        self.status = status
        self.code = code
        self.more = more or {}

    def response(self) -> Response:
        """As it is sent."""
        headers = {}
        if self.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            headers["Retry-After"] = _RETRY_SECONDS
        if self.status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        members = {"type": "about:blank", "title": self.status.phrase, "status": int(self.status)}
        body = orjson.dumps(members | {"detail": self.detail, "code": self.code} | dict(self.more))
        return Response(body, self.status, headers, MEDIA_TYPE)


def of(error: WorkerError) -> Problem:
    """The problem that an error of ours is to whoever asked."""
    match error:
        case QueryError():
            where = {"column": error.column} if error.column else {}
            return Problem(HTTPStatus.BAD_REQUEST, error.code, error.message, where)
        case Forbidden():
            return Problem(HTTPStatus.FORBIDDEN, error.code, str(error))
        case TooLarge():
            return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.code, str(error))
        case NotThere():
            return Problem(HTTPStatus.NOT_FOUND, error.code, str(error))
        case Misconfigured():
            return Problem(HTTPStatus.CONFLICT, error.code, str(error))
        case Transient():
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error))
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, str(error))
