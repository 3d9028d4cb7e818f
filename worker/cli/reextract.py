"""Have documents made anew from their objects: those that an older extractor or other limits made.

\b
imagemeta reextract --dry-run
imagemeta reextract 'in:gs://bucket/2024/' --rate 200
imagemeta reextract --partial make:Nikon
imagemeta reextract --folder ~/Pictures

With --partial: those that could be read in part only and were not read again since by the extractor of today. A second
run finds nothing. What is quarantined is refused.

\b
Exit codes: 0    done
            1    something was refused
            2    the filter cannot be understood
            78   something must be set right first
"""

from typing import Annotated

from typer import Option

from worker.cli.acting import Cap, DryRun, Filter, Folder, Form, Fresh, Rate, Warm, counted, settings_of, told, watching
from worker.errors import Misconfigured

Outdated = Annotated[bool, Option("--outdated", help="What an older extractor or other limits made. The default.")]
Partial = Annotated[bool, Option("--partial", help="What could be read in part only.")]


def reextract(
    query: Filter = "",
    folder: Folder = None,
    outdated: Outdated = False,
    partial: Partial = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    cap: Cap = None,
    warm: Warm = False,
    fresh: Fresh = False,
    form: Form = "text",
) -> None:
    """The command; the module's text is its help."""
    from worker import actions
    from worker.site import Site

    if outdated and partial:
        raise Misconfigured("--outdated and --partial exclude each other: name one")
    with Site(settings_of(folder)) as site:
        if dry_run:
            counted(actions.rehearse_reextract(site, query, partial=partial), form, "documents would be made anew")
            return
        with watching() as watch:
            run = actions.reextract(site, query, actions.Options(rate, cap, warm, fresh), watch, partial=partial)
    told(run, form, "documents")
