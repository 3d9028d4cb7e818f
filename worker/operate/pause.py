"""Pause and resume: a bucket stops telling, and later tells again; what happened meanwhile is found by a reconcile.

A pause is a record. It is written before anything is turned off, and dropped after everything is on again and caught
up with: whoever is killed in between only has to be run again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.errors import Misconfigured
from worker.model import Value
from worker.operate.conveyor import Item
from worker.operate.reconcile import findings, repair
from worker.operate.runs import Run
from worker.operate.scope import Scope
from worker.ports import Catalog, Intake, ObjectStore, Records, Saved

KIND = "pauses"
ANNOUNCING_SECONDS = 30.0
"""Cloud Storage may take so long to obey a notification configuration ("Pub/Sub notifications for Cloud Storage")."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A bucket that is paused: since when, by whom, and what has to be turned on again."""

    bucket: str
    since: datetime
    who: str
    saved: Saved


def pauses(records: Records) -> list[Pause]:
    """All that is paused, the newest first."""
    return [_pause(bucket, fields) for bucket, fields in records.newest(KIND)]


def paused(records: Records, bucket: str) -> Pause | None:
    """The bucket's pause, if it is paused."""
    fields = records.get(KIND, bucket)
    return _pause(bucket, fields) if fields else None


def pause(bucket: str, intake: Intake, records: Records, who: str) -> Pause:
    """Turn the bucket's announcements off. A second time changes nothing; raises Misconfigured where none are on."""
    found = paused(records, bucket)
    if found is None:
        saved = intake.announced(bucket)
        if not saved:
            raise Misconfigured(f"nothing announces the objects of {bucket} to our queue: there is nothing to pause")
        kept: dict[str, Value] = {"at": datetime.now(UTC), "who": who, "saved": dict(saved)}
        records.put(KIND, bucket, kept)
        found = paused(records, bucket)
    intake.pause(bucket)
    if found is None:
        raise Misconfigured(f"the pause of {bucket} was lifted by somebody else meanwhile")
    return found


def resume(bucket: str, intake: Intake, records: Records, wait: Callable[[], None]) -> Pause:
    """Turn them on again, and `wait` until they are. Raises Misconfigured where the bucket is not paused."""
    found = paused(records, bucket) or _unrecorded(bucket, intake)
    intake.resume(bucket, found.saved)
    if not intake.announced(bucket):
        raise Misconfigured(f"nothing announces {bucket}, and nobody paused it: `imagemeta doctor` says what is amiss")
    wait()
    return found


def _unrecorded(bucket: str, intake: Intake) -> Pause:
    """A folder may be paused by the file alone."""
    if intake.announced(bucket):
        raise Misconfigured(f"{bucket} is not paused; `imagemeta status` lists what is")
    return Pause(bucket, datetime.now(UTC), "somebody", {})


def missed(bucket: str, objects: ObjectStore, catalog: Catalog, run: Run) -> Iterator[Item]:
    """What happened in the bucket meanwhile: uploads, overwrites and deletions, whatever their time says."""
    for finding in findings(Scope(bucket), objects, catalog):
        yield Item(repair(finding, bucket, run) if finding else None)


def lift(bucket: str, records: Records) -> None:
    """The bucket is caught up with: forget its pause."""
    records.drop(KIND, bucket)


def _pause(bucket: str, fields: dict[str, Value]) -> Pause:
    saved = fields["saved"]
    return Pause(
        bucket, datetime.fromisoformat(str(fields["at"])), str(fields["who"]), saved if isinstance(saved, dict) else {}
    )
