"""One image becomes a smaller one, by policy: never larger than it was, upright, in its colours."""

from collections.abc import Iterator
from dataclasses import dataclass

from worker.batches.encode import MIMES, Frames, encoded
from worker.batches.modes import fitted, has_alpha
from worker.batches.picture import Picture, opened
from worker.batches.policy import Caps, Format, Policy, Retain
from worker.batches.retain import retained
from worker.errors import LimitExceeded, UnsupportedFormat
from worker.model import BlockStatus, Metadata

_SHOWN = frozenset({"JPEG", "PNG", "WEBP", "AVIF", "GIF"})
"""What browsers show; anything else becomes one of them."""
_MOVING = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_WORST = 10
"""The lowest quality that is ever tried."""
_SMALLER = 0.8
"""What remains of the sides where no quality brings an image under its target."""
_SMALLEST = 64


@dataclass(frozen=True, slots=True)
class Compressed:
    """The result: a file, what it is, and what is worth saying about how it came to be. `quality` 0: as it was."""

    data: bytes
    mime: str
    suffix: str
    width: int
    height: int
    quality: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Try:
    """One way to compress: a quality, and a longest side (0: as it is)."""

    quality: int
    longest: int


def compressed(data: bytes, metadata: Metadata, policy: Policy, caps: Caps) -> Compressed:
    """The image, compressed. Raises UnsupportedFormat, CorruptImage, or LimitExceeded, where nothing is smaller."""
    picture = opened(data, metadata, caps.pixels)
    target = _target(picture, policy.format)
    best: Compressed | None = None
    for attempt in _tries(picture, policy):
        if best and attempt.quality < policy.quality and _may_stay(picture, metadata, policy, target, len(data)):
            break  # a file that is as it should be already is not made worse to win a few bytes
        best = _tried(picture, metadata, policy, target, attempt)
        if len(best.data) < len(data) and len(best.data) <= (policy.target_bytes or len(data)):
            return best
    if _may_stay(picture, metadata, policy, target, len(data)):
        width, height = picture.frames[0].size
        return Compressed(data, *MIMES[target], width, height, 0, ("already small: left as it was",))
    raise LimitExceeded(f"nothing that the policy allows is smaller than {policy.target_bytes or len(data)} bytes")


def _target(picture: Picture, wanted: Format) -> str:
    """Pillow's name of the result's format."""
    if wanted is Format.JPEG and picture.animated:
        raise UnsupportedFormat(f"it has {len(picture.frames)} frames, and JPEG has one: choose keep or webp")
    if wanted is not Format.KEEP:
        return str(wanted).upper()
    if picture.format in _SHOWN:
        return picture.format
    return "PNG" if has_alpha(picture.frames[0]) else "JPEG"


def _tries(picture: Picture, policy: Policy) -> Iterator[_Try]:
    """The wanted quality first, then lower ones; with a target in bytes, smaller sides as well."""
    longest = policy.longest
    while True:
        yield from (_Try(quality, longest) for quality in _qualities(policy.quality))
        longest = int((longest or max(picture.frames[0].size)) * _SMALLER)
        if not policy.target_bytes or longest < _SMALLEST:
            return


def _qualities(wanted: int) -> list[int]:
    return [wanted, *(quality for quality in (75, 60, 45, 30, 20, _WORST) if quality < wanted)]


def _tried(picture: Picture, metadata: Metadata, policy: Policy, target: str, attempt: _Try) -> Compressed:
    ready = [fitted(frame, picture.icc, target, attempt.longest) for frame in picture.frames]
    first = ready[0]
    blocks = retained(picture, metadata, policy.metadata, first.image.size)
    frames = Frames([each.image for each in ready], picture.durations, picture.loop, first.icc)
    data = encoded(frames, target, attempt.quality, blocks)
    became = (f"{picture.format} made {target}",) if policy.format is Format.KEEP and target != picture.format else ()
    notes = (*became, *first.notes, *blocks.notes)
    return Compressed(data, *MIMES[target], *first.image.size, attempt.quality, notes)


def _may_stay(picture: Picture, metadata: Metadata, policy: Policy, target: str, size: int) -> bool:
    """Whether the file as it came is what the policy asks for."""
    blocks = [metadata.blocks.get(name) for name in ("exif", "xmp", "iptc")]
    bare = all(block is None or block.status is BlockStatus.ABSENT for block in blocks)
    fits = not policy.longest or max(picture.frames[0].size) <= policy.longest
    small = not policy.target_bytes or size <= policy.target_bytes
    kept = policy.metadata is Retain.KEEP or bare
    return fits and small and kept and not picture.turned and picture.format == target
