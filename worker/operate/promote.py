"""Documents that are there already keep a promoted tag as new ones do: from the tags that they hold, without a picture.

A document is looked at once. Where it lacks something, its head comes first and the whole of it after, and it is
written only if it is still that one: what a worker makes meanwhile is never overwritten, and is looked at again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from worker.errors import Overtaken, WorkerError
from worker.model import Value
from worker.operate.conveyor import PORTION, Watch
from worker.operate.pace import Pace
from worker.operate.runs import Ledger, Run, State
from worker.ports import Conflict, DocumentReader, DocumentStore, Patch
from worker.promotions import searched

ACTION = "promote"
_ROUNDS = 8
Names = Mapping[str, str]
"""What is promoted: names by their slugs."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a run would come to: documents that are looked at, and those that are written."""

    looked_at: int = 0
    written: int = 0


def extent(reader: DocumentReader, names: Names) -> Extent:
    """Looks at every document, and writes none."""
    found = Extent()
    for _, fields in reader.scan():
        found = Extent(found.looked_at + 1, found.written + lacks(fields, names))
    return found


def lacks(fields: Mapping[str, Value], names: Names) -> bool:
    """Whether a document does not keep what it holds of these names. One that searches never find lacks nothing."""
    return isinstance(fields.get("search"), dict) and searched(fields, names) != fields["search"]


class Filling:
    """One run over all documents, by key: it goes on behind the last that is dealt with."""

    def __init__(
        self, reader: DocumentReader, documents: DocumentStore, ledger: Ledger, pace: Pace, watch: Watch
    ) -> None:
        self._reader = reader
        self._documents = documents
        self._ledger = ledger
        self._pace = pace
        self._watch = watch

    def fill(self, run: Run, names: Names) -> Run:
        """The run, done; or stopped by an error, which is raised. Whatever happens, it says how far it came."""
        try:
            for rows in _portions(self._reader.scan(run.cursor)):
                written = self._written([key for key, fields in rows if lacks(fields, names)], names)
                moved = replace(run, cursor=rows[-1][0], seen=run.seen + len(rows), published=run.published + written)
                run = self._ledger.save(moved)
                self._watch(run)
        except (WorkerError, KeyboardInterrupt) as error:
            self._ledger.save(replace(run, state=State.STOPPED, why=str(error) or "interrupted"))
            raise
        return self._ledger.save(replace(run, state=State.DONE))

    def _written(self, keys: Sequence[str], names: Names) -> int:
        """How many of the documents under these keys were written, until none of them lacks anything."""
        written = 0
        for _ in range(_ROUNDS):
            if not keys:
                return written
            patches = list(self._patches(keys, names))
            self._pace.take(len(patches))
            answers = list(zip(patches, self._documents.commit(patches), strict=True)) if patches else []
            for _, answer in answers:
                if isinstance(answer, WorkerError):
                    raise answer
            keys = [patch.key for patch, answer in answers if isinstance(answer, Conflict)]
            written += len(answers) - len(keys)
        raise Overtaken(f"{keys[0]} was written again each time it was looked at")

    def _patches(self, keys: Sequence[str], names: Names) -> Iterator[Patch]:
        for key, head in zip(keys, self._documents.heads(keys), strict=True):
            fields = self._reader.get(key) if head else None  # what is newer than its head is not written
            if head and fields and lacks(fields, names):
                yield Patch(key, {"search": searched(fields, names)}, head.version)


def _portions(rows: Iterator[tuple[str, dict[str, Value]]]) -> Iterator[list[tuple[str, dict[str, Value]]]]:
    while portion := list(islice(rows, PORTION)):
        yield portion
