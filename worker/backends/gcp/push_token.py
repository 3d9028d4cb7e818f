"""Who may push: the OIDC token that Pub/Sub sends with each request.

Source: "Authenticate push subscriptions" of the Pub/Sub documentation: a JWT signed by Google with RS256, whose issuer,
audience, account and expiry must all be checked. The signing certificates are kept until they expire, because
google-auth by itself would fetch them again for every request.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from google.auth import jwt

from worker.errors import Forbidden, SourceUnavailable

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
_SKEW_SECONDS = 30
_TOKEN_BYTES = 8192
_REFRESH_SECONDS = 60.0
_MAX_AGE = re.compile(r"max-age=(\d+)")

Fetch = Callable[[], tuple[Mapping[str, str], float]]
"""The certificates by key id, in PEM, and the seconds for which they hold."""


class Certificates:
    """Google's signing certificates, fetched when they expire, or when a new key id appears (once a minute at most)."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._found: Mapping[str, str] = {}
        self._expires = 0.0
        self._fetched = -_REFRESH_SECONDS

    def holding(self, key_id: str) -> Mapping[str, str]:
        """The certificates, with that key's among them where there is one."""
        with self._lock:
            now = monotonic()
            unknown = key_id not in self._found and now - self._fetched >= _REFRESH_SECONDS
            if now >= self._expires or unknown:
                self._found, seconds = self._fetch()
                self._fetched, self._expires = now, now + seconds
            return self._found


class TokenCheck:
    """Checks the `Authorization` header of push requests."""

    def __init__(self, audience: str, account: str, certificates: Certificates) -> None:
        self._audience = audience
        self._account = account
        self._certificates = certificates

    def __call__(self, header: str | None) -> None:
        """Return where the token is in order; raise Forbidden, with a reason for the log, where it is not."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _TOKEN_BYTES:
            raise Forbidden("no bearer token")
        claims = self._verified(token)
        if claims.get("iss") not in _ISSUERS:
            raise Forbidden("another issuer")
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            raise Forbidden("another account")

    def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims, after signature, expiry and audience were checked."""
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
        return claims


def google_certificates() -> tuple[Mapping[str, str], float]:
    """Fetch Google's certificates. Raises SourceUnavailable."""
    import requests

    try:
        reply = requests.get(_CERTIFICATES, timeout=5)
        reply.raise_for_status()
        age = _MAX_AGE.search(reply.headers.get("Cache-Control", ""))
        return json.loads(reply.content), float(age.group(1)) if age else 300.0
    except (requests.RequestException, ValueError) as error:
        raise SourceUnavailable("Google's signing certificates cannot be fetched now") from error
