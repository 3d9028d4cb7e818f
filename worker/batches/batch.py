"""A batch as it is remembered: one record that never changes once its messages are out, and its rows in parts.

How far it is stands nowhere: it is counted from what became of each URL (ADR 11).
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from worker.batches.dialect import Dialect
from worker.batches.policy import Policy
from worker.batches.sheet import Row, Sheet
from worker.document import key_for
from worker.errors import BadInput
from worker.model import Link, ObjectRef, Value
from worker.ports import Records

KIND, PARTS, CANCELLED = "batches", "batch_parts", "batch_cancelled"
"""Kinds of records: batches by id, parts of their rows by id and number, and ids of those that were cancelled."""
GENERATION = 1
"""Of every item: a URL of a batch is one thing, once."""
_PART_BYTES = 256 * 1024
_PART_ROWS = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """What was accepted. `name` is its file's, for people; `digest` is that of table and policy; `urls` counts all,
    `widest` those of the longest row; `published` says that all its messages are on the queue."""

    id: str
    at: datetime
    name: str
    digest: str
    policy: Policy
    header: tuple[str, ...]
    dialect: Dialect
    rows: int
    urls: int
    widest: int
    parts: int
    published: bool = False


def new(sheet: Sheet, policy: Policy, name: str, digest: str) -> Batch:
    """A batch of this table. Its id cannot be guessed."""
    now = datetime.now(UTC)
    return Batch(
        id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(8)}",
        at=now,
        name=name,
        digest=digest,
        policy=policy,
        header=sheet.header,
        dialect=sheet.dialect,
        rows=len(sheet.rows),
        urls=sheet.urls,
        widest=sheet.widest,
        parts=0,
    )


def digest_of(table: bytes, policy: Policy) -> str:
    """The same for the same table and policy."""
    said = orjson.dumps(policy.record(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said + b"\0" + table).hexdigest()


def item_ref(link: Link, size: int | None = None) -> ObjectRef:
    """An item as a document's object: its bucket is the batch."""
    return ObjectRef(link.batch, f"{link.row}/{link.column}", GENERATION, size=size)


def key_of(link: Link) -> str:
    """The key of a URL's item."""
    return key_for(link.batch, f"{link.row}/{link.column}")


class Book:
    """Batches among the records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def write(self, batch: Batch, rows: tuple[Row, ...]) -> Batch:
        """Write down the rows, then the batch, which is found only once they are there."""
        parts = 0
        for parts, part in enumerate(_parts(rows), 1):
            self._records.put(PARTS, f"{batch.id}-{parts:06}", {"at": batch.at, "rows": part})
        return self._save(replace(batch, parts=parts))

    def published(self, batch: Batch) -> Batch:
        """All its messages are on the queue."""
        return self._save(replace(batch, published=True))

    def find(self, id: str) -> Batch:  # noqa: A002 -- what it is called everywhere
        """The batch. Raises BadInput where there is none."""
        fields = self._records.get(KIND, id)
        if fields is None:
            raise BadInput(f"there is no batch {id!r}; `imagemeta batch list` shows those there are")
        return _batch(id, fields)

    def newest(self, limit: int = 100) -> list[Batch]:
        """The last batches, the newest first."""
        return [_batch(key, fields) for key, fields in self._records.newest(KIND, limit)]

    def rows(self, batch: Batch) -> Iterator[list[tuple[int, Row]]]:
        """The rows with their numbers, from 1, part by part."""
        number = 0
        for part in range(1, batch.parts + 1):
            fields = self._records.get(PARTS, f"{batch.id}-{part:06}") or {}
            found = [Row(tuple(cells), tuple(urls)) for cells, urls in orjson.loads(str(fields["rows"]))]
            yield [(number + place, row) for place, row in enumerate(found, 1)]
            number += len(found)

    def cancel(self, batch: Batch) -> None:
        """Ask for no more of it."""
        self._records.put(CANCELLED, batch.id, {"at": datetime.now(UTC)})

    def cancelled(self, batch: Batch) -> bool:
        """Whether it was cancelled."""
        return self._records.get(CANCELLED, batch.id) is not None

    def _save(self, batch: Batch) -> Batch:
        fields: dict[str, Value] = {
            "at": batch.at,
            "name": batch.name,
            "digest": batch.digest,
            "policy": batch.policy.record(),
            "header": list(batch.header),
            "dialect": {"delimiter": batch.dialect.delimiter, "mark": batch.dialect.mark},
            "rows": batch.rows,
            "urls": batch.urls,
            "widest": batch.widest,
            "parts": batch.parts,
            "published": batch.published,
        }
        self._records.put(KIND, batch.id, fields)
        return batch


def _batch(key: str, fields: dict[str, Any]) -> Batch:
    return Batch(
        id=key,
        **fields
        | {
            "at": datetime.fromisoformat(fields["at"]),
            "policy": Policy.of(fields["policy"]),
            "header": tuple(fields["header"]),
            "dialect": Dialect(**fields["dialect"]),
        },
    )


def _parts(rows: tuple[Row, ...]) -> Iterator[str]:
    """The rows as JSON texts, each well below what a store takes in one record."""
    part: list[bytes] = []
    size = 0
    for row in rows:
        text = orjson.dumps([row.cells, row.urls])
        if part and (size + len(text) > _PART_BYTES or len(part) == _PART_ROWS):
            yield _joined(part)
            part, size = [], 0
        part.append(text)
        size += len(text) + 1
    if part:
        yield _joined(part)


def _joined(texts: list[bytes]) -> str:
    return f"[{b','.join(texts).decode()}]"
