"""What the commands that act on a running system share: where it is, how far it is, what became of it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from typer import Argument, Exit, Option

from worker.cli.terminal import printable, say

if TYPE_CHECKING:
    from worker.operate.conveyor import Tally
    from worker.operate.runs import Run
    from worker.settings import Settings

SOME_REFUSED = 1

Folder = Annotated[
    Path | None,
    Option(
        "--folder",
        metavar="DIR",
        help="Act on the catalog of this folder (as `imagemeta up DIR` keeps it).",
        exists=True,
        file_okay=False,
    ),
]
DryRun = Annotated[bool, Option("--dry-run", help="Say the exact number, and do nothing.")]
Rate = Annotated[float | None, Option(metavar="N", min=0.01, help="Messages a second at most.")]
Cap = Annotated[int | None, Option(metavar="N", min=1, help="Messages at most; the same command goes on from there.")]
Warm = Annotated[
    bool,
    Option(
        "--warm",
        help="The collection takes writes at full rate: leave out the ramp of 500 a second, and half"
        " as many more every five minutes.",
    ),
]
Fresh = Annotated[bool, Option("--fresh", help="Begin anew, even if an earlier run of this did not finish.")]
Form = Annotated[Literal["text", "json"], Option("--format", "-f", help="For people, or JSON.")]
Filter = Annotated[
    str, Argument(metavar="[FILTER]", show_default=False, help="As `imagemeta find` takes it: docs/search.md.")
]


def settings_of(folder: Path | None) -> "Settings":
    """Those of a folder's catalog, those of the environment, or those of the folder that one is in."""
    from worker.errors import Misconfigured
    from worker.local import has_catalog, settings_in
    from worker.settings import load

    settings = load()
    if folder is None and (settings.documents or not has_catalog(Path())):
        if not settings.documents:
            raise Misconfigured("name a folder with --folder DIR, or set IMAGEMETA_DOCUMENTS (docs/settings.md)")
        return settings
    return settings_in(folder or Path())


def put(record: dict[str, Any]) -> None:
    """A JSON object in one line, on stdout."""
    sys.stdout.buffer.write(orjson.dumps(record, option=orjson.OPT_UTC_Z) + b"\n")
    sys.stdout.flush()


def line(text: str) -> None:
    """A line on stdout that shows whatever it holds, and obeys none of it."""
    sys.stdout.write(printable(text) + "\n")


@contextmanager
def watching(
    total: Callable[[], int | None] = lambda: None, what: str = "published"
) -> Iterator[Callable[["Run"], None]]:
    """A bar on stderr, where that is a terminal: how far a run is. `total` is asked in a thread, if it takes long."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    import threading

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TextColumn("ETA"), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    task = bar.add_task("looked at", total=None)
    with bar:
        threading.Thread(target=lambda: bar.update(task, total=total()), daemon=True).start()
        yield lambda run: bar.update(task, completed=run.seen, description=f"{run.published} {what}")


def told(run: "Run", form: str, what: str, *, refusable: bool = False, done: str = "published") -> None:
    """Say what became of a run. Ends with exit code 1 where something was refused, unless that is in order."""
    if form == "json":
        put(asdict(run))
    else:
        line(f"{run.seen} {what} looked at, {run.published} {done}{_refused(run)} ({run.state}, run {run.id})")
    if run.why:
        say(f"{run.why}; the same command goes on from there")
    if run.refused and not refusable:
        raise Exit(SOME_REFUSED)


def counted(tally: "Tally", form: str, what: str) -> None:
    """Say how many a dry run found."""
    if form == "json":
        put({"dry_run": True, **asdict(tally)})
    else:
        refused = f", {tally.refused} refused" if tally.refused else ""
        line(f"{tally.messages} {what}{refused}; nothing was done (--dry-run)")


def _refused(run: "Run") -> str:
    return f", {run.refused} refused" if run.refused else ""
