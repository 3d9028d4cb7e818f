"""Promote tags: searches then find them by index, in the cloud and in a folder, whatever the size of the catalog.

\b
imagemeta fields add XMP:Rating
imagemeta fields list
imagemeta fields remove XMP:Rating
"""

from dataclasses import asdict
from typing import Annotated

from typer import Argument, Typer

from worker.cli.acting import DryRun, Folder, Form, Fresh, Rate, Warm, line, put, settings_of, told, watching

app = Typer(no_args_is_help=True, rich_markup_mode=None, help=__doc__, short_help="Tags that searches find by index.")

ADD = """Promote a tag, and fill the documents that are there.

\b
imagemeta fields add XMP:Rating --dry-run
imagemeta fields add XMP:Rating --rate 200
imagemeta fields add IFD0:Software --folder ~/Pictures

Searches ask for a promoted tag as for any other, `tag:"XMP:Rating">=3`, and find the same. New documents keep it apart
from then on; those that are there are filled from the tags that they hold, without reading one picture. A run that was
killed goes on where it was when the same command is given again; one more writes nothing.

For Firestore, name the tag in Terraform's firestore.promoted, as `fields list` calls it: that makes the indexes.
"""
LIST = """Show what is promoted: as one wrote it, and where documents keep it.

\b
imagemeta fields list
imagemeta fields list --format json
"""
REMOVE = """Have a tag kept no longer. Documents that keep it stay as they are; nobody looks there any more.

\b
imagemeta fields remove XMP:Rating
"""

Name = Annotated[str, Argument(help="The tag, by any name it goes by: XMP:Rating, IFD0:Make.", show_default=False)]


@app.command("add", help=ADD, short_help="Promote a tag, and fill the documents that are there.")
def add(
    name: Name,
    folder: Folder = None,
    dry_run: DryRun = False,
    rate: Rate = None,
    warm: Warm = False,
    fresh: Fresh = False,
    form: Form = "text",
) -> None:
    """The command."""
    from worker import actions
    from worker.catalog.query import Query
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        if dry_run:
            extent = actions.rehearse_promote(site, name)
            if form == "json":
                put({"dry_run": True, **asdict(extent)})
            else:
                line(f"{extent.written} of {extent.looked_at} documents would be filled; nothing was done (--dry-run)")
            return
        with watching(lambda: site.catalog.count(Query()), "filled") as watch:
            run = actions.promote(site, name, actions.Options(rate, None, warm, fresh), watch)
    told(run, form, "documents", done="filled")


@app.command("list", help=LIST, short_help="Show what is promoted.")
def every(folder: Folder = None, form: Form = "text") -> None:
    """The command."""
    from worker import promotions
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        found = promotions.listed(site.records)
    for each in found:
        if form == "json":
            put({**asdict(each), "slug": each.slug})
        else:
            state = "answered by index" if each.filled else "not filled yet: give `imagemeta fields add` again"
            line(f"{each.name}  {state}  since {each.at:%Y-%m-%d} by {each.who}  search.fields.{each.slug}")


@app.command("remove", help=REMOVE, short_help="Have a tag kept no longer.")
def remove(name: Name, folder: Folder = None, form: Form = "text") -> None:
    """The command."""
    from worker import actions
    from worker.site import Site

    with Site(settings_of(folder)) as site:
        actions.demote(site, name)
    if form == "json":
        put({"removed": name})
    else:
        line(f"{name} is promoted no longer")
