"""Carries what an action found to the queue: paced, in portions, each written down once it is durable."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from worker.errors import WorkerError
from worker.model import Message
from worker.operate.pace import Pace
from worker.operate.runs import Ledger, Run, State
from worker.ports import Publisher, Write

PORTION = 100
"""What may come twice after a kill, and between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that an action looked at: the `message` that it comes to, if any, or that it is `refused` one.

    A run that goes on begins behind `cursor`. `mark` is written once the message is durable.
    """

    message: Message | None = None
    cursor: str = ""
    refused: bool = False
    mark: Write | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What items come to."""

    looked_at: int = 0
    messages: int = 0
    refused: int = 0


def tally(items: Iterable[Item]) -> Tally:
    """Count, and carry nothing."""
    found = Tally()
    for item in items:
        messages, refused = found.messages + (item.message is not None), found.refused + item.refused
        found = Tally(found.looked_at + 1, messages, refused)
    return found


Watch = Callable[[Run], None]
"""Is told of each step of a run."""
Marks = Callable[[Sequence[Write]], object]


class Conveyor:
    """Publishes the items of one run after the other. `mark` writes their marks, as far as they can be written."""

    def __init__(
        self,
        publisher: Publisher,
        ledger: Ledger,
        pace: Pace,
        watch: Watch = lambda _: None,
        mark: Marks = lambda _: None,
    ) -> None:
        self._publisher = publisher
        self._ledger = ledger
        self._pace = pace
        self._watch = watch
        self._mark = mark

    def carry(self, run: Run, items: Iterable[Item], cap: int | None = None) -> Run:
        """The run, done; or stopped after `cap` messages of this call; or stopped by an error, which is raised.

        Whatever happens, the run says how far it came, and goes on from there.
        """
        published = 0
        try:
            for portion in _portions(items, PORTION):
                room = len(portion) if cap is None else cap - published
                taken = _up_to(portion, room)
                before = run.published
                run = self._publish(run, taken)
                published += run.published - before
                self._watch(run)
                if len(taken) < len(portion):
                    return self._stop(run, f"the cap of {cap} messages is reached")
        except (WorkerError, KeyboardInterrupt) as error:
            self._stop(run, str(error) or "interrupted")
            raise
        return self._ledger.save(replace(run, state=State.DONE))

    def _publish(self, run: Run, items: Sequence[Item]) -> Run:
        messages = [item.message for item in items if item.message]
        if messages:
            self._pace.take(len(messages))
            self._publisher.publish(messages)
        if marks := [item.mark for item in items if item.mark]:
            self._mark(marks)
        return self._ledger.save(
            replace(
                run,
                cursor=items[-1].cursor if items else run.cursor,
                seen=run.seen + len(items),
                published=run.published + len(messages),
                refused=run.refused + sum(item.refused for item in items),
            )
        )

    def _stop(self, run: Run, why: str) -> Run:
        return self._ledger.save(replace(run, state=State.STOPPED, why=why))


def _portions(items: Iterable[Item], messages: int) -> Iterator[list[Item]]:
    """As many items as come to so many messages, or ten times as many that come to none."""
    portion: list[Item] = []
    count = 0
    for item in items:
        portion.append(item)
        count += item.message is not None
        if count == messages or len(portion) == 10 * messages:
            yield portion
            portion, count = [], 0
    if portion:
        yield portion


def _up_to(items: Sequence[Item], room: int) -> Sequence[Item]:
    """The items before the first message for which there is no room."""
    for place, item in enumerate(items):
        if item.message is not None:
            if room == 0:
                return items[:place]
            room -= 1
    return items
