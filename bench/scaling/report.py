"""Runs to rows: medians over seeds, compared with the goal, as Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.scaling.fleet import GROUP, PUSH
from bench.scaling.policies import Policy, bound
from bench.scaling.simulation import Result, World, simulate
from bench.scaling.traces import TRACES, Trace

AGE_GOAL_S, COST_GOAL = 90.0, 1.6
COLD = World(cold=True)
BOUNDS = (bound(GROUP, 1), bound(PUSH, 0))


@dataclass(frozen=True, slots=True)
class Row:
    """A policy on a trace: medians over seeds. Ages in seconds, cost by the ideal, `left` messages at the end.

    idle: the part of the cost that the minimum makes while it has nothing to do.
    """

    trace: str
    policy: str
    p50: float
    p99: float
    cost: float
    idle: float
    peak: int
    turns: float
    twice: float
    left: float

    @property
    def verdict(self) -> str:
        """Which part of the goal is met."""
        fast, cheap = self.p99 <= AGE_GOAL_S, self.cost <= COST_GOAL
        return {(True, True): "both", (True, False): "age", (False, True): "cost", (False, False): "no"}[fast, cheap]


def row(trace: Trace, policy: Policy, seeds: Iterable[int], world: World | None = None) -> Row:
    """Simulate once per seed. Raises RuntimeError where messages were lost or made."""
    results = [simulate(trace, policy, seed, world) for seed in seeds]
    for result in results:
        if result.published != result.served + result.left:
            raise RuntimeError(f"{trace.name}, {policy.name}: messages are not conserved")
    return Row(
        trace.name,
        policy.name,
        p50=median(result.age(0.50) for result in results),
        p99=median(result.age(0.99) for result in results),
        cost=median(result.over_ideal for result in results),
        idle=median(result.idle for result in results),
        peak=max(max(result.targets) for result in results),
        turns=median(result.turns for result in results),
        twice=median(result.twice for result in results),
        left=median(result.left for result in results),
    )


def table(traces: Sequence[Trace], policies: Sequence[Policy], seeds: Iterable[int], world: World | None = None) -> str:
    """Every policy on every trace, one line each."""
    seeds = tuple(seeds)
    lines = [
        "| Trace | Policy | p50 s | p99 s | cost | idle | peak | turns | twice | left | goal |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for trace in traces:
        for limit in BOUNDS:
            fastest = row(trace, limit, seeds[:1], world)
            least = f"least there can be: {limit.platform.name}"
            lines.append(f"| {trace.name} | {least} | {fastest.p50:.0f} | {fastest.p99:.0f} | | | | | | | |")
        lines += [_line(row(trace, policy, seeds, world)) for policy in policies]
    return "\n".join(lines)


def _line(row: Row) -> str:
    return (
        f"| {row.trace} | {row.policy} | {row.p50:.0f} | {row.p99:.0f} | {row.cost:.2f} | {row.idle:.2f} | {row.peak} "
        f"| {row.turns:.0f} | {row.twice:.0f} | {row.left:,.0f} | {row.verdict} |"
    )


def sensitivity(policies: Sequence[Policy], seeds: Iterable[int]) -> str:
    """A line per setting, a column per trace: p99 in seconds, and cost by the ideal."""
    seeds = tuple(seeds)
    lines = [
        "| Setting | " + " | ".join(trace.name for trace in TRACES) + " |",
        "|---|" + "---:|" * len(TRACES),
    ]
    for policy in policies:
        rows = [row(trace, policy, seeds) for trace in TRACES]
        lines.append(f"| {policy.name} | " + " | ".join(f"{each.p99:.0f} s, {each.cost:.1f}x" for each in rows) + " |")
    return "\n".join(lines)


def drawn(trace: Trace, policies: Sequence[Policy]) -> list[Result]:
    """One run each, for the chart."""
    return [simulate(trace, policy) for policy in policies]
