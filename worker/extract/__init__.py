"""Extraction: the bytes of one image become Metadata. Pure, bounded, without a cloud or a thread."""

from worker.extract.stages import EXTRACTOR, extract, recipe

__all__ = ["EXTRACTOR", "extract", "recipe"]
