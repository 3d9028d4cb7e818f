"""`imagemeta extract`, as a user runs it."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import DEADLINE, HOSTILE, PROGRAM, environment, imagemeta, records
from tests.samples import SAMPLES
from tests.samples.packets import xmp

COUNTER = "import json, sys; print(sum(json.loads(line)['status'] == 'ok' for line in sys.stdin))"


# --- results -----------------------------------------------------------------------------------------------


def test_a_picture_is_one_json_line_with_its_summary_and_all_its_tags(samples: Path) -> None:
    result = imagemeta("extract", samples / "lagoon.jpg")
    assert (result.returncode, result.stderr) == (0, "")
    (record,) = records(result.stdout)
    assert record["file"] == str(samples / "lagoon.jpg")
    assert record["status"] == "ok"
    assert record["camera"] == {"make": "Sony", "model": "ILCE-7M4", "lens": "FE 24-70mm F2.8 GM II"}
    assert record["taken"]["local"] == "2022-02-27T18:30:00"
    assert record["taken"]["utc"] == "2022-02-27T21:30:00Z"
    position = record["position"]
    assert position["latitude"] == pytest.approx(-49.5761)
    assert position["longitude"] == pytest.approx(-68.3514)
    assert position["altitude"] == -105
    assert record["tags"]["IFD0:Model"]["value"] == "ILCE-7M4"


def test_a_folder_gives_each_of_its_pictures_in_the_order_of_the_names(samples: Path) -> None:
    found = {record["file"]: record for record in records(imagemeta("extract", samples).stdout)}
    names = sorted((sample.name for sample in SAMPLES), key=str.encode)
    assert list(found) == [f"{samples}/{name}" for name in names]
    for sample in SAMPLES:
        assert found[f"{samples}/{sample.name}"]["status"] == sample.status.split(" ")[0]


def test_a_thousand_files_pipe_clean_json_lines_into_another_program(thousand: Path) -> None:
    with subprocess.Popen([*PROGRAM, "extract", thousand], stdout=subprocess.PIPE, env=environment()) as program:
        reader = subprocess.run(
            [sys.executable, "-c", COUNTER],
            stdin=program.stdout,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=True,
        )
        assert program.wait(DEADLINE) == 0
    assert reader.stdout == "1000\n"


def test_one_process_and_several_say_the_same(samples: Path) -> None:
    one, several = (imagemeta("extract", samples, "-j", jobs).stdout for jobs in ("1", "3"))
    assert one == several


def test_several_targets_keep_their_order(samples: Path) -> None:
    wanted = [samples / "scan.tiff", samples / "phone", samples / "alps-sunrise.jpg"]
    files = [Path(record["file"]).name for record in records(imagemeta("extract", *wanted).stdout)]
    assert files == ["scan.tiff", "kite.avif", "market.jpg", "portrait.heic", "alps-sunrise.jpg"]


def test_targets_are_read_from_stdin(samples: Path) -> None:
    result = imagemeta("extract", "-", stdin=f"{samples}/scan.tiff\n\n{samples}/phone\n")
    files = [Path(record["file"]).name for record in records(result.stdout)]
    assert files == ["scan.tiff", "kite.avif", "market.jpg", "portrait.heic"]


def test_paths_are_as_the_user_would_write_them(samples: Path) -> None:
    result = imagemeta("extract", "scan.tiff", "./phone/", cwd=samples)
    assert [record["file"] for record in records(result.stdout)] == [
        "scan.tiff",
        "phone/kite.avif",
        "phone/market.jpg",
        "phone/portrait.heic",
    ]
    assert "京都の桜.jpg" in {record["file"] for record in records(imagemeta("extract", ".", cwd=samples).stdout)}


def test_folders_below_are_left_alone_on_request(samples: Path) -> None:
    files = [record["file"] for record in records(imagemeta("extract", samples, "--no-recursive").stdout)]
    assert len(files) == sum("/" not in sample.name for sample in SAMPLES)


def test_a_link_that_is_named_is_followed(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(samples / "lagoon.jpg")
    (record,) = records(imagemeta("extract", tmp_path / "link.jpg").stdout)
    assert (record["file"], record["status"]) == (str(tmp_path / "link.jpg"), "ok")


# --- sidecars ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["IMG.xmp", "IMG.jpg.xmp", "IMG.XMP"])
def test_a_sidecar_beside_the_file_is_merged(tmp_path: Path, photo: bytes, name: str) -> None:
    (tmp_path / "IMG.jpg").write_bytes(photo)
    (tmp_path / name).write_bytes(xmp({"dc:title": {"x-default": "Mine"}}))
    (record,) = records(imagemeta("extract", tmp_path / "IMG.jpg").stdout)
    assert (record["text"]["title"], record["sidecar"]["name"], record["status"]) == ("Mine", name, "ok")
    assert record["blocks"]["sidecar"] == {"status": "ok"}
    (left,) = records(imagemeta("extract", tmp_path / "IMG.jpg", IMAGEMETA_SIDECARS="off").stdout)
    assert left["text"]["title"] == "Sunrise over the Aletsch"


def test_a_sidecar_that_cannot_be_read_spoils_no_image(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "IMG.jpg").write_bytes(photo)
    (tmp_path / "IMG.xmp").write_bytes(b"no XML")
    result = imagemeta("extract", tmp_path / "IMG.jpg")
    (record,) = records(result.stdout)
    assert (result.returncode, record["status"], record["blocks"]["sidecar"]["status"]) == (0, "partial", "failed")
    assert record["text"]["title"] == "Sunrise over the Aletsch"


# --- formats -----------------------------------------------------------------------------------------------


def test_json_is_one_array_with_the_same_records(samples: Path) -> None:
    array = json.loads(imagemeta("extract", samples, "--format", "json").stdout)
    assert array == records(imagemeta("extract", samples).stdout)


def test_json_of_nothing_is_an_empty_array(tmp_path: Path) -> None:
    assert json.loads(imagemeta("extract", tmp_path, "--format", "json").stdout) == []


def test_csv_has_a_fixed_heading_and_a_line_for_each_file(samples: Path) -> None:
    output = imagemeta("extract", samples, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    assert len(rows) == len(SAMPLES) == output.count("\n") - 1
    lagoon = next(row for row in rows if row["file"].endswith("lagoon.jpg"))
    assert lagoon["taken"] == "2022-02-27T18:30:00-03:00"
    place = [float(lagoon[column]) for column in ("latitude", "longitude", "altitude")]  # numbers stay numbers
    assert place == pytest.approx([-49.5761, -68.3514, -105])
    note = next(row for row in rows if row["file"].endswith("note.jpg"))
    assert (note["status"], note["error_code"]) == ("failed", "unsupported_format")


# --- what fails --------------------------------------------------------------------------------------------


def test_what_fails_is_in_the_output_and_in_the_exit_code(samples: Path) -> None:
    result = imagemeta("extract", samples / "note.jpg", samples / "lagoon.jpg")
    failed, good = records(result.stdout)
    assert failed == {
        "file": str(samples / "note.jpg"),
        "status": "failed",
        "error": {
            "code": "unsupported_format",
            "message": "the first bytes are those of no image format that is read here",
        },
    }
    assert good["status"] == "ok"
    assert result.returncode == 1
    assert result.stderr == "imagemeta: 1 read, 1 failed\n"


def test_files_that_are_no_images_are_skipped_counted_and_explained(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(photo)
    (tmp_path / "notes.txt").write_text("no image, and does not claim to be one")
    result = imagemeta("extract", tmp_path)
    assert [record["file"] for record in records(result.stdout)] == [f"{tmp_path}/a.jpg"]
    assert result.returncode == 0
    assert result.stderr == "imagemeta: 1 read, 1 skipped: no images (--explain lists them)\n"
    explained = imagemeta("extract", tmp_path, "--explain").stderr
    assert f"imagemeta: {tmp_path}/notes.txt: skipped: the first bytes are" in explained


def test_a_file_that_was_named_is_never_skipped(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    result = imagemeta("extract", tmp_path / "notes.txt")
    assert records(result.stdout)[0]["error"]["code"] == "unsupported_format"
    assert result.returncode == 1


def test_hidden_and_temporary_files_are_passed_by(tmp_path: Path, photo: bytes) -> None:
    for name in ("a.jpg", ".b.jpg", "c.jpg.part", ".hidden/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photo)
    assert [record["file"] for record in records(imagemeta("extract", tmp_path).stdout)] == [f"{tmp_path}/a.jpg"]


def test_what_is_not_there_is_told_and_the_rest_is_read(samples: Path) -> None:
    result = imagemeta("extract", "/no/such/file.jpg", samples / "lagoon.jpg")
    missing, good = records(result.stdout)
    assert (missing["file"], missing["status"]) == ("/no/such/file.jpg", "failed")
    assert missing["error"] == {"code": "object_gone", "message": "there is no such file or folder"}
    assert good["status"] == "ok"
    assert result.returncode == 3


def test_a_name_that_no_file_can_have_is_told() -> None:
    result = imagemeta("extract", "x" * 300)
    assert records(result.stdout)[0]["error"] == {"code": "misconfigured", "message": "File name too long"}
    assert result.returncode == 3


@pytest.mark.parametrize("arguments", [[], ["x.jpg", "--format", "xml"], ["x.jpg", "-j", "-1"], ["x.jpg", "--no-such"]])
def test_wrong_usage_is_told_without_a_traceback(arguments: list[str]) -> None:
    result = imagemeta("extract", *arguments)
    assert result.returncode == 2
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_wrong_setting_is_one_line(samples: Path) -> None:
    result = imagemeta("extract", samples, IMAGEMETA_REEDS="3")
    assert result.returncode == 78
    assert result.stderr == "imagemeta: there is no setting IMAGEMETA_REEDS; did you mean IMAGEMETA_READS?\n"


# --- hostile names and values ------------------------------------------------------------------------------


@pytest.fixture
def hostile(tmp_path: Path, photo: bytes) -> Path:
    for name in HOSTILE:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(photo)
    return tmp_path


def test_hostile_names_come_out_as_one_clean_line_each(hostile: Path) -> None:
    result = imagemeta("extract", hostile)
    assert {record["file"].removeprefix(f"{hostile}/") for record in records(result.stdout)} == {
        "new\nline.jpg",
        "\x1b[31mred\x1b]0;owned\x07.jpg",
        "caf\ufffdE9.jpg",
        "r\u202egpj.exe.jpg",
        "[bold]x[red].jpg",
    }
    assert len(result.stdout.splitlines()) == len(HOSTILE)
    assert not set("\x1b\x07\u202e") & set(result.stdout)


def test_each_hostile_name_can_be_named(hostile: Path) -> None:
    targets = [os.fsdecode(bytes(hostile) + b"/" + name) for name in HOSTILE]
    result = imagemeta("extract", *targets)
    assert [record["status"] for record in records(result.stdout)] == ["ok"] * len(HOSTILE)


def test_messages_show_hostile_names_without_obeying_them(tmp_path: Path) -> None:
    for name in HOSTILE:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_text("no image, whatever its name says")
    shown = imagemeta("extract", tmp_path, "--explain").stderr
    assert not set("\x1b\x07\u202e") & set(shown)
    assert len(shown.splitlines()) == len(HOSTILE) + 1
    assert r"\x1b[31mred\x1b]0;owned\x07.jpg" in shown
    assert "[bold]x[red].jpg" in shown


def test_csv_of_hostile_names_is_one_line_each_and_steers_no_terminal(hostile: Path) -> None:
    output = imagemeta("extract", hostile, "--format", "csv").stdout
    assert not set("\x1b\x07\u202e") & set(output)
    assert output.count("\n") == len(HOSTILE) + 1


def test_explain_says_where_each_value_came_from_and_what_was_read(tmp_path: Path) -> None:
    sample = next(sample for sample in SAMPLES if sample.name == "alps-sunrise.jpg")
    data = sample.make()
    (tmp_path / "alps.jpg").write_bytes(data)
    explained = imagemeta("extract", tmp_path / "alps.jpg", "--explain").stderr
    for line in (
        f"read {len(data)} bytes in 1 range: 0-{len(data) - 1}",
        "exif: ok",
        "taken = 2024-07-14T05:42:10 +02:00 from ExifIFD:DateTimeOriginal",
        "camera.lens = RF24-105mm F4 L IS USM from ExifIFD:LensModel",
        "text.keywords = alps, sunrise from IPTC:Keywords",
        "position = 46.577500, 7.985000 from GPS:GPSLatitude",
    ):
        assert f"alps.jpg: {line}\n" in explained
