"""How a batch is, how one of its rows is, how one URL is: what desks tell and others show."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.batches import table
from worker.batches.batch import Batch
from worker.model import Link, Status


class State(StrEnum):
    """What a batch is at, or one URL of it (which is never accepting)."""

    ACCEPTING = "accepting"
    """Its messages are being published; or whoever did so was killed, and `retry_failed` goes on."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Progress:
    """How a batch is, counted now. `rate` is URLs a second since it began, of one that runs; `eta` seconds, None where
    nobody knows."""

    batch: Batch
    state: State
    done: int
    failed: int
    pending: int
    rate: float
    eta: float | None


@dataclass(frozen=True, slots=True)
class Item:
    """One URL, and what became of it: `output` is where the result is, `code` and `error` why there is none.

    `column` says which of its row's URLs it is, from 1; `before` and `after` are bytes.
    """

    column: int
    url: str
    state: State
    output: str = ""
    code: str = ""
    error: str = ""
    before: int | None = None
    after: int | None = None
    sha256: str = ""
    notes: tuple[str, ...] = ()

    def outcome(self) -> table.Outcome:
        """As cells of the output."""
        reason = f"{self.code}: {self.error}" if self.code else ""
        return table.Outcome(self.output, self.state, reason, self.before, self.after, self.sha256)


@dataclass(frozen=True, slots=True)
class Line:
    """One row and its items; `number` counts from 1."""

    number: int
    cells: tuple[str, ...]
    items: tuple[Item, ...]


def item_of(link: Link, fields: Mapping[str, Any] | None, cancelled: bool) -> Item:
    """What a URL's document says of it, if there is one yet."""
    if fields is None:
        return Item(link.column, link.url, State.CANCELLED if cancelled else State.RUNNING)
    if fields["status"] == Status.FAILED:
        failure = fields["failure"]
        return Item(
            link.column,
            link.url,
            State.FAILED,
            code=failure["code"],
            error=failure["message"],
            before=fields.get("size"),
        )
    output = fields["output"]
    return Item(
        link.column,
        link.url,
        State.DONE,
        output=output["url"],
        before=fields["size"],
        after=output["size"],
        sha256=output["sha256"],
        notes=tuple(output["notes"]),
    )
