"""Pause and resume: nothing is forgotten, whoever is killed when."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes import MemoryRecords
from worker.errors import Misconfigured, SourceUnavailable
from worker.operate import pause

SAVED = {"notifications": [{"event_types": ["OBJECT_FINALIZE"]}]}


class MemoryIntake:
    """An intake of one bucket; `dies` says before which call the process ends."""

    def __init__(self) -> None:
        self.on: Mapping[str, Any] = SAVED
        self.dies = ""

    def announced(self, bucket: str) -> Mapping[str, Any]:
        assert bucket == "photos"
        return self.on

    def pause(self, bucket: str) -> Mapping[str, Any]:
        self._die("pause")
        was, self.on = self.announced(bucket), {}
        return was

    def resume(self, bucket: str, saved: Mapping[str, Any]) -> None:
        self._die("resume")
        self.announced(bucket)
        self.on = saved or self.on

    def close(self) -> None:
        pass

    def _die(self, call: str) -> None:
        if self.dies == call:
            raise SourceUnavailable("died")


@pytest.mark.parametrize("dies", ["", "pause", "resume"])
def test_what_announced_before_announces_again_after(dies: str) -> None:
    intake, records = MemoryIntake(), MemoryRecords()
    for _ in range(2):  # twice, for the first may have died
        intake.dies = dies if dies == "pause" else ""
        if intake.dies:
            with pytest.raises(SourceUnavailable):
                pause.pause("photos", intake, records, "me")
            intake.dies = ""
        assert pause.pause("photos", intake, records, "me").saved == SAVED
    assert not intake.on
    assert [each.bucket for each in pause.pauses(records)] == ["photos"]
    if dies == "resume":
        intake.dies = dies
        with pytest.raises(SourceUnavailable):
            pause.resume("photos", intake, records, lambda: None)
        intake.dies = ""
    waited: list[str] = []
    pause.resume("photos", intake, records, lambda: waited.append("until it announces"))
    assert intake.on == SAVED
    assert waited
    pause.lift("photos", records)
    assert not pause.pauses(records)


def test_what_announces_nothing_cannot_be_paused_nor_what_announces_be_resumed() -> None:
    intake, records = MemoryIntake(), MemoryRecords()
    with pytest.raises(Misconfigured, match="not paused"):
        pause.resume("photos", intake, records, lambda: None)
    intake.on = {}
    with pytest.raises(Misconfigured, match="nothing to pause"):
        pause.pause("photos", intake, records, "me")
    with pytest.raises(Misconfigured, match="doctor"):
        pause.resume("photos", intake, records, lambda: None)
    assert not pause.pauses(records)
