"""Documents go back to the queue: failures (redrive), and what an older extractor made or could not make whole
(reextract)."""

from collections.abc import Iterator, Sequence
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
from worker.ports import Catalog, DocumentStore, Patch

MAX_REDRIVES = 3
"""Of one generation of one object: what failed four times will fail a fifth."""

_AT_ONCE = 100
_REDRIVEN = ("generation", "failure", "notification", "run")
_REEXTRACTED = (*OBJECT_FACTS, "run")

Row = tuple[str, dict[str, Any]]


def failed_ones(filter_text: str, *, release: bool) -> Query:
    """The failures that a filter means; quarantined ones only if they are to be released."""
    return narrowed(filter_text, FAILED) if release else narrowed(filter_text, FAILED, "-quarantined:yes")


def redriven(catalog: Catalog, documents: DocumentStore, query: Query, run: Run) -> Iterator[Item]:
    """An item for each failure that the query finds; refused are those that went back too often.

    What this run has sent on its way already is passed by: the mark is on the document until the worker replaces it.
    """
    for rows in _batches(catalog.stream(query, _REDRIVEN), run):
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


def outdated_ones(filter_text: str, recipe: str) -> list[Query]:
    """What was made by another recipe than this one, deleted objects aside."""
    return [narrowed(filter_text, f'-recipe:"{recipe}"', "-status:deleted")]


def partial_ones(filter_text: str, recipe: str) -> list[Query]:
    """What could be read in part only, and has not been read again by this very recipe. No two find the same."""
    return [
        narrowed(filter_text, "status:partial", f'-recipe:"{recipe}"'),
        narrowed(filter_text, "status:partial", f'recipe:"{recipe}"', "passes:1"),
    ]


def reextracted(catalog: Catalog, documents: DocumentStore, queries: Sequence[Query], run: Run) -> Iterator[Item]:
    """An item for each document that a query finds, quarantined ones refused."""
    for query in queries:
        for rows in _batches(catalog.stream(query, _REEXTRACTED), run):
            heads = documents.heads([key for key, _ in rows])
            for (key, fields), head in zip(rows, heads, strict=True):
                if head and head.generation == fields["generation"] and fields["generation"]:
                    yield _reextracted(key, fields, head, run)


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
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
