"""Google's, gRPC's and HTTP's errors in our terms: one table. Whoever raises ours does so `from` the cause."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

import grpc
import requests
import urllib3
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors
from obstore import exceptions as obstore_errors

from worker.errors import Misconfigured, Refused, Throttled, Transient, WorkerError

Code = grpc.StatusCode

# Codes that are not listed (UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNKNOWN, CANCELLED, DATA_LOSS, and
# what is invented later) leave the outcome open, and another attempt may succeed.
_BY_CODE: dict[grpc.StatusCode, type[WorkerError]] = {
    Code.INVALID_ARGUMENT: Refused,
    Code.OUT_OF_RANGE: Refused,
    Code.NOT_FOUND: Misconfigured,
    Code.PERMISSION_DENIED: Misconfigured,
    Code.UNAUTHENTICATED: Misconfigured,
    Code.FAILED_PRECONDITION: Misconfigured,
    Code.UNIMPLEMENTED: Misconfigured,
    Code.RESOURCE_EXHAUSTED: Throttled,
}
_BY_HTTP: dict[int, grpc.StatusCode] = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    412: Code.FAILED_PRECONDITION,
    416: Code.OUT_OF_RANGE,
    429: Code.RESOURCE_EXHAUSTED,
}
_STATUS = re.compile(r"status code: (\d{3})")
"""obstore tells the status of a reply in its sentence only."""
_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in Code}
FOREIGN: Final = (
    grpc.RpcError,
    google_errors.GoogleAPIError,
    auth_errors.GoogleAuthError,
    obstore_errors.BaseError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)
"""What the libraries raise when the other side, the network or the credentials are at fault."""
_ANONYMOUS = (auth_errors.DefaultCredentialsError, obstore_errors.UnauthenticatedError)


def from_code(code: grpc.StatusCode, detail: str, unavailable: type[Transient]) -> WorkerError:
    """The error that a status code of a whole call stands for; `unavailable` is the caller's transient one."""
    kind = _BY_CODE.get(code, unavailable)
    return kind(f"{code.name}: {detail}" if detail else code.name)


def from_number(number: int, detail: str, unavailable: type[Transient]) -> WorkerError:
    """The same for the number in a `google.rpc.Status`."""
    return from_code(_BY_NUMBER.get(number, Code.UNKNOWN), detail, unavailable)


def from_http(status: int, detail: str, unavailable: type[Transient]) -> WorkerError:
    """The same for the status of an HTTP reply."""
    return from_code(_BY_HTTP.get(status, Code.UNAVAILABLE), f"HTTP {status} {detail}".rstrip(), unavailable)


@contextmanager
def translated(unavailable: type[Transient]) -> Iterator[None]:
    """Foreign errors raised inside come out as ours, `from` their cause."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, unavailable) from error


def translate(error: BaseException, unavailable: type[Transient]) -> WorkerError:
    """Any exception of the libraries used here; what nobody knows is taken for a passing fault."""
    if isinstance(error, grpc.RpcError):
        call = cast("grpc.Call", error)  # what a call raises is the call itself
        return from_code(call.code(), call.details() or "", unavailable)
    if isinstance(error, google_errors.RetryError) and error.cause is not None:
        return translate(error.cause, unavailable)
    if isinstance(error, google_errors.GoogleAPICallError):
        return _from_api_call(error, unavailable)
    if isinstance(error, auth_errors.RefreshError):
        # A deleted key cannot be refreshed and never will; a metadata server that is down comes back.
        return (unavailable if error.retryable else Misconfigured)(f"credentials: {error}")
    if isinstance(error, (*_ANONYMOUS, obstore_errors.PermissionDeniedError)):
        return Misconfigured(_first_line(error))
    if isinstance(error, obstore_errors.BaseError) and (status := _STATUS.search(str(error))):
        return from_http(int(status[1]), _first_line(error), unavailable)
    return unavailable(f"{type(error).__name__}: {_first_line(error)}")


def _from_api_call(error: google_errors.GoogleAPICallError, unavailable: type[Transient]) -> WorkerError:
    if error.grpc_status_code is not None:
        return from_code(error.grpc_status_code, error.message, unavailable)
    return from_http(int(error.code or 0), error.message, unavailable)


def _first_line(error: BaseException) -> str:
    """obstore appends pages of Rust's debug output."""
    return str(error).partition("\n")[0]
