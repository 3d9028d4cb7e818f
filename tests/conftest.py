"""Fixtures for all tests: the emulator stack, one for the run, and a cloud of its own for each test.

A test that asks for `stack` or `cloud` is marked `emulators` by itself. Where the emulators are not installed
it is skipped with a line that names what is missing; with CI=true that is a failure.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench import recall
from deploy.emulators import NotInstalledError, find_programs
from deploy.stack import Stack, Storage
from worker.settings import PREFIX


def pytest_configure() -> None:
    """Forget the settings that a developer's shell may have: no test is about them."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker("emulators")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The Pub/Sub and Firestore emulators, shared by the whole run."""
    try:
        programs = find_programs()
    except NotInstalledError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"emulators {error}", pytrace=False)
        pytest.skip(f"emulators {error}")
    stack = Stack(tmp_path_factory.mktemp("stack"), programs)
    try:
        yield stack
    finally:
        stack.stop()


@dataclass(frozen=True)
class Cloud:
    """One test's own project: queue, bucket and collection that no other test touches.

    Topic `topic`, subscription `subscription` with the dead-letter subscription `dead_letters`, bucket
    `bucket` that publishes to the topic, and the empty collection `collection` of the default database.
    """

    stack: Stack
    storage: Storage
    project: str
    env: dict[str, str]
    """For subprocesses: the whole environment, with the emulators in it and no way to the real cloud."""
    topic: str = "images"
    subscription: str = "images-worker"
    dead_letters: str = "images-dead"
    bucket: str = "photos"
    database: str = "(default)"
    collection: str = "images"

    def upload(self, name: str, data: bytes, content_type: str = "image/jpeg") -> int:
        """Upload to the bucket, which publishes a notification; return the generation."""
        return self.storage.upload(self.bucket, name, data, content_type)

    def delete(self, name: str) -> None:
        """Delete from the bucket, which publishes a notification."""
        self.storage.delete(self.bucket, name)

    def documents(self) -> dict[str, dict[str, Any]]:
        """All documents of the collection by id, as Google's own client reads them."""
        from google.cloud import firestore

        client = firestore.Client(project=self.project)
        try:
            return {each.id: each.to_dict() or {} for each in client.collection(self.collection).stream()}
        finally:
            client.close()  # type: ignore[no-untyped-call] # the library's own annotation is missing


@pytest.fixture
def cloud(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A fresh project on the stack; this process's clients are pointed at it through their own variables."""
    project = f"test-{uuid.uuid4().hex[:12]}"
    stack.create_queue(project, "images")
    storage = stack.start_storage(project, "images")
    try:
        storage.create_bucket("photos")
        variables = stack.environment(project, storage)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        yield Cloud(stack, storage, project, dict(os.environ))
    finally:
        storage.stop()


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of image corpora, which are not part of this project."""
    folder = recall.corpora()
    if not folder.is_dir():
        pytest.skip(f"no image corpora in {folder}")
    return folder
