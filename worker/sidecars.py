"""Sidecars in a bucket: the one beside an image, and the images beside one. Whichever comes first, they are merged.

The image's worker looks whether a sidecar has a document. A sidecar's worker, once that document is durable, has the
images made anew that are live in the bucket. An image that is uploaded later finds the document, one that was uploaded
before is found in the bucket: nothing falls in between. docs/delivery.md has the rule.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import chain, islice
from typing import Protocol

from worker.document import key_for
from worker.errors import ObjectGone, Permanent, code_of
from worker.extract import sidecar
from worker.model import Head, Metadata, ObjectRef, Sidecar, Status
from worker.ports import ObjectStore

IMAGES = 16
"""So many images at most are made anew for one sidecar."""
NEIGHBOURS = 1000
"""So many objects of that name, but for what follows its dot, are looked at: a page of Cloud Storage's listing."""

Read = Callable[[ObjectRef], Metadata]
_Found = tuple[ObjectRef, Head]
"""A live sidecar, and the head of the document that told of it."""


class Lookup(Protocol):
    """Heads of documents; see `GroupLookup.heads`."""

    def heads(self, keys: Sequence[str]) -> Future[Sequence[Head | None]]:
        """Return at once; the future has the heads as they are now or later."""


class Sidecars:
    """Finds what belongs together. Thread-safe."""

    def __init__(self, objects: ObjectStore, lookup: Lookup) -> None:
        self._objects = objects
        self._lookup = lookup

    def of(self, image: ObjectRef) -> Sidecar | None:
        """The sidecar that counts now: the first by name that has a document and is live in the bucket."""
        found = self._look(image)()
        return found and sidecar_of(found[0])

    def read(self, image: ObjectRef, read: Read) -> Metadata:
        """What `read` reads of the image, with its sidecar merged where it has one.

        Raises what `read` raises of the image. Of the sidecar only what another attempt may mend: what cannot be read
        costs the sidecar's block.
        """
        answer = self._look(image)  # it is on its way while the image is read
        metadata = read(image)
        found = answer()
        return metadata if found is None else _merged(metadata, *found, read)

    def images(self, beside: ObjectRef) -> Iterator[ObjectRef]:
        """The live images to which this sidecar belongs; none where it is not the name of a sidecar."""
        if not sidecar.is_sidecar(beside.name):
            return iter(())
        described = sidecar.prefix(beside.name)
        whole = self._objects.live(beside.bucket, described)
        longer = islice(self._objects.list(beside.bucket, f"{described}."), NEIGHBOURS)
        near = chain([whole] if whole else [], longer)
        return islice((ref for ref in near if sidecar.belongs(beside.name, ref.name)), IMAGES)

    def _look(self, image: ObjectRef) -> Callable[[], _Found | None]:
        """Ask, and return at once what waits for the answer."""
        names = sidecar.candidates(image.name)
        if not names:
            return lambda: None
        heads = self._lookup.heads([key_for(image.bucket, name) for name in names])
        return lambda: self._first_live(image.bucket, names, heads.result())

    def _first_live(self, bucket: str, names: Sequence[str], heads: Sequence[Head | None]) -> _Found | None:
        for name, head in zip(names, heads, strict=True):
            if head and head.status is not Status.DELETED and (live := self._objects.live(bucket, name)):
                return live, head
        return None


def sidecar_of(ref: ObjectRef) -> Sidecar:
    """As documents name it."""
    return Sidecar(ref.name, ref.generation)


def _merged(image: Metadata, ref: ObjectRef, head: Head, read: Read) -> Metadata:
    named = sidecar_of(ref)
    if head.status is Status.FAILED and head.generation == ref.generation:
        return sidecar.merged(image, named, "failed: its own document says why")  # it may have killed a process
    try:
        return sidecar.merged(image, named, read(ref))
    except ObjectGone:
        return image  # replaced or deleted just now: news of that is on its way
    except Permanent as error:
        return sidecar.merged(image, named, f"{code_of(error)}: {error}")
