"""What part of which bucket an action is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from worker.errors import Misconfigured
from worker.model import ObjectRef
from worker.ports import ObjectStore

CLOUD = "gs://"


@dataclass(frozen=True, slots=True)
class Scope:
    """The objects of a bucket whose name begins with `prefix` and, where there is one, matches the `glob`.

    In a glob, `*` and `?` also stand for slashes.
    """

    bucket: str
    prefix: str = ""
    glob: str = ""

    @classmethod
    def of(cls, uri: str, glob: str = "") -> "Scope":
        """From `gs://BUCKET` or `gs://BUCKET/PREFIX`. Raises Misconfigured for anything else."""
        bucket, _, prefix = uri.removeprefix(CLOUD).partition("/")
        if not uri.startswith(CLOUD) or not bucket:
            raise Misconfigured(f"{uri} names no bucket: write gs://BUCKET or gs://BUCKET/PREFIX")
        return cls(bucket, prefix, glob)

    def __str__(self) -> str:
        """As a person would write it."""
        return f"{CLOUD}{self.bucket}/{self.prefix}{f' --glob {self.glob}' if self.glob else ''}"

    def objects(self, store: ObjectStore, start_after: str = "") -> Iterator[ObjectRef]:
        """The live objects, in the order of their names' bytes. Raises Misconfigured where there is no such bucket."""
        listed = store.list(self.bucket, self.prefix, start_after)
        return (ref for ref in listed if self.has(ref.name))

    def has(self, name: str) -> bool:
        """Whether the glob matches an object's name, the prefix included."""
        return not self.glob or fnmatchcase(name, self.prefix + self.glob)
