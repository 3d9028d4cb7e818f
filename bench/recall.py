"""How much of what ExifTool finds is found, and at what cost in reads and bytes.

Run over a folder of images with an `oracle.jsonl`, named by IMAGE_CORPORA: `python -m bench.recall`. Writes what
`imagemeta extract DIR --format jsonl` writes, has the scoring tool compare it with the oracle, and prints reads
and KiB per image for the sets that the goals speak of; with `--markdown`, the page docs/formats.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from bench.formats import Cost, page
from worker.errors import WorkerError
from worker.extract import extract
from worker.extract.window import BytesReader
from worker.model import Limits, Tag

MEBIBYTE = 1024 * 1024
NOT_IMAGES = {"SOURCES.md", "oracle.jsonl"}


@dataclass(frozen=True)
class Run:
    """One file's extraction: `format` is empty where it raised an error of the taxonomy."""

    file: str
    size: int
    seconds: float
    format: str
    tags: dict[str, Tag]
    ranges: Sequence[tuple[int, int]]


def corpora() -> Path:
    """The folder of image corpora, which are not part of this project: it may not be there."""
    return Path(os.environ.get("IMAGE_CORPORA") or Path(__file__).parents[2] / "shared" / "corpora")


def extractions(folder: Path, limits: Limits) -> Iterator[Run]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_IMAGES):
        data, name = path.read_bytes(), str(path.relative_to(folder))
        start = time.thread_time()
        try:
            found = extract(BytesReader.of(data, name), limits)
        except WorkerError:
            yield Run(name, len(data), time.thread_time() - start, "", {}, ())
        else:
            seconds = time.thread_time() - start
            yield Run(name, len(data), seconds, found.image.format, dict(found.tags), found.ranges)


def write(runs: Sequence[Run], output: Path) -> None:
    """In the form of `imagemeta extract --format jsonl`, as far as the scoring tool reads it."""
    with output.open("w", encoding="utf-8") as stream:
        for run in runs:
            tags = {key: asdict(tag) for key, tag in run.tags.items()}
            stream.write(json.dumps({"file": run.file, "tags": tags}) + "\n")


def score(folder: Path, output: Path, *options: str) -> str:
    """What the scoring tool says of an extraction."""
    tool = folder.parent / "tools" / "recall" / "recall.py"
    command = [sys.executable, str(tool), str(folder / "oracle.jsonl"), str(output), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def recall(folder: Path, limits: Limits) -> list[dict[str, Any]]:
    """The scoring tool's rows, one for each set and format."""
    return rows_of(folder, list(extractions(folder, limits)))


def rows_of(folder: Path, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The scoring tool's rows of an extraction."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "extracted.jsonl"
        write(runs, output)
        rows: list[dict[str, Any]] = json.loads(score(folder, output, "--json", "--by-format"))["rows"]
        return rows


def markdown(folder: Path, runs: Sequence[Run]) -> str:
    """docs/formats.md, from these runs."""
    with (folder / "oracle.jsonl").open(encoding="utf-8") as stream:
        formats = {line["file"]: line["format"] for line in map(json.loads, stream)}
    costs: dict[str, list[Cost]] = {}
    for run in runs:
        if run.format and run.file in formats and not run.file.startswith("crafted/"):
            cost = Cost(len(run.ranges), sum(length for _, length in run.ranges))
            costs.setdefault(formats[run.file], []).append(cost)
            costs.setdefault("ALL", []).append(cost)
    return page(rows_of(folder, runs), costs)


def print_cost(title: str, runs: Sequence[Run]) -> None:
    taken = [sum(length for _, length in run.ranges) for run in runs]
    reads, kib = mean(len(run.ranges) for run in runs), mean(taken) / 1024
    share = 100 * sum(taken) / sum(run.size for run in runs)
    print(f"{title:<24}{len(runs):>5} files {reads:6.2f} reads {kib:8.1f} KiB per image {share:6.1f} % of bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description="recall against the oracle, and reads and bytes per image")
    parser.add_argument("--output", type=Path, help="keep the extraction as JSONL")
    parser.add_argument("--losses", default="0", metavar="N", help="print the N most lost tags")
    parser.add_argument("--markdown", action="store_true", help="write the page docs/formats.md instead")
    arguments = parser.parse_args()
    folder = corpora()
    if not folder.is_dir():
        sys.exit(f"no corpora at {folder}: set IMAGE_CORPORA")
    runs = list(extractions(folder, Limits(makernotes="never")))
    if arguments.markdown:
        print(markdown(folder, runs))
        return
    with tempfile.TemporaryDirectory() as scratch:
        output = arguments.output or Path(scratch) / "extracted.jsonl"
        write(runs, output)
        print(score(folder, output, "--by-format", "--losses", arguments.losses))
    read = [run for run in runs if run.format and not run.file.startswith("crafted/")]
    print_cost("all files", read)
    print_cost("above 256 KiB", [run for run in read if run.size > MEBIBYTE // 4])
    print_cost("JPEG of 1 MiB and more", [run for run in read if run.size >= MEBIBYTE and run.format == "JPEG"])
    slowest = max(runs, key=lambda run: run.seconds)
    print(f"slowest: {slowest.seconds:.3f} s CPU, {slowest.file}")


if __name__ == "__main__":
    main()
