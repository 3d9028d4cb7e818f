"""A batch as it is remembered: one record that never changes once its messages are out, and its rows in parts, which
change only where somebody mends a URL.

How far it is stands nowhere: it is counted from what became of each URL (ADR 11). All of it expires at one moment,
which is fixed when it is accepted: a batch whose items were going would count as one whose URLs wait.
"""

import hashlib
import secrets
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from worker.batches.dialect import Dialect
from worker.batches.policy import Policy
from worker.batches.sheet import Row, Sheet
from worker.document import key_for
from worker.errors import NotThere
from worker.model import Link, ObjectRef, Value
from worker.ports import Records

KIND, PARTS, CANCELLED = "batches", "batch_parts", "batch_cancelled"
"""Kinds of records: batches by id, parts of their rows by id and number, and ids of those that were cancelled."""
GENERATION = 1
"""Of every item: a URL of a batch is one thing, once."""
KEPT = timedelta(days=30)
_LOOKED_AT = 1000
"""Batches among which expired ones are looked for when one more is written."""
_PART_BYTES = 256 * 1024
_PART_ROWS = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """What was accepted. `name` is its file's, for people; `digest` is that of table and policy; `urls` counts all,
    `widest` those of the longest row; `starts` are the numbers of the rows with which its parts begin; `who` handed it
    in; `published` says that all its messages are on the queue. It is gone, with its items, at `expires_at`: None for
    one of a version that kept all."""

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
    starts: tuple[int, ...]
    who: str = ""
    published: bool = False
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether its time is over, be it still there or not."""
        return self.expires_at is not None and self.expires_at <= now


def new(sheet: Sheet, policy: Policy, name: str, who: str, digest: str, kept: timedelta = KEPT) -> Batch:
    """A batch of this table, which is `kept` from now on. Its id cannot be guessed."""
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
        starts=(),
        who=who,
        expires_at=(now + kept).replace(microsecond=0),
    )


def digest_of(table: bytes, policy: Policy, url_columns: Sequence[str] = ()) -> str:
    """The same for the same table, policy and columns that were named."""
    said = orjson.dumps([policy.record(), list(url_columns)], option=orjson.OPT_SORT_KEYS)
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
        """Write down the rows, then the batch, which is found only once they are there; and drop those that expired."""
        self._drop_expired()
        starts: list[int] = []
        number = 1
        for part in _parts(rows):
            starts.append(number)
            self._put(batch, len(starts), part)
            number += len(part)
        return self._save(replace(batch, starts=tuple(starts)))

    def published(self, batch: Batch) -> Batch:
        """All its messages are on the queue."""
        return self._save(replace(batch, published=True))

    def find(self, id: str) -> Batch:  # noqa: A002 -- what it is called everywhere
        """The batch. Raises NotThere where there is none, or none any more."""
        fields = self._records.get(KIND, id)
        if fields is None:
            raise NotThere(f"there is no batch {id!r}; `imagemeta batch list` shows those there are")
        batch = _batch(id, fields)
        if batch.expired(datetime.now(UTC)):
            raise NotThere(
                f"the batch {id} expired at {batch.expires_at:%Y-%m-%d %H:%M} UTC; hand its table in again"
                " (IMAGEMETA_BATCH_DAYS says how long batches are kept)"
            )
        return batch

    def newest(self, limit: int = 100) -> list[Batch]:
        """The last batches that have not expired, the newest first."""
        now = datetime.now(UTC)
        return [batch for batch in self._all(limit) if not batch.expired(now)]

    def rows(self, batch: Batch, after: int = 0) -> Iterator[list[tuple[int, Row]]]:
        """The rows behind that number with their own, from 1, part by part."""
        for part in range(max(1, bisect_right(batch.starts, after + 1)), len(batch.starts) + 1):
            yield [(number, row) for number, row in self._part(batch, part) if number > after]

    def rows_at(self, batch: Batch, numbers: Sequence[int]) -> Iterator[Row]:
        """The rows of these numbers, which ascend; each part is read once."""
        read, known = 0, dict[int, Row]()
        for number in numbers:
            part = bisect_right(batch.starts, number)
            if part != read:
                read, known = part, dict(self._part(batch, part))
            yield known[number]

    def mend(self, batch: Batch, number: int, column: int, url: str) -> None:
        """Have another URL in the place of one, both counted from 1. Raises NotThere where there is none."""
        part = bisect_right(batch.starts, number)
        rows = self._part(batch, part) if part else []
        places = [place for place, (each, _) in enumerate(rows) if each == number]
        if not places or not 1 <= column <= len(rows[places[0]][1].urls):
            raise NotThere(f"row {number} of the batch has no URL {column}")
        rows[places[0]] = number, rows[places[0]][1].mended(column, url)
        self._put(batch, part, [row for _, row in rows])

    def cancel(self, batch: Batch) -> None:
        """Ask for no more of it."""
        self._records.put(CANCELLED, batch.id, {"at": datetime.now(UTC)})

    def cancelled(self, batch: Batch) -> bool:
        """Whether it was cancelled."""
        return self._records.get(CANCELLED, batch.id) is not None

    def _part(self, batch: Batch, part: int) -> list[tuple[int, Row]]:
        fields = self._records.get(PARTS, _part_key(batch, part)) or {}
        found = orjson.loads(str(fields["rows"]))
        start = batch.starts[part - 1]
        return [(start + place, Row(tuple(cells), tuple(urls))) for place, (cells, urls) in enumerate(found)]

    def _put(self, batch: Batch, part: int, rows: Sequence[Row]) -> None:
        text = orjson.dumps([[row.cells, row.urls] for row in rows]).decode()
        self._records.put(PARTS, _part_key(batch, part), {"at": batch.at, "rows": text})

    def _all(self, limit: int) -> list[Batch]:
        return [_batch(key, fields) for key, fields in self._records.newest(KIND, limit)]

    def _drop_expired(self) -> None:
        """The batch comes last: whoever is killed meanwhile leaves it to the next."""
        now = datetime.now(UTC)
        for batch in self._all(_LOOKED_AT):
            if batch.expired(now):
                for part in range(1, len(batch.starts) + 1):
                    self._records.drop(PARTS, _part_key(batch, part))
                self._records.drop(CANCELLED, batch.id)
                self._records.drop(KIND, batch.id)

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
            "starts": list(batch.starts),
            "who": batch.who,
            "published": batch.published,
            "expires_at": batch.expires_at,
        }
        self._records.put(KIND, batch.id, fields)
        return batch


def _batch(key: str, fields: dict[str, Any]) -> Batch:
    expires_at = fields.get("expires_at")
    return Batch(
        id=key,
        **fields
        | {
            "at": datetime.fromisoformat(fields["at"]),
            "expires_at": datetime.fromisoformat(expires_at) if expires_at else None,
            "policy": Policy.of(fields["policy"]),
            "header": tuple(fields["header"]),
            "dialect": Dialect(**fields["dialect"]),
            "starts": tuple(fields["starts"]),
        },
    )


def _part_key(batch: Batch, part: int) -> str:
    return f"{batch.id}-{part:06}"


def _parts(rows: tuple[Row, ...]) -> Iterator[list[Row]]:
    """The rows in parts, each well below what a store takes in one record."""
    part: list[Row] = []
    size = 0
    for row in rows:
        length = len(orjson.dumps([row.cells, row.urls]))
        if part and (size + length > _PART_BYTES or len(part) == _PART_ROWS):
            yield part
            part, size = [], 0
        part.append(row)
        size += length + 1
    if part:
        yield part
