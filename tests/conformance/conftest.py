"""The backends that the suites run against. A new backend is one line in each of these tables."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest

from tests.conformance import gcp, rigs
from tests.conformance.rigs import CatalogRig, DocumentRig, ObjectRig, QueueRig
from worker.ports import Records

Rig = TypeVar("Rig")


@dataclass(frozen=True)
class Backend(Generic[Rig]):
    """How to set up a backend for one test. `make` may ask the request for fixtures; `marks` go to its tests."""

    make: Callable[[pytest.FixtureRequest], AbstractContextManager[Rig]]
    marks: tuple[pytest.MarkDecorator, ...] = ()


QUEUES: dict[str, Backend[QueueRig]] = {
    "memory": Backend(rigs.memory_queue),
    "local": Backend(rigs.local_queue),
    "gcp": Backend(gcp.gcp_queue, (pytest.mark.emulators,)),
}
OBJECTS: dict[str, Backend[ObjectRig]] = {
    "memory": Backend(rigs.memory_objects),
    "local": Backend(rigs.local_objects),
    "gcp": Backend(gcp.gcp_objects, (pytest.mark.emulators,)),
}
DOCUMENTS: dict[str, Backend[DocumentRig]] = {
    "memory": Backend(rigs.memory_documents),
    "local": Backend(rigs.local_documents),
    "gcp": Backend(gcp.gcp_documents, (pytest.mark.emulators,)),
}
RECORDS: dict[str, Backend[Records]] = {
    "memory": Backend(rigs.memory_records),
    "local": Backend(rigs.local_records),
    "gcp": Backend(gcp.gcp_records, (pytest.mark.emulators,)),
}
CATALOGS: dict[str, Backend[CatalogRig]] = {
    "local": Backend(rigs.local_catalog),
    "gcp": Backend(gcp.gcp_catalog, (pytest.mark.emulators,)),
}


def _each(backends: dict[str, Backend[Rig]]) -> list[object]:
    return [pytest.param(backend.make, id=name, marks=backend.marks) for name, backend in backends.items()]


@pytest.fixture(params=_each(QUEUES))
def queue(request: pytest.FixtureRequest) -> Iterator[QueueRig]:
    with request.param(request) as rig:
        yield rig


@pytest.fixture(params=_each(OBJECTS))
def objects(request: pytest.FixtureRequest) -> Iterator[ObjectRig]:
    with request.param(request) as rig:
        yield rig


@pytest.fixture(params=_each(DOCUMENTS))
def documents(request: pytest.FixtureRequest) -> Iterator[DocumentRig]:
    with request.param(request) as rig:
        yield rig


@pytest.fixture(params=_each(RECORDS))
def records(request: pytest.FixtureRequest) -> Iterator[Records]:
    with request.param(request) as store:
        yield store


@pytest.fixture(params=_each(CATALOGS))
def catalog(request: pytest.FixtureRequest) -> Iterator[CatalogRig]:
    with request.param(request) as rig:
        yield rig
