"""Keys for the API: for programs, and for people where nothing signs them in.

\b
imagemeta keys create nightly-report --scopes read,export --position rounded
imagemeta keys list
imagemeta keys revoke 3f2a9c0d1b4e

A key is shown once, when it is made; what is kept is a hash of it. `imagemeta serve` takes keys where
IMAGEMETA_API_KEYS is set. A key that is revoked opens nothing from the next request on.
"""

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, Typer

from worker.cli.acting import Folder, Form, line, put, settings_of
from worker.cli.terminal import say

if TYPE_CHECKING:
    from worker.web.keys import Key

app = Typer(no_args_is_help=True, rich_markup_mode=None, help=__doc__, short_help="Who may use the API.")

Name = Annotated[str, Argument(help="Whom or what it is for.", show_default=False)]
Scopes = Annotated[str, Option(metavar="SCOPES", help="Of read, export, operate, admin; with commas between.")]
Position = Annotated[str, Option(metavar="POSITION", help="How positions are shown: exact, rounded or hidden.")]
Id = Annotated[str, Argument(help="As `imagemeta keys list` shows it.", show_default=False)]


@app.command("create", help="Make a key, and show it once.")
def create(
    name: Name, scopes: Scopes = "read", position: Position = "rounded", folder: Folder = None, form: Form = "text"
) -> None:
    """The command."""
    from worker.errors import Misconfigured
    from worker.site import Site
    from worker.web import keys
    from worker.web.rules import scopes as scopes_of
    from worker.web.viewer import Precision

    try:
        opens, precision = scopes_of(scopes), Precision(position)
    except ValueError as error:
        raise Misconfigured(f"{error}; `imagemeta keys create --help` lists all") from None
    with Site(settings_of(folder)) as site:
        key, text = keys.create(site.records, name, opens, precision, site.ledger.who)
    if form == "json":
        put({**_plain(key), "key": text})
    else:
        line(text)
        say(f"this is the key of {key.name}; it is shown this once (id {key.id})")


@app.command("list", help="Show all keys: whom they are for, and what they open.")
def every(folder: Folder = None, form: Form = "text") -> None:
    """The command."""
    from worker.site import Site
    from worker.web import keys

    with Site(settings_of(folder)) as site:
        found = keys.known(site.records)
    for key in found:
        if form == "json":
            put(_plain(key))
        else:
            opens = ",".join(sorted(key.scopes))
            line(f"{key.id}  {key.name}  {opens}/{key.position}  made {key.made:%Y-%m-%d %H:%M:%SZ} by {key.by}")


@app.command("revoke", help="Have a key open nothing any more.")
def revoke(key: Id, folder: Folder = None, form: Form = "text") -> None:
    """The command."""
    from worker.site import Site
    from worker.web import keys

    with Site(settings_of(folder)) as site:
        gone = keys.revoke(site.records, key)
    if form == "json":
        put(_plain(gone))
    else:
        line(f"the key {gone.id} of {gone.name} opens nothing any more")


def _plain(key: "Key") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "position": key.position,
        "made": key.made,
        "by": key.by,
    }
