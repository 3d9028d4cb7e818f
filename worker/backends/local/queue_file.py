"""The queue's file: messages, their leases, and the dead letters, in one SQLite table.

Time. A lease belongs to a process of this boot, so leases and back-offs are counted on the machine's monotonic clock:
setting the wall clock neither frees nor freezes a message. After a reboot no holder lives, and every lease is void.

Durability. Whoever publishes commits with synchronous=FULL: what `publish` returned for survives a power cut. Leases
and settlements are committed with NORMAL: a power cut may take back the last of them, newest first, but never the
message itself. It then comes again, which a consumer of an at-least-once queue has to bear anyway. The end of a
process, by whatever signal, takes back nothing.
"""

import secrets
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from worker.backends.local.database import Database, Schema
from worker.errors import Misconfigured, SourceUnavailable
from worker.model import Message

SCHEMA = Schema(
    application_id=0x696D_7175,  # "imqu"
    migrations=(
        (
            """CREATE TABLE messages (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                dead INTEGER NOT NULL DEFAULT 0,     -- 1: a dead letter
                due REAL NOT NULL,                   -- monotonic seconds: when it may be delivered, or its lease ends
                holder INTEGER,                      -- who leases it; NULL while it waits
                attempts INTEGER NOT NULL DEFAULT 0, -- deliveries so far, the one under way included
                published REAL NOT NULL,             -- seconds since 1970
                attributes TEXT NOT NULL,            -- JSON object of texts
                data BLOB NOT NULL)""",
            "CREATE INDEX messages_due ON messages (dead, due, id)",
            "CREATE TABLE boot (id TEXT NOT NULL)",
            "INSERT INTO boot VALUES ('')",
        ),
    ),
    unavailable=SourceUnavailable,
)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A lease is known by message, holder and attempt: a late word from an earlier attempt finds nothing to change.
_FORGET = "DELETE FROM messages WHERE id = ? AND holder = ? AND attempts = ?"
_EXTEND = "UPDATE messages SET due = ? WHERE id = ? AND holder = ? AND attempts = ?"
_FREE = (
    "UPDATE messages SET holder = NULL, due = ?, attempts = attempts - ? WHERE id = ? AND holder = ? AND attempts = ?"
)
_BURY = (
    "UPDATE messages SET dead = 1, holder = NULL, due = ?, attempts = 0, attributes = ?"
    " WHERE id = ? AND holder = ? AND attempts = ?"
)
_LEASE = (
    "UPDATE messages SET holder = ?, due = ?, attempts = attempts + 1 WHERE id IN"
    " (SELECT id FROM messages WHERE dead = ? AND due <= ? AND (holder IS NOT NULL) = ? ORDER BY due, id LIMIT ?)"
    " RETURNING id, attempts, published, attributes, data"
)


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """A message in somebody's hands, itself and no other; `attempt` is 1 at the first delivery.

    `suspect`: the lease before this one ran out, so who had it may have died over it.
    """

    number: int
    attempt: int
    message: Message
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class QueueStats:
    """What is on a queue; `oldest` is the age in seconds of the oldest message that is not dead, or None."""

    waiting: int
    leased: int
    dead: int
    oldest: float | None


