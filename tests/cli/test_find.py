"""imagemeta find: what is found, how it is written, and what is said of a query that is none."""

import csv
import io
import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.catalog.seeded import documents
from tests.cli.program import imagemeta, on_a_terminal, records
from tests.conftest import Cloud
from tests.samples import write_all
from worker.backends.gcp.firestore import FirestoreDocuments
from worker.ports import Create


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of samples with its catalog; tests only read it."""
    folder = tmp_path_factory.mktemp("pictures")
    write_all(folder)
    assert imagemeta("up", folder, "--once").returncode == 0
    return folder


def files(output: str) -> list[str]:
    return [record["file"] for record in records(output)]


def test_a_table_has_the_newest_first(folder: Path) -> None:
    done = imagemeta("find", "--folder", folder, "make:apple")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["file", "phone/portrait.heic", "phone/market.jpg"]


def test_several_arguments_are_one_query_and_a_term_may_begin_with_a_minus(folder: Path) -> None:
    done = imagemeta("find", "--folder", folder, "-has:position", "-format:webp", "iso:>100", "--format", "jsonl")
    assert files(done.stdout) == ["broken-upload.jpg", "京都の桜.jpg", "harbour-night.jpg"]
    everything = imagemeta("find", "--folder", folder, "--format", "jsonl")
    without = imagemeta("find", "-has:position", "--folder", folder, "--format", "jsonl")
    assert 0 < len(files(without.stdout)) < len(files(everything.stdout))


def test_records_are_those_of_extract(folder: Path) -> None:
    (found,) = records(imagemeta("find", "name:alps-sunrise.jpg", "--folder", folder, "--format", "jsonl").stdout)
    (extracted,) = records(imagemeta("extract", folder / "alps-sunrise.jpg").stdout)
    assert found["file"] == "alps-sunrise.jpg"
    assert {name: found.get(name) for name in extracted if name not in ("file", "created", "updated")} == {
        name: value for name, value in extracted.items() if name not in ("file", "created", "updated")
    }
    assert "search" not in found


def test_json_is_one_array_and_csv_has_the_error(folder: Path) -> None:
    assert len(json.loads(imagemeta("find", "--folder", folder, "--format", "json", "--limit", "3").stdout)) == 3
    done = imagemeta("find", "status:failed", "--folder", folder, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["file"], row["error_code"]) == ("note.jpg", "unsupported_format")


@pytest.mark.parametrize(
    ("query", "said", "caret"),
    [
        (["makr:Sony"], "did you mean make?", "^"),
        (["sunset", "iso:high"], "'high' is no number", "           ^"),
        (['make:"Sony'], "never closed", "     ^"),
    ],
)
def test_a_bad_query_is_pointed_at(folder: Path, query: list[str], said: str, caret: str) -> None:
    done = imagemeta("find", "--folder", folder, *query)
    assert done.returncode == 2
    assert not done.stdout
    message, shown, pointer = done.stderr.splitlines()
    assert said in message
    assert shown == f"imagemeta:   {' '.join(query)}"
    assert pointer == f"imagemeta:   {caret}"


def test_nothing_found_is_said(folder: Path) -> None:
    done = imagemeta("find", "--folder", folder, "make:nobody")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "imagemeta: nothing found\n")


def test_a_folder_without_a_catalog_is_told_how_to_get_one(tmp_path: Path) -> None:
    done = imagemeta("find", "--folder", tmp_path)
    assert done.returncode == 78
    assert "`imagemeta up " in done.stderr
    assert not list(tmp_path.iterdir())
    assert imagemeta("find", cwd=tmp_path).returncode == 78


def test_the_catalog_is_that_of_the_folder_one_is_in_or_of_the_settings(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite://{folder}/.imagemeta/catalog.db"
    here = imagemeta("find", "make:apple", "--format", "jsonl", cwd=folder)
    there = imagemeta("find", "make:apple", "--format", "jsonl", cwd=tmp_path, IMAGEMETA_DOCUMENTS=url)
    assert len(files(here.stdout)) == 2
    assert here.stdout == there.stdout


def test_a_terminal_is_not_steered_by_a_query(folder: Path) -> None:
    code, shown, _ = on_a_terminal("find", "--folder", folder, "x:\x1b[31m")
    assert code == 2
    assert "\x1b[31m" not in shown


def test_the_cloud_is_searched_with_the_same_words(cloud: Cloud) -> None:
    with closing(FirestoreDocuments(cloud.project)) as store:
        store.commit([Create(document) for document in documents()])
    url = f"firestore://{cloud.project}/(default)/images"
    done = imagemeta(
        "find", "near:48.1,11.5,2km", "in:gs://photos/munich/", "--format", "jsonl", IMAGEMETA_DOCUMENTS=url
    )
    assert files(done.stdout) == ["gs://photos/munich/edge.jpg", "gs://photos/munich/in.jpg"]
    refused = imagemeta("find", "iso:>100", "-make:Sony", IMAGEMETA_DOCUMENTS=url)
    assert refused.returncode == 2
    assert "add has:make" in refused.stderr.splitlines()[0]
    assert refused.stderr.splitlines()[2] == "imagemeta:            ^"
