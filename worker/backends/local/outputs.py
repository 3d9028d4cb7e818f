"""The images of batches, in a folder."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from worker.errors import Misconfigured, SourceUnavailable


class FolderOutputs:
    """Puts images below `root`, which is made if need be: ports.Outputs. URLs begin with `base`, or `file://`."""

    def __init__(self, root: Path, base: str = "") -> None:
        self._root = root
        self._base = base

    def put(self, name: str, data: bytes, content_type: str) -> str:  # noqa: ARG002 -- its ending says it
        """Written beside its place, on the disk, then given its name: nobody ever sees a half."""
        path = self._root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, data)
        except PermissionError as error:
            raise Misconfigured(f"{path.parent} cannot be written: {error.strerror}") from error
        except OSError as error:
            raise SourceUnavailable(f"{path} cannot be written now: {error.strerror}") from error
        return f"{self._base.rstrip('/')}/{name}" if self._base else path.as_uri()

    def close(self) -> None:
        """Nothing is kept open."""


def _write(path: Path, data: bytes) -> None:
    number, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as out:
            os.fchmod(number, 0o644)
            out.write(data)
            out.flush()
            os.fsync(number)
        Path(part).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(part).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
