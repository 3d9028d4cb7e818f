"""A folder and its catalog as a doctor sees them: looked at, and changed by nothing here."""

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path

from worker.backends.local import documents, queue_file, seen
from worker.backends.local.database import Schema
from worker.backends.local.names import hidden
from worker.backends.local.watch import PAUSED
from worker.errors import Misconfigured, SourceUnavailable
from worker.inspection import FileFacts, Unanswered

_FILES: dict[str, Schema] = {"catalog.db": documents.SCHEMA, "queue.db": queue_file.SCHEMA, "seen.db": seen.SCHEMA}
_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
_PATIENCE = 2.0
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class LocalInspection:
    """A folder and the folder of its catalog: a FolderInspection. The whole folder is walked once."""

    def __init__(self, folder: Path, catalog: Path) -> None:
        self.folder = folder
        self.catalog = catalog

    def readable(self) -> bool:
        """Whether it can be listed and entered."""
        return self.folder.is_dir() and os.access(self.folder, os.R_OK | os.X_OK)

    def unreadable_files(self) -> int:
        """Of those that are objects, and of the folders they are in."""
        return self._walked[1]

    def folders(self) -> int:
        """Hidden ones, too: the kernel's watches are on all."""
        return self._walked[0]

    def newest(self) -> float | None:
        """By its inode's change, as generations are."""
        return self._walked[2]

    def unwritable(self) -> Sequence[Path]:
        """A catalog that is not there yet is written where it will be made."""
        if not self.catalog.is_dir():
            above = next(path for path in self.catalog.parents if path.exists())
            return [] if os.access(above, os.W_OK | os.X_OK) and not self.catalog.exists() else [above]
        there = [self.catalog, *(path for path in self.catalog.iterdir() if path.is_file())]
        return [path for path in there if not os.access(path, os.W_OK)]

    def files(self) -> Mapping[str, FileFacts]:
        """By SQLite's own quick check, without a byte being written."""
        paths = {name: self.catalog / name for name in _FILES}
        return {name: _checked(path, _FILES[name]) for name, path in paths.items() if path.exists()}

    def free_bytes(self) -> int:
        """Where the catalog is, or will be."""
        return shutil.disk_usage(next(path for path in (self.catalog, *self.catalog.parents) if path.exists())).free

    def watch_limit(self) -> int:
        """Linux's fs.inotify.max_user_watches."""
        try:
            return int(_WATCHES.read_text())
        except OSError as error:
            raise Unanswered(f"this kernel does not say how many folders may be watched: {error}") from error

    def paused(self) -> bool:
        """Whether the file that says so is there."""
        return (self.catalog / PAUSED).exists()

    def at_work(self) -> bool:
        """Whether the lock is held; it is taken for a moment, and given back."""
        path = self.catalog / "lock"
        if not path.exists():
            return False
        try:
            with path.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError as error:
            raise Misconfigured(f"{path} cannot be looked at: {error.strerror}") from error
        return False

    def now(self) -> float:
        """The system's clock."""
        return time.time()

    @cached_property
    def _walked(self) -> tuple[int, int, float | None]:
        """The number of folders, of what cannot be read, and when the newest file changed."""
        folders, unreadable, newest = 0, 0, None
        for place, names in _walk(os.fsencode(self.folder)):
            folders += 1
            for path in (Path(os.fsdecode(place + b"/" + name)) for name in names):
                if not os.access(path, os.R_OK):
                    unreadable += path.exists()
                elif path.is_file():
                    newest = max(newest or 0.0, path.stat().st_ctime)
        return folders, unreadable, newest


def _walk(root: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Each folder, with the names in it that may be objects or hold some."""
    for place, folders, files in os.walk(root):
        ours = not any(hidden(part) for part in place.removeprefix(root).split(b"/") if part)
        yield place, [name for name in (*folders, *files) if ours and not hidden(name)]


def _checked(path: Path, schema: Schema) -> FileFacts:
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE)) as db:
            kind = db.execute("PRAGMA application_id").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            sound = db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _DAMAGE:
            return FileFacts(sound=False, ours=True, newer=0)
        raise SourceUnavailable(f"{path}: {error}") from error
    return FileFacts(sound, kind == schema.application_id, version - len(schema.migrations))
