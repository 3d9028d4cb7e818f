"""Dead letters become failed documents: nothing lives only in a queue.

The queue gave a message up because it came back too often: its object killed every worker before one could write, or a
backend was down for long. The object is not read here; what is stored of it already stands.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from worker.attempts import Maker
from worker.changes import Changes, Untold
from worker.decode import decode, decode_link
from worker.document import Attempt, Evidence, failed, key_for, tombstone
from worker.errors import BadMessage, GivenUp, Permanent, Poison
from worker.model import DIED, Event, Link, Message, Notification, Outcome
from worker.ports import DeadLetters, Delivery, DocumentStore
from worker.write_ladder import WriteLadder, complete

GiveUp = Callable[[Link, Message, GivenUp], bool]
"""Writes down that the queue gave a URL of a batch up; whether that took a failed item."""

_WRITTEN = {Outcome.FAILED, Outcome.STORED}
_DELIVERIES = "CloudPubSubDeadLetterSourceDeliveryCount"


@dataclass(frozen=True, slots=True)
class Drained:
    """How many dead letters were taken, and how many of them became failed documents."""

    taken: int = 0
    written: int = 0

    def plus(self, *, written: bool) -> "Drained":
        """With one more."""
        return Drained(self.taken + 1, self.written + written)


class Drain:
    """Takes dead letters. Used by one thread."""

    def __init__(
        self,
        letters: DeadLetters,
        documents: DocumentStore,
        ladder: WriteLadder,
        maker: Maker,
        changes: Changes = Untold(),  # noqa: B008 -- has no state
        give_up: GiveUp = lambda _link, _message, _error: False,
    ) -> None:
        self._letters = letters
        self._documents = documents
        self._ladder = ladder
        self._maker = maker
        self._changes = changes
        self._give_up = give_up

    def some(self, limit: int = 10) -> Drained:
        """Take at most `limit`. What cannot be written now is given back, and the error is raised."""
        drained = Drained()
        letters = list(self._letters.pull(limit))
        while letters:
            letter = letters.pop()
            try:
                written = self._take(letter)
            except BaseException:
                for other in (letter, *letters):
                    other.nack()
                raise
            letter.ack()
            drained = drained.plus(written=written)
        return drained

    def all(self, limit: int | None = None) -> Drained:
        """Take until there are no more, or `limit` were taken."""
        total = Drained()
        while limit is None or total.taken < limit:
            some = self.some(100 if limit is None else min(100, limit - total.taken))
            if not some.taken:
                return total
            total = Drained(total.taken + some.taken, total.written + some.written)
        return total

    def _take(self, letter: Delivery) -> bool:
        """Have what the letter is about in the store; whether that took a failed document."""
        message = letter.message
        try:
            if link := decode_link(message):
                return self._give_up(link, message, _given_up(message))
            notification = decode(message)
        except BadMessage as error:
            document = failed(message, None, error, self._made())
            self._changes.tell(self._ladder.put(document), document.ref)
            return True
        if notification is None:
            return False
        written = self._settled(message, notification)
        self._changes.tell(Outcome.UNCHANGED, notification.ref)  # whatever it came to: what is there is looked up
        return written

    def _settled(self, message: Message, notification: Notification) -> bool:
        if notification.event is Event.METADATA_UPDATE:
            self._ladder.patch(notification)
            return False
        if notification.event is Event.FINALIZE:
            return self._finalized(message, notification)
        if notification.overwritten_by is None:
            self._ladder.put(tombstone(notification, self._made()))
        return False

    def _finalized(self, message: Message, notification: Notification) -> bool:
        key = key_for(notification.ref.bucket, notification.ref.name)
        head = self._ladder.head(key)
        if head and complete(head, notification.ref.generation, head.extractor):
            return False
        past = self._documents.attempts(key)
        deaths = sum(attempt.code == DIED for attempt in past)
        error: Permanent = _given_up(message)
        if deaths:
            error = Poison(f"{deaths} processes died over it, and {error}")
        made_by = replace(self._made(), number=max(1, len(past)))
        return self._ladder.put(failed(message, notification, error, made_by, Evidence(attempts=past))) in _WRITTEN

    def _made(self) -> Attempt:
        return Attempt(1, self._maker.worker, datetime.now(UTC), self._maker.recipe)


def _given_up(message: Message) -> GivenUp:
    return GivenUp(f"the queue gave it up after {message.attributes.get(_DELIVERIES, 'too many')} deliveries")
