"""Runs to rows: medians over seeds, compared with the goal, as Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.scaling.bounds import least_cost
from bench.scaling.fleet import GROUP, POOL, PUSH, Platform
from bench.scaling.policies import Policy, bound, clear_sighted
from bench.scaling.simulation import Result, World, simulate
from bench.scaling.traces import TRACES, Trace

AGE_GOAL_S, COST_GOAL = 90.0, 1.6
COLD = World(cold=True)
KINDS: tuple[tuple[Platform, int], ...] = ((GROUP, 1), (GROUP, 0), (POOL, 1), (POOL, 0), (PUSH, 0))
"""Platforms and their minimum: each has bounds of its own."""


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


def table(
    traces: Sequence[Trace],
    policies: Sequence[Policy],
    seeds: Iterable[int],
    world: World | None = None,
    limits: Sequence[tuple[Platform, int]] = (),
) -> str:
    """Every policy on every trace, one line each, below the fastest that is possible on `limits`."""
    seeds = tuple(seeds)
    lines = [
        "| Trace | Policy | p50 s | p99 s | cost | idle | peak | turns | twice | left | goal |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for trace in traces:
        for platform, minimum in limits:
            fastest = row(trace, bound(platform, minimum), seeds[:1], world)
            least = f"least there can be: {platform.name}"
            lines.append(f"| {trace.name} | {least} | {fastest.p50:.0f} | {fastest.p99:.0f} | | | | | | | |")
        lines += [_line(row(trace, policy, seeds, world)) for policy in policies]
    return "\n".join(lines)


def reach(traces: Sequence[Trace], policies: Sequence[Policy], seeds: Iterable[int]) -> str:
    """What can be reached at all on every platform, what its best policy makes of it, and where the rest goes."""
    lines = [
        "| Trace | Instances | least p99 | least cost | idle | starts | the best here | p99 | cost | at once | goal |",
        "|---|---|---:|---:|---:|---:|---|---:|---:|---:|---|",
    ]
    seeds = tuple(seeds)
    lines += [_reached(trace, *kind, policies, seeds) for trace in traces for kind in KINDS]
    return "\n".join(lines)


def _reached(trace: Trace, platform: Platform, minimum: int, policies: Sequence[Policy], seeds: tuple[int, ...]) -> str:
    fastest = row(trace, bound(platform, minimum), seeds[:1])
    least = least_cost(trace, platform, minimum, AGE_GOAL_S)
    ours = [policy for policy in policies if policy.platform == platform and policy.minimum == minimum]
    rows = {policy.name: row(trace, policy, seeds) for policy in ours}
    best = min(ours, key=lambda policy: _merit(rows[policy.name]))
    shown, sighted = rows[best.name], row(trace, clear_sighted(best), seeds)
    verdict = _verdict(shown, can_be=fastest.p99 <= AGE_GOAL_S and least.all <= COST_GOAL)
    return (
        f"| {trace.name} | {platform.name}, from {minimum} | {fastest.p99:.0f} s | {least.all:.2f} | {least.idle:.2f} "
        f"| {least.starts:.2f} | {best.name.partition(': ')[2] or best.name} | {shown.p99:.0f} s | {shown.cost:.2f} "
        f"| {sighted.p99:.0f} s, {sighted.cost:.2f} | {verdict} |"
    )


def _merit(row: Row) -> tuple[bool, float]:
    """The cheapest of those that are fast enough; else the fastest."""
    return row.p99 > AGE_GOAL_S, row.p99 if row.p99 > AGE_GOAL_S else row.cost


def _verdict(row: Row, *, can_be: bool) -> str:
    if row.verdict == "both":
        return "met"
    if not can_be:
        return "cannot be met"
    lacking = [f"{row.p99 - AGE_GOAL_S:.0f} s"] if row.p99 > AGE_GOAL_S else []
    return "missed by " + " and ".join(lacking + ([f"{row.cost - COST_GOAL:.2f}"] if row.cost > COST_GOAL else []))


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
