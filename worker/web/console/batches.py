"""Batches: a table of image URLs is looked at, handed in, watched, mended, and handed back."""

import hashlib
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from worker.batch_parts import check_ready, result_of
from worker.batches.policy import Format, Policy, Retain
from worker.batches.progress import Item, Line
from worker.errors import Misconfigured, NotThere, WorkerError
from worker.web import batching
from worker.web.console.forms import Form
from worker.web.console.pages import HEADERS, fragment, page, site_of, viewer_of, with_query
from worker.web.uploads import must
from worker.web.viewer import Scope as May

router = APIRouter()

FORMS = {
    Format.KEEP: "the same, where browsers show it",
    Format.JPEG: "JPEG",
    Format.WEBP: "WebP",
    Format.AVIF: "AVIF",
}
RETAINS = {
    Retain.COPYRIGHT: "who made it and whose it is",
    Retain.KEEP: "all of it",
    Retain.NO_POSITION: "all but where it was taken",
    Retain.STRIP: "nothing",
}
_SHOWN = 5
"""Rows of a table that are shown before it is handed in."""
_PAGE = 50
_MOST_LETTERS = 90
_IN_THE_CLOUD = "https://storage.cloud.google.com/"
_SEALED = {**HEADERS, "Content-Security-Policy": "default-src 'none'; sandbox"}
"""A stranger's picture may do nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One URL in its row: `first` is where the row begins, `link` where a browser finds the result."""

    line: Line
    item: Item
    first: bool
    link: str

    @property
    def words(self) -> str:
        """What the row says, but for its URLs."""
        text = " · ".join(cell for cell in self.line.cells if cell and "://" not in cell)
        return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"

    @property
    def saved(self) -> int | None:
        """Per cent of the bytes that are saved."""
        before, after = self.item.before, self.item.after
        return round(100 - 100 * after / before) if before and after is not None else None


@router.get("/batches")
def listed(request: Request) -> Response:
    """The form, and the last batches."""
    viewer_of(request).must(May.OPERATE)
    fault, known = "", []
    try:
        check_ready(site_of(request).settings)
        known = site_of(request).desk.newest()
    except Misconfigured as error:
        fault = str(error)
    return page(request, "batches.html", fault=fault, known=known, forms=FORMS, retains=RETAINS, usual=Policy())


@router.post("/batches/preview")
def preview(request: Request, sent: Form) -> Response:
    """What a table is understood as; nothing is done."""
    fault, table, digest = "", None, ""
    try:
        data = must(sent.file).data
        digest = hashlib.sha256(data).hexdigest()
        # What was chosen of another table's columns says nothing of this one's.
        columns = sent.all("url_column") if sent.text("of") == digest else ()
        table = site_of(request).desk.preview(data, columns)
    except WorkerError as error:
        fault = str(error)
    rows = table.rows[:_SHOWN] if table else ()
    return fragment("table.html", fault=fault, table=table, rows=rows, of=digest)


@router.post("/batches")
def submit(request: Request, sent: Form) -> Response:
    """Hand it in."""
    progress, _ = batching.take(site_of(request), viewer_of(request), batching.order_of(sent.fields, sent.file))
    return RedirectResponse(f"/batches/{progress.batch.id}", 303)


@router.get("/batches/{id}")
def shown(request: Request, id: str, state: str = "", cursor: str = "", confirm: str = "") -> Response:  # noqa: A002
    """One batch: how it is, and its rows."""
    viewer_of(request).must(May.OPERATE)
    site = site_of(request)
    progress = site.desk.status(id)
    failed = state == "failed"
    lines, following = batching.page(site, id, cursor, _PAGE, failed=failed)
    rows = [
        Shown(line, item, number == 0, _link(request, id, line.number, item))
        for line in lines
        for number, item in enumerate(line.items)
    ]
    older = with_query(f"/batches/{id}", state=state, cursor=following) if following else ""
    facts: dict[str, Any] = {"progress": progress, "batch": progress.batch, "rows": rows, "older": older}
    return page(
        request, "batch.html", **facts, state=state, cursor=cursor, confirm=confirm, forms=FORMS, retains=RETAINS
    )


@router.post("/batches/{id}/retry")
def retry(request: Request, id: str, sent: Form) -> Response:  # noqa: A002, ARG001 -- only its token matters
    """Have what failed fetched again."""
    site_of(request).desk.retry_failed(id)
    return RedirectResponse(f"/batches/{id}", 303)


@router.post("/batches/{id}/mend")
def mend(request: Request, id: str, sent: Form) -> Response:  # noqa: A002
    """Have another URL fetched."""
    row, column = (int(sent.number(name, 1) or 1) for name in ("row", "column"))
    site_of(request).desk.mend(id, row, column, sent.text("url"))
    return RedirectResponse(f"/batches/{id}", 303)


@router.post("/batches/{id}/cancel")
def cancel(request: Request, id: str, sent: Form) -> Response:  # noqa: A002, ARG001 -- only its token matters
    """Have no more of it fetched."""
    site_of(request).desk.cancel(id)
    return RedirectResponse(f"/batches/{id}", 303)


@router.get("/batches/{id}/results/{row}/{column}")
def result(request: Request, id: str, row: int, column: int) -> Response:  # noqa: A002
    """A result that lies in a folder of ours."""
    viewer_of(request).must(May.OPERATE)
    lines, _ = batching.page(site_of(request), id, str(row - 1), 1, failed=False)
    items = [item for line in lines if line.number == row for item in line.items if item.column == column]
    file = result_of(site_of(request).settings, items[0].output) if items else None
    if file is None:
        raise NotThere("there is no result here: it is not done, or was deleted")
    return FileResponse(file, headers=_SEALED)


def _link(request: Request, batch: str, row: int, item: Item) -> str:
    """Where a browser finds a result; nothing where there is none."""
    scheme, _, rest = item.output.partition("://")
    if scheme == "gs":
        return f"{_IN_THE_CLOUD}{rest}"
    if scheme in ("http", "https"):
        return item.output
    there = item.output and result_of(site_of(request).settings, item.output)
    return f"/batches/{batch}/results/{row}/{item.column}" if there else ""
