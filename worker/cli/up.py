"""Keep a catalog of a folder's pictures up to date: catch up, then follow every change, until stopped.

\b
imagemeta up ~/Pictures
imagemeta up ~/Pictures --once                     catch up, show the table, stop
imagemeta up ~/Pictures --no-console               leave out the console and the API, which it serves meanwhile
imagemeta up /mnt/archive --catalog ~/archive      where the folder itself is read-only

The catalog is the SQLite file catalog.db in DIR/.imagemeta, or in the folder that --catalog names. The first Ctrl-C
finishes what is in hand, the second ends at once; nothing is lost either way.

\b
Exit codes: 0    done, or stopped; pictures that failed are in the catalog, with the reason
            1    ended at once by a second signal
            2    usage
            78   something must be set right first
            130  --once was interrupted
"""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option

from worker.cli.terminal import printable, reachable
from worker.errors import WorkerError

if TYPE_CHECKING:
    from worker.local import LocalMode, Progress

Folder = Annotated[
    Path, Argument(metavar="DIR", help="The folder of pictures.", exists=True, file_okay=False, show_default=False)
]
Catalog = Annotated[
    Path | None, Option(metavar="PATH", help="Folder for the catalog; default: DIR/.imagemeta.", file_okay=False)
]
Once = Annotated[bool, Option("--once", help="Catch up, print what is in the catalog, and stop.")]
Shards = Annotated[int, Option(min=0, max=256, help="Worker processes; 0 means one per core.")]

Console = Annotated[bool, Option(help="Serve the console and the API, for this machine alone.")]


def up(
    folder: Folder, catalog: Catalog = None, once: Once = False, shards: Shards = 0, console: Console = True
) -> None:
    """The command; the module's text is its help."""
    from worker import logs
    from worker.cli.table import cells, show
    from worker.local import LocalMode

    watched = sys.stderr.isatty()
    # The live line has the terminal to itself: only what is wrong may interrupt it.
    quiet = {"IMAGEMETA_LOG_LEVEL": "error"} if watched else {}
    with closing(LocalMode(folder, catalog, once=once, environment=quiet | os.environ)) as local:
        logs.configure(local.settings.log_level, local.settings.log_format)
        serving = _served(local) if console and not once else nullcontext()
        with serving, _live(local) if watched else nullcontext():
            code = local.run(shards)
        if code == 0 and once:
            there = (each for each in local.documents() if each.get("status") != "deleted")
            show(sorted(map(cells, there)))
            sys.stdout.write(f"\nThe catalog is {printable(str(local.documents_path))} (SQLite).\n")
    raise Exit(code)


@contextmanager
def _served(local: "LocalMode") -> Iterator[None]:
    """The API meanwhile, at a port that is free."""
    from worker.web.serving import served

    with served(local.settings) as url:
        reachable(url)
        yield


@contextmanager
def _live(local: "LocalMode") -> Iterator[None]:
    """One line on stderr that says how far the work is."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    started = monotonic()
    shown = "starting"

    def line() -> Text:
        nonlocal shown
        with suppress(WorkerError):  # a catalog that does not answer now is asked again
            shown = _line(local.progress(), monotonic() - started)
        return Text(shown)

    with Live(get_renderable=line, console=Console(stderr=True), transient=True, redirect_stdout=False):
        yield


def _line(progress: "Progress | None", seconds: float) -> str:
    if progress is None:
        return "starting"
    queue = f"{progress.settled} done, {progress.waiting} waiting, {progress.in_hand} in hand"
    line = f"{queue}, {progress.failed} failed, {progress.settled / seconds:.0f}/s"
    return f"{line}; paused: what happens to the folder waits until it is resumed" if progress.paused else line
