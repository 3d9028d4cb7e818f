"""`imagemeta extract gs://...`, on the Cloud Storage emulator; the fixture `cloud` points this environment at it."""

from pathlib import Path

import pytest

from tests.cli.program import imagemeta, records
from tests.conftest import Cloud
from tests.samples.packets import xmp


@pytest.fixture
def uploaded(cloud: Cloud, photo: bytes) -> None:
    """A bucket with three pictures, a text, and what consoles make to show a folder."""
    for name in ("2023/old.jpg", "2024/a b%2F?.jpg", "2024/deep/c.jpg"):
        cloud.upload(name, photo)
    cloud.upload("2024/notes.txt", b"no image", "text/plain")
    cloud.upload("2024/", b"", "text/plain")


def files(*targets: str) -> tuple[int, list[str]]:
    result = imagemeta("extract", *targets)
    return result.returncode, [record["file"] for record in records(result.stdout)]


@pytest.mark.usefixtures("uploaded")
def test_a_bucket_a_prefix_an_object() -> None:
    everything = ["gs://photos/2023/old.jpg", "gs://photos/2024/a b%2F?.jpg", "gs://photos/2024/deep/c.jpg"]
    assert files("gs://photos") == (0, everything)
    assert files("gs://photos/2024/") == (0, everything[1:])
    assert files("gs://photos/2024/a b%2F?.jpg") == (0, everything[1:2])
    assert files("gs://photos/2024/", "--no-recursive") == (0, everything[1:2])


@pytest.mark.usefixtures("uploaded")
def test_cloud_and_disk_together_and_what_is_not_there(samples: Path) -> None:
    targets = ["gs://photos/2023/old.jpg", f"{samples}/lagoon.jpg", "gs://photos/nothing", "gs://nowhere/x.jpg"]
    assert files(*targets) == (3, targets)


@pytest.mark.usefixtures("uploaded")
def test_a_record_has_the_facts_of_the_object() -> None:
    (record,) = records(imagemeta("extract", "gs://photos/2023/old.jpg").stdout)
    assert (record["bucket"], record["name"]) == ("photos", "2023/old.jpg")
    assert record["status"] == "ok"
    assert record["generation"] > 0
    assert record["camera"]["model"] == "EOS R6"


@pytest.mark.usefixtures("uploaded")
def test_a_sidecar_beside_the_object_is_merged(cloud: Cloud) -> None:
    for name in ("2024/a b%2F?.xmp", "2024/deep/c.jpg.xmp"):
        cloud.upload(name, xmp({"dc:title": {"x-default": name}}), "application/rdf+xml")
    found = {record["name"]: record for record in records(imagemeta("extract", "gs://photos").stdout)}
    for name, title in (("2024/a b%2F?.jpg", "2024/a b%2F?.xmp"), ("2024/deep/c.jpg", "2024/deep/c.jpg.xmp")):
        assert (found[name]["text"]["title"], found[name]["sidecar"]["name"]) == (title, title)
    assert "sidecar" not in found["2023/old.jpg"]


@pytest.mark.usefixtures("cloud")
def test_an_empty_bucket_is_no_failure() -> None:
    assert files("gs://photos") == (0, [])
