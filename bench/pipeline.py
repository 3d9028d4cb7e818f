"""The whole pipeline, side by side with the client libraries' own guides, in one run (`make bench`).

Both arms work through the same images on the same servers, in turn, each in a fresh process on a core of its own; the
servers have another core. Trust the ratio: two runs on a shared machine differ by a third.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.arms import ARMS, SETTINGS
from bench.images import CAMERA_BYTES, SMALL_BYTES
from bench.servers import Served, Servers, Work
from worker.settings import Settings

SPEEDUP_GOAL, KIB_GOAL, READS_GOAL = 5.0, 110.0, 1.2
DRAIN_SECONDS = 240.0
"""The time in which a backlog shall be gone; terraform/ scales by it."""
THREADS: int = Settings.model_fields["threads"].default
_FIRST, _WARM_UP = 20, 200
"""Images that an arm starts with, and those whose rate says how many it is then measured on."""
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One arm's work on one set of images, per image; `servers` is the share of a core that the servers took."""

    rate: float
    cpu_ms: float
    kib: float
    reads: float
    servers: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians over the rounds; the ratios are medians of the rounds' own ratios."""

    guide: Measurement
    ours: Measurement
    rate_ratio: float
    cpu_ratio: float


@dataclass(frozen=True, slots=True)
class Variant:
    """How an arm is set; the guides' arm knows neither setting."""

    threads: int = THREADS
    sidecars: str = "on"

    def __str__(self) -> str:
        return f"{self.threads} threads, sidecars {self.sidecars}"


