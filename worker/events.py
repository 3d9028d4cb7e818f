"""Each thing worth telling: one function, one log line, one metric.

One delivery is one line: `Walk` gathers the times of its stages and what was found on the way, and `acked` or `nacked`
writes it. With no telemetry configured (telemetry.py) the spans and metrics are OpenTelemetry's no-ops.
No line ever holds a tag's value: what a picture says, where it was taken above all, stays in its document.
"""

import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import Any

import structlog
from opentelemetry import metrics, trace

from worker.errors import WorkerError, code_of
from worker.model import Message, Outcome

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("imagemeta")
_tracer = trace.get_tracer("imagemeta")
_meter = metrics.get_meter("imagemeta")
_NO_SPAN = nullcontext()

_settled = _meter.create_counter("imagemeta.deliveries", unit="1", description="Deliveries settled, by outcome.")
_nacked = _meter.create_counter("imagemeta.nacks", unit="1", description="Deliveries given back, by error code.")
_stage_time = _meter.create_histogram("imagemeta.stage.duration", unit="s", description="Time spent in a stage.")
_age = _meter.create_histogram("imagemeta.age", unit="s", description="From publication to acknowledgement.")
_bytes = _meter.create_counter("imagemeta.read.bytes", unit="By", description="Bytes read from objects.")
_reads = _meter.create_counter("imagemeta.reads", unit="1", description="Ranged reads of objects.")
_in_flight = _meter.create_up_down_counter("imagemeta.in_flight", unit="1", description="Deliveries in hand.")
_breaker = _meter.create_counter("imagemeta.breaker", unit="1", description="Changes of the breaker, by state.")
_shards = _meter.create_counter("imagemeta.shards", unit="1", description="Shards started, died, hung.")
_requests = _meter.create_histogram("imagemeta.request.duration", unit="s", description="Requests, by route.")
_strikes = _meter.create_counter("imagemeta.strikes", unit="1", description="Objects that a process died over.")


_letters = _meter.create_counter("imagemeta.dead_letters", unit="1", description="Dead letters written down.")


