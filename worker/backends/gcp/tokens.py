"""Who a request is from, by the tokens that Google signs: Pub/Sub's for pushes, OIDC's and IAP's for people.

Sources: "Authenticate push subscriptions" of the Pub/Sub documentation and "Get the user's identity with signed
headers" of IAP's: a JWT whose signature, issuer, audience, account and expiry must all be checked. The signing keys are
kept until they expire, because google-auth by itself would fetch them again for every request.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from time import monotonic, time
from typing import Any

from google.auth import jwt

from worker.accounts import Account
from worker.errors import Forbidden, SourceUnavailable

GOOGLE = ("https://accounts.google.com", "accounts.google.com")
IAP = ("https://cloud.google.com/iap",)
_CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
_IAP_KEYS = "https://www.gstatic.com/iap/verify/public_key"
_REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"
"""What Cloud Run may leave of a signature, where it has checked the token itself (its troubleshooting page)."""
_SKEW_SECONDS = 30
_TOKEN_BYTES = 8192
_REFRESH_SECONDS = 60.0
_MAX_AGE = re.compile(r"max-age=(\d+)")

Fetch = Callable[[], tuple[Mapping[str, str], float]]
"""The certificates, or public keys, by key id, in PEM, and the seconds for which they hold."""


class Certificates:
    """Google's signing keys, fetched when they expire, or when a new key id appears (once a minute at most)."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._found: Mapping[str, str] = {}
        self._expires = 0.0
        self._fetched = -_REFRESH_SECONDS

    def holding(self, key_id: str) -> Mapping[str, str]:
        """The keys, with that one among them where there is one."""
        with self._lock:
            now = monotonic()
            unknown = key_id not in self._found and now - self._fetched >= _REFRESH_SECONDS
            if now >= self._expires or unknown:
                self._found, seconds = self._fetch()
                self._fetched, self._expires = now, now + seconds
            return self._found


class Tokens:
    """Reads tokens of these issuers for this audience, signed by this algorithm alone (RS256, ES256)."""

    def __init__(self, audience: str, issuers: tuple[str, ...], algorithm: str, certificates: Certificates) -> None:
        self._audience = audience
        self._issuers = issuers
        self._algorithm = algorithm
        self._certificates = certificates

    def claims(self, token: str) -> Mapping[str, Any]:
        """What the token says. Raises Forbidden, with a reason for the log, where it is not in order."""
        if not 0 < len(token) <= _TOKEN_BYTES:
            raise Forbidden("no bearer token")
        if token.endswith(_REMOVED):
            raise Forbidden(
                "Cloud Run took this token's signature away: send the token as X-Serverless-Authorization as well, for"
                " Cloud Run, and Authorization arrives as it is"
            )
        try:
            header = jwt.decode_header(token)  # type: ignore[no-untyped-call]  # google-auth's jwt has no types
            certificates = self._certificates.holding(str(header.get("kid", "")))
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]  # as above
                token, certs=certificates, audience=self._audience, clock_skew_in_seconds=_SKEW_SECONDS
            )
        except SourceUnavailable:
            raise
        except Exception as error:
            raise Forbidden(f"{type(error).__name__}: {str(error)[:100]}") from error
        if header.get("alg") != self._algorithm:
            raise Forbidden("another algorithm")
        if claims.get("iss") not in self._issuers:
            raise Forbidden("another issuer")
        return claims

    def checked_claims(self, token: str) -> Mapping[str, Any]:
        """The same of a token whose signature was checked on its way here, and may be gone."""
        if not token.endswith(_REMOVED) or len(token) > _TOKEN_BYTES:
            return self.claims(token)
        try:
            claims: Mapping[str, Any] = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]  # as above
            expires = float(claims["exp"])
        except Exception as error:
            raise Forbidden(f"{type(error).__name__}: {str(error)[:100]}") from error
        if claims.get("aud") != self._audience or claims.get("iss") not in self._issuers:
            raise Forbidden("another audience or issuer")
        if expires < time() - _SKEW_SECONDS:
            raise Forbidden("the token has expired")
        return claims


class TokenCheck:
    """Checks the `Authorization` header of push requests.

    `checked`: Cloud Run lets nobody through whose token it did not check, and may have taken the signature away. It
    leaves that header alone where another one, X-Serverless-Authorization, has the token: then nobody has checked it.
    """

    def __init__(self, audience: str, account: str, certificates: Certificates, *, checked: bool = False) -> None:
        self._tokens = Tokens(audience, GOOGLE, "RS256", certificates)
        self._account = account
        self._checked = checked

    def __call__(self, headers: Mapping[str, str]) -> None:
        """Return where the token is in order; raise Forbidden, with a reason for the log, where it is not."""
        token = _bearer(headers.get("authorization"))
        checked = self._checked and "x-serverless-authorization" not in headers
        claims = self._tokens.checked_claims(token) if checked else self._tokens.claims(token)
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            raise Forbidden("another account")


class SignedIn:
    """Whoever Google signed in for our audience: accounts.SignIn, by `Authorization: Bearer`."""

    def __init__(self, audience: str, certificates: Certificates) -> None:
        self._tokens = Tokens(audience, GOOGLE, "RS256", certificates)

    def __call__(self, headers: Mapping[str, str]) -> Account | None:
        """The account of the token, if there is one."""
        token = _bearer(headers.get("authorization"))
        if not token:
            return None
        claims = self._tokens.claims(token)
        if claims.get("email_verified") is not True:
            raise Forbidden("the account's address is not verified")
        return _account(claims)


class LetIn:
    """Whoever Identity-Aware Proxy let in: accounts.SignIn, by the header that it adds."""

    def __init__(self, audience: str, certificates: Certificates) -> None:
        self._tokens = Tokens(audience, IAP, "ES256", certificates)

    def __call__(self, headers: Mapping[str, str]) -> Account | None:
        """The account of the assertion, if there is one."""
        token = headers.get("x-goog-iap-jwt-assertion")
        return _account(self._tokens.claims(token)) if token else None


def google_certificates() -> tuple[Mapping[str, str], float]:
    """Fetch the certificates of Google's accounts. Raises SourceUnavailable."""
    return _fetched(_CERTIFICATES)


def iap_keys() -> tuple[Mapping[str, str], float]:
    """Fetch IAP's public keys. Raises SourceUnavailable."""
    return _fetched(_IAP_KEYS)


def _bearer(header: str | None) -> str:
    scheme, _, token = (header or "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _account(claims: Mapping[str, Any]) -> Account:
    email = claims.get("email")
    if not isinstance(email, str) or not email:
        raise Forbidden("a token without an account")
    return Account(email.lower(), str(claims.get("hd") or "").lower())


def _fetched(url: str) -> tuple[Mapping[str, str], float]:
    import requests

    try:
        reply = requests.get(url, timeout=5)
        reply.raise_for_status()
        age = _MAX_AGE.search(reply.headers.get("Cache-Control", ""))
        return json.loads(reply.content), float(age.group(1)) if age else 300.0
    except (requests.RequestException, ValueError) as error:
        raise SourceUnavailable("Google's signing keys cannot be fetched now") from error
