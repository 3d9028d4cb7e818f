"""Announce objects that are in a bucket already, as if they had just come; the worker does the rest.

\b
imagemeta backfill gs://bucket --dry-run                 how many, how much to read, what it costs
imagemeta backfill gs://bucket/2024/ gs://archive        what has no document yet
imagemeta backfill gs://bucket --glob '*.heic' --all
imagemeta backfill ~/Pictures --outdated                 a folder, as `imagemeta up` keeps it

Without an option, objects are announced of which no document speaks. A run that was interrupted or killed goes on where
it was when the same command is given again. The rate begins at 500 a second and grows by half every five minutes.

\b
Exit codes: 0    done
            78   something must be set right first
            130  interrupted; the same command goes on
"""

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from worker.cli.acting import Cap, DryRun, Form, Fresh, Rate, Warm, line, put, settings_of, told, watching

if TYPE_CHECKING:
    from worker.operate.backfill import Estimate, Select
    from worker.operate.scope import Scope
    from worker.site import Site

TARGET_HELP = "gs://BUCKET, gs://BUCKET/PREFIX, or a folder."

Targets = Annotated[list[str], Argument(metavar="TARGET", show_default=False, help=TARGET_HELP)]
Glob = Annotated[str, Option(metavar="GLOB", help="Only names that match this behind the prefix; * matches / as well.")]
Missing = Annotated[bool, Option("--missing", help="What has no document in its live generation. The default.")]
Outdated = Annotated[bool, Option("--outdated", help="That, and what an older extractor made.")]
All = Annotated[bool, Option("--all", help="Everything; what is done already is looked at and not read again.")]


def backfill(
    targets: Targets,
    glob: Glob = "",
    missing: Missing = False,
    outdated: Outdated = False,
    every: All = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    cap: Cap = None,
    warm: Warm = False,
    fresh: Fresh = False,
    form: Form = "text",
) -> None:
    """The command; the module's text is its help."""
    from worker.actions import Options, fill, rehearse_fill

    select = _select(missing, outdated, every)
    for target in targets:
        with ExitStack() as stack:
            site, scope = placed(stack, target, glob)
            if dry_run:
                _tell(scope, rehearse_fill(site, scope, select), form)
                continue
            options = Options(rate, cap, warm, fresh)
            watch = stack.enter_context(watching(lambda: sum(1 for _ in scope.objects(site.objects))))  # noqa: B023 -- ends within this turn
            told(fill(site, scope, select, options, watch), form, f"objects of {scope}")


def placed(stack: ExitStack, target: str, glob: str = "") -> "tuple[Site, Scope]":
    """The set-up and the scope that a target means: a bucket of this environment, or a folder with its catalog."""
    from worker.bootstrap import bucket_of
    from worker.operate.scope import CLOUD, Scope
    from worker.settings import load
    from worker.site import Site

    if target.startswith(CLOUD):
        return stack.enter_context(Site(load())), Scope.of(target, glob)
    folder = Path(target)
    return stack.enter_context(Site(settings_of(folder))), Scope(bucket_of(folder), "", glob)


def _select(missing: bool, outdated: bool, every: bool) -> "Select":
    from worker.errors import Misconfigured
    from worker.operate.backfill import Select

    if missing + outdated + every > 1:
        raise Misconfigured("--missing, --outdated and --all exclude each other: name one")
    return Select.ALL if every else Select.OUTDATED if outdated else Select.MISSING


def _tell(scope: "Scope", found: "Estimate", form: str) -> None:
    if form == "json":
        put({"dry_run": True, "scope": str(scope), **asdict(found)})
        return
    line(
        f"{found.messages} of {found.listed} objects of {scope}; about {found.bytes_to_read / 1e6:,.1f} MB to read"
        f" and ${found.usd:,.2f} at list prices (docs/cost.md), the workers' time aside; nothing was done (--dry-run)"
    )
