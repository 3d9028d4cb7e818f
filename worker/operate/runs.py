"""The record of an action: who asked for what and when, how far it came, and what became of it.

It is checkpoint and audit entry in one. An action that was killed is found here by what it was asked to do, and goes
on behind what it had published durably; what it published and could not write down any more comes twice, which the
worker bears anyway.
"""

import getpass
import secrets
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from worker.model import Action, Value
from worker.ports import Records

KIND = "runs"
_LOOKED_THROUGH = 200
"""So many runs back an unfinished one is searched for."""


class State(StrEnum):
    """What has become of a run."""

    RUNNING = "running"
    """At work, or killed."""
    STOPPED = "stopped"
    """Told to stop, or stopped by an error: the same command goes on."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Run:
    """One action. `action` and `scope` are what was asked for, `cursor` is the last thing that is dealt with.

    `seen` things were looked at, `published` became messages, `refused` should have and may not (`why`, and how many).
    """

    id: str
    action: str
    scope: str
    who: str
    at: datetime
    state: State = State.RUNNING
    cursor: str = ""
    seen: int = 0
    published: int = 0
    refused: int = 0
    why: str = ""
    changed: datetime | None = None
    continued: int = 0

    def asks(self, passes: int = 1, redrives: int = 0) -> Action:
        """What its messages ask of the worker."""
        return Action(self.action, self.id, passes, redrives)


def rehearsal(action: str) -> Run:
    """A run that is written down nowhere, to see what one would come to."""
    return Run("", action, "", "", datetime.now(UTC))


class Ledger:
    """Keeps runs among the records."""

    def __init__(self, records: Records, who: str = "") -> None:
        self._records = records
        self.who = who or _whoever()
        """Who acts: the account and the machine."""

    def begin(self, action: str, scope: str, *, fresh: bool = False) -> Run:
        """The run that was asked for the same and did not finish, or a new one (`fresh`: in any case)."""
        unfinished = None if fresh else self.unfinished(action, scope)
        if unfinished:
            run = replace(unfinished, state=State.RUNNING, why="", continued=unfinished.continued + 1)
        else:
            now = datetime.now(UTC)
            run = Run(f"{now:%Y%m%dT%H%M%S}-{action}-{secrets.token_hex(3)}", action, scope, self.who, now)
        return self.save(run)

    def unfinished(self, action: str, scope: str) -> Run | None:
        """The last run of this action and scope, if it did not finish."""
        for run in self.newest(_LOOKED_THROUGH):
            if (run.action, run.scope) == (action, scope):
                return run if run.state is not State.DONE else None
        return None

    def found(self, id_: str) -> Run | None:
        """The run of this id."""
        fields = self._records.get(KIND, id_)
        return _run(id_, fields) if fields else None

    def save(self, run: Run) -> Run:
        """Write down how far it is; durable on return."""
        saved = replace(run, changed=datetime.now(UTC))
        fields: dict[str, Value] = {name: value for name, value in asdict(saved).items() if name != "id"}
        self._records.put(KIND, run.id, fields | {"state": str(run.state)})
        return saved

    def newest(self, limit: int = 100) -> Sequence[Run]:
        """The last runs, the newest first."""
        return [_run(key, fields) for key, fields in self._records.newest(KIND, limit)]


def _run(key: str, fields: dict[str, Any]) -> Run:
    times = {name: datetime.fromisoformat(fields[name]) for name in ("at", "changed") if fields.get(name)}
    return Run(id=key, **{**fields, **times, "state": State(fields["state"])})


def _whoever() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "?"
    return f"{user}@{socket.gethostname()}"
