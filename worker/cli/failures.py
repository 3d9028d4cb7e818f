"""Show what could not be read: the largest causes, then the failures one by one, the newest pictures first.

\b
imagemeta failures
imagemeta failures 'in:gs://bucket/2024/ code:corrupt_image'
imagemeta failures --folder ~/Pictures --limit 50
imagemeta failures --format json | jq .groups

A cause's fingerprint is a filter: `imagemeta redrive fingerprint:4be1…`. However many failures there are, the newest
900 are read to know causes and times, and each cause is counted whole.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Option

from worker.cli.acting import Filter, Folder, Form, line, put, settings_of

if TYPE_CHECKING:
    from worker.operate.causes import Causes
    from worker.operate.failures import Failure

Limit = Annotated[int, Option(min=0, max=1000, help="How many are shown one by one.")]
Cursor = Annotated[str, Option(metavar="TEXT", show_default=False, help="The `next` of a former call: goes on there.")]


def failures(
    query: Filter = "", folder: Folder = None, limit: Limit = 20, cursor: Cursor = "", form: Form = "text"
) -> None:
    """The command; the module's text is its help."""
    from worker.operate.causes import causes
    from worker.operate.failures import FAILED, failure_of
    from worker.operate.select import narrowed
    from worker.ports import Page
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        found = causes(site.catalog, query)
        page = site.catalog.page(narrowed(query, FAILED), cursor, limit) if limit else Page((), "")
    shown = [failure_of(key, fields) for key, fields in page.rows]
    if form == "json":
        told = {"total": found.total, "looked_at": found.looked_at, "others": found.others}
        groups = [asdict(each.group) for each in found.shown]
        put(told | {"groups": groups, "failures": [asdict(each) for each in shown], "next": page.next or None})
        return
    _tell(found)
    for each in shown:
        line(_row(each))
    if page.next:
        line(f"more: --cursor {page.next}")


def _tell(found: "Causes") -> None:
    """The causes, and how many failures have others."""
    line(f"{found.total} failures" if found.total else "no failures")
    for group in (each.group for each in found.shown):
        line("")
        line(f"{group.count} x {group.code}, fingerprint {group.fingerprint}: {group.stage}, {group.frame}")
        line(f"  first {group.first}, last {group.last}")
        line(f"  {group.sample.uri}: {group.sample.message}")
    if found.others:
        line("")
        line(f"{found.others} of other causes; a filter shows them")
    if found.total > found.looked_at:
        line(f"causes and times are those of the newest {found.looked_at}; the numbers are of all")
    if found.total:
        line("")


def _row(each: "Failure") -> str:
    marks = [mark for mark, holds in (("quarantined", each.quarantined), ("on its way", each.pending)) if holds]
    redrives = f"redriven {each.redrives}x" if each.redrives else ""
    return "  ".join(filter(None, [each.at, each.code, each.uri, redrives, *marks]))
