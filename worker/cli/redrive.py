"""Send failures back to the queue: one, some, or all that match.

\b
imagemeta redrive --dry-run
imagemeta redrive code:source_unavailable
imagemeta redrive 'fingerprint:4be1c2d3e4f5 in:gs://bucket' --rate 50 --cap 1000
imagemeta redrive name:2024/broken.jpg --release

Dead letters are written down as failures first. The same generation of an object goes back three times at most, then it
is refused. What killed or hung its reader is quarantined, and goes back only with --release.

\b
Exit codes: 0    done
            1    something was refused
            2    the filter cannot be understood
            78   something must be set right first
"""

from typing import TYPE_CHECKING, Annotated

from typer import Option

from worker.cli.acting import Cap, DryRun, Filter, Folder, Form, Fresh, Rate, Warm, counted, settings_of, told, watching
from worker.cli.terminal import say

if TYPE_CHECKING:
    from worker.site import Site

Release = Annotated[bool, Option("--release", help="Quarantined ones, too; each is read in a process of its own.")]


def redrive(
    query: Filter = "",
    folder: Folder = None,
    release: Release = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    cap: Cap = None,
    warm: Warm = False,
    fresh: Fresh = False,
    form: Form = "text",
) -> None:
    """The command; the module's text is its help."""
    from worker import actions
    from worker.operate.again import MAX_REDRIVES
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        if dry_run:
            counted(actions.rehearse_redrive(site, query, release=release), form, "failures would go back")
            return
        _drain(site)
        with watching() as watch:
            run = actions.redrive(site, query, actions.Options(rate, cap, warm, fresh), watch, release=release)
    if run.refused:
        say(f"{run.refused} refused: redriven {MAX_REDRIVES} times already, or their message names no object")
    told(run, form, "failures")


def _drain(site: "Site") -> None:
    from worker.bootstrap import has_dead_letters

    if has_dead_letters(site.settings) and (drained := site.drain.all()).taken:
        say(f"{drained.taken} dead letters taken, {drained.written} of them written down as failures")
