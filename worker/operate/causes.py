"""What fails, and how much of it, at a bounded price: a look at the newest failures, and counts of all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from worker.catalog.fields import BY_NAME, Operator
from worker.catalog.query import Query, Term
from worker.operate.failures import FAILED, Failure, Group, grouped, stream
from worker.operate.select import narrowed
from worker.ports import Catalog

LOOKED_AT = 900
"""Failures that one look reads: three pages of a stream."""
SHOWN = 30
"""Causes that are counted and shown, usually."""
_SLOTS = 48
_UNITS = (("hour", timedelta(hours=1)), ("day", timedelta(days=1)), ("week", timedelta(weeks=1)))
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. The group's count is of all its failures; `slots` are, of those that were looked at, how many failed
    in each unit of time, the last one last."""

    group: Group
    slots: Sequence[int]


@dataclass(frozen=True, slots=True)
class Causes:
    """The causes of `total` failures, the largest first. `looked_at` of them, the newest, were read.

    `others` are those of causes that are not shown: rare ones, and such as none of the newest has.
    """

    total: int = 0
    looked_at: int = 0
    others: int = 0
    unit: str = "hour"
    shown: Sequence[Cause] = ()


def causes(catalog: Catalog, filter_text: str, looked_at: int = LOOKED_AT, shown: int = SHOWN) -> Causes:
    """Of the failures that match, so many causes at most. Raises QueryError.

    First and last times, and what is shown by units of time, are of the newest failures alone where there are more.
    """
    query = narrowed(filter_text, FAILED)
    total = catalog.count(query)
    newest = list(islice(stream(catalog, query), looked_at))
    groups = grouped(newest)[:shown]
    if total > len(newest):
        groups = sorted((_counted(catalog, query, group) for group in groups), key=lambda group: -group.count)
    unit, slots = _by_time(newest)
    return Causes(
        total=total,
        looked_at=len(newest),
        others=max(0, total - sum(group.count for group in groups)),
        unit=unit,
        shown=[Cause(group, slots[group.fingerprint]) for group in groups],
    )


def _counted(catalog: Catalog, query: Query, group: Group) -> Group:
    if not group.fingerprint:
        return group
    alike = Term(BY_NAME["fingerprint"], Operator.IS, (group.fingerprint,))
    return replace(group, count=catalog.count(Query((*query.terms, alike))))


def _by_time(failures: Iterable[Failure]) -> tuple[str, dict[str, list[int]]]:
    """The unit that all times fit into, weeks if need be, and each fingerprint's failures by it."""
    times = [(each.fingerprint, _moment(each.at)) for each in failures]
    last = max((moment for _, moment in times), default=_EVER)
    first = min((moment for _, moment in times if moment > _EVER), default=last)
    name, unit = next((each for each in _UNITS if (last - first) < _SLOTS * each[1]), _UNITS[-1])
    slots = {fingerprint: [0] * _SLOTS for fingerprint, _ in times}
    for fingerprint, moment in times:
        ago = (last - moment) // unit
        if ago < _SLOTS:
            slots[fingerprint][-1 - ago] += 1
    return name, slots


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # of a document that tells none
        return _EVER
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
