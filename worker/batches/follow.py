"""One URL of a batch, from message to durable item: fetch, extract and compress, store, write down.

The same guarantees as for an object: what returns is durable, what raises comes again, what cannot succeed becomes a
failed item with its reason. One URL costs its own cell and nothing else.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from worker import events
from worker.attempts import Attempts, Maker
from worker.batches.batch import item_ref, key_of
from worker.batches.orders import Order, Orders
from worker.batches.pauses import Pauses
from worker.batches.policy import Policy
from worker.batches.press import Job, Pressed
from worker.document import Attempt, Evidence, extracted, failed
from worker.errors import GivenUp, SiteUnavailable
from worker.legal import legal_text, shortened
from worker.model import Action, Document, Event, Link, Message, Notification, Outcome, Status, Value
from worker.ports import Clock, Fetched, Fetcher, Items, Outputs
from worker.write_ladder import WriteLadder

_TRIES = 3
_PATIENCE = 10.0
"""Seconds that a thread waits for a site; longer pauses are left to the queue."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 4.0


_LEFT_OUT = frozenset({"tags", "sources", "long_texts", "custom", "dropped"})
"""An item has the summary of its image; with all tags it would need exemptions from indexes, as the images' have."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a URL is worked with."""

    fetcher: Fetcher
    press: Callable[[Job], Pressed]
    outputs: Outputs


class Follower:
    """Follows links. Thread-safe."""

    def __init__(
        self, orders: Orders, items: Items, ladder: WriteLadder, tools: Tools, maker: Maker, clock: Clock
    ) -> None:
        self._orders = orders
        self._ladder = ladder
        self._tools = tools
        self._maker = maker
        self._attempts = Attempts(items, maker)
        self._pauses = Pauses(clock)
        self._clock = clock
        self._tries = Retrying(
            retry=retry_if_exception(_may_pass_soon),
            stop=stop_after_attempt(_TRIES),
            wait=_pause,
            sleep=clock.sleep,
            reraise=True,
        )

    def __call__(self, link: Link, message: Message, *, first: bool = True, counted: bool = True) -> Outcome:
        """Return once the outcome is durable; raise where another attempt may do better. As `Processor.process`:
        whether it is the `first` delivery, and whether failures are `counted` now."""
        order = self._orders.of(link.batch)
        if order.cancelled:
            return Outcome.IGNORED
        if self._settled(link):
            return Outcome.UNCHANGED
        self._wait_for(_host(link.url))
        made_by = Attempt(1, self._maker.worker, datetime.now(UTC), self._maker.recipe)
        notification = _notification(link, message)
        try:
            document = self._followed(link, order, notification, made_by)
        except Exception as error:
            past = self._attempts.last(notification, error, counted=counted)
            if past is None:
                raise
            made_by = replace(made_by, number=len(past))
            evidence = Evidence(events.timings(), past)
            document = _item(failed(message, notification, error, made_by, evidence), link, order, {})
        with events.stage("write"):
            outcome = self._ladder.put(document)
        if outcome is Outcome.STORED and not first:
            self._attempts.forget(document.key)
        return outcome

    def give_up(self, link: Link, message: Message, error: GivenUp) -> bool:
        """Write down that the queue gave the message up; whether that was news. Raises BadMessage where its batch is
        gone."""
        if self._settled(link):
            return False
        made_by = Attempt(1, self._maker.worker, datetime.now(UTC), self._maker.recipe)
        document = failed(message, _notification(link, message), error, made_by)
        return self._ladder.put(_item(document, link, self._orders.of(link.batch), {})) is Outcome.FAILED

    def _settled(self, link: Link) -> bool:
        """Whether this pass of the URL has its item: a message that comes twice fetches once."""
        head = self._ladder.head(key_of(link))
        return head is not None and (head.status is not Status.FAILED or head.passes >= link.passes)

    def _wait_for(self, host: str) -> None:
        left = self._pauses.left(host)
        if left > _PATIENCE:
            raise SiteUnavailable(f"{host} asked to be left alone", left)
        if left:
            self._clock.sleep(left)

    def _followed(self, link: Link, order: Order, notification: Notification, made_by: Attempt) -> Document:
        with events.stage("fetch"):
            fetched: Fetched = self._tries(self._fetch, link.url)
        ref = item_ref(link, len(fetched.data))
        with events.stage("compress"):
            pressed = self._tools.press(Job(ref, fetched.data, order.policy))
        with events.stage("store"):
            output = self._stored(link, order.policy, fetched, pressed)
        document = extracted(replace(notification, ref=ref), pressed.metadata, made_by)
        return _item(document, link, order, {"fetched": shortened(legal_text(fetched.url)), "output": output})

    def _fetch(self, url: str) -> Fetched:
        try:
            return self._tools.fetcher.fetch(url)
        except SiteUnavailable as error:
            if error.after:
                self._pauses.asked(_host(url), error.after)
            raise

    def _stored(self, link: Link, policy: Policy, fetched: Fetched, pressed: Pressed) -> dict[str, Value]:
        """Put where the hash of the content says: whoever does it twice does it once."""
        result = pressed.result
        digest = hashlib.sha256(result.data).hexdigest()
        output: dict[str, Value] = {
            "url": self._tools.outputs.put(f"{link.batch}/{digest[:32]}.{result.suffix}", result.data, result.mime),
            "size": len(result.data),
            "sha256": digest,
            "type": result.mime,
            "width": result.width,
            "height": result.height,
            "quality": result.quality,
            "notes": list(result.notes),
        }
        if policy.originals:
            digest = hashlib.sha256(fetched.data).hexdigest()
            name = f"{link.batch}/originals/{digest[:32]}.{_suffix(pressed)}"
            mime = pressed.metadata.image.mime or "application/octet-stream"
            output["original"] = self._tools.outputs.put(name, fetched.data, mime)
        return output


def _notification(link: Link, message: Message) -> Notification:
    """As what the document speaks of; the passes are those of an action, which is the batch."""
    return Notification(
        Event.FINALIZE, item_ref(link), message.published, action=Action("batch", link.batch, link.passes)
    )


def _item(document: Document, link: Link, order: Order, more: Mapping[str, Value]) -> Document:
    """The document with what only an item has, and without what no index could bear."""
    kept = {name: value for name, value in document.fields.items() if name not in _LEFT_OUT}
    said: dict[str, Value] = {"url": shortened(legal_text(link.url)), "row": link.row, "column": link.column}
    expiry: dict[str, Value] = {"expires_at": order.expires_at} if order.expires_at else {}
    return replace(document, fields={**kept, **said, **expiry, **more})


def _may_pass_soon(error: BaseException) -> bool:
    return isinstance(error, SiteUnavailable) and (error.after or 0.0) <= _PATIENCE


def _pause(state: RetryCallState) -> float:
    """As long as the site asked for, or a little longer each time."""
    error = state.outcome.exception() if state.outcome else None
    usual = wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE)(state)
    return max(usual, (error.after or 0.0) if isinstance(error, SiteUnavailable) else 0.0)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _suffix(pressed: Pressed) -> str:
    return "".join(each for each in pressed.metadata.image.format.lower() if each.isalnum())[:8] or "bin"
