"""What a million images cost, by formula (`python -m bench.cost`; `--write` renews docs/cost.md)."""

import argparse
import sys

from bench.autoscale import DOCS, insert
from bench.measured import images_per_second
from worker.operate.prices import MESSAGE_BYTES, PRICES

MILLION = 1_000_000
MONTH_SECONDS = 730 * 3600.0
GIB = 2.0**30


DOCUMENT_BYTES, LOG_BYTES, SPANS = 4096, 500, 6
"""Per image: a notification; a document with its indexes; a log line; the spans of a trace. Assumed, but the spans."""
TRACED = 0.01
OVER_IDEAL = {"mig": 1.8, "worker-pool": 1.6, "push": 1.5}
"""Instance-seconds over the ideal: docs/scaling.md, the diurnal trace, rounded up to a tenth."""


def _usd(name: str, units: float) -> float:
    return PRICES[name].of(units)


def compute(runtime: str) -> float:
    """USD per million images for instances of `runtime`, with what scaling wastes."""
    vcpus = 2 if runtime == "mig" else 1
    seconds = MILLION / images_per_second(vcpus) * OVER_IDEAL[runtime]
    if runtime == "mig":
        return _usd("machine", seconds)
    if runtime == "push":
        return _usd("request CPU", seconds) + _usd("request memory", seconds) + _usd("request", MILLION)
    return _usd("instance CPU", seconds) + _usd("instance memory", seconds)


def flow() -> dict[str, float]:
    """USD per million images that are the same on every runtime."""
    return {
        "notification (class B)": _usd("class B", MILLION),
        "one ranged read (class B)": _usd("class B", MILLION),
        "Pub/Sub, in and out": _usd("Pub/Sub", 2 * MESSAGE_BYTES * MILLION),
        "one Firestore write, one region": _usd("write", MILLION),
        "at most one look-up of a sidecar in Firestore": _usd("read", MILLION),
        "a log line of 500 bytes": _usd("log", LOG_BYTES * MILLION),
        f"a trace of {SPANS} spans for {TRACED:.0%}": _usd("span", SPANS * TRACED * MILLION),
    }


def floors() -> dict[str, float]:
    """USD per month while nothing arrives."""
    instance = _usd("instance CPU", MONTH_SECONDS) + _usd("instance memory", MONTH_SECONDS)
    return {
        "mig, a minimum of one e2-standard-2 with 20 GiB of disk": _usd("machine", MONTH_SECONDS) + _usd("disk", 20),
        "mig, a minimum of none": 0.0,
        "worker-pool, a minimum of one with 1 vCPU and 1 GiB": instance,
        "push": 0.0,
    }


def extras() -> dict[str, float]:
    """USD per million images or documents, for what is not on by default or not ours."""
    return {
        "documents kept, per month": _usd("stored", DOCUMENT_BYTES * MILLION),
        "a database in two regions (nam5) instead of one": _usd("write nam5", MILLION) - _usd("write", MILLION),
        "every image traced instead of one in a hundred": _usd("span", SPANS * (1 - TRACED) * MILLION),
        "every document read once (a full export; a write that meets an older one)": _usd("read", MILLION),
        "the uploads themselves (class A), paid by whoever uploads": _usd("class A", MILLION),
    }


def blocks() -> dict[str, str]:
    """The tables of docs/cost.md by name."""
    rows = [f"| {name} | {usd:.2f} | {usd:.2f} | {usd:.2f} |" for name, usd in flow().items()]
    machines = [compute(runtime) for runtime in OVER_IDEAL]
    totals = [sum(flow().values()) + usd for usd in machines]
    return {
        "million": "\n".join(
            [
                "| USD per million images | " + " | ".join(OVER_IDEAL) + " |",
                "|---|---:|---:|---:|",
                *rows,
                "| instances | " + " | ".join(f"{usd:.2f}" for usd in machines) + " |",
                "| **all** | " + " | ".join(f"**{usd:.2f}**" for usd in totals) + " |",
            ]
        ),
        "floors": _pairs("While nothing arrives", "USD per month", floors()),
        "extras": _pairs("Besides", "USD per million", extras()),
        "prices": _prices(),
    }


def _pairs(what: str, unit: str, rows: dict[str, float]) -> str:
    return "\n".join([f"| {what} | {unit} |", "|---|---:|", *(f"| {name} | {usd:.2f} |" for name, usd in rows.items())])


def _prices() -> str:
    lines = ["| USD | per | Source | Confirmed |", "|---:|---|---|---|"]
    for price in PRICES.values():
        number = f"{price.usd:.7f}".rstrip("0")
        lines.append(f"| {number} | {price.label} | {price.source} | {'yes' if price.confirmed else '**no**'} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.cost", description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew docs/cost.md")
    write = parser.parse_args(sys.argv[1:]).write
    page = DOCS / "cost.md"
    text = page.read_text()
    for name, block in blocks().items():
        print(f"\n{block}")
        text = insert(text, name, block)
    if write:
        page.write_text(text)


if __name__ == "__main__":
    main()
