"""The push endpoint: 2xx only after the document is durable, and nothing at all for strangers."""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from tests.fakes import wait_until
from tests.test_worker import Rig, raising
from worker.attempts import Maker
from worker.backends.gcp.tokens import Certificates, TokenCheck
from worker.bootstrap import PushCheck, Wiring
from worker.errors import CorruptImage, Forbidden, SourceUnavailable
from worker.group_commit import GroupCommit
from worker.group_lookup import GroupLookup
from worker.model import Message
from worker.push import BODY_BYTES, PushEndpoint, application
from worker.write_ladder import WriteLadder

AUDIENCE, ACCOUNT = "https://worker.example", "pusher@project.iam.gserviceaccount.com"


def new_key() -> tuple[str, str]:
    """A private key and its public one, in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


PRIVATE, PUBLIC = new_key()
OTHER_PRIVATE, _ = new_key()


def token(private: str = PRIVATE, key_id: str = "k1", **claims: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
        **claims,
    }
    signer = crypt.RSASigner.from_string(private, key_id)  # type: ignore[no-untyped-call]  # google-auth has no types
    return bytes(jwt.encode(signer, payload)).decode()  # type: ignore[no-untyped-call]  # as above


def unsigned(header: dict[str, str], sign: Callable[[bytes], bytes]) -> str:
    """A token put together by hand, as an attacker would."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = token().split(".")[1]
    head = part(json.dumps(header).encode())
    return f"{head}.{claims}.{part(sign(f'{head}.{claims}'.encode()))}"


def check(
    fetch: Callable[[], tuple[dict[str, str], float]] = lambda: ({"k1": PUBLIC}, 300.0), *, checked: bool = False
) -> TokenCheck:
    return TokenCheck(AUDIENCE, ACCOUNT, Certificates(fetch), checked=checked)


def sent(header: str | None) -> dict[str, str]:
    """The headers of a request."""
    return {} if header is None else {"authorization": header}


def removed(signed: str) -> str:
    """The token as Cloud Run may hand it on."""
    return f"{signed.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE"


def test_a_token_of_google_for_our_account_passes() -> None:
    check()(sent(f"Bearer {token()}"))


def test_behind_cloud_runs_own_check_a_token_needs_no_signature_any_more() -> None:
    behind = check(checked=True)
    behind(sent(f"Bearer {token()}"))
    behind(sent(f"Bearer {removed(token())}"))
    for wrong in (
        {"aud": "https://else.example"},
        {"iss": "https://evil.example"},
        {"email": "evil@evil.example"},
        {"email_verified": False},
        {"exp": int(time.time()) - 60},
    ):
        with pytest.raises(Forbidden):
            behind(sent(f"Bearer {removed(token(**wrong))}"))
    for forged in (f"Bearer {token(OTHER_PRIVATE)}", f"Bearer {removed('a.b.c')}", "Bearer " + removed("x" * 9000)):
        with pytest.raises(Forbidden):
            behind(sent(forged))


def test_a_token_that_cloud_run_did_not_look_at_keeps_its_signature() -> None:
    tokens = check(checked=True)
    headers = {"x-serverless-authorization": f"Bearer {removed(token(email='evil@evil.example'))}"}
    with pytest.raises(Forbidden):
        tokens(headers | sent(f"Bearer {removed(token())}"))
    tokens(headers | sent(f"Bearer {token()}"))


FORGED = {
    "none at all": lambda: None,
    "no scheme": token,
    "basic": lambda: "Basic dXNlcjpwYXNz",
    "empty": lambda: "Bearer ",
    "garbage": lambda: "Bearer a.b.c",
    "huge": lambda: "Bearer " + "x" * 100_000,
    "signed by another key": lambda: f"Bearer {token(OTHER_PRIVATE)}",
    "unknown key": lambda: f"Bearer {token(key_id='k9')}",
    "expired": lambda: f"Bearer {token(exp=int(time.time()) - 60)}",
    "not yet valid": lambda: f"Bearer {token(iat=int(time.time()) + 600)}",
    "another audience": lambda: f"Bearer {token(aud='https://else.example')}",
    "another issuer": lambda: f"Bearer {token(iss='https://evil.example')}",
    "without its signature": lambda: f"Bearer {removed(token())}",
    "another account": lambda: f"Bearer {token(email='evil@evil.example')}",
    "unverified account": lambda: f"Bearer {token(email_verified=False)}",
    "verified as text": lambda: f"Bearer {token(email_verified='true')}",
    "alg none": lambda: "Bearer " + unsigned({"alg": "none", "kid": "k1"}, lambda _: b""),
    "hmac with the public key": lambda: (
        "Bearer "
        + unsigned({"alg": "HS256", "kid": "k1"}, lambda text: hmac.new(PUBLIC.encode(), text, hashlib.sha256).digest())
    ),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_any_other_token_is_refused(forged: Callable[[], str | None]) -> None:
    with pytest.raises(Forbidden):
        check()(sent(forged()))


def test_certificates_are_fetched_once_and_again_for_a_new_key_but_not_for_every_stranger() -> None:
    fetched: list[int] = []

    def fetch() -> tuple[dict[str, str], float]:
        fetched.append(1)
        return {"k1": PUBLIC}, 300.0

    checked = check(fetch)
    for _ in range(10):
        checked(sent(f"Bearer {token()}"))
        with pytest.raises(Forbidden):
            checked(sent(f"Bearer {token(key_id='k9')}"))
    assert len(fetched) == 1


class Served:
    """The endpoint over a rig of memory ports, on a port of its own."""

    def __init__(self, rig: Rig, checked: PushCheck) -> None:
        commit, lookup = GroupCommit(rig.documents, rig.clock), GroupLookup(rig.documents)
        ladder = WriteLadder(commit, rig.documents, rig.bucket, rig.clock)
        wiring = Wiring(rig.worker, rig.breaker, commit, lookup, rig.bucket, rig.documents, ladder, Maker())
        self.endpoint = PushEndpoint(wiring, checked, threads=4)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        app = application(self.endpoint, lambda: not rig.breaker.open)
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_config=None, lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        wait_until(lambda: self.server.started)

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        self.endpoint.close()

    def post(self, body: bytes | dict[str, Any], path: str = "/", **headers: str) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, raw, {"Content-Type": "application/json", **headers})
            return connection.getresponse().status
        finally:
            connection.close()

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def served(rig: Rig) -> Iterator[Served]:
    server = Served(rig, lambda _: None)
    yield server
    server.close()


