"""Look at a running set-up: what is well, what is not, what that means, and the command that mends it.

\b
imagemeta doctor gs://BUCKET                 the cloud that the settings name, and this bucket
imagemeta doctor --folder ~/Pictures         a folder that `imagemeta up` keeps a catalog of
imagemeta doctor gs://BUCKET --format json   for a program

Nothing is changed. The cloud is looked at with the credentials of this machine; what they may not look at is unknown.

\b
Exit codes: 0   nothing is red
            1   something is red
            2   usage
            78  the settings do not say what to look at
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Exit, Option

from worker.cli.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.operate.findings import Finding

_SCHEME = "gs://"


class Form(StrEnum):
    """How the findings are written."""

    TABLE = "table"
    JSON = "json"


Buckets = Annotated[list[str] | None, Argument(metavar="[gs://BUCKET]...", help="The buckets to look at.")]
Folder = Annotated[
    Path | None, Option(metavar="DIR", help="A folder with a catalog, instead of the cloud.", file_okay=False)
]
Catalog = Annotated[Path | None, Option(metavar="PATH", help="The folder's catalog; default: DIR/.imagemeta.")]
Format = Annotated[Form, Option("--format", help="For people or for programs.")]
Account = Annotated[
    str, Option(metavar="EMAIL", help="The worker's service account, whom commands give rights; default: who asks.")
]
Endpoint = Annotated[str, Option(metavar="URL", help="Where the worker is pushed to.")]


def doctor(
    buckets: Buckets = None,
    folder: Folder = None,
    catalog: Catalog = None,
    form: Format = Form.TABLE,
    account: Account = "",
    push_endpoint: Endpoint = "",
) -> None:
    """The command; the module's text is its help."""
    from worker.examination import examine_folder, examine_settings
    from worker.operate.doctor import is_well
    from worker.settings import load

    names = [_bucket(each) for each in buckets or []]
    if folder:
        if names:
            raise BadParameter("a folder or buckets, not both")
        found = list(examine_folder(folder, catalog or folder / ".imagemeta"))
    else:
        found = list(examine_settings(load(), names, account=account, push_endpoint=push_endpoint))
    _show_json(found) if form is Form.JSON else _show(found)
    raise Exit(0 if is_well(found) else 1)


def _bucket(uri: str) -> str:
    name = uri.removeprefix(_SCHEME).rstrip("/")
    if not uri.startswith(_SCHEME) or not name or "/" in name:
        raise BadParameter(f"{printable(uri)} is not gs://BUCKET")
    return name


def _show(found: "Sequence[Finding]") -> None:
    """A line each, and under what is not well the command that mends it."""
    width = max(len(finding.name) for finding in found)
    for finding in found:
        line = f"{finding.state:<8} {finding.name:<{width}}  {finding.meaning}"
        sys.stdout.write(f"{printable(line)}\n")
        if finding.command:
            sys.stdout.write(f"{'':<8} $ {printable(finding.command)}\n")


def _show_json(found: "Sequence[Finding]") -> None:
    import orjson

    text = orjson.dumps(list(found), option=orjson.OPT_INDENT_2)
    sys.stdout.write(f"{text.decode()}\n")
