"""The guarantee: what is acknowledged is durable. This is the only place that settles a delivery."""

from worker import events
from worker.breaker import Breaker
from worker.ports import Delivery
from worker.processor import Processor


class Worker:
    """Handles deliveries, from any number of threads.

    While the breaker is open, an error says nothing about the message, so no attempt counts.
    """

    def __init__(self, processor: Processor, breaker: Breaker) -> None:
        self._processor = processor
        self._breaker = breaker

    def handle(self, delivery: Delivery) -> None:
        """Return when the delivery is settled; never raises."""
        message, attempt = delivery.message, delivery.attempt
        with events.walking(message, attempt):
            try:
                outcome = self._processor.process(message, attempt, counted=not self._breaker.open)
            except Exception as error:  # noqa: BLE001 -- whatever it was, the message must go back
                delivery.nack()
                self._breaker.failed(message.id, error)
                events.nacked(error)
            else:
                with events.stage("ack"):
                    delivery.ack()
                self._breaker.succeeded()
                events.acked(outcome)
