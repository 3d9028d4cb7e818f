"""The policies that are compared, with the settings that were chosen; and those that were not."""

from dataclasses import replace

from bench.scaling.fleet import GROUP, POOL, PUSH, Platform
from bench.scaling.policies import (
    Brake,
    Policy,
    by_backlog,
    by_need,
    by_rate_and_age,
    by_requests,
    by_utilisation,
    by_waking,
)
from bench.scaling.signals import CPU, LOOK, QUEUE, REQUESTS, WORKERS, Meter
from worker.settings import Settings

PLANNED_IMAGES_PER_S = 300
"""`worker.images_per_s` in terraform/: two thirds of what an instance is expected to do, which nobody measured yet."""
DRAIN_TARGET_S = 240
MINIMUM = 1
CPU_TARGET = 0.6
STABILISATION_S = 300
THREADS: int = Settings.model_fields["threads"].default
MAXIMUM = 40
"""Of group instances; of a pool's, of one vCPU each, 100."""
PUSH_MAXIMUM = 20
"""`worker.max_instances` in terraform/. What waits is pushed at once: the maximum is what keeps a burst cheap."""
PATIENCE_S = 40.0
"""How long a few images wait where nobody is there, so that one instance is worth its start."""


def group(
    name: str = "group: backlog and CPU (ours)",
    *,
    drain_s: float = DRAIN_TARGET_S,
    minimum: int = MINIMUM,
    cpu: float | None = CPU_TARGET,
    brake: Brake | None = None,
    schedule: tuple[float, float, int] | None = None,
    platform: Platform = GROUP,
) -> Policy:
    """The instance group of terraform/, with any of its settings changed."""
    signals = [(QUEUE, by_backlog(PLANNED_IMAGES_PER_S * drain_s))]
    if cpu is not None and minimum > 0:
        signals.append((CPU, by_utilisation(cpu)))
    brake = brake or Brake(STABILISATION_S)
    return Policy(name, platform, tuple(signals), brake, minimum, MAXIMUM, schedule=schedule)


def compared() -> tuple[Policy, ...]:
    """Ours, what others do, and what would be better still."""
    hpa = Brake(300.0, growth=2.0)
    keda = by_backlog(PLANNED_IMAGES_PER_S / 2 * DRAIN_TARGET_S)
    machines, containers = (by_rate_and_age(each.images_per_s, 120) for each in (GROUP, POOL))
    return (
        group(),
        group("group: backlog, from zero", minimum=0),
        Policy("group: CPU", GROUP, ((CPU, by_utilisation(CPU_TARGET)),), Brake(), MINIMUM, MAXIMUM),
        Policy("pool: backlog (KEDA, HPA)", POOL, ((QUEUE, keda),), hpa, MINIMUM, 100),
        Policy("pool: CPU (Cloud Run)", POOL, ((CPU, by_utilisation(CPU_TARGET)),), Brake(60.0), MINIMUM, 100),
        push("push (Cloud Run)"),
        push("push, a CPU of 0.65", cpu=0.65),
        Policy("group: rate and age", GROUP, ((WORKERS, machines),), Brake(60.0), MINIMUM, MAXIMUM),
        Policy("pool: rate and age", POOL, ((WORKERS, containers),), Brake(30.0), MINIMUM, 100),
        woken(),
    )


def push(name: str, cpu: float = CPU_TARGET) -> Policy:
    """Cloud Run by requests, to zero. Its target of CPU is 0.6, unless one is set."""
    requests = by_requests(THREADS, 0.6, PUSH.images_per_s, cpu)
    return Policy(name, PUSH, ((REQUESTS, requests),), Brake(60.0), 0, PUSH_MAXIMUM, decide_s=5.0)


def woken(name: str = "pool: rate and age, woken", look: Meter = LOOK, patience_s: float = PATIENCE_S) -> Policy:
    """A pool from zero: what workers say counts while there are any; else whether something waits."""
    said = replace(WORKERS, fresh_s=45.0)
    needed = by_need(by_rate_and_age(POOL.images_per_s, 120), least=0.3)
    waking = by_waking(patience_s, many=1000)
    return Policy(name, POOL, ((said, needed), (look, waking)), Brake(15.0), 0, 100)


def tried() -> tuple[Policy, ...]:
    """Ours with one setting changed at a time; and what wakes a pool, if it looks less often or later."""
    monday = (9 * 3600.0 - 600, 10 * 3600.0, 8)
    return (
        group("as chosen"),
        *(group(f"T = {drain} s", drain_s=drain) for drain in (60, 120, 180, 480)),
        *(group(f"from zero, backlog only, T = {drain} s", minimum=0, drain_s=drain) for drain in (60, 240, 480)),
        *(group(f"minimum {count}", minimum=count) for count in (2, 4)),
        group("minimum 1, without CPU", cpu=None),
        *(group(f"CPU target {target}", cpu=target) for target in (0.5, 0.7)),
        *(group(f"stabilisation {wait:g} s", brake=Brake(wait)) for wait in (120.0, 600.0)),
        group("at most 25 % fewer per 10 min", brake=Brake(STABILISATION_S, share=0.25)),
        group("minimum 8, Monday 08:50 to 10:00", schedule=monday),
        *(group(f"an instance does {rate}/s", platform=_doing(rate)) for rate in (150, 300, 600)),
        *(woken(f"woken, a look every {wait:g} s", replace(LOOK, period=wait)) for wait in (30.0, 60.0)),
        woken("woken by `num_undelivered_messages`", QUEUE, patience_s=0.1),
    )


def _doing(images_per_s: float) -> Platform:
    return Platform(GROUP.name, images_per_s, GROUP.boot)
