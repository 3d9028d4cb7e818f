"""The program and its commands."""

from typing import Annotated

from typer import Exit, Option, Typer, echo

from worker import __version__
from worker.cli import (
    backfill,
    batch,
    dead_letters,
    doctor,
    export,
    extract,
    failures,
    fields,
    find,
    keys,
    pause,
    quarantine,
    reconcile,
    redrive,
    reextract,
    replay,
    runs,
    serve,
    settings,
    status,
    up,
    work,
)

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
    imagemeta find make:Sony        search it
    imagemeta work                  do so for buckets, in the cloud
    imagemeta status                how things are; backfill, reconcile, failures, redrive and more mend them
    """


app.command("extract", help=extract.__doc__, short_help="Print the metadata of pictures.")(extract.extract)
app.command("up", help=up.__doc__, short_help="Keep a catalog of a folder's pictures.")(up.up)
app.command(
    "find",
    help=find.__doc__,
    short_help="Search a catalog.",
    context_settings={"ignore_unknown_options": True},  # a term may begin with a minus
)(find.find)
app.command("work", help=work.__doc__, short_help="The worker in the cloud: from queue to documents.")(work.work)
app.command("push", help=work.PUSH, short_help="The worker behind HTTP, for Cloud Run.")(work.push)
app.command("serve", help=serve.__doc__, short_help="The console and the API.")(serve.serve)
app.add_typer(keys.app, name="keys")
app.command("status", help=status.__doc__, short_help="How things are.")(status.status)
app.command("backfill", help=backfill.__doc__, short_help="Announce what a bucket holds already.")(backfill.backfill)
app.command("reconcile", help=reconcile.__doc__, short_help="Compare a bucket with its documents.")(reconcile.reconcile)
app.command("failures", help=failures.__doc__, short_help="What could not be read, by cause.")(failures.failures)
app.command("quarantine", help=quarantine.__doc__, short_help="Set failures aside.")(quarantine.quarantine)
app.command("redrive", help=redrive.__doc__, short_help="Send failures back to the queue.")(redrive.redrive)
app.command("reextract", help=reextract.__doc__, short_help="Have documents made anew.")(reextract.reextract)
app.command("replay", help=replay.__doc__, short_help="Have what was handled handled again.")(replay.replay)
app.command("pause", help=pause.__doc__, short_help="Stop a bucket from telling.")(pause.pause)
app.command("resume", help=pause.RESUME, short_help="Have it tell again, and catch up.")(pause.resume)
app.command("runs", help=runs.__doc__, short_help="What operators did.")(runs.runs)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(batch.app, name="batch")
app.add_typer(fields.app, name="fields")
app.command("doctor", help=doctor.__doc__, short_help="Is all well, and if not: how to mend it.")(doctor.doctor)
app.command("export", help=export.__doc__, short_help="Write what is known to a file.")(export.export)
app.command("settings", help=settings.__doc__, short_help="Show all settings.")(settings.settings)
