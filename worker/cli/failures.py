"""Show what could not be read, grouped by cause: what is wrong most often comes first, then the newest.

\b
imagemeta failures
imagemeta failures 'in:gs://bucket/2024/ code:corrupt_image'
imagemeta failures --folder ~/Pictures --limit 50
imagemeta failures --format json | jq .groups

A group's fingerprint is a filter: `imagemeta redrive fingerprint:4be1…`.
"""

from dataclasses import asdict
from typing import Annotated

from typer import Option

from worker.cli.acting import Filter, Folder, Form, line, put, settings_of

Limit = Annotated[int, Option(min=0, max=10_000, help="How many of the newest are shown.")]


def failures(query: Filter = "", folder: Folder = None, limit: Limit = 20, form: Form = "text") -> None:
    """The command; the module's text is its help."""
    from worker.operate.failures import groups, newest
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        grouped = groups(site.catalog, query)
        latest = newest(site.catalog, query, limit) if limit else []
    total = sum(group.count for group in grouped)
    if form == "json":
        put({"total": total, "groups": [asdict(each) for each in grouped], "newest": [asdict(each) for each in latest]})
        return
    line(f"{total} failures of {len(grouped)} kinds" if total else "no failures")
    for group in grouped:
        line("")
        line(f"{group.count} x {group.code}, fingerprint {group.fingerprint}: {group.stage}, {group.frame}")
        line(f"  first {group.first}, last {group.last}")
        line(f"  {group.sample.uri}: {group.sample.message}")
    if latest:
        line("")
        line(f"the newest {len(latest)}:")
    for each in latest:
        marks = [mark for mark, holds in (("quarantined", each.quarantined), ("on its way", each.pending)) if holds]
        redrives = f"redriven {each.redrives}x" if each.redrives else ""
        line("  ".join(filter(None, [each.at, each.code, each.uri, redrives, *marks])))
