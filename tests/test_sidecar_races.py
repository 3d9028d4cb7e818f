"""Workers that are at an image and at its sidecars at the same time, interleaved call by call in every way.

A worker stops before each call of a port; a schedule says who takes the next step. What happens in the bucket is a step
too: the first of the worker that hears of it. In the end the image's document says what the bucket says.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import MemoryBucket, MemoryDocuments
from tests.test_sidecars import World
from worker.errors import SourceUnavailable
from worker.model import Block, BlockStatus, Head, ImageInfo, Message, Metadata, ObjectRef, Tag
from worker.ports import Write, WriteResult

IMAGE, FULL, SHORT = "IMG.JPG", "IMG.JPG.xmp", "IMG.xmp"

Change = Callable[[World], Message | None]


def upload(name: str) -> Change:
    return lambda world: world.upload(name, name.encode())


def delete(name: str) -> Change:
    return lambda world: world.delete(name) if name in world.bucket.objects else None


CHANGES = {
    "image": upload(IMAGE),
    "full": upload(FULL),
    "short": upload(SHORT),
    "no image": delete(IMAGE),
    "no full": delete(FULL),
    "no short": delete(SHORT),
}


class Killed(Exception):
    """The worker dies; its message comes again."""


class Actor:
    """A change of the bucket and the worker that hears of it, in a thread that takes a step when it is told to.

    Before step number `dies_at` it dies, and begins again with the second attempt at its message.
    """

    here = threading.local()

    def __init__(self, world: World, change: Change, dies_at: int = 0) -> None:
        self.done = False
        self._world, self._change, self._dies_at = world, change, dies_at
        self._steps = 0
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()

    def step(self) -> None:
        """Go on to before the next call."""
        self._go.release()
        assert self._stopped.acquire(timeout=20)

    @classmethod
    def pause(cls) -> None:
        """What the ports call first; nothing in a thread that is no actor's."""
        if actor := getattr(cls.here, "actor", None):
            actor._pause()

    def _pause(self) -> None:
        self._stopped.release()
        assert self._go.acquire(timeout=20)
        self._steps += 1
        if self._steps == self._dies_at:
            raise Killed

    def _run(self) -> None:
        assert self._go.acquire(timeout=20)
        if message := self._change(self._world):
            self.here.actor = self
            self._hear(message)
        self.done = True
        self._stopped.release()

    def _hear(self, message: Message) -> None:
        for attempt in itertools.count(1):
            try:
                self._world.processor.process(message, attempt)
            except (Killed, SourceUnavailable):
                continue
            return


class PausingBucket(MemoryBucket):
    def live(self, bucket: str, name: str) -> ObjectRef | None:
        Actor.pause()
        return super().live(bucket, name)

    def list(self, bucket: str, prefix: str = "", start_after: str = "") -> Iterator[ObjectRef]:
        Actor.pause()
        return iter([*super().list(bucket, prefix, start_after)])


class PausingDocuments(MemoryDocuments):
    def heads(self, keys: Sequence[str]) -> Sequence[Head | None]:
        Actor.pause()
        return super().heads(keys)

    def commit(self, writes: Sequence[Write]) -> Sequence[WriteResult]:
        Actor.pause()
        return super().commit(writes)


def a_world() -> World:
    bucket = PausingBucket()
    world = World(bucket, PausingDocuments())

    def read(ref: ObjectRef) -> Metadata:
        Actor.pause()
        with bucket.open(ref) as file:
            text = file.read(0, 100).decode()
        if text == IMAGE:
            return Metadata(ImageInfo("JPEG"), {}, {"exif": Block(BlockStatus.OK)})
        title = Tag("dc:title", "xmp", f"{text} {ref.generation}", "")
        return Metadata(ImageInfo("XMP"), {"XMP-dc:title": title}, {"xmp": Block(BlockStatus.OK)})

    world.read = world.alone = read
    return world


def agrees(world: World) -> bool:
    """Whether the image's document is what the bucket now holds: the image, and the sidecar that counts."""
    objects, fields = world.bucket.objects, world.fields(IMAGE)
    if IMAGE not in objects:
        return not fields or fields["status"] == "deleted"
    counts = next((name for name in (FULL, SHORT) if name in objects), None)
    generation = objects[counts][0].generation if counts else None
    wanted = (objects[IMAGE][0].generation, "ok", counts, f"{counts} {generation}" if counts else None)
    found = fields.get("sidecar", {}), fields.get("text", {}).get("title")
    return (fields["generation"], fields["status"], found[0].get("name"), found[1]) == wanted


def play(actors: Sequence[Actor], schedule: Iterable[int]) -> None:
    """Who takes each step, by number among those who are not done; after the schedule, each to its end in turn."""
    for number in schedule:
        at_work = [actor for actor in actors if not actor.done]
        if not at_work:
            return
        at_work[number % len(at_work)].step()
    for actor in actors:
        while not actor.done:
            actor.step()


LONGEST = 11
"""No actor takes more steps, unless it has to begin again."""


TWO = [
    ((), ("image", "short")),
    (("image",), ("image", "short")),
    (("short",), ("image", "short")),
    (("image", "short"), ("image", "no short")),
    (("image", "short"), ("short", "no short")),
    (("image", "short"), ("no image", "no short")),
    (("image", "short"), ("short", "full")),
    (("image", "full", "short"), ("no full", "no short")),
]
"""What there is before, and what happens at the same time."""


def shifts(turns: int) -> Iterator[list[int]]:
    """Every schedule in which two actors take so many turns, and each goes on to its end thereafter."""
    for first in (0, 1):
        for lengths in itertools.product(range(LONGEST + 1), repeat=turns):
            yield [(first + turn) % 2 for turn, length in enumerate(lengths) for _ in range(length)]


@pytest.mark.parametrize("turns", [2, pytest.param(3, marks=pytest.mark.deep)])
@pytest.mark.parametrize(("before", "changes"), TWO)
def test_two_workers_in_every_order(before: tuple[str, ...], changes: tuple[str, str], turns: int) -> None:
    for schedule in shifts(turns):
        world = a_world()
        for name in before:
            message = CHANGES[name](world)
            assert message
            world.hear(message)
        play([Actor(world, CHANGES[name]) for name in changes], schedule)
        assert agrees(world), f"{schedule}: {world.fields(IMAGE)}"


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 12)), min_size=2, max_size=5),
    schedule=st.lists(st.integers(0, 4), max_size=60),
)
def test_many_workers_of_whom_some_die(changes: list[tuple[str, int]], schedule: list[int]) -> None:
    world = a_world()
    play([Actor(world, CHANGES[name], dies_at) for name, dies_at in changes], schedule)
    assert agrees(world), world.fields(IMAGE)
