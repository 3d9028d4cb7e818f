"""How the whole thing is: what waits, who works, what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.catalog.query import parse
from worker.model import Status, Value
from worker.operate.pause import Pause, pauses
from worker.operate.runs import Ledger, Run, State
from worker.ports import Backlog, Catalog, Gauge, Records

WORKERS = "workers"
ALIVE_SECONDS = 60.0
"""A worker that has not been heard of for so long is gone."""
_MOST_WORKERS = 1000
_LOOKED_THROUGH = 20


@dataclass(frozen=True, slots=True)
class Held:
    """An object that was being read when its worker was last heard of; `attempt` is the queue's count, from 1."""

    uri: str
    since: datetime
    attempt: int


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads an object, and for how many seconds, if it does so still."""

    uri: str
    worker: str
    shard: int
    seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Beat:
    """What one process of a worker says of itself, again and again: `rate` is acknowledgements a second of late.

    `holding` are the objects that it reads, those first that it has read the longest; all of them only where they are
    few.
    """

    worker: str
    shard: int
    at: datetime
    started: datetime
    version: str
    recipe: str
    state: str
    in_hand: int
    acked: int
    nacked: int
    rate: float
    holding: Sequence[Held] = ()

    @property
    def key(self) -> str:
        """The record's key; a process that takes another's place takes over its record."""
        return f"{self.worker}-{self.shard}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at everything. `empty_in`: seconds until the queue is empty at this rate, None where it never will be
    or nobody knows."""

    at: datetime
    backlog: Backlog
    documents: Mapping[str, int]
    workers: Sequence[Beat]
    rate: float
    empty_in: float | None
    pauses: Sequence[Pause]
    runs: Sequence[Run]


def beat(records: Records, said: Beat) -> None:
    """Write a beat down."""
    fields: dict[str, Value] = {name: getattr(said, name) for name in Beat.__slots__}
    records.put(WORKERS, said.key, fields | {"holding": [asdict(each) for each in said.holding]})


def snapshot(gauge: Gauge, catalog: Catalog, records: Records, now: datetime | None = None) -> Snapshot:
    """How things are now: all numbers from this one look."""
    now = now or datetime.now(UTC)
    backlog = gauge.backlog()
    workers = alive(records, now)
    rate = sum(worker.rate for worker in workers)
    return Snapshot(
        at=now,
        backlog=backlog,
        documents={status.value: catalog.count(parse(f"status:{status}")) for status in Status},
        workers=workers,
        rate=rate,
        empty_in=_empty_in(backlog.waiting, rate),
        pauses=pauses(records),
        runs=[run for run in Ledger(records).newest(_LOOKED_THROUGH) if run.state is not State.DONE],
    )


def alive(records: Records, now: datetime) -> list[Beat]:
    """The processes that were heard of lately."""
    beats = [_beat(fields) for _, fields in records.newest(WORKERS, _MOST_WORKERS)]
    return sorted(
        (each for each in beats if now - each.at < timedelta(seconds=ALIVE_SECONDS)),
        key=lambda each: (each.worker, each.shard),
    )


def readers(seen: Snapshot) -> list[Reader]:
    """What the workers had in hand when they were last heard of, the longest first."""
    held = [(worker, each) for worker in seen.workers for each in worker.holding]
    found = [
        Reader(each.uri, worker.worker, worker.shard, round((seen.at - each.since).total_seconds(), 1), each.attempt)
        for worker, each in held
    ]
    return sorted(found, key=lambda reader: -reader.seconds)


def _empty_in(waiting: int | None, rate: float) -> float | None:
    if waiting is None or (waiting and not rate):
        return None
    return waiting / rate if waiting else 0.0


def _beat(fields: dict[str, Any]) -> Beat:
    times = {name: datetime.fromisoformat(fields[name]) for name in ("at", "started")}
    holding = [Held(**each | {"since": datetime.fromisoformat(each["since"])}) for each in fields.get("holding", ())]
    known = {name: fields[name] for name in Beat.__slots__ if name in fields}
    return Beat(**known | times | {"holding": holding})