def pushed(message: Message, attempt: int | None = None) -> dict[str, Any]:
    """As Pub/Sub wraps it."""
    body: dict[str, Any] = {
        "subscription": "projects/p/subscriptions/s",
        "message": {
            "attributes": dict(message.attributes),
            "data": base64.b64encode(message.data).decode(),
            "messageId": "17",
            "publishTime": "2026-11-20T19:25:46.123Z",
        },
    }
    return body if attempt is None else body | {"deliveryAttempt": attempt}


def test_a_push_is_answered_after_the_document_is_durable(rig: Rig, served: Served) -> None:
    assert served.post(pushed(rig.upload("a.jpg"))) == 204
    assert rig.fields("a.jpg")["status"] == "ok"


def test_what_cannot_be_done_now_is_to_come_again(rig: Rig, served: Served) -> None:
    rig.read = raising(SourceUnavailable("503"))
    assert served.post(pushed(rig.upload("a.jpg"))) == 503
    assert not rig.documents.stored


def test_what_can_never_be_done_is_written_down_and_acknowledged(rig: Rig, served: Served) -> None:
    rig.read = raising(CorruptImage("broken"))
    assert served.post(pushed(rig.upload("a.jpg"))) == 204
    assert rig.fields("a.jpg")["status"] == "failed"


def test_the_attempts_in_the_store_decide_and_not_those_that_pubsub_counts(rig: Rig, served: Served) -> None:
    rig.read = raising(SourceUnavailable("503"))
    message = rig.upload("a.jpg")
    assert [served.post(pushed(message, attempt=5)) for _ in range(5)] == [503] * 4 + [204]
    assert rig.fields("a.jpg")["attempt"] == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"message": 3}',
        b'{"message": {"data": "%%%"}}',
        b'{"message": {"attributes": [1]}}',
        b'{"message": {}, "deliveryAttempt": "many"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_push_request_is_refused(served: Served, body: bytes) -> None:
    assert served.post(body) == 400


def test_a_body_that_is_too_large_is_not_read_to_its_end(served: Served) -> None:
    assert served.post(b" " * (BODY_BYTES + 1)) == 413


def test_another_content_type_is_refused(served: Served) -> None:
    assert served.post(b"{}", **{"Content-Type": "text/plain"}) == 415


def test_other_paths_and_methods_do_not_exist(served: Served) -> None:
    assert (served.post(b"{}", "/elsewhere"), served.get("/")) == (404, 405)


def test_while_everything_fails_pushes_are_put_off_and_readiness_is_red(rig: Rig, served: Served) -> None:
    rig.read = raising(SourceUnavailable("down"))
    for number in range(10):
        rig.breaker.failed(str(number), SourceUnavailable("down"))
    assert served.post(pushed(rig.upload("a.jpg"))) == 503
    assert (served.get("/healthz"), served.get("/readyz")) == (200, 503)
    rig.read = rig._open
    rig.clock.now += 100
    assert served.post(pushed(rig.upload("a.jpg"))) == 204
    assert served.get("/readyz") == 200


def test_a_stranger_gets_403_and_nothing_is_done(rig: Rig) -> None:
    server = Served(rig, check())
    try:
        assert server.post(pushed(rig.upload("a.jpg"))) == 403
        assert server.post(pushed(rig.upload("a.jpg")), Authorization=f"Bearer {token(OTHER_PRIVATE)}") == 403
        assert not rig.documents.stored
        assert server.post(pushed(rig.upload("a.jpg")), Authorization=f"Bearer {token()}") == 204
    finally:
        server.close()
