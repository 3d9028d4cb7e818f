"""Batches through the API and the console: what somebody hands in, and how a batch is told."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Any

from worker.batch_parts import check_ready
from worker.batches.policy import Policy
from worker.batches.progress import Line, Progress
from worker.batches.sheet import Sheet
from worker.errors import BadInput, NotThere, TooLarge
from worker.site import Site
from worker.web.download import Download, Turns
from worker.web.uploads import File, must
from worker.web.viewer import Scope, Viewer

CSV = "text/csv"
_NUMBERS = frozenset({"quality", "longest", "target_bytes"})
_LISTED = ","


@dataclass(frozen=True, slots=True)
class Order:
    """A table that is handed in. `name` is its file's; `url_columns` are headings, without any they are found."""

    data: bytes
    policy: Policy
    url_columns: Sequence[str] = ()
    name: str = ""


def order_of(fields: Sequence[tuple[str, str]], file: File | None) -> Order:
    """What a form says: its file, fields `url_column`, and those of a policy. Raises BadInput."""
    columns = [value for name, value in fields if name == "url_column" and value]
    table = must(file)
    return Order(table.data, policy_of(dict(fields)), columns, table.name)


def policy_of(texts: Mapping[str, str]) -> Policy:
    """The policy of a form's fields; what is left empty is as usual. Raises BadInput."""
    known: dict[str, Any] = {}
    for name in (each.name for each in fields(Policy)):
        if text := texts.get(name, "").strip():
            known[name] = _number(name, text) if name in _NUMBERS else text
    known["originals"] = texts.get("originals", "") in ("on", "true", "1")
    return Policy.of(known)


def table_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows of cells by their headings as a table; a cell may be a list of URLs."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_cell(row.get(name)) for name in header] for row in rows)
    return text.getvalue().encode()


def object_of(site: Site, uri: str) -> bytes:
    """The table that lies in a bucket. Raises NotThere and TooLarge."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    ref = site.objects.live(bucket, name)
    if ref is None:
        raise NotThere(f"there is no object {uri}")
    size, most = ref.size or 0, site.settings.batch_bytes
    if size > most:
        raise TooLarge(f"the table has {size} bytes, at most {most} are taken; split it")
    with site.objects.open(ref) as reader:
        return reader.read(0, size)


def take(site: Site, viewer: Viewer, order: Order) -> tuple[Progress, bool]:
    """Have a table worked off, and whether it is new: the same, still at work, is gone on with.

    Raises Forbidden, Misconfigured where batches cannot be worked, and BadInput.
    """
    viewer.must(Scope.OPERATE)
    check_ready(site.settings)
    batch, new = site.desk.take(order.data, order.policy, order.url_columns, order.name, viewer.name)
    return site.desk.status(batch.id), new


def told(progress: Progress) -> dict[str, Any]:
    """A batch as it is told: counts and what it is."""
    batch = progress.batch
    return {
        "id": batch.id,
        "name": batch.name,
        "who": batch.who,
        "at": batch.at,
        "expires_at": batch.expires_at,
        "state": progress.state,
        "header": batch.header,
        "rows": batch.rows,
        "urls": batch.urls,
        "done": progress.done,
        "failed": progress.failed,
        "pending": progress.pending,
        "rate": progress.rate,
        "eta": progress.eta,
        "policy": batch.policy.record(),
        "output": f"/v1/batches/{batch.id}/output.csv",
    }


def page(site: Site, id: str, cursor: str, limit: int, *, failed: bool) -> tuple[list[Line], str]:  # noqa: A002
    """So many rows behind the cursor, or rows with what failed; and the next cursor, empty at the end."""
    if failed:
        return site.desk.failed(id, cursor, limit)
    found = list(islice(site.desk.rows(id, _number("cursor", cursor or "0")), limit + 1))
    shown = found[:limit]
    return shown, str(shown[-1].number) if len(found) > limit else ""


def output(site: Site, turns: Turns, id: str, *, raw: bool = False) -> Download:  # noqa: A002
    """The output table as it is read, also while the batch runs. Raises NotThere."""
    lines = site.desk.output(id, raw=raw)
    return Download((line.encode("utf-8", "replace") for line in lines), f"output-{id}.csv", CSV, turns)


def line_told(line: Line) -> dict[str, Any]:
    """A row as it is told."""
    return {"number": line.number, "cells": line.cells, "urls": [asdict(item) for item in line.items]}


def columns_of(sheet: Sheet) -> list[str]:
    """The headings of the columns that hold URLs."""
    return [name for place, name in enumerate(sheet.header) if place in sheet.url_columns]


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadInput(f"{name}: {text!r} is no whole number") from error


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return _LISTED.join(map(str, value))
    return "" if value is None else str(value)
