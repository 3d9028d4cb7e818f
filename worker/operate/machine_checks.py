"""This machine: its clock, and the libraries that are installed on it."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from worker.inspection import CloudInspection
from worker.operate.findings import Finding, State, amiss, broken, well
from worker.operate.wanted import Wanted

SET_CLOCK = "sudo timedatectl set-ntp true"
SLOPPY, WRONG = 10.0, 60.0
"""Seconds that a clock may be off until it is worth a word, and until signatures and times go wrong."""

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(.*)")
_BOUND = re.compile(r"(>=|<=|==|<|>)\s*([0-9][^,;\s]*)")
_HOLDS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": lambda have, bound: have >= bound,
    "<=": lambda have, bound: have <= bound,
    "==": lambda have, bound: have == bound,
    "<": lambda have, bound: have < bound,
    ">": lambda have, bound: have > bound,
}


def clock(look: CloudInspection, _wanted: Wanted) -> Iterator[Finding]:
    """That this machine and Google agree about the time."""
    ahead = look.clock_ahead()
    meaning = f"this clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's"
    if abs(ahead) > WRONG:
        yield broken("clock", f"{meaning}, and tokens are refused", SET_CLOCK)
    elif abs(ahead) > SLOPPY:
        yield amiss("clock", f"{meaning}, so times in documents are off", SET_CLOCK)
    else:
        yield well("clock", "this clock and the server's agree")


def libraries() -> Iterator[Finding]:
    """That the installed libraries are of the versions that the package was tested with."""
    if _installed("imagemeta") is None:
        yield Finding("libraries", State.UNKNOWN, "imagemeta runs from its source here, and says not what it needs")
    else:
        yield judged(requires("imagemeta") or [], _installed)


def judged(requirements: Iterable[str], installed: Callable[[str], str | None]) -> Finding:
    """The finding about requirements in the form of package metadata; `installed` knows the versions."""
    wrong = []
    for requirement in requirements:
        name, bounds = _REQUIREMENT.fullmatch(requirement.partition(";")[0].strip()).groups()  # type: ignore[union-attr] # metadata is well-formed
        have = installed(name)
        if have is None or not within(have, bounds):
            wrong.append((f"{name}{bounds.replace(' ', '')}", have))
    if not wrong:
        return well("libraries", "all have versions that were tested")
    told = ", ".join(f"{wanted}: {have or 'not installed'}" for wanted, have in wrong)
    command = shlex.join(["pip", "install", *(wanted for wanted, _ in wrong)])
    return broken("libraries", f"versions that were not tested: {told}", command)


def within(version: str, bounds: str) -> bool:
    """Whether a version is within bounds such as `>=2.40,<3`; pre-releases count as what they come before."""
    return all(_HOLDS[sign](*_aligned(_release(version), _release(bound))) for sign, bound in _BOUND.findall(bounds))


def _release(version: str) -> tuple[int, ...]:
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else ()


def _aligned(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    length = max(len(one), len(other))
    return one + (0,) * (length - len(one)), other + (0,) * (length - len(other))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
