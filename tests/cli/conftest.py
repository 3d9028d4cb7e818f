from pathlib import Path

import pytest

from tests.samples import SAMPLES, write_all

ALPS = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg")


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all samples; tests only read it."""
    folder = tmp_path_factory.mktemp("samples")
    write_all(folder)
    return folder


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG with metadata."""
    return ALPS.make()


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory, photo: bytes) -> Path:
    """A folder with a thousand pictures; tests only read it."""
    folder = tmp_path_factory.mktemp("thousand")
    for number in range(1000):
        (folder / f"{number:04}.jpg").write_bytes(photo)
    return folder
