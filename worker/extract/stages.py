"""Extraction in stages: sniff, walk the container, read each block, sum up.

Each stage has one guard. Whatever a file makes a parser raise costs that stage's block alone and is written down
there; only a bucket's failure, a format that is not read here, and a file without any structure are raised.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ParamSpec, TypeVar

from worker.errors import CorruptImage, UnsupportedFormat, WorkerError
from worker.extract import exif, iptc, tiff, xmp
from worker.extract.budget import Oversized, Spent
from worker.extract.containers import WALKS
from worker.extract.image import describe
from worker.extract.parts import Parts, Unread
from worker.extract.sniff import LENGTH, TEXT_LENGTH, Container, Kind, sniff, sniff_text
from worker.extract.summary import Summary, summarise
from worker.extract.window import Cut, Window
from worker.model import Block, BlockStatus, Limits, Metadata, Tag
from worker.ports import RangeReader

EXTRACTOR = "1"
"""The version of these rules. A document made by another version is made anew by a backfill."""


def recipe(limits: Limits) -> str:
    """What a result depends on beside the bytes: the extractor's version, and a digest of limits that are not usual."""
    if limits == Limits():
        return EXTRACTOR
    return f"{EXTRACTOR}+{hashlib.sha256(repr(limits).encode()).hexdigest()[:8]}"


FILE = "file"
"""The name under which a walk notes what befell the container as a whole."""

_WHOLE = {BlockStatus.OK, BlockStatus.ABSENT}

Tags = dict[str, Tag]
P = ParamSpec("P")
T = TypeVar("T")


def extract(image: RangeReader, limits: Limits) -> Metadata:
    """All metadata of one object, read in a few bounded ranges.

    Raises UnsupportedFormat where the first bytes are those of no known format, CorruptImage where the file is
    empty or broken before its first part, and what `image.read` raises. Anything else a file may contain ends in
    a Metadata whose blocks say what is there, partial, failed or absent.
    """
    window = Window(image, limits)
    parts = _walk(window, _kind(window))
    tags, blocks = _read(window, parts)
    broken = [reason for block, reason in parts.problems if block == FILE]
    if broken and not (tags or parts.width or window.truncated):
        raise CorruptImage(broken[0])
    whole = not (parts.problems or window.truncated)
    blocks = _with_problems(blocks, parts.problems)
    picture = describe(parts, tags, whole=whole, exif_whole=blocks["exif"].status in _WHOLE)
    answers = _answers(tags, blocks)
    return Metadata(picture, tags, blocks, *answers, ranges=tuple(window.ranges), truncated=window.truncated)


def summed_up(metadata: Metadata) -> Metadata:
    """The metadata with the answers that its tags give."""
    blocks = dict(metadata.blocks)
    answers = _answers(metadata.tags, blocks)
    return replace(metadata, blocks=blocks, **answers._asdict())


def _answers(tags: Mapping[str, Tag], blocks: dict[str, Block]) -> Summary:
    """The answers that the tags give; where a rule fails, none, and `blocks` says so."""
    found = guarded(summarise, tags)
    if isinstance(found, Block):
        blocks["summary"] = found
        return Summary()
    return found


def _kind(window: Window) -> Kind:
    head = window.read(0, LENGTH)
    if not head:
        raise CorruptImage("the object is empty")
    kind = sniff(head) or sniff_text(window.read(0, TEXT_LENGTH))
    if kind is None:
        raise UnsupportedFormat("the first bytes are those of no image format that is read here")
    return kind


def _walk(window: Window, kind: Kind) -> Parts:
    parts = Parts(kind.format, kind.mime)

    walked = guarded(tiff.walk, window) if kind.container is Container.TIFF else _filled(parts, kind, window)
    if isinstance(walked, Block):
        parts.problems.append((FILE, walked.reason or ""))
        return parts
    return walked


def _filled(parts: Parts, kind: Kind, window: Window) -> Parts | Block:
    """The parts, filled as far as the walk of the container came."""
    return guarded(WALKS[kind.container], window, parts) or parts


def _read(window: Window, parts: Parts) -> tuple[Tags, dict[str, Block]]:
    """Tags and states of the blocks, each read by its own stage."""
    limits, budget = window.limits, window.budget
    exif_found = guarded(exif.read_all, parts.exif, limits, budget)
    tags, blocks = ({}, {"exif": exif_found}) if isinstance(exif_found, Block) else exif_found
    others = {
        "xmp": guarded(xmp.read, parts.xmp, parts.xmp_extended, limits, budget),
        "iptc": guarded(iptc.read, parts.iptc, limits),
    }
    for name, found in others.items():
        if isinstance(found, Block):
            blocks[name] = found
        else:
            tags.update(found[0])
            blocks[name] = found[1]
    return tags, blocks


def guarded(stage: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Block:
    """The stage's result; where the file makes it raise, the state of its block, which says why.

    What the bucket raises goes on up: another attempt may do better.
    """
    try:
        return stage(*args, **kwargs)
    except WorkerError:
        raise
    except Spent:
        return Block(BlockStatus.PARTIAL, "time: the CPU time for one object is spent")
    except Unread as unread:
        return Block(BlockStatus.PARTIAL, f"budget: {unread}")
    except Cut as cut:
        return Block(BlockStatus.PARTIAL, f"cut: {cut}")
    except Oversized as oversized:
        return Block(BlockStatus.PARTIAL, f"oversized: {oversized}")
    except Exception as error:  # noqa: BLE001 -- a parser's bug must cost one block of one image, never the worker
        return Block(BlockStatus.FAILED, f"internal: {type(error).__name__} in the reader")


def _with_problems(blocks: Mapping[str, Block], problems: list[tuple[str, str]]) -> dict[str, Block]:
    """The blocks' states, with what the walk of the container knows about them.

    What is broken about the file as a whole leaves good blocks good; but one that was not found may have been
    lost, and absent is said only of what is known to be absent.
    """
    told = dict(blocks)
    for name, reason in problems:
        touched = [name] if name != FILE else [n for n, block in told.items() if block.status is BlockStatus.ABSENT]
        for block in touched:
            if told.get(block, Block(BlockStatus.ABSENT)).reason is None:
                told[block] = Block(BlockStatus.PARTIAL, reason)
    return told