def cores() -> tuple[int | None, int | None]:
    """A core for the servers and one for the arms; None where there are no two, or no way to ask for one."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    ours = sorted(os.sched_getaffinity(0))
    return (ours[0], ours[-1]) if len(ours) > 1 else (None, None)


@contextmanager
def arm(name: str, servers: Servers, core: int | None, variant: Variant) -> Iterator[subprocess.Popen[bytes]]:
    """An arm at work; its process. Raises RuntimeError with the end of its log where it failed."""
    argv = [sys.executable, "-m", "bench.arms", name, *([] if core is None else [str(core)])]
    settings = {**SETTINGS, "IMAGEMETA_THREADS": str(variant.threads), "IMAGEMETA_SIDECARS": variant.sidecars}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEMETA_")}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(argv, env={**inherited, **settings, **servers.environment}, stderr=log)
        try:
            yield process
            process.terminate()
            ended = process.wait(_STOP_SECONDS) == 0
        except TimeoutError:
            ended = False
        finally:
            process.kill()
            process.wait()
        if not ended:
            log.seek(0)
            raise RuntimeError(f"the arm {name!r} failed:\n{log.read()[-4000:].decode(errors='replace')}")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Bench:
    """Arms at work on `servers`, on core `core`, for about `seconds` each time, and `rounds` times.

    `images` is the number of different ones, and the least that each arm is measured on.
    """

    servers: Servers
    core: int | None
    images: int
    seconds: float
    rounds: int

    def measure(self, name: str, variant: Variant, sizes: tuple[int, int]) -> Measurement:
        """One run of one arm, from a fresh process to its orderly end."""
        with arm(name, self.servers, self.core, variant) as process:
            self._work(process, Work(sizes, self.images, 0, _FIRST))
            warm = self._work(process, Work(sizes, self.images, _FIRST, _WARM_UP))
            count = max(self.images, round(_WARM_UP / warm.seconds * self.seconds))
            before = cpu_seconds(process.pid)
            served = self._work(process, Work(sizes, self.images, _FIRST + _WARM_UP, count))
            cpu = cpu_seconds(process.pid) - before
        return Measurement(
            rate=count / served.seconds,
            cpu_ms=cpu / count * 1000,
            kib=served.bytes / count / 1024,
            reads=served.reads / count,
            servers=served.busy,
        )

    def _work(self, process: subprocess.Popen[bytes], work: Work) -> Served:
        """What some work took. Raises RuntimeError where an object has no document of its own image."""
        served = self.servers.serve(work, lambda: process.poll() is None)
        if served.documents != work.count:
            raise RuntimeError(f"{served.documents} right documents for {work.count} images")
        return served

    def compare(self, variant: Variant, sizes: tuple[int, int]) -> Comparison:
        """Both arms in turn, each first in every other round."""
        runs: dict[str, list[Measurement]] = {name: [] for name in ARMS}
        for turn in range(self.rounds):
            for name in sorted(ARMS, reverse=turn % 2 == 1):
                runs[name].append(self.measure(name, variant, sizes))
        pairs = list(zip(runs["guide"], runs["ours"], strict=True))
        return Comparison(
            guide=_middle(runs["guide"]),
            ours=_middle(runs["ours"]),
            rate_ratio=median(ours.rate / guide.rate for guide, ours in pairs),
            cpu_ratio=median(guide.cpu_ms / ours.cpu_ms for guide, ours in pairs),
        )

    def sweep(self, variants: Sequence[Variant]) -> dict[Variant, Measurement]:
        """Our arm on camera images in each variant, in turn, and in the other order every other round."""
        runs: dict[Variant, list[Measurement]] = {variant: [] for variant in variants}
        for turn in range(self.rounds):
            for variant in variants if turn % 2 == 0 else reversed(variants):
                runs[variant].append(self.measure("ours", variant, CAMERA_BYTES))
        return {variant: _middle(measured) for variant, measured in runs.items()}


def _middle(measured: list[Measurement]) -> Measurement:
    """The median of each figure."""
    return Measurement(*(median(figures) for figures in zip(*(astuple(each) for each in measured), strict=True)))


def show(title: str, rows: Mapping[str, Measurement]) -> None:
    print(f"\n{title:<28}{'images/s':>9}{'CPU ms':>9}{'KiB read':>10}{'reads':>7}{'servers':>9}")
    for name, row in rows.items():
        print(f"{name:<28}{row.rate:9.0f}{row.cpu_ms:9.2f}{row.kib:10.1f}{row.reads:7.2f}{row.servers:9.0%}")


def show_comparison(title: str, found: Comparison) -> None:
    show(title, {"the libraries' guides": found.guide, "imagemeta": found.ours})
    print(f"{'ratio':<28}{found.rate_ratio:8.1f}x{found.cpu_ratio:8.1f}x")


def show_verdict(found: Comparison, instance_cores: int) -> bool:
    """The goals for camera images, and what they mean for scaling. Whether all goals are met."""
    goals = {
        f"at least {SPEEDUP_GOAL:g} times the images/s per core": found.rate_ratio >= SPEEDUP_GOAL,
        f"at most {KIB_GOAL:g} KiB per camera JPEG": found.ours.kib <= KIB_GOAL,
        f"at most {READS_GOAL:g} reads per camera JPEG": found.ours.reads <= READS_GOAL,
    }
    print()
    for goal, met in goals.items():
        print(f"{'met' if met else 'NOT MET':<9}{goal}")
    rate = found.ours.rate * instance_cores
    print(f"\n{rate:.0f} images/s per instance of {instance_cores} such cores;", end=" ")
    print(f"to drain in {DRAIN_SECONDS:.0f} s: single_instance_assignment = {rate * DRAIN_SECONDS:.0f}")
    return all(goals.values())


def main() -> None:
    arguments = parse(sys.argv[1:])
    servers_core, core = cores()
    if core is None:
        print("no two cores to choose from: the servers' work is in the figures", file=sys.stderr)
    with Servers(arguments.round_trip / 1000, servers_core) as servers:
        bench = Bench(servers, core, arguments.images, arguments.seconds, arguments.rounds)
        variants = [Variant(number, sidecars) for number in arguments.threads for sidecars in arguments.sidecars]
        report = run(bench, variants, arguments.instance_cores)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


def run(bench: Bench, variants: list[Variant], instance_cores: int) -> dict[str, Any]:
    """Both arms side by side, or our arm in several variants; printed, and returned for JSON."""
    if len(variants) > 1:
        swept = {str(variant): row for variant, row in bench.sweep(variants).items()}
        show("camera images", swept)
        return {"variants": {name: asdict(row) for name, row in swept.items()}}
    camera, small = (bench.compare(variants[0], sizes) for sizes in (CAMERA_BYTES, SMALL_BYTES))
    show_comparison("camera images, 1.5 to 4 MB", camera)
    show_comparison("small images, 100 KB", small)
    return {
        "camera": asdict(camera),
        "small": asdict(small),
        "goals_met": show_verdict(camera, instance_cores),
    }


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.pipeline", description=__doc__, formatter_class=_Formatter)
    parser.add_argument("--images", type=int, default=400, help="different images of each size")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each arm; medians are shown")
    parser.add_argument("--threads", type=_numbers, default=[THREADS], help="several, such as 16,32,64: sweep our arm")
    parser.add_argument(
        "--sidecars", type=lambda text: text.split(","), default=["on"], help="on,off shows what looking for them costs"
    )
    parser.add_argument("--round-trip", type=float, default=20.0, help="milliseconds added to every reply")
    parser.add_argument("--instance-cores", type=int, default=2, help="cores of one instance, for scaling")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    return parser.parse_args(argv)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    pass


if __name__ == "__main__":
    main()
