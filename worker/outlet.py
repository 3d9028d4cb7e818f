"""The boundary of exports: what the core asks of a place for files, and of what makes files that cannot grow."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from worker.model import Value


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "yes or no"
    TIME = "time"
    """A moment, as ISO 8601 text with its offset."""
    LIST = "list"
    """Texts."""
    JSON = "JSON"
    """A map, or a list of maps."""
    ANY = "any"
    """Whatever a file has in a tag: text, a number, a list."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, the path of its value in a document (or of two texts that belong together), and its kind.

    `path` is empty for the document's key.
    """

    name: str
    path: str
    kind: Kind
    help: str = ""


Cells = Sequence[Value]
"""A row: a value for each column, None where there is none."""


class Draft(Protocol):
    """A file on its way. It grows by durable pieces, and has its name only once it is whole. Used by one thread."""

    def size(self) -> int:
        """Bytes that are there, of this process's making or of one that was killed."""

    def append(self, at: int, piece: bytes) -> None:
        """Have the piece at that place, and nothing behind it; durable on return."""

    def copy(self, at: int, name: str, start: int, end: int) -> int:
        """Append the bytes [start, end) of a file of the same shelf; return where they end."""

    def read(self) -> Iterator[bytes]:
        """What is there, in order."""

    def workspace(self) -> AbstractContextManager[Path]:
        """An empty folder, on a disk with room for the file, that is gone at the end."""

    def publish(self) -> None:
        """Give what is there its name, in place of what had it; all at once, and durable on return."""

    def publish_file(self, file: Path) -> None:
        """The same with the content of another file, which is used up; what is there is thrown away."""


class Shelf(Protocol):
    """A folder or a place in a bucket where exports lie, each under its name."""

    def where(self, name: str = "") -> str:
        """Its whole path or URL."""

    def draft(self, name: str) -> AbstractContextManager[Draft]:
        """The file of that name on its way, as far as it came. Raises Misconfigured where another process is at it."""

    def size(self, name: str) -> int | None:
        """Bytes of a file, or None where there is none."""

    def read(self, name: str) -> Iterator[bytes]:
        """Its content. Raises Misconfigured where there is none."""

    def remove(self, name: str) -> None:
        """Have none of that name."""

    def close(self) -> None:
        """Free everything."""


class Maker(Protocol):
    """Makes files of a format to whose files nothing can be appended, and reads them again."""

    def make(self, file: Path, columns: Sequence[Column], rows: Iterable[Cells]) -> None:
        """Write a new file; the same rows make the same bytes."""

    def rows(self, file: Path, columns: Sequence[Column]) -> Iterator[Cells]:
        """The rows of a file that was made of these columns."""
