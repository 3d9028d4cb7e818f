"""Set failures aside: their objects are not read again until they are released, or there is a new generation.

\b
imagemeta quarantine code:poison --dry-run
imagemeta quarantine 'code:corrupt_image in:gs://bucket/2024/'
imagemeta failures quarantined:yes
imagemeta redrive quarantined:yes --release

A filter is needed: to set all failures aside, name all their codes.
"""

from typing import Annotated

from typer import Argument

from worker.cli.acting import DryRun, Folder, Form, line, put, settings_of, told, watching

Wanted = Annotated[
    str, Argument(metavar="FILTER", show_default=False, help="As `imagemeta find` takes it: docs/search.md.")
]


def quarantine(query: Wanted, folder: Folder = None, dry_run: DryRun = False, form: Form = "text") -> None:
    """The command; the module's text is its help."""
    from worker import actions
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        if dry_run:
            free = actions.rehearse_set_aside(site, query)
            if form == "json":
                put({"dry_run": True, "documents": free})
            else:
                line(f"{free} failures would be set aside; nothing was done (--dry-run)")
            return
        with watching(what="set aside") as watch:
            run = actions.set_aside(site, query, watch)
    told(run, form, "failures", done="set aside")
