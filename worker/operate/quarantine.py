"""Failures are set aside: their objects are not read again until they are released, or there is a new generation."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from worker.catalog.query import Query, parse
from worker.errors import WorkerError
from worker.model import Status
from worker.operate.conveyor import PORTION, Watch
from worker.operate.pace import Pace
from worker.operate.runs import Ledger, Run, State
from worker.ports import Catalog, Conflict, DocumentStore, Patch

ACTION = "quarantine"


def free(catalog: Catalog, query: Query) -> int:
    """How many of these are not set aside yet."""
    return catalog.count(query) - catalog.count(Query((*query.terms, *parse("quarantined:yes").terms)))


def quarantined(
    catalog: Catalog, documents: DocumentStore, query: Query, run: Run, ledger: Ledger, pace: Pace, watch: Watch
) -> Run:
    """The run, done; or stopped by an error, which is raised. `published` counts what was set aside.

    A document that changed since it was found stays as it is. What is set aside already is passed by, so the same
    again goes on.
    """
    try:
        for keys in _portions(_free(catalog, query)):
            pace.take(len(keys))
            done = _set_aside(keys, documents)
            run = ledger.save(replace(run, cursor=keys[-1], seen=run.seen + len(keys), published=run.published + done))
            watch(run)
    except (WorkerError, KeyboardInterrupt) as error:
        ledger.save(replace(run, state=State.STOPPED, why=str(error) or "interrupted"))
        raise
    return ledger.save(replace(run, state=State.DONE))


def _free(catalog: Catalog, query: Query) -> Iterator[str]:
    return (key for key, fields in catalog.stream(query, ("quarantined",)) if not fields.get("quarantined"))


def _set_aside(keys: list[str], documents: DocumentStore) -> int:
    heads = zip(keys, documents.heads(keys), strict=True)
    patches = [
        Patch(key, {"quarantined": True}, head.version)
        for key, head in heads
        if head and head.status is Status.FAILED and not head.quarantined
    ]
    done = 0
    for answer in documents.commit(patches) if patches else ():
        if isinstance(answer, WorkerError):
            raise answer
        done += not isinstance(answer, Conflict)
    return done


def _portions(keys: Iterator[str]) -> Iterator[list[str]]:
    while portion := list(islice(keys, PORTION)):
        yield portion
