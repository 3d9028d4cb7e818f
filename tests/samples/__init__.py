"""Sample pictures of our own making, for `make demo` and for tests: `write_all(folder)` makes them.

Every picture is drawn, and its metadata written, by the code beside this file: nothing is anybody else's, and each
value is known. Two runs make the same pictures and the same metadata; encoders of another version may make other
pixels.
"""

from pathlib import Path

from tests.samples.catalogue import SAMPLES, Sample

__all__ = ["SAMPLES", "Sample", "write_all"]


def write_all(folder: Path) -> list[Path]:
    """Write every sample under the folder; return the files, in the order of their names."""
    written = []
    for sample in sorted(SAMPLES, key=lambda sample: sample.name):
        path = folder / sample.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.make())
        written.append(path)
    return written
