"""Replay from the store: the same final state, and nothing written that was right."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.operate.rig import Rig
from worker.decode import encode
from worker.errors import Misconfigured
from worker.model import Event, Notification
from worker.operate import replay
from worker.operate.runs import State

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class FixedRewind:
    """A queue that goes back to noon, or keeps nothing; remembers where it was sent."""

    def __init__(self, reaches: datetime | None) -> None:
        self._reaches = reaches
        self.sent: list[datetime] = []

    def reaches(self) -> datetime | None:
        return self._reaches

    def seek(self, moment: datetime) -> None:
        self.sent.append(moment)

    def close(self) -> None:
        pass


@pytest.fixture
def rig() -> Rig:
    """Twenty pictures, one an hour from noon on; the last one is deleted again."""
    rig = Rig()
    for hour in range(20):
        ref = rig.bucket.put(f"{hour:02}.jpg", b"data")
        rig.queue.publish([encode(Notification(Event.FINALIZE, ref, NOON + timedelta(hours=hour)))])
    rig.work()
    ref, _ = rig.bucket.objects["19.jpg"]
    rig.bucket.delete("19.jpg")
    rig.queue.publish([encode(Notification(Event.DELETE, ref, NOON + timedelta(hours=19)))])
    rig.work()
    return rig


def test_what_happened_since_is_sent_again_and_nothing_that_is_right_is_written(rig: Rig) -> None:
    since = NOON + timedelta(hours=15)
    assert replay.preview(since, rig.documents, None) == replay.Preview(since, 5, None)
    before = {key: (stored.version, dict(stored.fields)) for key, stored in rig.documents.stored.items()}
    run = rig.ledger.begin("replay", "x")
    done = rig.carry(run, replay.items(rig.documents, since, run))
    assert (done.seen, done.published, done.state) == (20, 5, State.DONE)
    rig.work()
    assert {key: (stored.version, dict(stored.fields)) for key, stored in rig.documents.stored.items()} == before


def test_a_replay_that_stopped_goes_on_behind_what_it_sent(rig: Rig) -> None:
    run = rig.carry(
        rig.ledger.begin("replay", "x"), replay.items(rig.documents, NOON, rig.ledger.begin("replay", "x")), 7
    )
    assert run.published == 7
    again = rig.ledger.begin("replay", "x")
    assert rig.carry(again, replay.items(rig.documents, NOON, again)).published == 20
    names = [delivery.message.attributes["objectId"] for delivery in rig.queue.waiting]
    assert len(names) == len(set(names)) == 20


def test_a_queue_is_sent_back_only_as_far_as_it_goes() -> None:
    rewind = FixedRewind(NOON)
    replay.seek(rewind, NOON + timedelta(hours=1))
    assert rewind.sent == [NOON + timedelta(hours=1)]
    with pytest.raises(Misconfigured, match="goes back to 2026-11-25T12:00:00Z only"):
        replay.seek(rewind, NOON - timedelta(hours=1))
    with pytest.raises(Misconfigured, match="from-store"):
        replay.seek(FixedRewind(None), NOON)
    assert len(rewind.sent) == 1
