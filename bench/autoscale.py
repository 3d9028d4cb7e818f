"""Which way of scaling keeps images fresh, and at what price: a simulation (`python -m bench.autoscale`).

A queue, workers, metrics that are late, machines that boot, Firestore's ramp; six traces, ten policies, and what none
of them can beat. Two minutes on one core. docs/scaling.md says what comes out; `--write` renews its tables and chart.
"""

import argparse
import re
import sys
from pathlib import Path

from bench.scaling.catalogue import compared, tried
from bench.scaling.chart import chart
from bench.scaling.fleet import GROUP, PUSH
from bench.scaling.report import COLD, drawn, reach, sensitivity, table
from bench.scaling.traces import TRACES

DOCS = Path(__file__).parent.parent / "docs"
COLD_TRACES = TRACES[:2]


def blocks(seeds: tuple[int, ...]) -> dict[str, str]:
    """The tables of the page by name."""
    return {
        "reach": reach(TRACES, compared(), seeds),
        "policies": table(TRACES, compared(), seeds),
        "cold": table(COLD_TRACES, compared(), seeds, COLD, limits=((GROUP, 1), (PUSH, 0))),
        "settings": sensitivity(tried(), seeds),
    }


def drawing() -> str:
    """The chart: what three policies make of a burst and of a sawtooth."""
    policies = [policy for policy in compared() if policy.name.endswith(("(ours)", "rate and age"))]
    traces = TRACES[1:3]
    captions = [f"{trace.name}: {trace.about}" for trace in traces]
    return chart([drawn(trace, policies) for trace in traces], captions)


def insert(page: str, name: str, block: str) -> str:
    """The page with `block` between the marks of that name. Raises ValueError where they are missing."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no place for {name!r}")
    return pattern.sub(lambda marks: marks[1] + block + "\n" + marks[2], page)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.autoscale", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="runs of each policy on each trace; medians are shown")
    parser.add_argument("--write", action="store_true", help="renew docs/scaling.md and its chart")
    arguments = parser.parse_args(sys.argv[1:])
    page = DOCS / "scaling.md"
    text = page.read_text()
    for name, block in blocks(tuple(range(1, arguments.seeds + 1))).items():
        print(f"\n{name}\n{block}", flush=True)
        text = insert(text, name, block)
    if arguments.write:
        page.write_text(text)
        (DOCS / "scaling.svg").write_text(drawing())


if __name__ == "__main__":
    main()
