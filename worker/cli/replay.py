"""Have what was handled since a moment handled again. What is right already is not written anew.

\b
imagemeta replay --since 24h --dry-run
imagemeta replay --since 2026-11-25T08:00:00Z
imagemeta replay --since 24h --from-store

The queue gives back what it still keeps: everything that was published since, and only that. With --from-store, each
document whose event is of that time makes the message that its bucket once sent; a local queue needs that. Either way
every document is looked at once, to say how many there are.

\b
Exit codes: 0    done
            78   something must be set right first
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Option

from worker.cli.acting import (
    Cap,
    DryRun,
    Folder,
    Form,
    Fresh,
    Rate,
    Warm,
    line,
    put,
    settings_of,
    told,
    watching,
)
from worker.operate.when import moment

if TYPE_CHECKING:
    from worker.operate.replay import Preview

Since = Annotated[str, Option(metavar="TIME", help="2026-11-25T08:00:00Z, or 90m, 24h, 7d for so long ago.")]
FromStore = Annotated[bool, Option("--from-store", help="From the documents, not by the queue.")]


def replay(
    since: Since,
    folder: Folder = None,
    from_store: FromStore = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    cap: Cap = None,
    warm: Warm = False,
    fresh: Fresh = False,
    form: Form = "text",
) -> None:
    """The command; the module's text is its help."""
    from worker import actions
    from worker.errors import Misconfigured
    from worker.operate import replay as how
    from worker.site import Site

    earliest = moment(since)
    with Site(settings_of(folder)) as site:
        rewind = None if from_store else site.rewind
        if rewind is None and not from_store:
            raise Misconfigured("a local queue keeps nothing that is done: replay --from-store")
        if dry_run:
            _show(how.preview(earliest, site.reader, rewind), form)
        elif rewind:
            run = actions.replay_queue(site, rewind, earliest)
            told(run, form, "messages")
        else:
            with watching() as watch:
                run = actions.replay_documents(site, earliest, actions.Options(rate, cap, warm, fresh), watch)
            told(run, form, "documents")


def _show(preview: "Preview", form: str) -> None:
    if form == "json":
        put({"dry_run": True, **asdict(preview)})
        return
    line(f"{preview.documents} documents tell of an event since {preview.since:%Y-%m-%d %H:%M:%SZ}; nothing was done")
    if preview.reaches:
        line(f"the queue goes back to {preview.reaches:%Y-%m-%d %H:%M:%SZ}")
