"""The simulation keeps its books, obeys the equations of queues, and decides as its policies say."""

import heapq
import math
import re
from dataclasses import replace
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.autoscale import COLD_TRACES, DOCS, insert
from bench.measured import CPU_WHEN_FULL, IMAGES_PER_CORE, IN_HAND_SECONDS, images_per_second
from bench.scaling import catalogue
from bench.scaling.bounds import least_cost
from bench.scaling.catalogue import compared, group, push
from bench.scaling.chart import chart
from bench.scaling.fleet import DRAIN_SECONDS, GROUP, POOL, PUSH, Platform
from bench.scaling.policies import (
    Brake,
    Policy,
    Scaler,
    bound,
    by_backlog,
    by_need,
    by_rate_and_age,
    by_requests,
    by_utilisation,
    by_waking,
)
from bench.scaling.queue import Queue
from bench.scaling.report import AGE_GOAL_S, COLD, COST_GOAL, row
from bench.scaling.signals import QUEUE, Meter, Sample, Stream
from bench.scaling.simulation import CALM, RAMP_START, World, WriteRamp, poisson, simulate
from bench.scaling.traces import TRACES, Trace, steady

HUNDRED = Platform("a hundred a second", 100.0, (30.0, 30.0))
PROMPT = Meter(10.0, (0.0, 0.0), from_workers=False)
NONE = Brake(0.0)
SHORT = [trace for trace in TRACES if trace.name in {"step", "burst", "sawtooth", "outage"}]
HARSH = World(kills=20.0, preemptions=20.0)


def by_number(instances: int) -> Policy:
    """Always so many instances, from the start."""
    return Policy("fixed", HUNDRED, ((PROMPT, lambda _: instances),), NONE, instances, instances)


def sample(**seen: float) -> Sample:
    nothing = {"at": 0.0, "backlog": 0, "serving": 1, "utilisation": 0.0, "arriving": 0.0, "age": 0.0, "served": 0.0}
    return Sample(**{**nothing, **seen}, throttled=False)  # type: ignore[arg-type]  # a test names numbers only


@pytest.mark.parametrize("policy", compared(), ids=lambda policy: policy.name)
@pytest.mark.parametrize("trace", SHORT, ids=lambda trace: trace.name)
def test_no_message_is_lost_or_made_whatever_is_killed(trace: Trace, policy: Policy) -> None:
    result = simulate(trace, policy, seed=7, world=HARSH)
    assert result.published == result.served + result.left
    assert result.served == sum(count for _, count in result.ages)
    assert min(result.backlogs) >= 0
    assert min(age for age, _ in result.ages) > 0
    assert policy.minimum <= min(result.targets)
    assert max(result.targets) <= policy.maximum


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    trace, policy = TRACES[1], group()
    assert simulate(trace, policy, 3).ages == simulate(trace, policy, 3).ages
    assert simulate(trace, policy, 3).ages != simulate(trace, policy, 4).ages


def test_what_a_killed_worker_held_comes_again_after_its_lease_and_first() -> None:
    queue = Queue()
    queue.publish(0.0, 5)
    queue.publish(1.0, 5)
    assert queue.lose(3, until=60.0) == 3
    assert (queue.backlog, queue.leased) == (7, 3)
    queue.expire(59.0)
    assert queue.backlog == 7
    queue.expire(60.0)
    assert (queue.backlog, queue.leased) == (10, 0)
    assert queue.take(4) == [(0.0, 3), (0.0, 1)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 9)), max_size=40))
def test_a_queue_counts_right_and_gives_the_oldest_first(steps: list[tuple[int, int, int]]) -> None:
    queue, published, taken = Queue(), 0, 0
    for now, (arriving, room, lost) in enumerate(steps):
        queue.expire(now)
        queue.publish(now, arriving)
        published += arriving
        given_out = queue.take(room)
        taken += sum(count for _, count in given_out)
        if not any(lost for _, _, lost in steps):
            assert [at for at, _ in given_out] == sorted(at for at, _ in given_out)
        queue.lose(lost, now + 3)
        assert published == taken + queue.backlog + queue.leased
        assert queue.backlog >= 0


def test_littles_law_holds_where_a_queue_stands() -> None:
    policy = Policy("T", HUNDRED, ((PROMPT, by_backlog(100.0 * 120)),), NONE, 0, 50)
    trace = Trace("hour", "", 7200.0, 1.0, lambda at: 1000.0 if at < 3600 else 0.0)
    result = simulate(trace, policy, world=CALM)
    assert result.left == 0
    waited = sum(result.backlogs) / result.served  # the mean number by the rate, both over the same time
    assert waited > 30
    assert result.mean_age == pytest.approx(waited + IN_HAND_SECONDS, rel=0.01)


