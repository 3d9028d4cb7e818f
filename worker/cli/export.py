"""Write what is known of images to a file: all of it, what a query finds, or what changed.

\b
imagemeta export --to images.csv
imagemeta export 'make:Sony taken:2024' --to sony.parquet --columns name,taken,latitude,longitude,tag:IFD0:Make
imagemeta export has:position --to gs://my-exports/map.geojson --dry-run
imagemeta export --folder ~/Pictures --to pictures.sqlite
imagemeta export --to nightly.jsonl --gzip
imagemeta export --to nightly.jsonl --gzip --since last
imagemeta export --to nightly.jsonl.gz --compact
imagemeta export --format csv --to - | head

The format is the one that the file's name says, or --format. A file has its name only once it is whole; until then it
is NAME.part. An export that was interrupted or killed goes on where it was when the same command is given again, and
comes to the same bytes. With --since, what changed is written as another part, NAME.00002 and so on; --compact makes
one file of the parts. docs/export.md has the columns and the formats.

\b
Exit codes: 0    done
            1    something cannot be said in this format, or a backend does not answer now
            2    the query cannot be understood
            78   something must be set right first
            130  interrupted; the same command goes on
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Exit, Option

from worker.cli.acting import SOME_REFUSED, DryRun, Folder, Fresh, line, put, settings_of, watching
from worker.cli.output import opened
from worker.cli.terminal import say
from worker.operate.when import moment

if TYPE_CHECKING:
    from worker.exports import Exported, Wanted
    from worker.site import Site

STDOUT = "-"
LAST = "last"

Format = Literal["csv", "tsv", "jsonl", "parquet", "geojson", "kml", "geo.txt", "sqlite"]

Query = Annotated[
    str, Argument(metavar="[QUERY]", show_default=False, help="Of these images only; docs/search.md has the language.")
]
To = Annotated[
    str, Option("--to", metavar="PLACE", show_default=False, help="A path, gs://BUCKET/PATH, or - for stdout.")
]
Form = Annotated[
    Format | None, Option("--format", "-f", show_default=False, help="Default: what the file's name says.")
]
Columns = Annotated[
    str,
    Option(metavar="NAMES", show_default=False, help="Separated by commas; `all`; tag:IFD0:Make for a tag's value."),
]
Since = Annotated[
    str,
    Option(
        metavar="TIME",
        show_default=False,
        help="Only what changed since then, as another part: `last` for the last export to there, or a time, or 7d.",
    ),
]
Gzip = Annotated[bool, Option("--gzip", help="Pack it, as a file that ends with .gz.")]
Raw = Annotated[bool, Option("--raw", help="CSV and TSV: leave texts alone that a spreadsheet would run as a formula.")]
Compact = Annotated[bool, Option("--compact", help="Make one file of the parts that lie there.")]
Json = Annotated[bool, Option("--json", help="Say what came of it as JSON.")]


def export(
    query: Query = "",
    to: To = "",
    form: Form = None,
    columns: Columns = "",
    since: Since = "",
    folder: Folder = None,
    gzip: Gzip = False,
    raw: Raw = False,
    compact: Compact = False,
    dry_run: DryRun = False,
    fresh: Fresh = False,
    as_json: Json = False,
) -> None:
    """The command; the module's text is its help."""
    from worker import exports
    from worker.errors import Misconfigured
    from worker.site import Site

    if not to:
        raise Misconfigured("where to? Name a file with --to, as --to images.csv, or - for stdout")
    names = [name.strip() for name in columns.split(",") if name.strip()]
    at = moment(since) if since and since != LAST else None
    wanted = exports.Wanted(query, form or "", names, since, at, gzip, raw)
    with Site(settings_of(folder)) as site:
        if compact:
            _compacted(site, to, as_json)
        elif dry_run:
            _rehearsed(site, wanted, to, as_json)
        elif to == STDOUT:
            with opened(None) as out:
                out.writelines(exports.stream(site, wanted))
        else:
            with watching(lambda: exports.total(site, wanted), "rows") as watch:
                done = exports.export(site, wanted, to, watch, fresh=fresh)
            _told(done, as_json)


def _rehearsed(site: "Site", wanted: "Wanted", to: str, as_json: bool) -> None:
    from worker import exports

    where, rows = exports.rehearse(site, wanted, to)
    if as_json:
        put({"dry_run": True, "file": where, "rows": rows})
    else:
        line(f"{rows} rows would be written to {where}; nothing was done (--dry-run)")


def _compacted(site: "Site", to: str, as_json: bool) -> None:
    from worker import exports

    where, part = exports.compact(site, to)
    if as_json:
        put({"file": where, "rows": part.rows, "bytes": part.bytes})
    else:
        line(f"{part.rows} rows, {part.bytes / 1e6:,.1f} MB in {where}")


def _told(done: "Exported", as_json: bool) -> None:
    """Say what came of it. Ends with exit code 1 where something could not be said in the format."""
    if as_json:
        put({"file": done.file, "rows": done.part.rows, "bytes": done.part.bytes, "run": asdict(done.run)})
    else:
        line(f"{done.part.rows} rows, {done.part.bytes / 1e6:,.1f} MB in {done.file} (run {done.run.id})")
    if done.run.refused:
        say(f"{done.run.refused} images left out: their names have blanks, which this format takes for an end")
        raise Exit(SOME_REFUSED)