class QueueFile:
    """One connection to a queue. Not thread-safe. What changes the file is called inside `transaction`.

    Errors: Misconfigured where the file is missing (without `create`), read-only or no queue; SourceUnavailable where
    it does not answer now.
    """

    def __init__(self, path: Path, *, durable: bool = False, create: bool = False) -> None:
        if not create and not path.is_file():
            raise Misconfigured(f"there is no queue at {path}; whatever publishes to it makes it")
        self._db = Database(path, SCHEMA, durable=durable, create=create)
        self._holder = secrets.randbits(62)
        self._void_leases_of_earlier_boots()

    def close(self) -> None:
        """Free the file."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All changes inside, or none."""
        return self._db.transaction()

    def add(self, messages: Iterable[Message]) -> int:
        """Append messages; return how many. Their ids are the file's to give."""
        now, wall = time.monotonic(), time.time()
        rows: list[tuple[object, ...]] = [
            (now, wall, orjson.dumps(dict(message.attributes)).decode(), message.data) for message in messages
        ]
        self._db.executemany("INSERT INTO messages (due, published, attributes, data) VALUES (?, ?, ?, ?)", rows)
        return len(rows)

    def any_due(self, now: float) -> bool:
        """Whether a message may be delivered. Takes no lock, needs no transaction."""
        with self._db.errors():
            query = "SELECT 1 FROM messages WHERE dead = 0 AND due <= ? LIMIT 1"
            return self._db.execute(query, (now,)).fetchone() is not None

    def lease(self, limit: int, now: float, until: float, *, dead: bool = False, suspect: bool = False) -> list[Lease]:
        """Take what is due, the longest waiting first: what nobody holds, or the suspects, whose lease has run out."""
        rows = self._db.execute(_LEASE, (self._holder, until, dead, now, suspect, limit)).fetchall()
        return [
            Lease(number, attempt, _message(number, published, attributes, data), suspect)
            for number, attempt, published, attributes, data in sorted(rows)
        ]

    def extend(self, leases: Iterable[Lease], until: float) -> None:
        """Hold on to leases."""
        self._db.executemany(_EXTEND, [(until, *self._mine(lease)) for lease in leases])

    def forget(self, leases: Iterable[Lease]) -> None:
        """Delete leased messages for good."""
        self._db.executemany(_FORGET, [self._mine(lease) for lease in leases])

    def free(self, leases: Iterable[tuple[Lease, float]], *, counted: bool = True) -> None:
        """Give leased messages back, each to be delivered at its time; not `counted`, the attempt never was."""
        refund = 0 if counted else 1
        self._db.executemany(_FREE, [(due, refund, *self._mine(lease)) for lease, due in leases])

    def bury(self, leases: Iterable[tuple[Lease, int]]) -> None:
        """Make leased messages dead letters that were delivered so often."""
        now = time.monotonic()
        self._db.executemany(_BURY, [(now, _epitaph(lease, count), *self._mine(lease)) for lease, count in leases])

    def stats(self) -> QueueStats:
        """Counts, at the price of a walk through the index."""
        counts = (
            "SELECT count(*) FILTER (WHERE NOT dead AND (holder IS NULL OR due <= ?1)),"
            " count(*) FILTER (WHERE NOT dead AND holder IS NOT NULL AND due > ?1),"
            " count(*) FILTER (WHERE dead) FROM messages"
        )
        oldest = "SELECT published FROM messages WHERE NOT dead ORDER BY id LIMIT 1"
        with self._db.errors():
            waiting, leased, dead = self._db.execute(counts, (time.monotonic(),)).fetchone()
            first = self._db.execute(oldest).fetchone()
        return QueueStats(waiting, leased, dead, max(0.0, time.time() - first[0]) if first else None)

    def _mine(self, lease: Lease) -> tuple[object, ...]:
        return lease.number, self._holder, lease.attempt

    def _void_leases_of_earlier_boots(self) -> None:
        boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        with self._db.errors():
            if self._db.execute("SELECT 1 FROM boot WHERE id = ?", (boot,)).fetchone():
                return
        with self.transaction():
            # Asked again, now alone: another process may have done it, and hold leases of this boot already.
            if self._db.execute("UPDATE boot SET id = ?1 WHERE id <> ?1", (boot,)).rowcount:
                self._db.execute("UPDATE messages SET holder = NULL, due = 0")


def _message(number: int, published: float, attributes: str, data: bytes) -> Message:
    return Message(str(number), orjson.loads(attributes), data, datetime.fromtimestamp(published, UTC))


def _epitaph(lease: Lease, count: int) -> str:
    """A dead letter's attributes: the message's own, and those that Pub/Sub adds when it forwards one."""
    published = lease.message.published
    added = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(count),
        "CloudPubSubDeadLetterSourceSubscription": "local",
        "CloudPubSubDeadLetterSourceTopicPublishTime": published.isoformat() if published else "",
    }
    return orjson.dumps({**lease.message.attributes, **added}).decode()
