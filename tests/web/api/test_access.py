"""Who gets in, and as whom."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import crypt, jwt

from tests.cli.program import imagemeta, started
from tests.test_push import OTHER_PRIVATE, PRIVATE, PUBLIC, removed
from tests.web.api.client import Client
from tests.web.api.conftest import Place
from worker.accounts import Account
from worker.backends.gcp.tokens import Certificates, LetIn, SignedIn
from worker.errors import Forbidden, Misconfigured
from worker.settings import load
from worker.site import Site
from worker.web import keys, rules
from worker.web.access import LOCAL, Access, access
from worker.web.serving import served
from worker.web.viewer import Precision, Scope, Viewer

AUDIENCE = "/projects/12/locations/europe-west1/services/images-web"


def now() -> int:
    """This very moment: a token that was made when the tests were collected may have expired since."""
    return int(time.time())


def ec_key() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


EC_PRIVATE, EC_PUBLIC = ec_key()
OTHER_EC, _ = ec_key()


def signed(signer: Any, **claims: Any) -> str:
    about = {
        "aud": AUDIENCE,
        "iat": now(),
        "exp": now() + 600,
        "email": "Anna@Example.com",
        "hd": "example.com",
        **claims,
    }
    return bytes(jwt.encode(signer, about)).decode()  # type: ignore[no-untyped-call]  # google-auth's jwt has no types


def by_iap(private: str = EC_PRIVATE, **claims: Any) -> str:
    signer = crypt.ES256Signer.from_string(private, "k1")
    return signed(signer, **{"iss": "https://cloud.google.com/iap", **claims})


def by_google(private: str = PRIVATE, **claims: Any) -> str:
    signer = crypt.RSASigner.from_string(private, "k1")  # type: ignore[no-untyped-call]  # as above
    return signed(signer, **{"iss": "https://accounts.google.com", "email_verified": True, **claims})


iap = LetIn(AUDIENCE, Certificates(lambda: ({"k1": EC_PUBLIC}, 300.0)))
oidc = SignedIn(AUDIENCE, Certificates(lambda: ({"k1": PUBLIC}, 300.0)))


def test_iap_and_google_say_who_it_is() -> None:
    anna = Account("anna@example.com", "example.com")
    assert iap({"x-goog-iap-jwt-assertion": by_iap()}) == anna
    assert oidc({"authorization": f"Bearer {by_google()}"}) == anna
    assert iap({}) is None
    assert oidc({"authorization": "Basic dXNlcg=="}) is None


@pytest.mark.parametrize(
    "forged",
    [
        lambda: by_iap(OTHER_EC),
        lambda: by_iap(aud="another"),
        lambda: by_iap(exp=now() - 600, iat=now() - 1200),
        lambda: by_iap(iss="https://accounts.google.com"),
        lambda: by_iap(email=""),
        lambda: by_google(iss="https://cloud.google.com/iap"),
        lambda: "a.b.c",
        lambda: "x" * 9000,
    ],
)
def test_a_forged_assertion_is_refused(forged: Callable[[], str]) -> None:
    with pytest.raises(Forbidden):
        iap({"x-goog-iap-jwt-assertion": forged()})


@pytest.mark.parametrize(
    "forged",
    [
        lambda: by_google(OTHER_PRIVATE),
        lambda: by_google(aud="another"),
        lambda: by_google(email_verified=False),
        lambda: by_google(iss="https://evil.example"),
        lambda: by_iap(iss="https://accounts.google.com", email_verified=True),
    ],
)
def test_a_forged_token_is_refused(forged: Callable[[], str]) -> None:
    with pytest.raises(Forbidden):
        oidc({"authorization": f"Bearer {forged()}"})


def test_a_token_whose_signature_cloud_run_took_says_how_to_send_it() -> None:
    sent = removed(by_google())
    with pytest.raises(Forbidden, match="X-Serverless-Authorization"):
        oidc({"authorization": f"Bearer {sent}"})
    with pytest.raises(Forbidden):
        iap({"x-goog-iap-jwt-assertion": removed(by_iap())})
    both = {"authorization": f"Bearer {by_google()}", "x-serverless-authorization": f"Bearer {sent}"}
    assert oidc(both) == Account("anna@example.com", "example.com")
    assert oidc({"x-serverless-authorization": f"Bearer {sent}"}) is None, "whoever may call could have written it"


def test_the_first_rule_that_fits_decides() -> None:
    read = rules.read("Anna@example.com=read,operate/exact @example.com=read,export *=read/hidden")
    assert rules.viewer(read, Account("anna@example.com", "example.com")) == Viewer(
        "anna@example.com", frozenset({Scope.READ, Scope.OPERATE}), Precision.EXACT
    )
    assert rules.viewer(read, Account("ben@example.com", "example.com")).position is Precision.ROUNDED
    # an address of the domain is not an account of the domain
    assert rules.viewer(read, Account("ben@example.com")).position is Precision.HIDDEN
    assert not rules.viewer(read[:1], Account("ben@example.com")).scopes


@pytest.mark.parametrize("text", ["anna", "anna@example.com", "*=fly", "*=read/nearly", "=read", "*=read,"])
def test_a_rule_that_cannot_be_understood_is_misconfigured(text: str) -> None:
    with pytest.raises(Misconfigured, match="IMAGEMETA_VIEWERS"):
        rules.read(text)


def test_nobody_has_to_sign_in_on_loopback_alone(empty: Place) -> None:
    with Site(empty.settings) as site:
        for address in ("127.0.0.1:8080", "localhost:0", "[::1]:80"):
            assert access(site, address).viewer({}) is LOCAL
        for address in (":8080", "0.0.0.0:8080", "10.0.0.1:80", "example.com:80", "[::]:80"):
            with pytest.raises(Misconfigured, match="sign in"):
                access(site, address)


def test_with_a_way_to_sign_in_everybody_must_also_on_loopback(empty: Place) -> None:
    with Site(empty.settings.model_copy(update={"iap_audience": AUDIENCE, "viewers": "*=read"})) as site:
        with pytest.raises(Forbidden):
            access(site, "127.0.0.1:8080").viewer({})
        assert not access(site, ":8080").open
    unruled = empty.settings.model_copy(update={"oidc_audience": AUDIENCE})
    with Site(unruled) as site, pytest.raises(Misconfigured, match="IMAGEMETA_VIEWERS"):
        access(site, ":8080")


@pytest.fixture
def keyed(empty: Place) -> Iterator[tuple[Site, str]]:
    """A set-up that takes keys, and where it is served."""
    settings = empty.settings.model_copy(update={"api_keys": True})
    with Site(settings) as site, served(settings) as url:
        yield site, url


def test_a_key_opens_what_it_says_until_it_is_revoked(keyed: tuple[Site, str]) -> None:
    site, url = keyed
    key, text = keys.create(site.records, "report", frozenset({Scope.READ}), Precision.ROUNDED, "me")
    for headers in ({"Authorization": f"Bearer {text}"}, {"X-API-Key": text}):
        with closing(Client(url, **headers)) as client:
            assert client.ask("GET", "/v1/images").status_code == 200
            assert client.ask("GET", "/v1/runs").status_code == 403
    assert keys.known(site.records) == [key]
    keys.revoke(site.records, key.id)
    with closing(Client(url, Authorization=f"Bearer {text}")) as client:
        assert client.ask("GET", "/v1/images").status_code == 401


def test_no_other_key_opens_anything(keyed: tuple[Site, str]) -> None:
    site, url = keyed
    _, text = keys.create(site.records, "report", frozenset(Scope), Precision.EXACT, "me")
    for wrong in (
        "",
        text[:-1] + ("A" if text[-1] != "A" else "B"),
        text + "A",
        "imk_0123456789ab_" + "A" * 43,
        "imk_",
    ):
        with closing(Client(url, **{"X-API-Key": wrong} if wrong else {})) as client:
            reply = client.ask("GET", "/v1/images")
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")


def test_a_key_is_kept_as_a_hash(keyed: tuple[Site, str]) -> None:
    site, _ = keyed
    key, text = keys.create(site.records, "report", frozenset({Scope.READ}), Precision.ROUNDED, "me")
    kept = str(site.records.get(keys.KIND, key.id))
    assert text.split("_", 2)[2] not in kept


def test_keys_by_command(empty: Place) -> None:
    made = imagemeta("keys", "create", "night ly", "--scopes", "read,export", "--folder", empty.folder)
    assert made.returncode == 0, made.stderr
    listed = imagemeta("keys", "list", "--folder", empty.folder).stdout
    assert "night ly  export,read/rounded" in listed
    id_ = listed.split()[0]
    assert made.stdout.startswith(f"imk_{id_}_")
    assert imagemeta("keys", "revoke", id_, "--folder", empty.folder).returncode == 0
    assert imagemeta("keys", "list", "--folder", empty.folder).stdout == ""
    assert imagemeta("keys", "revoke", id_, "--folder", empty.folder).returncode == 78
    assert imagemeta("keys", "create", "x", "--scopes", "fly", "--folder", empty.folder).returncode == 78


def test_serve_by_command_until_it_is_told_to_stop(empty: Place) -> None:
    with started("serve", "--folder", empty.folder, "--address", "127.0.0.1:0") as program:
        assert program.stderr
        url = json.loads(program.stderr.readline())["url"]
        with closing(Client(url)) as client:
            assert client.get("/v1/images") == {"images": [], "next": None}
        program.terminate()
        assert program.wait(30) == 0


@pytest.mark.parametrize("address", [":8080", "0.0.0.0:0", "nowhere", "127.0.0.1:http", "127.0.0.1:99999"])
def test_serve_refuses_an_address_that_it_may_not_or_cannot_have(empty: Place, address: str) -> None:
    refused = imagemeta("serve", "--folder", empty.folder, "--address", address)
    assert refused.returncode == 78
    assert len(refused.stderr.splitlines()) == 1


def test_up_serves_meanwhile(empty: Place) -> None:
    with started("up", empty.folder, IMAGEMETA_LOG_LEVEL="info", IMAGEMETA_LOG_FORMAT="json") as program:
        assert program.stderr
        url = next(record["url"] for record in map(json.loads, program.stderr) if record["message"] == "serving")
        with closing(Client(url)) as client:
            assert client.get("/v1/status")["documents"]["ok"] == 0
        program.terminate()
        assert program.wait(30) == 0


def test_up_leaves_the_console_out_where_asked(empty: Place) -> None:
    with started("up", empty.folder, "--no-console") as program:
        assert program.stderr
        assert "shard_started" in program.stderr.readline()


def test_nobody_is_let_in_by_an_access_without_a_match() -> None:
    with pytest.raises(Forbidden):
        Access((lambda _: None,)).viewer({})


def test_settings_name_the_ways_in() -> None:
    assert load({"IMAGEMETA_API_KEYS": "true"}).api_keys
