"""What a container's walk makes of a file, for the tests of all containers."""

from tests.extract.build import EXIF, IPTC, XMP
from worker.extract.containers import WALKS
from worker.extract.parts import Parts
from worker.extract.sniff import sniff
from worker.extract.window import BytesReader, Window
from worker.model import Limits


def walked(data: bytes, **limits: float) -> tuple[Parts, Window]:
    """The parts of a file, and the window with the ranges that were read for them."""
    window = Window(BytesReader.of(data), Limits(**limits))  # type: ignore[arg-type] # they are all numbers
    kind = sniff(window.read(0, 64))
    assert kind is not None, data[:16]
    parts = Parts(kind.format, kind.mime)
    WALKS[kind.container](window, parts)
    return parts, window


def exif_of(parts: Parts) -> list[bytes]:
    """The EXIF blocks' bytes."""
    return [block.buffer.read(block.offset, block.buffer.size) for block in parts.exif]


def assert_all_three(parts: Parts, *, iptc: bool = True) -> None:
    assert exif_of(parts) == [EXIF]
    assert parts.xmp == [XMP]
    assert parts.iptc == ([IPTC] if iptc else [])
    assert parts.problems == []
