"""Documents go back to the queue: failures (redrive), and what an older extractor made or could not make whole
(reextract)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from worker.catalog.query import Query
from worker.decode import again, encode
from worker.document import OBJECT_FACTS, ref_of
from worker.model import Event, Head, Notification, Status, Value
from worker.operate.conveyor import Item
from worker.operate.failures import FAILED
from worker.operate.runs import Run
from worker.operate.select import narrowed
from worker.ports import Catalog, DocumentReader, DocumentStore, Patch

MAX_REDRIVES = 3
"""Of one generation of one object: what failed four times will fail a fifth."""

AT_ONCE = 100
"""Documents whose heads are asked for together."""
_REDRIVEN = ("generation", "failure", "notification", "run", "quarantined")
_REEXTRACTED = (*OBJECT_FACTS, "run", "recipe", "passes")

Row = tuple[str, dict[str, Any]]
Wanted = Callable[[dict[str, Any], str], bool]
"""Picks documents by their fields and the recipe of today."""


def failed_ones(filter_text: str) -> Query:
    """The failures that a filter means."""
    return narrowed(filter_text, FAILED)


def redriven(
    catalog: Catalog, documents: DocumentStore, query: Query, run: Run, *, release: bool = False
) -> Iterator[Item]:
    """An item for each failure that the query finds; refused are those that went back too often.

    Quarantined ones are passed by, unless they are to be released.

    What this run has sent on its way already is passed by: the mark is on the document until the worker replaces it.
    """
    found = catalog.stream(query, _REDRIVEN)
    for rows in _batches((row for row in found if release or not row[1].get("quarantined")), run):
        yield from _redriven_rows(rows, documents, run)


def redriven_again(keys: Sequence[str], reader: DocumentReader, documents: DocumentStore, run: Run) -> Iterator[Item]:
    """As `redriven`, for the failures under these keys; quarantined ones are left alone."""
    found = ((key, reader.get(key)) for key in keys)
    rows = [(key, fields) for key, fields in found if fields and not fields.get("quarantined")]
    yield from _redriven_rows(rows, documents, run)


def _redriven_rows(rows: Sequence[Row], documents: DocumentStore, run: Run) -> Iterator[Item]:
    heads = documents.heads([key for key, _ in rows])
    for (key, fields), head in zip(rows, heads, strict=True):
        if head and head.status is Status.FAILED and head.generation == fields["generation"]:
            yield _redriven(key, fields, head, run)


def refusal(redrives: int, generation: int) -> str:
    """Why a failure may not go back once more; "" where it may."""
    if not generation:
        return "its message names no object, and would not name one the next time"
    if redrives >= MAX_REDRIVES:
        return f"it went back {redrives} times already: the cause is in the object or the worker, not in the moment"
    return ""


def documents_of(filter_text: str) -> Query:
    """All documents but those of deleted objects."""
    return narrowed(filter_text, "status:ok,partial,none,failed")


def partial_ones(filter_text: str) -> Query:
    """What could be read in part only."""
    return narrowed(filter_text, "status:partial")


def reextracted(
    catalog: Catalog, documents: DocumentStore, query: Query, run: Run, recipe: str, wanted: Wanted
) -> Iterator[Item]:
    """An item for each document that the query finds and `wanted` picks; quarantined ones are refused.

    What was made by another recipe is picked here, for no index finds a value that is another one.
    """
    found = catalog.stream(query, _REEXTRACTED)
    for rows in _batches((row for row in found if wanted(row[1], recipe)), run):
        yield from _reextracted_rows(rows, documents, run)


def reextracted_again(
    keys: Sequence[str], reader: DocumentReader, documents: DocumentStore, run: Run
) -> Iterator[Item]:
    """As `reextracted`, for the documents under these keys, whatever recipe made them."""
    yield from _reextracted_rows([(key, fields) for key in keys if (fields := reader.get(key))], documents, run)


def _reextracted_rows(rows: Sequence[Row], documents: DocumentStore, run: Run) -> Iterator[Item]:
    heads = documents.heads([key for key, _ in rows])
    for (key, fields), head in zip(rows, heads, strict=True):
        there = head and head.status is not Status.DELETED and head.generation == fields["generation"]
        if head and there and fields["generation"]:
            yield _reextracted(key, fields, head, run)


def outdated(fields: dict[str, Any], recipe: str) -> bool:
    """Whether a document was made by another recipe."""
    return bool(fields.get("recipe") != recipe)


def improvable(fields: dict[str, Any], recipe: str) -> bool:
    """Whether reading it once more may come to more: not where this very recipe has read it twice already."""
    return bool(fields.get("recipe") != recipe or fields.get("passes", 1) == 1)


def _redriven(key: str, fields: dict[str, Any], head: Head, run: Run) -> Item:
    redrives = int(fields.get("failure", {}).get("redrives", 0))
    if refusal(redrives, head.generation):
        return Item(cursor=key, refused=True)
    message = again(fields.get("notification") or {}, run.asks(head.passes + 1, redrives + 1))
    return Item(message, cursor=key, mark=_on_its_way(key, head, run))


def _reextracted(key: str, fields: dict[str, Any], head: Head, run: Run) -> Item:
    if head.quarantined:
        return Item(cursor=key, refused=True)
    message = encode(Notification(Event.FINALIZE, ref_of(fields), action=run.asks(head.passes + 1)))
    return Item(message, cursor=key, mark=_on_its_way(key, head, run))


def _on_its_way(key: str, head: Head, run: Run) -> Patch:
    marks: dict[str, Value] = {"run": run.id, "redriven_at": datetime.now(UTC)}
    return Patch(key, marks, head.version)


def _batches(rows: Iterator[Row], run: Run) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for key, fields in rows:
        if fields.get("run") != run.id:
            batch.append((key, fields))
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
