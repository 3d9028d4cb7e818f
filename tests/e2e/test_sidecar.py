"""A sidecar on the emulators: before its image and after it, under either name, replaced and deleted."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.guarantee.running import RunningWorker
from tests.samples.catalogue import SAMPLES
from tests.samples.packets import xmp
from worker.document import key_for

PHOTO = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg").make()
OWN, MINE = "Sunrise over the Aletsch", "Mine"
VARYING = {
    "name",
    "uri",
    "generation",
    "sidecar",
    "created",
    "updated",
    "event_time",
    "processed_at",
    "attempt",
    "worker",
    "search",  # it has the words of the name
}


def packet(title: str) -> bytes:
    return xmp({"dc:title": {"x-default": title}})


def document(cloud: Cloud, name: str) -> dict[str, Any]:
    return cloud.documents().get(key_for(cloud.bucket, name), {})


def wait_for(cloud: Cloud, name: str, title: str) -> None:
    wait_until(lambda: document(cloud, name).get("text", {}).get("title") == title, 60)


@pytest.mark.parametrize("suffix", [".xmp", ".JPG.xmp"])
def test_before_or_after_the_image_it_is_merged_and_followed(cloud: Cloud, tmp_path: Path, suffix: str) -> None:
    early, late = f"early/IMG{suffix}", f"late/IMG{suffix}"
    with RunningWorker(cloud, tmp_path / "log"):
        cloud.upload(early, packet(MINE), "application/rdf+xml")
        wait_for(cloud, early, MINE)
        cloud.upload("early/IMG.JPG", PHOTO)
        cloud.upload("late/IMG.JPG", PHOTO)
        wait_for(cloud, "early/IMG.JPG", MINE)
        wait_for(cloud, "late/IMG.JPG", OWN)
        generation = cloud.upload(late, packet(MINE), "application/rdf+xml")
        wait_for(cloud, "late/IMG.JPG", MINE)
        first, second = (document(cloud, f"{folder}/IMG.JPG") for folder in ("early", "late"))
        assert second["sidecar"] == {"name": late, "generation": generation}
        assert {name: first[name] for name in first.keys() - VARYING} == {
            name: second[name] for name in second.keys() - VARYING
        }
        cloud.upload(late, packet("Newer"), "application/rdf+xml")
        wait_for(cloud, "late/IMG.JPG", "Newer")
        cloud.delete(late)
        wait_for(cloud, "late/IMG.JPG", OWN)
        assert "sidecar" not in document(cloud, "late/IMG.JPG")
        assert document(cloud, late)["status"] == "deleted"