@dataclass(slots=True)
class Walk:
    """One delivery on its way: what is known of it so far."""

    message: Message
    attempt: int
    started: float
    stages: dict[str, float] = field(default_factory=dict)
    bytes: int = 0
    reads: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Deliveries that this process has settled since it started."""

    acked: int = 0
    nacked: int = 0


_totals = Totals()
_totals_lock = threading.Lock()

_walk: ContextVar[Walk | None] = ContextVar("walk", default=None)


@contextmanager
def walking(message: Message, attempt: int) -> Iterator[None]:
    """Around one delivery: its root span, and the record that `acked` or `nacked` writes."""
    token = _walk.set(Walk(message, attempt, perf_counter()))
    _in_flight.add(1)
    try:
        with _span("receive", lambda: _attributes(message, attempt)):
            yield
    finally:
        _in_flight.add(-1)
        _walk.reset(token)


def attempt() -> int:
    """The queue's count of this delivery; 0 outside of one, and where the queue does not count."""
    walk = _walk.get()
    return walk.attempt if walk else 0


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Around one stage of a delivery (read, extract, write, ack): a span and its time."""
    started = perf_counter()
    with _span(name):
        try:
            yield
        finally:
            seconds = perf_counter() - started
            _stage_time.record(seconds, {"stage": name})
            if walk := _walk.get():
                walk.stages[name] = walk.stages.get(name, 0.0) + seconds


def read(length: int) -> None:
    """One ranged read of `length` bytes was made for the delivery at hand."""
    _reads.add(1)
    _bytes.add(length)
    if walk := _walk.get():
        walk.reads += 1
        walk.bytes += length


def timings() -> dict[str, float]:
    """Seconds that the delivery at hand has spent so far, by stage."""
    walk = _walk.get()
    return dict(walk.stages) if walk else {}


def totals() -> Totals:
    """What this process has settled so far."""
    return _totals


def _count(acked: int, nacked: int) -> None:
    global _totals
    with _totals_lock:
        _totals = Totals(_totals.acked + acked, _totals.nacked + nacked)


def acked(outcome: Outcome) -> None:
    """The delivery at hand is acknowledged: its outcome is durable."""
    _count(1, 0)
    _settled.add(1, {"outcome": str(outcome)})
    if walk := _walk.get():
        if walk.message.published:
            _age.record(max(0.0, time() - walk.message.published.timestamp()), {"outcome": str(outcome)})
        level = _log.warning if outcome is Outcome.FAILED else _log.info
        level("acked", outcome=str(outcome), **_facts(walk))


def nacked(error: BaseException) -> None:
    """The delivery at hand is given back; a bug comes with its traceback."""
    code = code_of(error)
    _count(0, 1)
    _nacked.add(1, {"code": code})
    if walk := _walk.get():
        bug = None if isinstance(error, WorkerError) else error
        _log.warning("nacked", code=code, error=str(error), exc_info=bug, **_facts(walk))


def pulling(subscription: str) -> None:
    """A shard begins to pull."""
    _shards.add(1, {"event": "pulling"})
    _log.info("pulling", subscription=subscription)


def push_refused(status: int, reason: str) -> None:
    """A request that is not a push of ours, or comes at a bad time, was answered with this status."""
    _nacked.add(1, {"code": f"http_{status}"})
    _log.warning("push_refused", status=int(status), reason=reason)


def draining(grace: float) -> None:
    """A shard was told to stop: no more intake, what is in hand is finished."""
    _shards.add(1, {"event": "draining"})
    _log.info("draining", grace_s=grace)


def drained(seconds: float) -> None:
    """A shard has settled or released all it had."""
    _shards.add(1, {"event": "drained"})
    _log.info("drained", seconds=round(seconds, 3))


def breaker_opened(error: BaseException, pause: float) -> None:
    """Everything fails: pulling stops for `pause` seconds, then the backends are probed."""
    _breaker.add(1, {"state": "open"})
    _log.error("breaker_opened", code=code_of(error), error=str(error), probe_in_s=round(pause, 1))


def breaker_probing() -> None:
    """The backends answer again: a few messages are tried."""
    _breaker.add(1, {"state": "probing"})
    _log.info("breaker_probing")


def breaker_closed() -> None:
    """A message succeeded: back to normal."""
    _breaker.add(1, {"state": "closed"})
    _log.info("breaker_closed")


def shard_started(pid: int, number: int) -> None:
    """The supervisor started a shard."""
    _shards.add(1, {"event": "started"})
    _log.info("shard_started", shard=number, pid=pid)


def shard_died(pid: int, number: int, exit_code: int | None, in_hand: int) -> None:
    """A shard ended without being told to; what it had in hand comes again."""
    _shards.add(1, {"event": "died"})
    _log.error("shard_died", shard=number, pid=pid, exit_code=exit_code, in_hand=in_hand)


def shard_hung(pid: int, number: int, uri: str, seconds: float) -> None:
    """A shard was killed because one object, or the whole process, did not end."""
    _shards.add(1, {"event": "hung"})
    _log.error("shard_hung", shard=number, pid=pid, object=uri, seconds=round(seconds, 1))


def struck(key: str, deaths: int) -> None:
    """A process died or hung over this object; at the next attempt it is read alone."""
    _strikes.add(1)
    _log.warning("struck", key=key, strikes=deaths)


def serving(url: str) -> None:
    """The API is served there."""
    _log.info("serving", url=url)


def drained_letters(taken: int, written: int) -> None:
    """Dead letters were taken off their queue; so many became failed documents, the others were settled already."""
    _letters.add(taken)
    _log.warning("dead_letters", taken=taken, written=written)


def duty_failed(error: BaseException) -> None:
    """A heartbeat or a look at the dead letters failed; it is tried again."""
    _log.warning("duty_failed", code=code_of(error), error=str(error))


def served(method: str, route: str, status: int, seconds: float, viewer: str) -> None:
    """A request was answered. The route is the pattern, not what was asked for: a search may hold a place."""
    _requests.record(seconds, {"route": route, "status": status})
    level = _log.error if status >= 500 else _log.debug
    level("served", method=method, route=route, status=status, ms=round(seconds * 1000, 1), viewer=viewer)


def broken_off(error: BaseException) -> None:
    """A file that was being sent could not be finished; the client was left to notice."""
    _log.error("broken_off", code=code_of(error))


def bug(error: BaseException) -> None:
    """A request met a fault of ours: where, but not the error's words, which may hold what was asked for."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("bug", error=type(error).__name__, frames=frames[-20:])


def misconfigured(error: BaseException) -> None:
    """Only a person can mend it."""
    _shards.add(1, {"event": "misconfigured"})
    _log.critical("misconfigured", code=code_of(error), error=str(error))


def gave_up(error: BaseException) -> None:
    """A process cannot go on by itself; the supervisor starts another."""
    _shards.add(1, {"event": "gave_up"})
    _log.error("gave_up", code=code_of(error), error=str(error))


def _span(name: str, attributes: Callable[[], dict[str, str | int]] = dict) -> AbstractContextManager[object]:
    """A span. With no tracing set up, not even OpenTelemetry's no-op, which costs more than the stage's own record."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NO_SPAN
    return _tracer.start_as_current_span(name, attributes=attributes())


def _facts(walk: Walk) -> dict[str, Any]:
    attributes = walk.message.attributes
    return {
        "event_type": attributes.get("eventType"),
        "object": _object(attributes),
        "generation": attributes.get("objectGeneration"),
        "message_id": walk.message.id,
        "attempt": walk.attempt,
        "ms": round((perf_counter() - walk.started) * 1000, 1),
        "stages_ms": {name: round(seconds * 1000, 1) for name, seconds in walk.stages.items()},
        "bytes": walk.bytes,
        "reads": walk.reads,
    }


def _object(attributes: Mapping[str, str]) -> str:
    """What the message is about, for people."""
    if batch := attributes.get("imagemetaBatch"):
        return f"batch {batch} row {attributes.get('imagemetaRow')} URL {attributes.get('imagemetaColumn')}"
    return f"gs://{attributes.get('bucketId', '')}/{attributes.get('objectId', '')}"


def _attributes(message: Message, attempt: int) -> dict[str, str | int]:
    return {
        "messaging.message.id": message.id,
        "messaging.delivery.attempt": attempt,
        "gcs.bucket": message.attributes.get("bucketId", ""),
        "gcs.object": message.attributes.get("objectId", ""),
        "gcs.generation": message.attributes.get("objectGeneration", ""),
    }
