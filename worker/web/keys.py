"""API keys: 256 random bits each, of which the records keep a hash. Who has the key is who it was made for."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.errors import Forbidden, Misconfigured
from worker.model import Value
from worker.ports import Records
from worker.web.viewer import Precision, Scope, Viewer

KIND = "keys"
_MOST = 1000
_KEY = re.compile(r"imk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key: whom it is for, what it opens, who made it and when."""

    id: str
    name: str
    scopes: frozenset[Scope]
    position: Precision
    made: datetime
    by: str


def create(records: Records, name: str, scopes: frozenset[Scope], position: Precision, by: str) -> tuple[Key, str]:
    """Make a key. Its text is returned here and never again."""
    key = Key(secrets.token_hex(6), name, scopes, position, datetime.now(UTC), by)
    secret = secrets.token_urlsafe(32)
    scope_names: list[Value] = [str(scope) for scope in sorted(scopes)]
    fields: dict[str, Value] = {"at": key.made, "name": name, "hash": _hash(secret), "scopes": scope_names}
    records.put(KIND, key.id, fields | {"position": str(position), "by": by})
    return key, f"imk_{key.id}_{secret}"


def known(records: Records) -> Sequence[Key]:
    """All keys, the newest first."""
    return [_key(id_, fields) for id_, fields in records.newest(KIND, _MOST)]


def revoke(records: Records, id_: str) -> Key:
    """Have a key open nothing any more, from the next request on. Raises Misconfigured where there is none."""
    fields = records.get(KIND, id_)
    if fields is None:
        raise Misconfigured(f"there is no key {id_}; `imagemeta keys list` shows all")
    records.drop(KIND, id_)
    return _key(id_, fields)


class KeyCheck:
    """Keys in `Authorization: Bearer`, or in `X-API-Key` where another's token has that place: access.Check."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __call__(self, headers: Mapping[str, str]) -> Viewer | None:
        """Whose key it is, if one was sent."""
        text = headers.get("x-api-key", "")
        bearer = headers.get("authorization", "")
        if not text and bearer[: len(_BEARER)].lower() == _BEARER:
            text = bearer[len(_BEARER) :]
        if not text.startswith("imk_"):
            return None
        match = _KEY.fullmatch(text)
        fields = self._records.get(KIND, match[1]) if match else None
        if match is None or fields is None or not hmac.compare_digest(str(fields["hash"]), _hash(match[2])):
            raise Forbidden("this key opens nothing (any more)")
        key = _key(match[1], fields)
        return Viewer(f"key {key.name}", key.scopes, key.position)


def _hash(secret: str) -> str:
    # No slow hash: there is nothing to guess in 256 random bits.
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(id_: str, fields: Mapping[str, Value]) -> Key:
    names = fields["scopes"]
    return Key(
        id=id_,
        name=str(fields["name"]),
        scopes=frozenset(Scope(str(name)) for name in names) if isinstance(names, list) else frozenset(),
        position=Precision(str(fields["position"])),
        made=datetime.fromisoformat(str(fields["at"])),
        by=str(fields["by"]),
    )
