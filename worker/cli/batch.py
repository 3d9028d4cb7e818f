"""Compress the images that a table of URLs names, and hand the table back with what became of each.

\b
imagemeta batch sample > products.csv
imagemeta batch run products.csv --out compressed
imagemeta batch run products.csv --quality 60 --longest 1600 --as webp --metadata strip
imagemeta batch submit products.csv                in the cloud, by its workers
imagemeta batch status ID
imagemeta batch output ID > output.csv             also while it runs
imagemeta batch retry ID                           what failed, and nothing else
imagemeta batch mend ID 17 https://example.com/new.jpg     another URL for what failed in row 17
imagemeta batch cancel ID
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Exit, Option, Typer

from worker.batches.policy import Format, Policy, Retain
from worker.cli.acting import Folder, Form, line, put, settings_of
from worker.cli.terminal import fail
from worker.errors import WorkerError

if TYPE_CHECKING:
    from worker.batches.desk import Desk
    from worker.batches.progress import Progress
    from worker.local_batch import Workshop

SOME_FAILED = 1
_USAGE = 2

RUN = """Fetch and compress with no cloud: work until every URL has its result or its reason, then write output.csv.

\b
imagemeta batch run products.csv --out compressed
imagemeta batch run products.csv --url-column Photo --target-bytes 200000 --originals
IMAGEMETA_FETCH_ALLOW=images.intranet,10.1.0.0/16 imagemeta batch run products.csv

A run that was interrupted or killed goes on where it was when the same command is given again.

\b
Exit codes: 0    every URL has a result
            1    some have failed; output.csv says why, and `imagemeta batch retry` tries them again
            2    the table or an option cannot be understood
            78   something must be set right first
            130  interrupted; the same command goes on
"""
SUBMIT = """Hand a table to the workers of the environment (or of --folder), and print the batch's id.

\b
imagemeta batch submit products.csv
imagemeta batch submit products.csv --quality 70 --format json | jq -r .id

They need IMAGEMETA_DOCUMENTS, IMAGEMETA_TOPIC and IMAGEMETA_BATCH_OUTPUT, as the workers have them. While a batch of
the same table and options is at work, it is that one.
"""
RETRY = """Have what failed fetched again, and nothing else. With --folder the work is done here and now.

\b
imagemeta batch retry ID
imagemeta batch retry ID --folder compressed
imagemeta batch retry ID --pending       also what has no result yet: its messages were lost
"""
MEND = """Have another URL fetched in the place of one that failed. The table's row says so from now on.

\b
imagemeta batch mend ID 17 https://www.example.com/image-17.jpg
imagemeta batch mend ID 17 https://www.example.com/image-17b.jpg --column 2 --folder compressed
"""

app = Typer(no_args_is_help=True, rich_markup_mode=None, help=__doc__, short_help="Compress what URLs lead to.")

Table = Annotated[Path, Argument(metavar="FILE", help="The table: CSV as spreadsheets write it.", show_default=False)]
Id = Annotated[str, Argument(metavar="ID", help="The batch's id.", show_default=False)]
Quality = Annotated[int, Option(min=1, max=100, help="1 to 100.")]
Longest = Annotated[int, Option(metavar="PIXELS", min=0, help="The longer side at most; 0 leaves it.")]
As = Annotated[Format, Option("--as", help="The results' format; keep: the input's, where browsers show it.")]
Target = Annotated[int, Option(metavar="BYTES", min=0, help="Go below this size, by quality and then by sides.")]
Metadata = Annotated[Retain, Option(help="Which metadata stays.")]
Originals = Annotated[bool, Option("--originals", help="Store what was fetched as well.")]
Columns = Annotated[list[str] | None, Option("--url-column", metavar="NAME", help="A column of URLs; may be repeated.")]
Pending = Annotated[bool, Option("--pending", help="Also what has no result yet.")]
Raw = Annotated[bool, Option("--raw", help="Cells as they come, even those that a spreadsheet would run.")]


@app.command("run", help=RUN, short_help="Work a table off here, with no cloud.")
def run(
    table: Table,
    out: Annotated[Path, Option(metavar="DIR", help="Where results go.", file_okay=False)] = Path("batch"),
    quality: Quality = 50,
    longest: Longest = 0,
    form_of_results: As = Format.KEEP,
    target_bytes: Target = 0,
    metadata: Metadata = Retain.COPYRIGHT,
    originals: Originals = False,
    url_column: Columns = None,
    raw: Raw = False,
    form: Form = "text",
) -> None:
    """The command; RUN is its help."""
    from worker.site import Site

    data = _read(table)
    policy = Policy(quality, longest, form_of_results, target_bytes, metadata, originals)
    workshop = _workshop(out)
    with Site(workshop.settings) as site:
        batch, _ = site.desk.take(data, policy, url_column or (), table.name, site.ledger.who)
        _work(workshop, site.desk, batch.id, raw, form)


@app.command("submit", help=SUBMIT, short_help="Hand a table to the workers in the cloud.")
def submit(
    table: Table,
    quality: Quality = 50,
    longest: Longest = 0,
    form_of_results: As = Format.KEEP,
    target_bytes: Target = 0,
    metadata: Metadata = Retain.COPYRIGHT,
    originals: Originals = False,
    url_column: Columns = None,
    folder: Folder = None,
    form: Form = "text",
) -> None:
    """The command; SUBMIT is its help."""
    from worker.batch_parts import open_outputs
    from worker.site import Site

    data = _read(table)
    policy = Policy(quality, longest, form_of_results, target_bytes, metadata, originals)
    with Site(settings_of(folder)) as site:
        open_outputs(site.settings).close()  # better to hear of it now than from every worker
        batch, _ = site.desk.take(data, policy, url_column or (), table.name, site.ledger.who)
        if form == "json":
            _show(site.desk.status(batch.id), form)
        else:
            line(batch.id)


@app.command("status")
def status(batch: Id, folder: Folder = None, form: Form = "text") -> None:
    """How a batch is: what is done, failed and pending, how fast, and how long still."""
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        _show(site.desk.status(batch), form)


@app.command("list")
def listed(folder: Folder = None, form: Form = "text") -> None:
    """The last batches, the newest first."""
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        for progress in site.desk.newest():
            _show(progress, form)


@app.command("output")
def output(
    batch: Id,
    folder: Folder = None,
    raw: Raw = False,
    out: Annotated[Path | None, Option(metavar="FILE", help="A file instead of stdout.", dir_okay=False)] = None,
) -> None:
    """The output table, also while the batch runs: the input's columns, then what became of each URL."""
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        _write(site.desk, batch, out, raw)


