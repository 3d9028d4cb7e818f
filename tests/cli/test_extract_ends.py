"""`imagemeta extract`: the file it writes, the ways it ends, and what a terminal shows of it."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.program import DEADLINE, children, group, imagemeta, on_a_terminal, records, started
from tests.fakes import wait_until

# --- --write -----------------------------------------------------------------------------------------------


def test_write_puts_the_results_into_the_file(samples: Path, tmp_path: Path) -> None:
    result = imagemeta("extract", samples, "--write", tmp_path / "out.jsonl")
    assert result.stdout == ""
    assert (tmp_path / "out.jsonl").read_text() == imagemeta("extract", samples).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_write_never_leaves_half_a_file_under_its_name(thousand: Path, tmp_path: Path, number: signal.Signals) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("before\n")
    with started("extract", thousand, thousand, thousand, "-j", "1", "--write", target) as program:
        wait_until(lambda: any(path.stat().st_size > 50_000 for path in tmp_path.glob(".out*.part")))
        os.kill(program.pid, number)
        assert program.wait(DEADLINE) == (-9 if number == signal.SIGKILL else 128 + number)
    assert target.read_text() == "before\n"
    if number != signal.SIGKILL:
        assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_write_to_a_place_that_cannot_be_written_is_one_line(samples: Path, tmp_path: Path) -> None:
    result = imagemeta("extract", samples, "--write", tmp_path / "no" / "out.jsonl")
    assert result.returncode == 3
    assert result.stderr == f"imagemeta: {tmp_path}/no/out.jsonl cannot be written: No such file or directory\n"


# --- ends --------------------------------------------------------------------------------------------------


def test_a_reader_that_has_seen_enough_ends_it_quietly(thousand: Path) -> None:
    with started("extract", thousand) as program:
        assert program.stdout
        assert program.stderr
        assert json.loads(program.stdout.readline())["status"] == "ok"
        program.stdout.close()
        assert program.stderr.read() == ""
        assert program.wait(DEADLINE) == 0


def test_ctrl_c_ends_it_with_130_and_without_a_word(thousand: Path) -> None:
    with started("extract", thousand, thousand, thousand) as program:
        assert program.stdout
        assert program.stderr
        program.stdout.readline()
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to the whole group
        records(program.stdout.read())
        assert program.stderr.read() == ""
        assert program.wait(DEADLINE) == 130
        wait_until(lambda: not group(program.pid))


def test_ctrl_c_while_processes_start_is_as_quiet(thousand: Path) -> None:
    with started("extract", thousand) as program:
        assert program.stderr
        wait_until(lambda: children(program.pid))
        os.killpg(program.pid, signal.SIGINT)
        assert program.stderr.read() == ""
        assert program.wait(DEADLINE) == 130


def test_its_processes_do_not_outlive_it(thousand: Path) -> None:
    with started("extract", thousand, thousand, thousand) as program:
        assert program.stdout
        program.stdout.readline()
        assert len(group(program.pid)) > 1
        program.kill()
        wait_until(lambda: not group(program.pid))


# --- progress ----------------------------------------------------------------------------------------------


def test_progress_with_rate_and_time_left_goes_to_a_terminal_on_stderr(thousand: Path) -> None:
    code, shown, output = on_a_terminal("extract", thousand)
    assert code == 0
    assert len(records(output)) == 1000
    assert "/1000" in shown
    assert "/s" in shown
    assert "ETA" in shown


def test_no_progress_without_a_terminal(thousand: Path) -> None:
    assert imagemeta("extract", thousand).stderr == ""


def test_results_and_progress_on_one_terminal_keep_to_their_lines(thousand: Path) -> None:
    code, shown, _ = on_a_terminal("extract", thousand, also_stdout=True)
    assert code == 0
    lines = [line for line in shown.split("\r\n") if line.rstrip().endswith("}")]
    assert len(lines) == 1000
    for line in lines:
        json.loads(line[line.index("{") :])


def test_no_colours_where_they_are_not_wanted(samples: Path) -> None:
    _, shown, _ = on_a_terminal("extract", samples, NO_COLOR="1")
    assert "\x1b[3" not in shown
