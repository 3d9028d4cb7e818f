"""A folder of this machine where exports lie. On its way, a file is called `NAME.part`."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.errors import Misconfigured, SourceUnavailable
from worker.outlet import Draft

_CHUNK = 1024 * 1024


class LocalShelf:
    """An outlet.Shelf. Raises Misconfigured where there is no such folder, or it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not folder.is_dir():
            raise Misconfigured(f"there is no folder {folder}: make it first")

    def where(self, name: str = "") -> str:
        """The path."""
        return str(self._folder / name)

    @contextmanager
    def draft(self, name: str) -> Iterator[Draft]:
        """Locked, so that no other process goes on with it meanwhile. What is empty at the end is taken away."""
        file = self._folder / name
        part = self._folder / f"{name}.part"
        with _errors(part):
            number = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with _errors(part):
                _lock(number, part)
                draft = _LocalDraft(file, part, number)
                try:
                    yield draft
                finally:
                    draft.clear()
        finally:
            os.close(number)

    def size(self, name: str) -> int | None:
        """The file's size."""
        file = self._folder / name
        return file.stat().st_size if file.is_file() else None

    def read(self, name: str) -> Iterator[bytes]:
        """Megabyte by megabyte."""
        file = self._folder / name
        if not file.is_file():
            raise Misconfigured(f"there is no {file} any more: export anew, without --since")
        with _errors(file), file.open("rb") as content:
            yield from iter(lambda: content.read(_CHUNK), b"")

    def remove(self, name: str) -> None:
        """Delete it."""
        with _errors(self._folder / name):
            (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """There is nothing to free."""


class _LocalDraft:
    """The file `part`, open as `number`, which is to become `file`."""

    def __init__(self, file: Path, part: Path, number: int) -> None:
        self._file = file
        self._part = part
        self._number = number

    def size(self) -> int:
        """Bytes of the part."""
        return os.fstat(self._number).st_size

    def append(self, at: int, piece: bytes) -> None:
        """Cut, write, and wait for the disk."""
        os.ftruncate(self._number, at)
        self._put(at, piece)
        os.fsync(self._number)

    def copy(self, at: int, name: str, start: int, end: int) -> int:
        """Read and write."""
        os.ftruncate(self._number, at)
        with (self._file.parent / name).open("rb") as source:
            source.seek(start)
            while start < end and (piece := source.read(min(_CHUNK, end - start))):
                self._put(at, piece)
                start, at = start + len(piece), at + len(piece)
        os.fsync(self._number)
        return at

    def read(self) -> Iterator[bytes]:
        """Megabyte by megabyte."""
        at = 0
        while piece := os.pread(self._number, _CHUNK, at):
            yield piece
            at += len(piece)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder beside it; what a killed process left in it is thrown away."""
        folder = self._part.with_name(f"{self._file.name}.making.part")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self) -> None:
        """Rename it, and wait for the disk to know."""
        os.fsync(self._number)
        self._part.replace(self._file)
        self._sync_folder()

    def publish_file(self, file: Path) -> None:
        """Rename the other file, which lies on the same disk."""
        with file.open("rb") as content:
            os.fsync(content.fileno())
        file.replace(self._file)
        self._sync_folder()
        self._part.unlink()

    def clear(self) -> None:
        """Take an empty part away."""
        if not self.size():
            self._part.unlink(missing_ok=True)

    def _put(self, at: int, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            done = os.pwrite(self._number, rest, at)
            rest, at = rest[done:], at + done

    def _sync_folder(self) -> None:
        number = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _lock(number: int, part: Path) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Misconfigured(f"another export is writing {part}: wait for it, or end it") from None


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """The system's errors as ours: a full disk passes, what may not be written does not."""
    try:
        yield
    except (PermissionError, IsADirectoryError, FileNotFoundError, NotADirectoryError) as error:
        raise Misconfigured(f"{error.filename or path} cannot be written: {error.strerror}") from error
    except OSError as error:
        raise SourceUnavailable(f"{path}: {error.strerror or error}") from error
