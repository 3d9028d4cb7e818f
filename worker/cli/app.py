"""The program and its commands."""

from typing import Annotated

from typer import Exit, Option, Typer, echo

from worker import __version__
from worker.cli import extract, settings, up, work

app = Typer(
    rich_markup_mode=None,  # plain help: it starts fast, and examples keep their lines
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        echo(f"imagemeta {__version__}")
        raise Exit


@app.callback()
def program(
    version: Annotated[
        bool, Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """The metadata of every image in a bucket or folder, in one document per image.

    \b
    imagemeta extract photo.jpg     print the metadata of a picture
    imagemeta up ~/Pictures         keep a catalog of a folder's pictures up to date
    imagemeta work                  do so for buckets, in the cloud
    """


app.command("extract", help=extract.__doc__, short_help="Print the metadata of pictures.")(extract.extract)
app.command("up", help=up.__doc__, short_help="Keep a catalog of a folder's pictures.")(up.up)
app.command("work", help=work.__doc__, short_help="The worker in the cloud: from queue to documents.")(work.work)
app.command("push", help=work.PUSH, short_help="The worker behind HTTP, for Cloud Run.")(work.push)
app.command("settings", help=settings.__doc__, short_help="Show all settings.")(settings.settings)
