"""Containers: from a file's bytes to the places of its metadata, one walk per way of building files."""

from collections.abc import Callable

from worker.extract.containers import bmp, cr3, gif, heif, jp2, jpeg, jxl, mrw, packet, png, psd, raf, riff, x3f
from worker.extract.parts import Parts
from worker.extract.sniff import Container
from worker.extract.window import Window

WALKS: dict[Container, Callable[[Window, Parts], None]] = {
    Container.JPEG: jpeg.walk,
    Container.PNG: png.walk,
    Container.RIFF: riff.walk,
    Container.HEIF: heif.walk,
    Container.CR3: cr3.walk,
    Container.JXL: jxl.walk,
    Container.JP2: jp2.walk,
    Container.PSD: psd.walk,
    Container.GIF: gif.walk,
    Container.BMP: bmp.walk,
    Container.RAF: raf.walk,
    Container.MRW: mrw.walk,
    Container.X3F: x3f.walk,
    Container.XMP: packet.walk,
}
"""Each fills `Parts` in the file's order, within bounds of its own, and may raise Cut, Unread or Spent half way.

A TIFF is a container and a block in one: `worker.extract.tiff` has its walk.
"""
