"""The real program, run as a user would run it."""

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "worker"]
DEADLINE = 60.0
"""Seconds within which anything here ends on the slowest machine."""

HOSTILE = [
    b"new\nline.jpg",
    b"\x1b[31mred\x1b]0;owned\x07.jpg",
    b"caf\xe9.jpg",
    "r\u202egpj.exe.jpg".encode(),
    b"[bold]x[red].jpg",
]
"""Names of files that a terminal, a list of lines, or a careless decoder would stumble over."""

Result = subprocess.CompletedProcess[str]


def environment(**more: str) -> dict[str, str]:
    """This one's, without settings that a developer may have."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IMAGEMETA_")} | more


def imagemeta(
    *arguments: str | Path | bytes, stdin: str = "", cwd: Path | None = None, seconds: float = DEADLINE, **env: str
) -> Result:
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=cwd,
        env=environment(PYTHONPATH=str(ROOT), **env),
    )


@contextmanager
def started(*arguments: str | Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """The program at work, in a process group of its own; it is ended with all its children."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment(**env),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=DEADLINE)


def records(output: str) -> list[dict[str, Any]]:
    """The records of JSON lines. Whatever is not one is an error."""
    return [json.loads(line) for line in output.split("\n")[:-1]]


def on_a_terminal(*arguments: str | Path, also_stdout: bool = False, **env: str) -> tuple[int, str, str]:
    """Run with stderr (and stdout) on a terminal: exit code, what it showed, and stdout where it was no terminal."""
    leader, follower = pty.openpty()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=follower if also_stdout else out,
            stderr=follower,
            env=environment(TERM="xterm-256color", COLUMNS="100", **env),
        )
        os.close(follower)
        shown = b""
        while chunk := _read(leader):
            shown += chunk
        os.close(leader)
        code = process.wait(DEADLINE)
        out.seek(0)
        return code, shown.decode(errors="replace"), out.read().decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody has the other side any more
        return b""


def children(leader: int) -> set[int]:
    """The processes of a group that do its work."""
    found = set()
    for pid in group(leader):
        with suppress(FileNotFoundError, ProcessLookupError):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def group(leader: int) -> set[int]:
    """The processes of a group that live."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == leader and fields[0] != "Z":
            found.add(int(entry.parent.name))
    return found
