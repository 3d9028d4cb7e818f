"""What a doctor finds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from worker.errors import WorkerError

_T = TypeVar("_T")


class State(StrEnum):
    """How bad it is, best first."""

    OK = "ok"
    UNKNOWN = "unknown"
    """It could not be looked at: an emulator does not know it, or the account may not."""
    WARN = "warn"
    """It works, and will cost or surprise somebody."""
    RED = "red"
    """Something is lost, refused or stands still, or will be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `meaning` is one sentence; `command`, for a shell, mends what is wrong."""

    name: str
    state: State
    meaning: str
    command: str = ""


def well(name: str, meaning: str) -> Finding:
    """All is as it should be."""
    return Finding(name, State.OK, meaning)


def amiss(name: str, meaning: str, command: str) -> Finding:
    """It works all the same."""
    return Finding(name, State.WARN, meaning, command)


def broken(name: str, meaning: str, command: str) -> Finding:
    """It does not work."""
    return Finding(name, State.RED, meaning, command)


def asked(name: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; where a question was not answered, the thing of that name is unknown from there on."""
    try:
        yield from findings
    except WorkerError as error:
        yield Finding(name, State.UNKNOWN, f"could not be looked at: {error}")


def known(question: Callable[[], _T]) -> _T | None:
    """The answer to a question on the side, or None where there is none."""
    try:
        return question()
    except WorkerError:
        return None
