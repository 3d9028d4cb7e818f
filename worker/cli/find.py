"""Search a catalog: the pictures of a folder that imagemeta up has read, or the documents in the cloud.

\b
imagemeta find make:Sony iso:'>800' taken:2024-05..2024-07
imagemeta find near:48.1,11.5,2km -has:lens
imagemeta find --folder ~/Pictures 'lens:"RF24-105mm"* sunset'
imagemeta find status:failed --format csv > failed.csv
imagemeta find 'tag:"XMP:Rating">=3' --format jsonl | jq .file

All terms must hold; a minus before a term turns it round; words are looked for in titles, keywords, names. The newest
come first. docs/search.md has all fields. The catalog is that of --folder DIR, or IMAGEMETA_DOCUMENTS, or that of the
folder one is in.

\b
Exit codes: 0    done, whether or not something was found
            2    the query cannot be understood or answered; a caret shows where
            3    the catalog does not answer now
            78   there is no catalog, or something else must be set right first
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from worker.cli.acting import settings_of
from worker.cli.formats import Format, writing
from worker.cli.output import opened
from worker.cli.terminal import fail, printable, say
from worker.errors import QueryError, Transient

if TYPE_CHECKING:
    from worker.catalog.query import Query
    from worker.model import Value
    from worker.ports import Catalog

_BAD_QUERY, _UNAVAILABLE = 2, 3
_WITHOUT = ("search",)
"""Fields that repeat others."""

Terms = Annotated[
    list[str] | None, Argument(metavar="QUERY", show_default=False, help="Terms, as above; without any, all documents.")
]
Form = Annotated[Literal["table", "json", "jsonl", "csv"], Option("--format", help="How documents are written.")]
Limit = Annotated[int | None, Option(min=1, metavar="N", help="At most so many, the newest.", show_default=False)]
Folder = Annotated[
    Path | None, Option(metavar="DIR", help="The folder whose catalog is searched.", exists=True, file_okay=False)
]


def find(terms: Terms = None, form: Form = "table", limit: Limit = None, folder: Folder = None) -> None:
    """The command; the module's text is its help."""
    from worker.bootstrap import open_catalog
    from worker.catalog.query import parse

    text = " ".join(terms or ())
    try:
        query = parse(text)
        settings = settings_of(folder)
        with closing(open_catalog(settings)) as catalog:
            if form == "table":
                _show(catalog, query, limit)
            else:
                _write(catalog, query, form, limit, "uri" if settings.documents.startswith("firestore:") else "name")
    except QueryError as error:
        _point_at(text, error)
    except Transient as error:
        fail(str(error), _UNAVAILABLE)


def _show(catalog: "Catalog", query: "Query", limit: int | None) -> None:
    from worker.cli.table import ROWS, cells, show

    shown = min(limit or ROWS, ROWS)
    rows = [cells(document) for _, document in islice(catalog.stream(query), shown + 1)]
    if not rows:
        say("nothing found")
        return
    found = catalog.count(query) if len(rows) > shown else len(rows)
    show(rows[:shown], more=min(limit or found, found) - shown)


def _write(catalog: "Catalog", query: "Query", form: Format, limit: int | None, name: str) -> None:
    import orjson

    with opened(None) as out, writing(form, out) as put:
        for record in _records(catalog, query, limit, name):
            put(orjson.dumps(record))


def _records(catalog: "Catalog", query: "Query", limit: int | None, name: str) -> Iterator[dict[str, "Value"]]:
    """Documents in the form of `extract`'s records."""
    for _, document in islice(catalog.stream(query), limit):
        record = {"file": document.get(name)}
        record |= {field: value for field, value in document.items() if field not in _WITHOUT}
        errors = document.get("errors")
        if document.get("status") == "failed" and isinstance(errors, list) and errors:
            record["error"] = errors[0]
        yield record


def _point_at(text: str, error: QueryError) -> None:
    """Show the query, and where in it the fault lies."""
    say(error.message)
    if error.column:
        before = printable(text[: error.column - 1])
        say(f"  {printable(text)}")
        say(f"  {' ' * len(before)}^")
    raise SystemExit(_BAD_QUERY)
