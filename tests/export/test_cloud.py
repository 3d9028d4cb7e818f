"""An export of a whole set-up on the emulators: Firestore's documents, into a bucket that nobody watches."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.front import Front
from tests.conftest import Cloud
from tests.export.reading import rows
from tests.export.rig import a_picture
from worker import exports
from worker.bootstrap import open_documents
from worker.errors import Misconfigured
from worker.exports import Wanted
from worker.ports import Create
from worker.settings import Settings, load
from worker.site import Site

PICTURES = 650
"""More than two pages of Firestore's."""

pytestmark = pytest.mark.emulators


@pytest.fixture
def settings(cloud: Cloud, tmp_path: Path) -> Settings:
    """Documents in Firestore, of a set-up that watches no bucket."""
    cloud.storage.create_bucket("exports")
    settings = load(
        {
            "IMAGEMETA_OBJECTS": f"file://{tmp_path}/photos",
            "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/(default)/images",
        }
    )
    documents = open_documents(settings)
    numbers = list(range(PICTURES))
    random.Random(1).shuffle(numbers)
    for first in range(0, PICTURES, 100):
        assert set(documents.commit([Create(a_picture(number)) for number in numbers[first : first + 100]])) == {None}
    documents.close()
    return settings


@pytest.fixture
def front(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """The bucket `photos` announces its objects; `exports` does not."""
    cloud.storage.create_bucket("exports")
    front = Front(cloud)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{front.address}")
    topic = f"//pubsub.googleapis.com/projects/{cloud.project}/topics/{cloud.topic}"
    front.state.configs["photos"] = {"1": {"id": "1", "topic": topic, "payload_format": "JSON_API_V1"}}
    yield front
    front.stop()


def downloaded(site: Site, place: str, wanted: Wanted, folder: Path) -> Path:
    done = exports.export(site, wanted, place, lambda _: None)
    assert done.file == place
    file = folder / place.rpartition("/")[2]
    from worker.shelving import open_shelf

    shelf, name = open_shelf(site.settings, place)
    with file.open("wb") as out:
        out.writelines(shelf.read(name))
    shelf.close()
    return file


def test_all_of_firestore_and_what_a_query_finds_of_it(settings: Settings, tmp_path: Path) -> None:
    with Site(settings) as site:
        whole = downloaded(site, "gs://exports/nightly/images.csv", Wanted(), tmp_path)
        keys = [row["key"] for row in rows(whole, "csv")]
        assert len(keys) == PICTURES
        assert keys == sorted(keys)
        sony = downloaded(site, "gs://exports/sony.parquet", Wanted("make:Sony"), tmp_path)
        found = rows(sony, "parquet")
        assert len(found) == sum(row["make"] == "Sony" for row in rows(whole, "csv")) > 100
        assert exports.rehearse(site, Wanted("make:Sony"), "gs://exports/x.csv")[1] == len(found)
        assert exports.total(site, Wanted("make:Sony")) == len(found)


def test_a_bucket_that_announces_its_objects_is_refused(front: Front) -> None:
    project = front.cloud.project
    settings = load(
        {
            "IMAGEMETA_TOPIC": f"pubsub://{project}/{front.cloud.topic}",
            "IMAGEMETA_DOCUMENTS": f"firestore://{project}/(default)/images",
        }
    )
    with Site(settings) as site:
        with pytest.raises(Misconfigured, match="choose another bucket"):
            exports.rehearse(site, Wanted(), "gs://photos/exports/images.csv")
        assert exports.rehearse(site, Wanted(), "gs://exports/images.csv") == ("gs://exports/images.csv", 0)
