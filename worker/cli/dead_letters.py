"""Write dead letters down as failures, and take them off their queue.

\b
imagemeta dead-letters drain
imagemeta dead-letters drain --folder ~/Pictures --limit 100

Workers do so by themselves, slowly: one every second. A dead letter whose object was read meanwhile is only taken.
`imagemeta failures` shows the others, and `imagemeta redrive` sends them back.
"""

from dataclasses import asdict
from typing import Annotated

from typer import Option, Typer

from worker.cli.acting import Folder, Form, line, put, settings_of

app = Typer(no_args_is_help=True, rich_markup_mode=None, help=__doc__, short_help="What the queue gave up.")
Limit = Annotated[int | None, Option(min=1, help="How many at most; default: all.")]


@app.command("drain", help=__doc__)
def drain(folder: Folder = None, limit: Limit = None, form: Form = "text") -> None:
    """The command; the module's text is its help."""
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        drained = site.drain.all(limit)
    if form == "json":
        put(asdict(drained))
    else:
        line(f"{drained.taken} dead letters taken, {drained.written} of them written down as failures")
