"""The guarantee: what is acknowledged is durable. This is the only place that settles a delivery."""

from worker import events
from worker.breaker import Breaker
from worker.ports import Delivery
from worker.processor import Processor


class Worker:
    """Handles deliveries, from any number of threads.

    `max_attempts` is ours and lower than the queue's own limit: ours writes the reason down, the queue's catches what
    kills the process. While the breaker is open, an error says nothing about the message, so no attempt is the last.
    """

    def __init__(self, processor: Processor, breaker: Breaker, max_attempts: int = 10) -> None:
        self._processor = processor
        self._breaker = breaker
        self._max_attempts = max_attempts

    def handle(self, delivery: Delivery) -> None:
        """Return when the delivery is settled; never raises."""
        message, attempt = delivery.message, delivery.attempt
        with events.walking(message, attempt):
            try:
                last = attempt >= self._max_attempts and not self._breaker.open
                outcome = self._processor.process(message, attempt, last=last)
            except Exception as error:  # noqa: BLE001 -- whatever it was, the message must go back
                delivery.nack()
                self._breaker.failed(message.id, error)
                events.nacked(error)
            else:
                with events.stage("ack"):
                    delivery.ack()
                self._breaker.succeeded()
                events.acked(outcome)
