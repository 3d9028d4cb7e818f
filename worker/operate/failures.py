"""Failures, grouped by their cause: what is wrong most often comes first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from worker.catalog.query import Query
from worker.model import Value
from worker.operate.select import narrowed
from worker.ports import Catalog

FAILED = "status:failed"
_FIELDS = ("uri", "failure", "generation", "quarantined", "run", "redriven_at")
_UNKNOWN: dict[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed object. `pending`: it was redriven, and the worker has not come to it yet."""

    key: str
    uri: str
    at: str
    code: str
    stage: str
    frame: str
    fingerprint: str
    message: str
    redrives: int
    quarantined: bool
    pending: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Failures of one fingerprint: how many, when first and last seen (ISO 8601), and the last of them."""

    fingerprint: str
    code: str
    stage: str
    frame: str
    count: int
    first: str
    last: str
    sample: Failure


def failures(catalog: Catalog, filter_text: str = "") -> Iterator[Failure]:
    """The failures that match, in the catalog's order: constant memory. Raises QueryError."""
    return stream(catalog, narrowed(filter_text, FAILED))


def stream(catalog: Catalog, query: Query) -> Iterator[Failure]:
    """The failures that a query finds."""
    return (failure_of(key, fields) for key, fields in catalog.stream(query, _FIELDS))


def grouped(failures: Iterable[Failure]) -> list[Group]:
    """The groups of these failures, the largest first."""
    found: dict[str, Group] = {}
    for failure in failures:
        known = found.get(failure.fingerprint)
        found[failure.fingerprint] = _with(known, failure) if known else _alone(failure)
    return sorted(found.values(), key=lambda group: (-group.count, group.fingerprint))


def _alone(failure: Failure) -> Group:
    where = failure.fingerprint, failure.code, failure.stage, failure.frame
    return Group(*where, count=1, first=failure.at, last=failure.at, sample=failure)


def _with(group: Group, failure: Failure) -> Group:
    newer = failure.at > group.last
    return replace(
        group,
        count=group.count + 1,
        first=min(group.first, failure.at),
        last=max(group.last, failure.at),
        sample=failure if newer else group.sample,
    )


def failure_of(key: str, fields: dict[str, Value]) -> Failure:
    """What a failed document tells."""
    known = fields.get("failure")
    failure = known if isinstance(known, dict) else _UNKNOWN
    return Failure(
        key=key,
        uri=str(fields.get("uri", "")),
        at=str(failure.get("at") or ""),
        code=str(failure.get("code", "")),
        stage=str(failure.get("stage", "")),
        frame=str(failure.get("frame", "")),
        fingerprint=str(failure.get("fingerprint", "")),
        message=str(failure.get("message", "")),
        redrives=int(str(failure.get("redrives", 0))),
        quarantined=fields.get("quarantined") is True,
        pending=bool(fields.get("redriven_at")),
    )
