"""A folder as a bucket: its files are the objects, and the generation of an object is its file's change time.

The change time (st_ctime_ns) moves with every change of content, with chmod, and when a file is moved or replaced.
Unlike the modification time no tool can set it back, and unlike a checksum it costs no read. Clocks of file systems
tick in milliseconds, so a file that changed just now is given time to grow older than a tick: from then on whatever
changes it changes its generation, too. A file changed through a memory map may keep its generation for seconds.
Symbolic links are not followed, wherever they stand.
"""

import errno
import mimetypes
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from worker.backends.local.names import hidden, name_of, path_of
from worker.errors import Misconfigured, ObjectGone, SourceUnavailable
from worker.model import ObjectRef

_TICK = 20_000_000
"""Nanoseconds; the kernel's clock ticks at least every 10 ms."""
_COARSE_TICK = 2_000_000_000
"""FAT and older file systems count in whole seconds or two."""

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO})
_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
_LOOK = os.O_PATH | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in the folder must not make the reader wait
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW

_TYPES = mimetypes.MimeTypes()  # Python's own table: what this machine has in /etc must not matter
for _type, _suffixes in {
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/heif": ".heif .hif",
    "image/jxl": ".jxl",
    "image/webp": ".webp",
    "image/x-adobe-dng": ".dng",
    "image/x-canon-cr2": ".cr2",
    "image/x-canon-cr3": ".cr3",
    "image/x-fuji-raf": ".raf",
    "image/x-nikon-nef": ".nef",
    "image/x-olympus-orf": ".orf",
    "image/x-panasonic-rw2": ".rw2",
    "image/x-sony-arw": ".arw",
}.items():
    for _suffix in _suffixes.split():
        _TYPES.add_type(_type, _suffix)


class FolderReader:
    """One file, open. What it reads is of `ref.generation`, or it raises."""

    def __init__(self, file: int, ref: ObjectRef) -> None:
        self._file = file
        self.ref = ref

    def read(self, offset: int, length: int) -> bytes:
        """Exactly [offset, offset + length) cut at the end."""
        size = self.ref.size or 0
        wanted = max(0, min(length, size - offset))
        try:
            data = _read_all(self._file, offset, wanted)
            same = _is_generation(os.fstat(self._file), self.ref.generation)
        except OSError as error:
            raise _unavailable(self.ref.uri, error) from error
        if not same:
            raise ObjectGone(f"{self.ref.uri} was changed, moved or deleted while it was read")
        if len(data) < wanted:
            raise SourceUnavailable(f"{self.ref.uri}: {wanted} bytes wanted at {offset}, {len(data)} read")
        return data


