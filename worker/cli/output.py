"""Where results go: stdout, or a file that has its name only once it is whole."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """The place for results. Raises OSError where the file cannot be made.

    A reader of stdout that has seen enough (`| head`) ends the work quietly.
    """
    if path is None:
        with _until_nobody_reads():
            yield sys.stdout.buffer
    elif path.exists() and not path.is_file():  # a device or a pipe has no half
        with path.open("wb") as out:
            yield out
    else:
        with _whole(path) as out:
            yield out


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file beside the wanted one, which takes its place at the end; where the work breaks off, nothing is changed."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.resolve().parent)
    try:
        with os.fdopen(number, "wb") as out:
            os.fchmod(number, _mode(path))
            yield out
            out.flush()
            os.fsync(number)
        Path(name).replace(path.resolve())
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or of any new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _until_nobody_reads() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
