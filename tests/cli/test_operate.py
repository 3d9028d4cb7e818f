"""Operating a folder's catalog by the real commands, as docs/operations.md teaches them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import ROOT, imagemeta, started
from tests.fakes import wait_until
from worker.backends.local.documents import LocalDocuments

COMMANDS = (
    *("status", "backfill", "reconcile", "failures", "redrive", "reextract", "replay", "pause", "resume", "runs"),
    *("quarantine", "dead-letters", "fields"),
)
BROKEN = b"\xff\xd8\xff"


@pytest.fixture
def pictures(tmp_path: Path, photo: bytes) -> Path:
    """Ten good pictures, and one that is broken before its first part."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.jpg").write_bytes(photo)
    (folder / "broken.jpg").write_bytes(BROKEN)
    return folder


@pytest.fixture
def catalog(pictures: Path) -> Path:
    """The folder, caught up with."""
    assert imagemeta("up", pictures, "--once").returncode == 0
    return pictures


def told(*arguments: str | Path, code: int = 0) -> Any:
    """The JSON that a command prints: one object, or the list of its lines."""
    result = imagemeta(*arguments, "--format", "json")
    assert result.returncode == code, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return lines[0] if len(lines) == 1 else lines


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    store = LocalDocuments(folder / ".imagemeta" / "catalog.db")
    try:
        return {str(fields["name"]): fields for _, fields in store.scan()}
    finally:
        store.close()


@pytest.mark.usefixtures("pictures")
def test_the_walk_through_operations_runs_as_it_is_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    walk = re.search(r"<!-- walk -->\n```console\n(.*?)```\n<!-- /walk -->", page, re.DOTALL)
    assert walk
    lines = walk[1].splitlines()
    assert {line.split()[1] for line in lines} >= set(COMMANDS)
    for line in lines:
        result = imagemeta(*line.split()[1:], cwd=tmp_path)
        assert result.returncode == 0, f"{line}: {result.stderr}"
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(command: str) -> None:
    words = {"dead-letters": [command, "drain"], "fields": [command, "add"]}.get(command, [command])
    shown = imagemeta(*words, "--help").stdout
    assert re.search(rf"^\s+imagemeta {command}\b", shown, re.MULTILINE)
    assert "--format" in shown


def test_failures_are_shown_counted_and_sent_back(catalog: Path) -> None:
    shown = told("failures", "--folder", catalog)
    assert shown["total"] == 1
    assert [group["code"] for group in shown["groups"]] == ["corrupt_image"]
    assert shown["failures"][0]["uri"] == "gs://pictures/broken.jpg"
    assert told("redrive", "--folder", catalog, "--dry-run")["messages"] == 1
    assert told("redrive", "code:poison", "--folder", catalog)["published"] == 0
    for number in range(3):
        assert told("redrive", "--folder", catalog)["published"] == 1
        assert imagemeta("up", catalog, "--once").returncode == 0
        assert documents(catalog)["broken.jpg"]["failure"]["redrives"] == number + 1
    refused = imagemeta("redrive", "--folder", catalog)
    assert refused.returncode == 1
    assert "redriven 3 times already" in refused.stderr
    assert [run["action"] for run in told("runs", "--folder", catalog)] == ["redrive"] * 5


def test_failures_are_shown_page_by_page(catalog: Path) -> None:
    for number in range(4):
        (catalog / f"cut-{number}.jpg").write_bytes(BROKEN)
    assert imagemeta("up", catalog, "--once").returncode == 0
    first = told("failures", "--folder", catalog, "--limit", "3")
    rest = told("failures", "--folder", catalog, "--limit", "3", "--cursor", first["next"])
    assert (first["total"], rest["next"]) == (5, None)
    uris = [each["uri"] for each in first["failures"] + rest["failures"]]
    assert len(uris) == len(set(uris)) == 5
    shown = imagemeta("failures", "--folder", catalog, "--limit", "3").stdout
    assert shown.startswith("5 failures\n")
    assert f"more: --cursor {first['next']}" in shown


def test_what_is_set_aside_stays_until_it_is_released(catalog: Path) -> None:
    assert told("quarantine", "code:corrupt_image", "--folder", catalog, "--dry-run")["documents"] == 1
    run = told("quarantine", "code:corrupt_image", "--folder", catalog)
    assert (run["state"], run["published"]) == ("done", 1)
    assert told("redrive", "--folder", catalog)["published"] == 0
    assert told("failures", "quarantined:yes", "--folder", catalog)["total"] == 1
    assert told("redrive", "quarantined:yes", "--release", "--folder", catalog)["published"] == 1


def test_a_picture_that_was_mended_is_no_longer_a_failure(catalog: Path, photo: bytes) -> None:
    (catalog / "broken.jpg").write_bytes(photo)
    (finding, counts) = told("reconcile", catalog, code=1)
    assert (finding["difference"], finding["name"]) == ("stale", "broken.jpg")
    assert counts["stale"] == 1
    *_, counts, run = told("reconcile", catalog, "--repair")
    assert (counts["stale"], run["published"]) == (1, 1)
    assert imagemeta("up", catalog, "--once").returncode == 0
    assert imagemeta("reconcile", catalog).returncode == 0
    assert told("failures", "--folder", catalog)["total"] == 0