@pytest.mark.parametrize("drain_s", [120.0, 240.0, 480.0])
def test_in_equilibrium_the_wait_is_the_drain_target(drain_s: float) -> None:
    """B* = rate x T: the drain target is what an image waits, not a tuning knob."""
    policy = Policy("T", HUNDRED, ((PROMPT, by_backlog(100.0 * drain_s)),), NONE, 0, 50)
    result = simulate(steady(1000.0, 12 * drain_s), policy, world=CALM)
    standing = mean(result.backlogs[len(result.backlogs) // 2 :])
    assert standing == pytest.approx(1000.0 * drain_s, rel=0.1)
    assert result.age(0.5) == pytest.approx(drain_s, rel=0.15)


@pytest.mark.parametrize("drain_s", [60.0, 120.0, 240.0])
def test_from_zero_the_group_overshoots_by_dead_time_over_drain_target(drain_s: float) -> None:
    """N/N* is about D/T, and at least 1; what comes while the first ones boot adds to it."""
    late = Meter(10.0, (150.0, 150.0), from_workers=False)
    policy = Policy("T", HUNDRED, ((late, by_backlog(100.0 * drain_s)),), Brake(600.0), 0, 1000)
    peak = max(simulate(steady(1000.0, 1800.0), policy, world=CALM).targets)
    expected = max(1.0, (150 + 30) / drain_s)
    assert expected <= peak / 10 <= 1.6 * expected


def test_a_backlog_is_caught_up_in_what_is_left_over() -> None:
    """B / (N x rate of one - arrivals)."""
    trace = Trace("pile", "", 600.0, 1.0, lambda at: 50_000.0 if at < 1 else 500.0)
    result = simulate(trace, by_number(10), world=CALM)
    empty = next(at for at, backlog in enumerate(result.backlogs) if backlog == 0)
    assert empty == pytest.approx(50_000 / (10 * 100 - 500), rel=0.1)


def test_firestores_ramp_takes_the_time_that_the_rule_says() -> None:
    """5 ln(rate/500) / ln 1.5 minutes, in steps of five."""
    ramp, seconds = WriteRamp(cold=True), 0
    while ramp.ceiling < 5000:
        ramp.use(ramp.ceiling, 1.0)
        seconds += 1
    assert seconds / 60 == pytest.approx(5 * math.log(10) / math.log(1.5), abs=5)


def test_firestores_ceiling_does_not_rise_unused_and_a_warm_one_is_none() -> None:
    ramp = WriteRamp(cold=True)
    ramp.use(100.0, 3600.0)
    assert ramp.ceiling == RAMP_START
    assert WriteRamp(cold=False).ceiling == math.inf


def test_steps_give_the_ages_that_single_messages_have() -> None:
    """The same burst, message by message: 10 threads that take 100 ms each on average."""
    random = Random(5)
    arrivals = sorted(random.uniform(0, 60) for _ in range(9000))
    threads, waits = [0.0] * 10, []
    for arrival in arrivals:
        start = max(arrival, heapq.heappop(threads))
        heapq.heappush(threads, start + random.gammavariate(4, 0.025))  # spread 0.5
        waits.append(start - arrival)
    trace = Trace("burst", "", 150.0, 1.0, lambda at: 150.0 if at < 60 else 0.0)
    result = simulate(trace, by_number(1), world=replace(CALM, spread=0.5))
    waits.sort()
    for share in (0.5, 0.9, 0.99):
        assert result.age(share) == pytest.approx(waits[int(share * len(waits))], abs=1.5)


def test_the_rules_want_what_their_names_say() -> None:
    assert by_backlog(48_000)(sample(backlog=96_001)) == pytest.approx(2, abs=0.01)
    assert by_utilisation(0.6)(sample(serving=6, utilisation=0.75)) == pytest.approx(7.5)
    assert by_requests(16, 0.6, 100.0)(sample(backlog=960)) == pytest.approx(100)
    assert by_requests(16, 0.6, 100.0)(sample(served=100)) == pytest.approx(CPU_WHEN_FULL / 0.6)
    rule = by_rate_and_age(100.0, drain_s=60.0)
    assert rule(sample(arriving=500, age=60, served=100)) == pytest.approx(10)
    assert rule(sample(arriving=500, age=60, served=0)) == pytest.approx(5)


def test_a_pool_sleeps_where_little_is_needed_and_wakes_for_what_waits() -> None:
    rule = by_need(by_rate_and_age(100.0, drain_s=60.0), least=0.3)
    assert rule(sample(arriving=29, served=29)) == 0
    assert rule(sample(arriving=31, served=31)) == pytest.approx(0.31)
    assert rule(sample(arriving=20, served=20, age=30)) == pytest.approx(0.3)
    waking = by_waking(40.0, many=1000)
    assert [waking(sample(backlog=999, age=39)), waking(sample(backlog=1000)), waking(sample(age=40))] == [0, 1, 1]


def test_what_is_too_old_is_not_believed() -> None:
    said = Meter(10.0, (0.0, 0.0), fresh_s=45.0)
    stream = Stream(said, Random(1))
    stream.offer(sample(at=10.0))
    assert stream.see(55.0) is not None
    assert stream.see(55.1) is None


def decisions(policy: Policy, backlogs: list[int]) -> list[int]:
    """What a policy makes of backlogs that are seen at once, one every ten seconds."""
    scaler, size, sizes = Scaler(policy, Random(1)), policy.minimum, []
    for number, backlog in enumerate(backlogs):
        scaler.observe(sample(at=10.0 * number + 10, backlog=backlog))
        size = scaler.decide(10.0 * number + 10, size)
        sizes.append(size)
    return sizes


def test_it_grows_at_once_and_shrinks_after_the_stabilisation() -> None:
    policy = Policy("", HUNDRED, ((PROMPT, by_backlog(100)),), Brake(30.0), 1, 9)
    assert decisions(policy, [0, 450, 2000, 0, 0, 0, 0]) == [1, 5, 9, 9, 9, 9, 1]


def test_a_share_holds_back_but_one_may_always_go() -> None:
    policy = Policy("", HUNDRED, ((PROMPT, by_backlog(100)),), Brake(0.0, share=0.25, window_s=20.0), 1, 9)
    assert decisions(policy, [800, 0, 0, 0, 0, 0]) == [8, 6, 6, 6, 5, 5]
    assert decisions(policy, [200, 0]) == [2, 1]


def test_growth_can_be_held_back_too() -> None:
    policy = Policy("", HUNDRED, ((PROMPT, by_backlog(100)),), Brake(0.0, growth=2.0), 1, 99)
    assert decisions(policy, [9900, 9900, 9900, 9900]) == [5, 10, 20, 40]


def test_a_schedule_raises_the_minimum_meanwhile() -> None:
    policy = Policy("", HUNDRED, ((PROMPT, by_backlog(100)),), NONE, 1, 9, schedule=(20.0, 40.0, 4))
    assert decisions(policy, [0, 0, 0, 0]) == [1, 4, 4, 1]


def test_without_data_the_size_stays() -> None:
    assert Scaler(group(), Random(1)).decide(1000.0, 7) == 7


def test_a_metric_is_seen_late_and_the_newest_counts() -> None:
    stream = Stream(Meter(60.0, (90.0, 90.0), from_workers=False), Random(1))
    for at in range(200):
        stream.offer(sample(at=float(at), backlog=at))
    first = stream.see(95.0)
    assert first is None or first.at <= 5
    seen = stream.see(289.0)
    assert seen is not None
    assert 139 <= seen.at <= 199


def test_the_bound_is_faster_than_every_policy_on_its_platform() -> None:
    trace = TRACES[1]
    for policy in compared():
        limit = bound(policy.platform, policy.minimum)
        assert simulate(trace, limit).age(0.99) <= simulate(trace, policy).age(0.99)


def test_a_bound_on_the_cost_is_what_a_hand_computes() -> None:
    """100/s do 200/s for 100 s of 1,000 s: with one always there and 90 s to wait, 1,000 images need another one."""
    pulse = Trace("pulse", "", 1000.0, 1.0, lambda at: 200.0 if at < 100 else 0.0)
    ideal = 20_000 / 100
    # The one serves 10,000 meanwhile; of the 10,000 that are left, 9,000 come in time: 1,000, less the hundredth
    # that may be late, 200, are 8 s of another. Two are needed at once: it boots for 30 s and drains.
    one = least_cost(pulse, HUNDRED, 1, 90.0)
    assert one.all * ideal == pytest.approx(1000 + 8 + 30 + DRAIN_SECONDS)
    assert one.starts * ideal == pytest.approx(30 + DRAIN_SECONDS)
    assert one.idle * ideal == pytest.approx(1008 - ideal)
    # Of two that are always there, none has to be started; from zero, two.
    assert least_cost(pulse, HUNDRED, 2, 90.0).all * ideal == pytest.approx(2000)
    assert least_cost(pulse, HUNDRED, 0, 90.0).all * ideal == pytest.approx(ideal - 2 + 2 * (30 + DRAIN_SECONDS))


def test_a_bound_on_push_bills_an_instance_while_it_holds_a_request() -> None:
    slow = steady(1 / IN_HAND_SECONDS, 1000.0)  # one request in hand on average: none in 1/e of the time
    billed = Platform("by use", 100.0, (2.0, 10.0), idle_billed=False)
    ideal = 1000 / IN_HAND_SECONDS / 100
    found = least_cost(slow, billed, 0, 90.0)
    assert found.all * ideal == pytest.approx(1000 * (1 - 1 / math.e) - 0.01 * ideal + 2, rel=1e-3)


@pytest.mark.parametrize("policy", compared(), ids=lambda policy: policy.name)
def test_no_policy_that_is_in_time_costs_less_than_the_bound(policy: Policy) -> None:
    """The long traces by their rows on the page, which test_the_page... below and --write keep."""
    rows = [(trace, row(trace, policy, (1, 2, 3))) for trace in SHORT]
    costs = [(trace, found.cost) for trace, found in rows if found.p99 <= AGE_GOAL_S]
    page = (DOCS / "scaling.md").read_text()
    for trace in TRACES:
        line = re.search(rf"^\| {trace.name} \| {re.escape(policy.name)} \| \d+ \| (\d+) \| (\S+) ", page, re.MULTILINE)
        assert line, f"the page has no row for {policy.name} on {trace.name}"
        costs += [(trace, float(line[2]))] if float(line[1]) <= AGE_GOAL_S else []
    for trace, cost in costs:
        assert cost >= least_cost(trace, policy.platform, policy.minimum, AGE_GOAL_S).all - 0.005, trace.name


def test_the_page_is_right_about_what_cannot_be_met() -> None:
    burst, week = TRACES[1], TRACES[4]
    for trace in (burst, week):
        assert least_cost(trace, GROUP, 1, AGE_GOAL_S).all > COST_GOAL
        assert least_cost(trace, POOL, 1, AGE_GOAL_S).all > COST_GOAL
    assert least_cost(week, PUSH, 0, AGE_GOAL_S).all > COST_GOAL
    assert least_cost(burst, GROUP, 0.25, AGE_GOAL_S).all == pytest.approx(1.81, abs=0.005)


def test_the_page_is_right_about_what_the_maximum_of_push_spares() -> None:
    costs = [row(TRACES[1], replace(push("push"), maximum=most), (1, 2, 3)).cost for most in (20, 100)]
    assert costs == pytest.approx([1.55, 3.00], abs=0.005)


def test_poisson_has_its_mean_and_variance() -> None:
    random = Random(1)
    for expected in (0.0, 3.0, 400.0):
        drawn = [poisson(expected, random) for _ in range(4000)]
        spread = mean((number - expected) ** 2 for number in drawn)
        assert mean(drawn) == pytest.approx(expected, rel=0.05)
        assert spread == pytest.approx(expected, rel=0.12)


def test_the_page_shows_what_the_simulation_says() -> None:
    """The two traces that take no time; `python -m bench.autoscale --write` renews all."""
    page = (DOCS / "scaling.md").read_text()
    for world, name in ((None, "policies"), (COLD, "cold")):
        block = page.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]
        for trace in COLD_TRACES:
            found = row(trace, group(), (1, 2, 3), world)
            figures = f"| {trace.name} | {found.policy} | {found.p50:.0f} | {found.p99:.0f} | {found.cost:.2f} |"
            assert figures in block


def test_the_page_names_the_values_that_were_chosen() -> None:
    page = (DOCS / "scaling.md").read_text()
    for name, value in (
        ("drain_target_s", catalogue.DRAIN_TARGET_S),
        ("min_instances", catalogue.MINIMUM),
        ("stabilization_s", catalogue.STABILISATION_S),
        ("images_per_s", catalogue.PLANNED_IMAGES_PER_S),
    ):
        assert f"| `{name}` | {value} |" in page


def test_the_plan_is_not_bolder_than_what_was_measured() -> None:
    found = re.search(r"^\| imagemeta, \d+ threads \| (\d+) ", (DOCS / "performance.md").read_text(), re.MULTILINE)
    assert found, "docs/performance.md has no line for imagemeta"
    assert 1.1 * float(found[1]) >= IMAGES_PER_CORE
    assert images_per_second(2) >= catalogue.PLANNED_IMAGES_PER_S


def test_a_chart_has_a_line_per_policy_and_a_page_keeps_its_words() -> None:
    results = [simulate(TRACES[1], policy) for policy in (group(), compared()[-1])]
    assert chart([results], ["burst"]).count("<polyline") == 2
    assert insert("a\n<!-- x -->\nold\n<!-- /x -->\nb", "x", "new") == "a\n<!-- x -->\nnew\n<!-- /x -->\nb"
    with pytest.raises(ValueError, match="no place"):
        insert("a", "x", "new")


def test_a_queue_metric_is_there_without_workers() -> None:
    assert not QUEUE.from_workers