class FolderStore:
    """The ObjectStore of one bucket, which is the folder `root`. Thread-safe; it keeps nothing open.

    Dotfiles, editors' temporary files, links and devices are no objects (names.py). A file that may not be read is
    SourceUnavailable, a root that may not be entered Misconfigured.
    """

    def __init__(self, root: Path, bucket: str) -> None:
        self._root = root.resolve()
        self._bucket = bucket

    @contextmanager
    def open(self, ref: ObjectRef) -> Iterator[FolderReader]:
        """A reader pinned to `ref.generation`."""
        path = self._path_of(ref.bucket, ref.name)
        file = None if path is None else self._open(path, _READ)
        if file is None:
            raise _gone(ref)
        try:
            facts = os.fstat(file)
            if _is_generation(facts, ref.generation):
                facts = _older_than_a_tick(lambda: os.fstat(file))
            if not _is_generation(facts, ref.generation):
                raise _gone(ref)
            yield FolderReader(file, self._ref(ref.name, facts))
        finally:
            os.close(file)

    def live(self, bucket: str, name: str) -> ObjectRef | None:
        """The file's facts, or None where no such file is an object."""
        path = self._path_of(bucket, name)
        facts = None if path is None else self._facts(path)
        return facts and self._ref(name, facts)

    def list(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[ObjectRef]:
        """The objects in the order of their names' bytes. Holds the names of one folder per level, never all."""
        return self.walk(prefix, start_after) if bucket == self._bucket else iter(())

    def walk(
        self, prefix: str = "", start_after: str = "", unreadable: Callable[[SourceUnavailable], None] | None = None
    ) -> Iterator[ObjectRef]:
        """As `list`. What cannot be read is told to `unreadable` and left out, or raised where nobody listens."""
        top = prefix.rpartition("/")[0]
        first = path_of(top) if top else b""
        levels = [] if first is None else [self._entries(first + b"/" if first else b"", prefix, start_after)]
        while levels:
            try:
                path = next(levels[-1], None)
                if path is None:
                    levels.pop()
                elif path.endswith(b"/"):
                    levels.append(self._entries(path, prefix, start_after))
                elif facts := self._facts(path):
                    yield self._ref(name_of(path), facts)
            except SourceUnavailable as error:
                if unreadable is None:
                    raise
                unreadable(error)

    def probe(self) -> None:
        """Raise Misconfigured where the folder cannot be listed."""
        os.close(self._open_root(_LIST))

    def _path_of(self, bucket: str, name: str) -> bytes | None:
        return path_of(name) if bucket == self._bucket else None

    def _open_root(self, flags: int) -> int:
        try:
            return os.open(self._root, flags)
        except OSError as error:
            raise Misconfigured(f"the folder {self._root} cannot be read: {error.strerror}") from error

    def _open(self, path: bytes, flags: int) -> int | None:
        """The file or folder at that path below the root, step by step so that no link leads astray; None if absent."""
        if not path:
            return self._open_root(flags)
        *folders, last = path.split(b"/")
        here = self._open_root(_STEP)
        try:
            for folder in folders:
                below = os.open(folder, _STEP, dir_fd=here)
                os.close(here)
                here = below
            return os.open(last, flags, dir_fd=here)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise _unavailable(name_of(path), error) from error
        finally:
            os.close(here)

    def _facts(self, path: bytes) -> os.stat_result | None:
        file = self._open(path, _LOOK)
        if file is None:
            return None
        try:
            facts = _older_than_a_tick(lambda: os.fstat(file))
        finally:
            os.close(file)
        return facts if stat.S_ISREG(facts.st_mode) and facts.st_nlink else None

    def _entries(self, path: bytes, prefix: str, start_after: str) -> Iterator[bytes]:
        """The paths in one folder that may lead to a wanted name, in order; those of folders end with a slash."""
        first, after = prefix.encode(), start_after.encode()
        named = ((name_of(entry).encode(), entry) for entry in self._listed(path))
        yield from (entry for _, entry in sorted(pair for pair in named if _leads_to(pair[0], first, after)))

    def _listed(self, path: bytes) -> Sequence[bytes]:
        folder = self._open(path.rstrip(b"/"), _LIST)
        if folder is None:
            return []
        try:
            with os.scandir(folder) as entries:
                named = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            raise _unavailable(name_of(path), error) from error
        finally:
            os.close(folder)
        return [path + part + (b"/" if is_dir else b"") for part, is_dir in named if not hidden(part)]

    def _ref(self, name: str, facts: os.stat_result) -> ObjectRef:
        return ObjectRef(
            bucket=self._bucket,
            name=name,
            generation=facts.st_ctime_ns,
            size=facts.st_size,
            content_type=_TYPES.guess_type("file" + PurePosixPath(name).suffix)[0],
            created=_time(facts.st_mtime_ns),
            updated=_time(facts.st_ctime_ns),
        )


def _leads_to(name: bytes, prefix: bytes, start_after: bytes) -> bool:
    if name.endswith(b"/"):  # a folder: all names in it begin with its own
        return (name.startswith(prefix) or prefix.startswith(name)) and (
            name > start_after or start_after.startswith(name)
        )
    return name.startswith(prefix) and name > start_after


def _is_generation(facts: os.stat_result, generation: int) -> bool:
    return facts.st_ctime_ns == generation and facts.st_nlink > 0 and stat.S_ISREG(facts.st_mode)


def _older_than_a_tick(look: Callable[[], os.stat_result]) -> os.stat_result:
    """The file's facts, once its change time is so old that no later change can have the same one."""
    facts = look()
    for _ in range(5):  # a file that is written to without end is taken as it is: its next change is another one
        tick = _TICK if facts.st_ctime_ns % 1_000_000_000 else _COARSE_TICK
        age = time.time_ns() - facts.st_ctime_ns
        if not 0 <= age < tick:  # below 0 the clock was set back: waiting for it would take for ever
            break
        time.sleep((tick - age) / 1e9)
        facts = look()
    return facts


def _read_all(file: int, offset: int, length: int) -> bytes:
    """Up to `length` bytes; fewer only at the file's end."""
    data = os.pread(file, length, offset)
    while len(data) < length and (more := os.pread(file, length - len(data), offset + len(data))):
        data += more
    return data


def _time(nanoseconds: int) -> datetime | None:
    """A file's time. Tools may set it to anything, years that do not exist included."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _gone(ref: ObjectRef) -> ObjectGone:
    return ObjectGone(f"{ref.uri} has no generation {ref.generation} any more")


def _unavailable(what: str, error: OSError) -> SourceUnavailable:
    return SourceUnavailable(f"{what}: {error.strerror}")