def test_a_backfill_says_what_it_would_do_and_does_it_once(catalog: Path) -> None:
    dry = told("backfill", catalog, "--all", "--dry-run")
    assert (dry["listed"], dry["messages"]) == (11, 11)
    assert dry["bytes_to_read"] > 0
    assert told("backfill", catalog, "--dry-run")["messages"] == 0
    before = documents(catalog)
    assert told("backfill", catalog, "--all")["published"] == 11
    assert told("status", "--folder", catalog)["backlog"]["waiting"] == 11
    assert imagemeta("up", catalog, "--once").returncode == 0
    after = documents(catalog)
    good = {name for name in before if name != "broken.jpg"}
    assert {name: after[name] for name in good} == {name: before[name] for name in good}, (
        "nothing new was to be written"
    )


def test_pause_upload_fifty_resume_and_all_are_there(catalog: Path, photo: bytes) -> None:
    with started("up", catalog, IMAGEMETA_LOG_LEVEL="error"):
        assert told("pause", catalog)["bucket"] == "pictures"
        assert told("pause", catalog)["bucket"] == "pictures", "a second time changes nothing"
        for number in range(50):
            (catalog / f"late-{number}.jpg").write_bytes(photo)
        (catalog / "0.jpg").unlink()
        assert [pause["bucket"] for pause in told("status", "--folder", catalog)["pauses"]] == ["pictures"]
        assert len(documents(catalog)) == 11
        assert told("resume", catalog)["state"] == "done"
        wait_until(lambda: len(documents(catalog)) == 61, 60)
        wait_until(lambda: documents(catalog)["0.jpg"]["status"] == "deleted", 60)
    assert not told("status", "--folder", catalog)["pauses"]
    again = imagemeta("resume", catalog)
    assert again.returncode == 78
    assert "is not paused" in again.stderr


def test_status_names_the_living_and_their_version(catalog: Path) -> None:
    with started("up", catalog, "--shards", "2", IMAGEMETA_LOG_LEVEL="error") as process:
        wait_until(lambda: len(told("status", "--folder", catalog)["workers"]) == 2, 60)
        seen = told("status", "--folder", catalog)
        process.terminate()
        process.wait(30)
    assert {worker["version"] for worker in seen["workers"]} == {"0.1.0"}
    assert seen["documents"]["ok"] == 10
    assert seen["documents"]["failed"] == 1
    assert seen["empty_in"] == 0
    assert not told("status", "--folder", catalog)["workers"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["failures", "colour:red"], 2, "there is no field 'colour'"),
        (["redrive", "status:ok"], 2, "leave status: out"),
        (["replay", "--since", "yesterday", "--from-store"], 78, "is no time"),
        (["replay", "--since", "24h"], 78, "--from-store"),
        (["reextract", "--outdated", "--partial"], 78, "exclude each other"),
    ],
)
def test_what_is_asked_wrongly_gets_one_line_that_says_what_to_write(
    catalog: Path, arguments: list[str], code: int, sentence: str
) -> None:
    result = imagemeta(*arguments, "--folder", catalog)
    assert result.returncode == code
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_without_a_catalog_is_told_how_to_get_one(tmp_path: Path) -> None:
    for command in (["backfill", str(tmp_path)], ["status", "--folder", str(tmp_path)]):
        result = imagemeta(*command)
        assert result.returncode == 78
        assert "imagemeta up" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_name_that_would_steer_a_terminal_is_shown_and_not_obeyed(pictures: Path) -> None:
    (pictures / "\x1b[31mred.jpg").write_bytes(BROKEN)
    assert imagemeta("up", pictures, "--once").returncode == 0
    assert "\x1b" not in imagemeta("failures", "--folder", pictures).stdout


def test_a_tag_is_promoted_from_what_documents_hold_while_no_picture_is_there(catalog: Path) -> None:
    def found() -> list[str]:
        return imagemeta("find", "tag:IFD0:Make>a", "--folder", catalog, "--format", "jsonl").stdout.splitlines()

    assert len(found()) == 10
    for picture in catalog.glob("*.jpg"):
        picture.unlink()
    before = documents(catalog)
    assert told("fields", "add", "IFD0:Make", "--folder", catalog, "--dry-run") == {
        "dry_run": True,
        "looked_at": 11,
        "written": 10,
    }
    assert documents(catalog) == before, "a dry run writes nothing"
    assert told("fields", "list", "--folder", catalog) == []
    run = told("fields", "add", "IFD0:Make", "--folder", catalog)
    assert (run["action"], run["state"], run["seen"], run["published"]) == ("promote", "done", 11, 10)
    assert told("fields", "add", "ifd0:make", "--folder", catalog)["published"] == 0
    assert len(found()) == 10
    listed = told("fields", "list", "--folder", catalog)
    assert (listed["name"], listed["filled"]) == ("IFD0:Make", True)
    after = documents(catalog)
    assert sum(bool(fields["search"].pop("fields", None)) for fields in after.values()) == 10
    assert after == before, "nothing else was touched"
    assert told("fields", "remove", "IFD0:Make", "--folder", catalog) == {"removed": "IFD0:Make"}
    assert told("fields", "list", "--folder", catalog) == []
    assert len(found()) == 10
    absent = imagemeta("fields", "remove", "IFD0:Make", "--folder", catalog)
    assert absent.returncode == 78
    assert "IFD0:Make is not promoted" in absent.stderr
