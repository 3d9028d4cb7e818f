"""Show what operators did: who, when, what with which filter, and what came of it.

\b
imagemeta runs
imagemeta runs --limit 5 --format json
"""

from dataclasses import asdict
from typing import Annotated

from typer import Option

from worker.cli.acting import Folder, Form, line, put, settings_of

Limit = Annotated[int, Option(min=1, max=1000, help="How many of the last are shown.")]


def runs(folder: Folder = None, limit: Limit = 20, form: Form = "text") -> None:
    """The command; the module's text is its help."""
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        found = site.ledger.newest(limit)
    for run in found:
        if form == "json":
            put(asdict(run))
            continue
        refused = f", {run.refused} refused" if run.refused else ""
        why = f" ({run.why})" if run.why else ""
        line(
            f"{run.at:%Y-%m-%d %H:%M:%SZ}  {run.state:<8} {run.action} {run.scope}  by {run.who}:"
            f" {run.seen} looked at, {run.published} published{refused}{why}"
        )
