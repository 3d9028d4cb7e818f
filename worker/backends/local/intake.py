"""The switch of a watched folder: while a file `paused` lies in its catalog, the watcher announces nothing."""

from pathlib import Path

from worker.backends.local.watch import PAUSED
from worker.errors import Misconfigured
from worker.ports import Saved


class LocalIntake:
    """The one folder that a catalog is about, known as `bucket`: a ports.Intake.

    The watcher looks at the whole folder once it may, so nothing that happened meanwhile is lost.
    """

    def __init__(self, catalog: Path, bucket: str) -> None:
        self._paused = catalog / PAUSED
        self._bucket = bucket

    def announced(self, bucket: str) -> Saved:
        """The name of the folder, unless it is paused."""
        self._check(bucket)
        return {} if self._paused.exists() else {"folder": bucket}

    def pause(self, bucket: str) -> Saved:
        """Lay the file down; a watcher at work sees it within a second."""
        on = self.announced(bucket)
        try:
            self._paused.touch()
        except OSError as error:
            raise Misconfigured(f"{self._paused} cannot be written: {error.strerror}") from error
        return on

    def resume(self, bucket: str, saved: Saved) -> None:  # noqa: ARG002 -- the port's
        """Take the file away, whatever was saved: there is one way only to be on."""
        self._check(bucket)
        try:
            self._paused.unlink(missing_ok=True)
        except OSError as error:
            raise Misconfigured(f"{self._paused} cannot be removed: {error.strerror}") from error

    def close(self) -> None:
        """There is nothing to free."""

    def _check(self, bucket: str) -> None:
        if bucket != self._bucket:
            raise Misconfigured(f"the catalog in {self._paused.parent} is about {self._bucket}, not {bucket}")
