"""Extraction: the bytes of one image become Metadata. Pure, bounded, without a cloud or a thread."""

from worker.extract.stages import EXTRACTOR, extract

__all__ = ["EXTRACTOR", "extract"]
