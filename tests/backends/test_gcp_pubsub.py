"""Pub/Sub beyond the suite: shutdown under load, subscriptions that go away, channels that go deaf."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from deploy.emulators import call
from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.faults import TcpProxy
from worker.backends.gcp.pubsub import PUBLISH_BYTES, PubSubDeadLetters, PubSubPublisher, PubSubSubscription
from worker.backends.gcp.stream import drop_locally_cancelled
from worker.errors import Misconfigured, Refused
from worker.model import Message
from worker.ports import Delivery

LEASE = 10


def messages(count: int, size: int = 10) -> Iterator[Message]:
    return (Message("", {"number": str(number)}, b"x" * size) for number in range(count))


def publish(cloud: Cloud, count: int, size: int = 10) -> None:
    publisher = PubSubPublisher(cloud.project, cloud.topic)
    assert publisher.publish(messages(count, size)) == count
    publisher.close()


def subscribe(cloud: Cloud, concurrency: int = 4, patience: float = 90.0) -> PubSubSubscription:
    return PubSubSubscription(cloud.project, cloud.subscription, concurrency, lease=LEASE, patience=patience)


def number_of(delivery: Delivery) -> str:
    return delivery.message.attributes["number"]


def drain(cloud: Cloud, expected: int, seconds: float = 3 * LEASE) -> Counter[str]:
    """What is still in the queue, pulled and acknowledged until `expected` are there, or the leases have lapsed."""
    left: Counter[str] = Counter()
    queue = PubSubDeadLetters(cloud.project, cloud.subscription)
    deadline = time.monotonic() + seconds
    while left.total() < expected and time.monotonic() < deadline:
        for delivery in queue.pull(100):
            left[number_of(delivery)] += 1
            delivery.ack()
    return left


def test_stopped_in_full_flight_no_ack_is_lost_and_no_message_either(cloud: Cloud) -> None:
    publish(cloud, 600)
    acked: list[str] = []
    subscription = subscribe(cloud, concurrency=8)

    def handle(delivery: Delivery) -> None:
        time.sleep(0.005)
        acked.append(number_of(delivery))
        delivery.ack()

    subscription.start(handle)
    wait_until(lambda: len(acked) > 100)
    started = time.monotonic()
    subscription.stop(grace=10)
    assert time.monotonic() - started < 10
    seen = Counter(acked)
    assert len(seen) < 600, "the test must stop it half-way"
    left = drain(cloud, 600 - len(seen))
    assert set(left) | set(seen) == {str(number) for number in range(600)}
    assert not set(left) & set(seen), "what was acknowledged came again"


def test_no_handler_begins_once_stop_was_called(cloud: Cloud) -> None:
    publish(cloud, 50)
    begun: list[float] = []
    subscription = subscribe(cloud, concurrency=2)

    def handle(delivery: Delivery) -> None:
        begun.append(time.monotonic())
        time.sleep(0.05)
        delivery.ack()

    subscription.start(handle)
    wait_until(lambda: begun)
    subscription.stop(grace=10)
    ended = time.monotonic()
    assert len(begun) < 20
    assert max(begun) < ended
    assert threading_names("delivery") == []


def threading_names(prefix: str) -> list[str]:
    wait_until(lambda: not any(each.name.startswith(prefix) for each in threading.enumerate()))
    return [each.name for each in threading.enumerate() if each.name.startswith(prefix)]


def test_a_handler_that_hangs_holds_up_stop_for_its_grace_and_no_longer(cloud: Cloud) -> None:
    publish(cloud, 1)
    entered, released = threading.Event(), threading.Event()

    def hang(_: Delivery) -> None:
        entered.set()
        released.wait(60)

    subscription = subscribe(cloud)
    subscription.start(hang)
    assert entered.wait(20)
    started = time.monotonic()
    subscription.stop(grace=0.3)
    assert 0.3 <= time.monotonic() - started < 5
    assert drain(cloud, 1) == Counter(["0"])
    released.set()


def test_starting_and_stopping_leaves_no_thread_behind(cloud: Cloud) -> None:
    before = threading.active_count()
    for _ in range(5):
        subscription = subscribe(cloud)
        subscription.start(lambda delivery: delivery.ack())
        subscription.stop(grace=1)
    wait_until(lambda: threading.active_count() <= before)


def test_a_subscription_that_is_deleted_is_misconfigured(cloud: Cloud) -> None:
    subscription = subscribe(cloud)
    subscription.start(lambda delivery: delivery.ack())
    path = f"/v1/projects/{cloud.project}/subscriptions/{cloud.subscription}"
    assert call(cloud.stack.pubsub, "DELETE", path)[0] == 200
    wait_until(subscription.failure)
    assert isinstance(subscription.failure(), Misconfigured)
    subscription.stop(grace=1)


def test_a_channel_that_goes_deaf_is_replaced(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[str] = []

    def handle(delivery: Delivery) -> None:
        received.append(number_of(delivery))
        delivery.ack()

    with TcpProxy(cloud.stack.pubsub) as proxy:
        with monkeypatch.context() as behind:
            behind.setenv("PUBSUB_EMULATOR_HOST", proxy.address)
            subscription = subscribe(cloud, patience=1.5)
            subscription.start(handle)
            publish_past(cloud, behind, proxy, ["before"])
            wait_until(lambda: "before" in received)
            connections = proxy.connections
            proxy.swallow()
            publish_past(cloud, behind, proxy, ["after"])
            wait_until(lambda: subscription.silence() > 1.5)
            wait_until(lambda: "after" in received, seconds=60)
            wait_until(lambda: subscription.silence() < 1.5)
        assert proxy.connections > connections
        assert subscription.failure() is None
        subscription.stop(grace=1)


def publish_past(cloud: Cloud, variables: pytest.MonkeyPatch, proxy: TcpProxy, numbers: list[str]) -> None:
    """Publish on a sound connection of its own."""
    variables.setenv("PUBSUB_EMULATOR_HOST", cloud.stack.pubsub)
    publisher = PubSubPublisher(cloud.project, cloud.topic)
    publisher.publish(Message("", {"number": number}) for number in numbers)
    publisher.close()
    variables.setenv("PUBSUB_EMULATOR_HOST", proxy.address)


def test_an_empty_queue_is_not_silent(cloud: Cloud) -> None:
    subscription = subscribe(cloud, patience=0.6)
    subscription.start(lambda delivery: delivery.ack())
    longest = 0.0
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        longest = max(longest, subscription.silence())
        time.sleep(0.01)
    assert 0.1 < longest < 0.6
    subscription.stop(grace=1)
    assert subscription.silence() == 0


def test_a_stream_that_brings_nothing_for_long_is_opened_anew(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    received = threading.Event()
    subscription = subscribe(cloud, patience=0.2)
    subscription.start(lambda _: received.set())
    wait_until(lambda: "a new stream" in caplog.text)
    publish(cloud, 1)
    assert received.wait(20)
    subscription.stop(grace=1)


def test_pausing_while_it_asks_for_a_sign_of_life_does_no_harm(cloud: Cloud) -> None:
    received = threading.Event()
    subscription = subscribe(cloud, patience=0.03)
    subscription.start(lambda _: received.set())
    for _ in range(40):
        subscription.pause()
        subscription.resume()
        time.sleep(0.01)  # room for the asking, not a wait for anything
    publish(cloud, 1)
    assert received.wait(30)
    assert subscription.failure() is None
    subscription.stop(grace=1)


def test_an_orderly_stop_logs_no_error(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    subscription = subscribe(cloud)
    subscription.start(lambda delivery: delivery.ack())
    publish(cloud, 20)
    subscription.stop(grace=5)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_only_the_librarys_own_cancelling_is_kept_from_the_log() -> None:
    def record(message: str, error: Exception | None = None) -> logging.LogRecord:
        return logging.LogRecord(
            "bidi", logging.ERROR, "", 0, message, (), (type(error), error, None) if error else None
        )

    assert not drop_locally_cancelled(record("caught unexpected 499 Locally cancelled by application!"))
    assert not drop_locally_cancelled(record("caught error", RuntimeError("Locally cancelled by application!")))
    assert drop_locally_cancelled(record("caught error", RuntimeError("something else")))
    assert drop_locally_cancelled(record("caught error"))


# --- publishing --------------------------------------------------------------------------------------------


def test_messages_too_large_for_one_request_go_in_several(cloud: Cloud) -> None:
    publish(cloud, 7, size=PUBLISH_BYTES // 3)
    assert set(drain(cloud, 7)) == {str(number) for number in range(7)}


def test_a_topic_that_is_not_there_is_misconfigured(cloud: Cloud) -> None:
    publisher = PubSubPublisher(cloud.project, "nothing")
    with pytest.raises(Misconfigured):
        publisher.publish(messages(1))
    publisher.close()


def test_a_message_that_pubsub_never_takes_is_refused(cloud: Cloud) -> None:
    publisher = PubSubPublisher(cloud.project, cloud.topic)
    with pytest.raises(Refused):
        publisher.publish([Message("", {})])
    publisher.close()


def test_no_dead_letters_are_no_error_and_no_subscription_is(cloud: Cloud) -> None:
    assert PubSubDeadLetters(cloud.project, cloud.dead_letters).pull(10) == []
    with pytest.raises(Misconfigured):
        PubSubDeadLetters(cloud.project, "nothing").pull(10)


def test_an_upload_arrives_as_a_notification(cloud: Cloud) -> None:
    generation = cloud.upload("a/ü b.jpg", b"12345")
    received: list[Delivery] = []
    subscription = subscribe(cloud)
    subscription.start(received.append)
    wait_until(lambda: received)
    subscription.stop(grace=1)
    attributes = received[0].message.attributes
    assert attributes["eventType"] == "OBJECT_FINALIZE"
    assert (attributes["bucketId"], attributes["objectId"]) == (cloud.bucket, "a/ü b.jpg")
    assert attributes["objectGeneration"] == str(generation)
