"""Replay: what was handled since a moment is handled again. What is right already is not written anew.

By the queue, which gives back what it still keeps; or from the documents, each of which makes the message that its
bucket once sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.decode import encode
from worker.document import ref_of
from worker.errors import Misconfigured
from worker.model import Event, Notification
from worker.operate.conveyor import Item
from worker.operate.runs import Run
from worker.ports import DocumentReader, Rewind


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replay will do: `documents` tell of an event since then; `reaches`: how far back the queue goes."""

    since: datetime
    documents: int
    reaches: datetime | None


def preview(since: datetime, reader: DocumentReader, rewind: Rewind | None) -> Preview:
    """Count, and ask the queue how far back it goes; change nothing."""
    return Preview(
        since, sum(1 for _, fields in reader.scan() if _told(fields, since)), rewind.reaches() if rewind else None
    )


def seek(rewind: Rewind, since: datetime) -> None:
    """Have the queue deliver again. Raises Misconfigured where it does not go back that far."""
    reaches = rewind.reaches()
    if reaches is None:
        raise Misconfigured("the subscription keeps no acknowledged messages: replay --from-store needs none")
    if since < reaches:
        raise Misconfigured(f"the subscription goes back to {reaches:%Y-%m-%dT%H:%M:%SZ} only; replay --from-store")
    rewind.seek(since)


def items(reader: DocumentReader, since: datetime, run: Run) -> Iterator[Item]:
    """An item for each document behind the run's cursor: with a message where its event is of that moment or later.

    Looks at every document: no index covers the times of events, for it would cap the collection's writes.
    """
    for key, fields in reader.scan(run.cursor):
        yield Item(encode(_event(fields, run)) if _told(fields, since) else None, cursor=key)


def _told(fields: dict[str, Any], since: datetime) -> bool:
    time = fields.get("event_time") or fields.get("created")
    return bool(time and fields.get("generation")) and datetime.fromisoformat(str(time)) >= since


def _event(fields: dict[str, Any], run: Run) -> Notification:
    event = Event.DELETE if fields["status"] == "deleted" else Event.FINALIZE
    time = datetime.fromisoformat(fields["event_time"]) if fields.get("event_time") else None
    return Notification(event, ref_of(fields), time, action=run.asks())
