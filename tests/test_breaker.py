"""Pulling stops when everything fails, and only then."""

from tests.fakes import FakeClock
from worker.breaker import Breaker, State
from worker.errors import Misconfigured, StoreUnavailable

DOWN = StoreUnavailable("down")


def state_of(breaker: Breaker) -> State:
    """Read anew each time, for a type checker believes that what was asserted once stays so."""
    return breaker.state


def is_open(breaker: Breaker) -> bool:
    return breaker.open


def broken(clock: FakeClock) -> Breaker:
    breaker = Breaker(clock, threshold=3)
    for name in "abc":
        breaker.failed(name, DOWN)
    return breaker


def test_it_opens_when_different_messages_fail_in_a_row() -> None:
    breaker = Breaker(FakeClock(), threshold=3)
    breaker.failed("a", DOWN)
    breaker.failed("b", DOWN)
    assert not is_open(breaker)
    breaker.failed("c", DOWN)
    assert is_open(breaker)
    assert breaker.error is DOWN


def test_a_few_messages_that_always_fail_never_open_it() -> None:
    breaker = Breaker(FakeClock(), threshold=3)
    for _ in range(100):
        breaker.failed("a", DOWN)
        breaker.failed("b", DOWN)
    assert not is_open(breaker)


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(FakeClock(), threshold=3)
    for name in "abcdefgh":
        breaker.failed(name, DOWN)
        breaker.succeeded()
    assert not is_open(breaker)


def test_a_wrong_configuration_opens_it_at_once() -> None:
    breaker = Breaker(FakeClock(), threshold=3)
    breaker.failed("a", Misconfigured("no permission"))
    assert is_open(breaker)


def test_one_bucket_without_permission_does_not_hold_up_the_others() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, threshold=3)
    for name in "abcdef":
        breaker.succeeded()
        breaker.failed(name, Misconfigured("no permission"))
    assert not is_open(breaker)
    clock.now += 11
    breaker.failed("g", Misconfigured("no permission"))
    assert is_open(breaker)


def test_probes_come_with_growing_pauses_up_to_a_limit() -> None:
    clock = FakeClock()
    breaker = broken(clock)
    pauses = []
    for _ in range(10):
        assert not breaker.due()
        pauses.append(breaker.pause)
        clock.now += breaker.pause * 1.2 + 0.01
        assert breaker.due()
        breaker.probed(DOWN)
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == 60


def test_after_a_good_probe_one_success_closes_it_and_one_failure_opens_it_again() -> None:
    clock = FakeClock()
    breaker = broken(clock)
    breaker.probed(None)
    assert state_of(breaker) is State.HALF_OPEN
    breaker.failed("d", DOWN)
    assert is_open(breaker)
    assert breaker.pause == 2
    breaker.probed(None)
    breaker.succeeded()
    assert state_of(breaker) is State.CLOSED
    assert breaker.pause == 0


def test_a_success_from_before_the_opening_proves_nothing() -> None:
    breaker = broken(FakeClock())
    breaker.succeeded()
    assert is_open(breaker)
