"""How fast metadata is read, side by side with what one would use instead.

One process, one core, bytes in memory. Time is CPU time, which neighbours on a shared machine stretch least, and the
arms take turns in rounds, each going over all images, so that a machine that slows down slows all of them:
`imagemeta` with its three policies for maker notes (EXIF, XMP, IPTC, typed values and the summary), exifread without
and with details (EXIF only), and ExifTool kept open (`-stay_open`, which reads files, so these lie in memory too,
under /dev/shm; with the options that the reference of recall was made with).

What an arm remembers of earlier images is forgotten before each turn: no arm gains by meeting an image again, but
within a turn it may learn, as it does in a worker. Garbage is collected as seldom as in a worker, in all arms. Images
are the JPEGs, broken ones too but not those crafted to break readers, of the folder that IMAGE_CORPORA names.

    python -m bench.extraction [--rounds 5] [--most 1000]
"""

import argparse
import functools
import gc
import io
import logging
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import exifread

from bench.recall import corpora
from worker.errors import WorkerError
from worker.extract import extract
from worker.extract.window import BytesReader
from worker.model import Limits, MakerNotes
from worker.shard import GC_THRESHOLDS


class Arm(NamedTuple):
    """What reads one image, and a clock of the CPU seconds that it has used."""

    run: Callable[[Path, bytes], object]
    clock: Callable[[], float] = time.process_time


BASELINE = "imagemeta, makernotes=never"


def images(most: int) -> Iterator[Path]:
    """JPEGs that are meant to be read: not those that were crafted to break a reader."""
    found = (path for path in sorted(corpora().rglob("*")) if path.is_file() and path.parent.name != "crafted")
    for path in found:
        with path.open("rb") as stream:
            if stream.read(3) == b"\xff\xd8\xff":
                yield path
                most -= 1
        if not most:
            return


def ours(makernotes: MakerNotes) -> Arm:
    limits = Limits(makernotes=makernotes)

    def run(_: Path, data: bytes) -> object:
        try:
            return extract(BytesReader.of(data), limits)
        except WorkerError as error:
            return error

    return Arm(run)


def theirs(*, details: bool) -> Arm:
    def run(_: Path, data: bytes) -> object:
        try:
            return exifread.process_file(io.BytesIO(data), details=details)
        except Exception as error:  # noqa: BLE001 -- it raises what it likes; the time until then counts
            return error

    return Arm(run)


@contextmanager
def exiftool(files: list[Path]) -> Iterator[dict[str, Arm]]:
    """ExifTool's arm, or none where it is not installed."""
    program = shutil.which("exiftool")
    if program is None:
        print("exiftool: not installed, no row for it (Debian: libimage-exiftool-perl)")
        yield {}
        return
    memory = Path("/dev/shm")  # noqa: S108 -- the point is that reading costs no disk
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        copies = {path: Path(folder) / f"{index}.jpg" for index, path in enumerate(files)}
        for path, copy in copies.items():
            shutil.copyfile(path, copy)
        command = [program, "-stay_open", "True", "-@", "-", "-common_args", "-j", "-G1", "-n", "-D", "-a"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdin
        assert process.stdout
        answers, questions = process.stdout, process.stdin

        def run(path: Path, _: bytes) -> object:
            questions.write(f"{copies[path]}\n-execute\n".encode())
            questions.flush()
            lines = iter(answers.readline, b"")
            return [line for line in iter(lambda: next(lines), b"{ready}\n")]  # noqa: C416

        try:
            # its own time alone, in nanoseconds: what it costs us to ask it and to read its answer is not counted
            schedstat = Path(f"/proc/{process.pid}/schedstat")
            yield {"ExifTool -stay_open": Arm(run, lambda: int(schedstat.read_text().split()[0]) / 1e9)}
        finally:
            questions.write(b"-stay_open\nFalse\n")
            questions.close()
            process.wait(timeout=30)
            answers.close()


def forget() -> None:
    """Empty all caches of this process, and leave no garbage to the next arm."""
    gc.collect()
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper):
            found.cache_clear()


def measure(arms: dict[str, Arm], files: list[tuple[Path, bytes]], rounds: int) -> dict[str, list[float]]:
    """Images a second of each arm in each round, after one round that only loads the programs."""
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(rounds + 1):
        for name, arm in arms.items():
            forget()
            start = arm.clock()
            for path, data in files:
                arm.run(path, data)
            if turn:
                rates[name].append(len(files) / (arm.clock() - start))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description="speed of extraction beside exifread and ExifTool")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, default=1000, help="at most as many images")
    arguments = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)
    logging.getLogger("exifread").setLevel(logging.ERROR)  # or it is slowed by a warning per image without EXIF
    if not corpora().is_dir():
        raise SystemExit(f"no corpora at {corpora()}: set IMAGE_CORPORA")
    paths = list(images(arguments.most))
    with exiftool(paths) as reference:
        arms: dict[str, Arm] = {
            BASELINE: ours("never"),
            "imagemeta, makernotes=auto": ours("auto"),
            "imagemeta, makernotes=always": ours("always"),
            "exifread details=False": theirs(details=False),
            "exifread details=True": theirs(details=True),
            **reference,
        }
        rates = measure(arms, [(path, path.read_bytes()) for path in paths], arguments.rounds)
    size = sum(path.stat().st_size for path in paths) / len(paths) / 1024
    print(f"{len(paths)} JPEGs of {size:.0f} KiB on average, {arguments.rounds} rounds, median; ratios of each round")
    others = [name for name in arms if not name.startswith("imagemeta")]
    print(f"{'':<32}{'images/s':>10}" + "".join(f"{'x ' + name:>28}" for name in others))
    for name, rate in rates.items():
        ratios = [median(a / b for a, b in zip(rate, rates[other], strict=True)) for other in others]
        print(f"{name:<32}{median(rate):>10.0f}" + "".join(f"{ratio:>28.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