@app.command("retry", help=RETRY, short_help="Fetch again what failed.")
def retry(batch: Id, folder: Folder = None, pending: Pending = False, raw: Raw = False, form: Form = "text") -> None:
    """The command; RETRY is its help."""
    from worker.site import Site

    if folder is None:
        with Site(settings_of(None)) as site:
            count = site.desk.retry_failed(batch, pending=pending)
            put({"batch": batch, "published": count}) if form == "json" else line(f"{count} URLs are fetched again")
        return
    workshop = _workshop(folder)
    with Site(workshop.settings) as site:
        site.desk.retry_failed(batch, pending=pending)
        _work(workshop, site.desk, batch, raw, form)


@app.command("mend", help=MEND, short_help="Another URL for one that failed.")
def mend(
    batch: Id,
    row: Annotated[int, Argument(metavar="ROW", min=1, help="The row's number, from 1.", show_default=False)],
    url: Annotated[str, Argument(metavar="URL", help="What is fetched instead.", show_default=False)],
    column: Annotated[int, Option(min=1, help="Which of the row's URLs, from 1.")] = 1,
    folder: Folder = None,
    raw: Raw = False,
    form: Form = "text",
) -> None:
    """The command; MEND is its help."""
    from worker.site import Site

    if folder is None:
        with Site(settings_of(None)) as site:
            site.desk.mend(batch, row, column, url)
            _show(site.desk.status(batch), form)
        return
    workshop = _workshop(folder)
    with Site(workshop.settings) as site:
        site.desk.mend(batch, row, column, url)
        _work(workshop, site.desk, batch, raw, form)


@app.command("cancel")
def cancel(batch: Id, folder: Folder = None, form: Form = "text") -> None:
    """Have no more of a batch fetched. What is done stays; it cannot be taken back."""
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        site.desk.cancel(batch)
        _show(site.desk.status(batch), form)


@app.command("sample")
def sample() -> None:
    """Print a table as it is taken."""
    from worker.batches.sheet import SAMPLE

    sys.stdout.buffer.write(SAMPLE.encode())


def _read(table: Path) -> bytes:
    try:
        return table.read_bytes()
    except OSError as error:
        fail(f"{table} cannot be read: {error.strerror}", _USAGE)


def _workshop(folder: Path) -> "Workshop":
    from worker.local_batch import Workshop

    # The live line has the terminal to itself: only what is wrong may interrupt it.
    quiet = {"IMAGEMETA_LOG_LEVEL": "error"} if sys.stderr.isatty() else {}
    return Workshop(folder, quiet | os.environ)


def _work(workshop: "Workshop", desk: "Desk", batch: str, raw: bool, form: str) -> None:
    """Work the queue off, write the output, say what became of it, and end with the exit code."""
    from worker import logs

    logs.configure(workshop.settings.log_level, workshop.settings.log_format)
    with _live(desk, batch) if sys.stderr.isatty() else nullcontext():
        code = workshop.run()
    place = workshop.folder / "output.csv"
    _write(desk, batch, place, raw)
    progress = desk.status(batch)
    _show(progress, form, output=str(place))
    raise Exit(code or (SOME_FAILED if progress.failed else 0))


def _write(desk: "Desk", batch: str, place: Path | None, raw: bool) -> None:
    from worker.cli.output import opened

    lines = desk.output(batch, raw=raw)
    with opened(place) as out:
        out.writelines(each.encode("utf-8", "replace") for each in lines)


def _show(progress: "Progress", form: str, **more: Any) -> None:
    batch = progress.batch
    if form == "json":
        facts = {"id": batch.id, "name": batch.name, "at": batch.at, "state": progress.state, "urls": batch.urls}
        counts = {"done": progress.done, "failed": progress.failed, "pending": progress.pending}
        put(
            facts
            | counts
            | {"rate": round(progress.rate, 3), "eta": progress.eta, "policy": batch.policy.record()}
            | more
        )
        return
    line(f"{batch.id}  {_line(progress)}  {batch.name}")
    for name, value in more.items():
        line(f"The {name} is {value}")


def _line(progress: "Progress") -> str:
    counts = f"{progress.done} done, {progress.failed} failed, {progress.pending} pending of {progress.batch.urls}"
    rate = f", {progress.rate:.1f}/s" if progress.rate else ""
    left = f", {progress.eta:.0f} s left" if progress.eta else ""
    return f"{progress.state}: {counts}{rate}{left}"


@contextmanager
def _live(desk: "Desk", batch: str) -> Iterator[None]:
    """One line on stderr that says how far it is."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    shown = "starting"

    def now() -> Text:
        nonlocal shown
        with suppress(WorkerError):  # a store that does not answer now is asked again
            shown = _line(desk.status(batch))
        return Text(shown)

    with Live(get_renderable=now, console=Console(stderr=True), transient=True, redirect_stdout=False):
        yield
