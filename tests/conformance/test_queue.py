"""Subscription, Publisher and DeadLetters: at least once, settled once, given back when in doubt."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.conformance.rigs import QueueRig
from tests.fakes import wait_until
from worker.errors import Misconfigured
from worker.model import Message
from worker.ports import Delivery, Subscription

PATIENCE = 60.0
"""Seconds; longer than any backend's lease and back-off together."""


def a_message(name: str, data: bytes = b"") -> Message:
    return Message("", {"eventType": "OBJECT_FINALIZE", "objectId": name}, data)


class Received:
    """A handler that keeps what it got, and settles it as `settle` says."""

    def __init__(self, settle: Callable[[Delivery], None] = lambda delivery: delivery.ack()) -> None:
        self.settle = settle
        self.deliveries: list[Delivery] = []

    def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self.settle(delivery)

    @property
    def names(self) -> list[str]:
        return [delivery.message.attributes["objectId"] for delivery in self.deliveries]

    def wait_for(self, *names: str) -> None:
        wait_until(lambda: set(names) <= set(self.names), PATIENCE)


class Gate:
    """A handler that holds each delivery until it is opened, then acknowledges."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun: list[str] = []
        self.acked: list[str] = []
        self.inside = 0
        self.most_inside = 0
        self._lock = threading.Lock()

    def __call__(self, delivery: Delivery) -> None:
        name = delivery.message.attributes["objectId"]
        with self._lock:
            self.begun.append(name)
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        assert self.open.wait(PATIENCE)
        with self._lock:
            self.inside -= 1
            self.acked.append(name)
        delivery.ack()


def drained(queue: QueueRig) -> list[str]:
    """What a new subscription still gets: everything that comes before a last message does."""
    queue.publisher.publish([a_message("last")])
    received = Received()
    subscription = queue.subscribe(1)
    subscription.start(received)
    received.wait_for("last")
    subscription.stop(PATIENCE)
    return [name for name in received.names if name != "last"]


def dead_letters(queue: QueueRig, limit: int = 10) -> list[Delivery]:
    """The dead letters, once there are some."""
    found: list[Delivery] = []

    def pull() -> bool:
        found.extend(queue.dead_letters.pull(limit))
        return bool(found)

    wait_until(pull, PATIENCE)
    return found


def nacking_to_death(queue: QueueRig, *names: str) -> list[int]:
    """Publish, and nack until the queue gives up; return the attempts that were counted."""
    queue.publisher.publish(a_message(name, b"payload") for name in names)
    received = Received(lambda delivery: delivery.nack())
    subscription = queue.subscribe(1)
    subscription.start(received)
    wait_until(lambda: len(received.deliveries) >= queue.max_attempts * len(names), PATIENCE)
    subscription.stop(PATIENCE)
    return [delivery.attempt for delivery in received.deliveries]


def first_attempt(queue: QueueRig) -> int:
    """The attempt of the first delivery that a new subscription gets. It is nacked once nothing more is pulled."""
    held = threading.Event()
    received = Received(lambda delivery: delivery.nack() if held.wait(PATIENCE) else None)
    subscription = queue.subscribe(1)
    subscription.start(received)
    wait_until(lambda: received.deliveries, PATIENCE)
    subscription.pause()
    held.set()
    subscription.stop(PATIENCE)
    return received.deliveries[0].attempt


def test_a_message_arrives_as_it_was_sent(queue: QueueRig) -> None:
    sent = Message("", {"objectId": "a/ü\n🏔 '\"%2F.jpg", "empty": ""}, bytes(range(256)) * 10)
    assert queue.publisher.publish([sent]) == 1
    received = Received()
    subscription = queue.subscribe(1)
    subscription.start(received)
    wait_until(lambda: received.deliveries, PATIENCE)
    subscription.stop(PATIENCE)
    (delivery,) = received.deliveries
    assert dict(delivery.message.attributes) == dict(sent.attributes)
    assert delivery.message.data == sent.data
    assert delivery.message.id
    assert delivery.attempt == 1
    assert delivery.message.published
    assert abs(delivery.message.published - datetime.now(UTC)) < timedelta(minutes=5)


def test_all_of_many_arrive_under_ids_of_their_own(queue: QueueRig) -> None:
    names = [f"{number}.jpg" for number in range(1200)]
    assert queue.publisher.publish(a_message(name) for name in names) == 1200
    received = Received()
    subscription = queue.subscribe(8)
    subscription.start(received)
    received.wait_for(*names)
    subscription.stop(PATIENCE)
    assert len({delivery.message.id for delivery in received.deliveries}) == 1200


def test_publishing_nothing_is_no_error(queue: QueueRig) -> None:
    assert queue.publisher.publish([]) == 0


def test_many_threads_may_publish(queue: QueueRig) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda n: queue.publisher.publish([a_message(f"{n}.jpg")]), range(40))) == 40
    assert sorted(drained(queue)) == sorted(f"{number}.jpg" for number in range(40))


def test_what_is_acked_does_not_come_again(queue: QueueRig) -> None:
    queue.publisher.publish(a_message(f"{number}.jpg") for number in range(20))
    received = Received()
    subscription = queue.subscribe(4)
    subscription.start(received)
    received.wait_for(*(f"{number}.jpg" for number in range(20)))
    subscription.stop(PATIENCE)
    assert drained(queue) == []


def test_what_is_nacked_comes_again_and_is_counted(queue: QueueRig) -> None:
    queue.publisher.publish([a_message("a.jpg")])
    received = Received(lambda delivery: delivery.nack() if delivery.attempt == 1 else delivery.ack())
    subscription = queue.subscribe(1)
    subscription.start(received)
    wait_until(lambda: len(received.deliveries) == 2, PATIENCE)
    subscription.stop(PATIENCE)
    assert [delivery.attempt for delivery in received.deliveries] == [1, 2]
    assert received.deliveries[0].message == received.deliveries[1].message
    assert drained(queue) == []


def test_attempts_are_counted_across_subscriptions(queue: QueueRig) -> None:
    queue.publisher.publish([a_message("a.jpg")])
    assert [first_attempt(queue), first_attempt(queue)] == [1, 2]


@pytest.mark.parametrize("settle", ["raises", "forgets"])
def test_a_handler_that_does_not_settle_gives_back(queue: QueueRig, settle: str) -> None:
    def once(delivery: Delivery) -> None:
        if delivery.attempt > 1:
            delivery.ack()
        elif settle == "raises":
            raise ZeroDivisionError

    queue.publisher.publish([a_message("a.jpg")])
    received = Received(once)
    subscription = queue.subscribe(1)
    subscription.start(received)
    wait_until(lambda: len(received.deliveries) == 2, PATIENCE)
    subscription.stop(PATIENCE)
    assert drained(queue) == []


def test_only_the_first_settlement_counts(queue: QueueRig) -> None:
    def settle_twice(delivery: Delivery) -> None:
        delivery.ack()
        delivery.nack()

    queue.publisher.publish([a_message("a.jpg")])
    received = Received(settle_twice)
    subscription = queue.subscribe(1)
    subscription.start(received)
    received.wait_for("a.jpg")
    subscription.stop(PATIENCE)
    assert drained(queue) == []


def test_as_many_are_handled_at_once_as_was_asked_for(queue: QueueRig) -> None:
    queue.publisher.publish(a_message(f"{number}.jpg") for number in range(12))
    gate = Gate()
    subscription = queue.subscribe(4)
    subscription.start(gate)
    wait_until(lambda: gate.inside == 4, PATIENCE)
    gate.open.set()
    wait_until(lambda: len(set(gate.acked)) == 12, PATIENCE)
    subscription.stop(PATIENCE)
    assert gate.most_inside == 4


def test_long_work_keeps_its_lease(queue: QueueRig) -> None:
    queue.publisher.publish([a_message("long.jpg")])
    gate = Gate()
    subscription = queue.subscribe(2)
    subscription.start(gate)
    wait_until(lambda: gate.begun, PATIENCE)
    if queue.outlive_a_lease is None:
        pytest.skip("this queue has no leases")
    queue.outlive_a_lease()
    assert gate.begun == ["long.jpg"]
    gate.open.set()
    subscription.stop(PATIENCE)
    assert drained(queue) == []


def test_what_a_dead_process_held_comes_again(queue: QueueRig) -> None:
    if queue.take_and_die is None:
        pytest.skip("this queue lives in the test's own process")
    queue.publisher.publish([a_message("a.jpg")])
    queue.take_and_die()
    received = Received()
    subscription = queue.subscribe(1)
    subscription.start(received)
    received.wait_for("a.jpg")
    subscription.stop(PATIENCE)
    assert received.deliveries[0].attempt == 2


def test_while_paused_another_subscription_gets_what_waits(queue: QueueRig) -> None:
    if not queue.shared:
        pytest.skip("this queue has one subscription")
    names = [f"{number}.jpg" for number in range(6)]
    queue.publisher.publish(a_message(name) for name in names)
    gate, others = Gate(), Received()
    paused, other = queue.subscribe(1), queue.subscribe(1)
    paused.start(gate)
    wait_until(lambda: gate.begun, PATIENCE)
    paused.pause()
    other.start(others)
    others.wait_for(*(set(names) - set(gate.begun)))
    gate.open.set()
    wait_until(lambda: gate.acked, PATIENCE)
    other.stop(PATIENCE)
    paused.stop(PATIENCE)
    assert len(gate.begun) == 1
    if not queue.counts_unused:
        assert {delivery.attempt for delivery in others.deliveries} == {1}
    assert drained(queue) == []


def test_a_pause_ends_with_resume(queue: QueueRig) -> None:
    queue.publisher.publish([a_message("before.jpg")])
    received = Received()
    subscription = queue.subscribe(2)
    subscription.start(received)
    received.wait_for("before.jpg")
    subscription.pause()
    assert subscription.silence() == 0
    queue.publisher.publish([a_message("after.jpg")])
    subscription.resume()
    received.wait_for("after.jpg")
    subscription.stop(PATIENCE)


def test_pauses_may_follow_each_other_quickly(queue: QueueRig) -> None:
    names = [f"{number}.jpg" for number in range(100)]
    received = Received()
    subscription = queue.subscribe(4)
    subscription.start(received)
    for start in range(0, 100, 10):
        queue.publisher.publish(a_message(name) for name in names[start : start + 10])
        subscription.pause()
        subscription.pause()
        subscription.resume()
    received.wait_for(*names)
    subscription.stop(PATIENCE)


def test_stop_waits_for_what_is_in_hand(queue: QueueRig) -> None:
    queue.publisher.publish([a_message("a.jpg")])
    gate = Gate()
    subscription = queue.subscribe(1)
    subscription.start(gate)
    wait_until(lambda: gate.begun, PATIENCE)
    stopping = threading.Thread(target=subscription.stop, args=(PATIENCE,))
    stopping.start()
    gate.open.set()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert gate.acked == ["a.jpg"]
    assert drained(queue) == []


def test_stop_gives_back_what_outlasts_the_grace(queue: QueueRig) -> None:
    queue.publisher.publish([a_message("slow.jpg")])
    gate = Gate()
    subscription = queue.subscribe(1)
    subscription.start(gate)
    wait_until(lambda: gate.begun, PATIENCE)
    subscription.stop(0.05)
    try:
        assert drained(queue) == ["slow.jpg"]
    finally:
        gate.open.set()


def test_stop_gives_back_what_no_handler_saw(queue: QueueRig) -> None:
    names = [f"{number}.jpg" for number in range(5)]
    queue.publisher.publish(a_message(name) for name in names)
    gate = Gate()
    subscription = queue.subscribe(1)
    subscription.start(gate)
    wait_until(lambda: gate.begun, PATIENCE)
    stopping = threading.Thread(target=subscription.stop, args=(PATIENCE,))
    stopping.start()
    wait_until(lambda: not pulling(subscription), PATIENCE)
    gate.open.set()
    stopping.join(PATIENCE)
    assert sorted(drained(queue) + gate.acked) == names


def pulling(subscription: Subscription) -> bool:
    """Whether it says that it pulls; one that is held is never silent."""
    return subscription.silence() > 0


def test_stop_may_come_before_any_message(queue: QueueRig) -> None:
    subscription = queue.subscribe(3)
    subscription.start(Received())
    subscription.stop(PATIENCE)
    queue.publisher.publish([a_message("a.jpg")])
    assert drained(queue) == ["a.jpg"]


def test_a_healthy_subscription_reports_no_failure(queue: QueueRig) -> None:
    subscription = queue.subscribe(1)
    received = Received()
    subscription.start(received)
    queue.publisher.publish([a_message("a.jpg")])
    received.wait_for("a.jpg")
    assert subscription.failure() is None
    assert subscription.silence() < PATIENCE
    subscription.stop(PATIENCE)


def test_a_queue_that_does_not_exist_is_misconfigured(queue: QueueRig) -> None:
    if queue.missing is None:
        pytest.skip("this queue always exists")
    subscription = queue.missing()
    with pytest.raises(Misconfigured):
        subscription.start(Received())


def test_several_subscriptions_share_the_work(queue: QueueRig) -> None:
    if not queue.shared:
        pytest.skip("this queue has one subscription")
    names = [f"{number}.jpg" for number in range(200)]
    received = [Received() for _ in range(3)]
    subscriptions = [queue.subscribe(2) for _ in received]
    for subscription, handler in zip(subscriptions, received, strict=True):
        subscription.start(handler)
    queue.publisher.publish(a_message(name) for name in names)
    wait_until(lambda: set(names) <= {name for each in received for name in each.names}, PATIENCE)
    for subscription in subscriptions:
        subscription.stop(PATIENCE)
    assert drained(queue) == []


def test_a_message_that_is_always_nacked_becomes_a_dead_letter(queue: QueueRig) -> None:
    attempts = nacking_to_death(queue, "bad.jpg")
    assert attempts == list(range(1, queue.max_attempts + 1))
    (letter,) = dead_letters(queue)
    assert letter.message.attributes["objectId"] == "bad.jpg"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == str(queue.max_attempts)
    assert letter.message.data == b"payload"
    letter.ack()
    assert drained(queue) == []


def test_a_dead_letter_comes_again_until_it_is_acked(queue: QueueRig) -> None:
    nacking_to_death(queue, "bad.jpg")
    (letter,) = dead_letters(queue)
    letter.nack()
    (again,) = dead_letters(queue)
    assert again.message.attributes["objectId"] == "bad.jpg"
    again.ack()
    nacking_to_death(queue, "other.jpg")
    assert [each.message.attributes["objectId"] for each in dead_letters(queue)] == ["other.jpg"]


def test_dead_letters_are_leased_and_limited(queue: QueueRig) -> None:
    names = ["one.jpg", "two.jpg", "three.jpg"]
    nacking_to_death(queue, *names)
    pulled: list[Delivery] = []
    while len(pulled) < 3:
        some = dead_letters(queue, limit=2)
        assert len(some) <= 2
        pulled += some
    assert Counter(each.message.attributes["objectId"] for each in pulled) == Counter(names)
    for each in pulled:
        each.ack()
    assert list(queue.dead_letters.pull(10)) == []
