"""How far the work is, on stderr and only where that is a terminal: bar, rate, time left."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from worker.entries import Kind, Result

_ERASE_LINE = "\r\x1b[2K"

Advance = Callable[[Result], None]


@contextmanager
def progress(count: Callable[[], int | None]) -> Iterator[Advance]:
    """Shows a bar, if anybody can see it. `count` is asked, in a thread, how many there will be, if it is known."""
    if not sys.stderr.isatty():
        yield lambda _result: None
        return
    with _bar(count) as advance:
        yield advance


@contextmanager
def _bar(count: Callable[[], int | None]) -> Iterator[Advance]:
    # rich costs a twentieth of a second to import: only who sees it pays for it.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    failed = TextColumn("{task.fields[failed]}", style="red")
    columns = (BarColumn(), MofNCompleteColumn(), rate, TextColumn("ETA"), TimeRemainingColumn(), failed)
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    task = bar.add_task("", total=None, rate="", failed="")
    both = sys.stdout.isatty()
    failures = 0

    def advance(result: Result) -> None:
        nonlocal failures
        failures += result.kind in {Kind.FAILED, Kind.UNREACHABLE}
        speed = bar.tasks[0].speed
        bar.update(
            task,
            advance=1,
            rate=f"{speed:.0f}/s" if speed else "",
            failed=f"{failures} failed" if failures else "",
        )
        if both:  # results appear on the same screen: give them a clean line, the bar comes back below
            sys.stderr.write(_ERASE_LINE)
            sys.stderr.flush()

    def find_total() -> None:
        bar.update(task, total=count())

    with bar:
        threading.Thread(target=find_total, daemon=True).start()
        yield advance
