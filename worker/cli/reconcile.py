"""Compare a bucket with its documents, object by object, and mend what differs.

\b
imagemeta reconcile gs://bucket gs://archive
imagemeta reconcile gs://bucket/2024/ --repair
imagemeta reconcile ~/Pictures --format json

missing: an object without a document. stale: its document speaks of another generation. orphaned: the object is gone
and its document does not know. failed: the object could not be read. `--repair` has the worker mend them all; failures
go back as with `imagemeta redrive`. What has just come and waits on the queue counts as missing: it comes twice then,
which does no harm. A difference is a line of output; in JSON, the last line has the counts.

\b
Exit codes: 0    nothing differs, or its repair is on the queue
            1    something differs
            78   something must be set right first
"""

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option

from worker.cli.acting import Form, Rate, Warm, line, put, told, watching
from worker.cli.backfill import TARGET_HELP, placed
from worker.operate.when import moment

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions import Options
    from worker.operate.reconcile import Finding

DIFFERS = 1

Targets = Annotated[list[str], Argument(metavar="TARGET", show_default=False, help=TARGET_HELP)]
Repair = Annotated[bool, Option("--repair", help="Have the worker mend what differs.")]
Since = Annotated[str, Option(metavar="TIME", help="Only objects that changed since: 2026-11-25T08:00:00Z, or 24h.")]


def reconcile(
    targets: Targets,
    repair: Repair = False,
    since: Since = "",
    rate: Rate = None,
    warm: Warm = False,
    form: Form = "text",
) -> None:
    """The command; the module's text is its help."""
    from worker.actions import Options

    earliest = moment(since) if since else None
    options = Options(rate, None, warm) if repair else None
    differences = [_compared(target, earliest, options, form) for target in targets]
    if any(differences) and not repair:
        raise Exit(DIFFERS)


def _compared(target: str, since: "datetime | None", options: "Options | None", form: str) -> int:
    """Show how one target differs, and mend it, if there are options for that. The number of differences."""
    from worker.actions import differences
    from worker.operate.reconcile import Kind

    counts: Counter[Kind] = Counter()

    def found(finding: "Finding") -> None:
        counts[finding.kind] += 1
        _show(finding, form)

    with ExitStack() as stack:
        site, scope = placed(stack, target)
        watch = stack.enter_context(watching())
        run = differences(site, scope, since, options, watch, found)
    numbers = {kind.value: counts[kind] for kind in Kind}
    if form == "json":
        put({"target": target, **numbers})
    else:
        line(f"{target}: " + ", ".join(f"{number} {kind}" for kind, number in numbers.items()))
    if run:
        told(run, form, f"names in {scope}", refusable=True)
    return counts.total()


def _show(finding: "Finding", form: str) -> None:
    if form == "json":
        put({"difference": finding.kind, "name": finding.name, "code": finding.code})
    else:
        line(f"{finding.kind:<10}{finding.name}{f'  ({finding.code})' if finding.code else ''}")
