"""What Google's errors come to: the one table of the cloud backend."""
# mypy: disallow-untyped-calls=False
# Google's exceptions have no types.

import grpc
import pytest
import requests
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors
from obstore import exceptions as obstore_errors

from worker.backends.gcp.errors import from_code, from_http, from_number, translate, translated
from worker.errors import Misconfigured, Refused, SourceUnavailable, StoreUnavailable, Throttled, Transient, WorkerError

Code = grpc.StatusCode

BY_CODE = {
    Code.INVALID_ARGUMENT: Refused,
    Code.OUT_OF_RANGE: Refused,
    Code.NOT_FOUND: Misconfigured,
    Code.PERMISSION_DENIED: Misconfigured,
    Code.UNAUTHENTICATED: Misconfigured,
    Code.FAILED_PRECONDITION: Misconfigured,
    Code.UNIMPLEMENTED: Misconfigured,
    Code.RESOURCE_EXHAUSTED: Throttled,
    Code.UNAVAILABLE: StoreUnavailable,
    Code.DEADLINE_EXCEEDED: StoreUnavailable,
    Code.ABORTED: StoreUnavailable,
    Code.INTERNAL: StoreUnavailable,
    Code.UNKNOWN: StoreUnavailable,
    Code.CANCELLED: StoreUnavailable,
    Code.DATA_LOSS: StoreUnavailable,
    Code.ALREADY_EXISTS: StoreUnavailable,
}


def test_the_table_speaks_of_every_code() -> None:
    assert set(BY_CODE) == set(Code) - {Code.OK}


@pytest.mark.parametrize(("code", "kind"), BY_CODE.items(), ids=lambda value: getattr(value, "name", ""))
def test_a_status_code_has_one_meaning(code: grpc.StatusCode, kind: type[WorkerError]) -> None:
    error = from_code(code, "why", StoreUnavailable)
    assert type(error) is kind
    assert str(error) == f"{code.name}: why"
    assert type(from_number(code.value[0], "why", StoreUnavailable)) is kind


def test_a_status_that_nobody_knows_is_a_passing_fault() -> None:
    assert type(from_number(4711, "", StoreUnavailable)) is StoreUnavailable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (408, SourceUnavailable),
        (416, Refused),
        (429, Throttled),
        (500, SourceUnavailable),
        (502, SourceUnavailable),
        (503, SourceUnavailable),
        (504, SourceUnavailable),
    ],
)
def test_http_means_the_same(status: int, kind: type[WorkerError]) -> None:
    assert type(from_http(status, "", SourceUnavailable)) is kind
    reply = requests.Response()
    reply.status_code = status
    reply.request = requests.Request("GET", "http://127.0.0.1/").prepare()
    error = google_errors.from_http_response(reply)
    assert type(translate(error, SourceUnavailable)) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (auth_errors.DefaultCredentialsError("no credentials"), Misconfigured),
        (auth_errors.RefreshError("the key was deleted", retryable=False), Misconfigured),
        (auth_errors.RefreshError("try again", retryable=True), SourceUnavailable),
        (auth_errors.TransportError("metadata server"), SourceUnavailable),
        (obstore_errors.PermissionDeniedError("no"), Misconfigured),
        (obstore_errors.UnauthenticatedError("no"), Misconfigured),
        (obstore_errors.GenericError("Server returned non-2xx status code: 429 Too Many Requests: x"), Throttled),
        (obstore_errors.GenericError("Server returned non-2xx status code: 503 : x"), SourceUnavailable),
        (obstore_errors.GenericError("HTTP error: error sending request"), SourceUnavailable),
        (google_errors.RetryError("in vain", google_errors.TooManyRequests("slow down")), Throttled),
        (google_errors.RetryError("in vain", google_errors.ServiceUnavailable("down")), SourceUnavailable),
        (requests.ConnectionError("reset"), SourceUnavailable),
        (ConnectionResetError("reset"), SourceUnavailable),
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_an_error_of_any_library_has_one_meaning(error: Exception, kind: type[WorkerError]) -> None:
    assert type(translate(error, SourceUnavailable)) is kind


def test_the_cause_travels_along_and_debug_output_does_not() -> None:
    cause = obstore_errors.GenericError("Generic GCS error: broken\n\nDebug source:\nGeneric {\n}")
    with pytest.raises(Transient) as caught, translated(SourceUnavailable):
        raise cause
    assert caught.value.__cause__ is cause
    assert str(caught.value) == "GenericError: Generic GCS error: broken"


def test_our_own_errors_and_bugs_pass_unchanged() -> None:
    for error in (Refused("ours"), ZeroDivisionError()):
        with pytest.raises(type(error)), translated(SourceUnavailable):
            raise error
