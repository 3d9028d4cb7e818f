"""Show how things are: what waits, who works, what came of it.

\b
imagemeta status
imagemeta status --watch
imagemeta status --folder ~/Pictures --format json

In the cloud, the queue's figures come from Cloud Monitoring and are up to three minutes old.
"""

import sys
from dataclasses import asdict
from time import sleep
from typing import TYPE_CHECKING, Annotated

from typer import Option

from worker.cli.acting import Folder, Form, line, put, settings_of

if TYPE_CHECKING:
    from worker.operate.status import Snapshot

Watch = Annotated[bool, Option("--watch", help="Again and again, until Ctrl-C.")]
Every = Annotated[float, Option(metavar="SECONDS", min=0.5, help="How often, with --watch.")]

_CLEAR = "\x1b[2J\x1b[H"


def status(folder: Folder = None, watch: Watch = False, every: Every = 5.0, form: Form = "text") -> None:
    """The command; the module's text is its help."""
    from worker.operate.status import snapshot
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        while True:
            seen = snapshot(site.gauge, site.catalog, site.records)
            if watch and sys.stdout.isatty():
                sys.stdout.write(_CLEAR)
            if form == "json":
                put(asdict(seen))
            else:
                _show(seen)
            if not watch:
                return
            sleep(every)


def _show(seen: "Snapshot") -> None:
    waits = seen.backlog
    line(
        f"queue      {_number(waits.waiting)} waiting, {_number(waits.in_hand)} in hand, oldest {_age(waits.oldest)}, "
        f"{_number(waits.dead)} dead letters"
    )
    never = seen.empty_in is None and waits.waiting
    empty = "nobody works on it" if never else f"empty in {_age(seen.empty_in)}"
    line(f"rate       {seen.rate:.1f} messages/s, {empty}")
    line("documents  " + ", ".join(f"{count} {name}" for name, count in seen.documents.items()))
    line(f"workers    {len(seen.workers)} processes")
    for each in seen.workers:
        line(
            f"  {each.worker} {each.shard}: {each.state}, version {each.version}, recipe {each.recipe}, "
            f"{each.in_hand} in hand, {each.acked} done, {each.nacked} given back, {each.rate:.1f}/s"
        )
    for pause in seen.pauses:
        line(f"paused     {pause.bucket} since {pause.since:%Y-%m-%d %H:%M:%SZ} by {pause.who}")
    for run in seen.runs:
        line(f"{run.state:<10} {run.action} {run.scope}: {run.published} published ({run.id})")


def _number(value: int | None) -> str:
    return "unknown" if value is None else str(value)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
