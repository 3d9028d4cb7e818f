"""Stop a bucket from telling what happens to its objects, until `imagemeta resume`.

\b
imagemeta pause gs://bucket
imagemeta resume gs://bucket
imagemeta pause ~/Pictures

Its notifications to our topic are deleted, and kept in the store. What is on the queue already is worked off. In a
folder, the `imagemeta up` that keeps its catalog waits.

\b
Exit codes: 0    done
            78   something must be set right first
"""

from contextlib import ExitStack
from typing import Annotated

from typer import Argument, Option

from worker.cli.acting import Form, line, put, told, watching
from worker.cli.backfill import placed
from worker.cli.terminal import say

CLOUD = "gs:"

RESUME = """Have a paused bucket tell again, and catch up with what happened meanwhile.

\b
imagemeta resume gs://bucket
imagemeta resume ~/Pictures

The bucket is compared with its documents, so that uploads, overwrites and deletions during the pause are all found.
In the cloud this waits half a minute first: so long may pass until the bucket tells again.

\b
Exit codes: 0    done
            78   something must be set right first
"""

Wait = Annotated[
    float | None, Option(metavar="SECONDS", min=0, help="Until the bucket tells again; default: 30 in the cloud.")
]
Target = Annotated[str, Argument(metavar="TARGET", show_default=False, help="gs://BUCKET, or a folder.")]


def pause(target: Target, form: Form = "text") -> None:
    """The command; the module's text is its help."""
    from worker.operate import pause as how

    with ExitStack() as stack:
        site, scope = placed(stack, target)
        made = how.pause(scope.bucket, site.intake, site.records, site.ledger.who)
    if form == "json":
        put({"bucket": made.bucket, "since": made.since, "who": made.who})
    else:
        line(f"{made.bucket} is paused since {made.since:%Y-%m-%d %H:%M:%SZ} by {made.who}")
        say(f"`imagemeta resume {target}` has it tell again")


def resume(target: Target, wait: Wait = None, form: Form = "text") -> None:
    """The command; RESUME is its help."""
    from worker import actions
    from worker.operate.pause import ANNOUNCING_SECONDS

    with ExitStack() as stack:
        site, scope = placed(stack, target)
        usual = ANNOUNCING_SECONDS if site.settings.objects.startswith(CLOUD) else 0.0
        watch = stack.enter_context(watching())
        lifted, run = actions.resume(site, scope.bucket, watch, usual if wait is None else wait)
    if form == "text":
        line(f"{lifted.bucket} was paused since {lifted.since:%Y-%m-%d %H:%M:%SZ}, and tells again")
    told(run, form, "names")
