from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.catalog.seeded import documents
from tests.web.api.client import BY_NAME, UNHURRIED, Client
from worker.backends.local.documents import LocalDocuments
from worker.backends.local.queue import LocalPublisher
from worker.local import settings_in
from worker.model import Document
from worker.ports import Create
from worker.settings import Settings
from worker.web.serving import served


@dataclass(frozen=True)
class Place:
    """A folder with its catalog, as `imagemeta up` would have left it."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return settings_in(self.folder, {})

    def store(self, *made: Document) -> None:
        with closing(LocalDocuments(self.folder / ".imagemeta" / "catalog.db")) as store:
            assert not any(store.commit([Create(document) for document in made]))


def place(folder: Path) -> Place:
    (folder / ".imagemeta").mkdir(parents=True)
    LocalDocuments(folder / ".imagemeta" / "catalog.db").close()
    LocalPublisher(folder / ".imagemeta" / "queue.db").close()
    return Place(folder)


@pytest.fixture
def empty(tmp_path: Path) -> Place:
    """A folder named photos, without a document."""
    return place(tmp_path / "photos")


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The seeded documents; tests only read them."""
    found = place(tmp_path_factory.mktemp("seeded") / "photos")
    found.store(*documents())
    return found


@pytest.fixture(scope="session")
def url(seeded: Place) -> Iterator[str]:
    """Where the seeded documents are served."""
    with served(seeded.settings, who=BY_NAME, bounds=UNHURRIED) as url:
        yield url


Asking = Callable[[str], Client]


@pytest.fixture
def asking(url: str) -> Iterator[Asking]:
    """A client of the seeded documents, by its viewer's name."""
    with ExitStack() as stack:
        yield lambda viewer: stack.enter_context(closing(Client(url, viewer)))


@pytest.fixture
def client(asking: Asking) -> Client:
    """One who sees everything."""
    return asking("exact")
