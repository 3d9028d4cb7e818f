"""One set-up with all its parts, each opened when it is first asked for: what commands and the console act on."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import Protocol, Self, TypeVar

from worker import batch_parts, bootstrap
from worker.attempts import Maker
from worker.batches.desk import Desk
from worker.batches.sheet import Limits
from worker.clock import SystemClock
from worker.errors import Misconfigured
from worker.extract import recipe
from worker.group_commit import GroupCommit
from worker.operate.dead_letters import Drain
from worker.operate.runs import Ledger
from worker.operate.status import alive
from worker.ports import (
    Catalog,
    Clock,
    DeadLetters,
    DocumentReader,
    DocumentStore,
    Gauge,
    Intake,
    Items,
    ObjectStore,
    Publisher,
    Records,
    Rewind,
)
from worker.settings import Settings
from worker.write_ladder import WriteLadder


class _Closing(Protocol):
    def close(self) -> None: ...


P = TypeVar("P", bound=_Closing)


class Site:
    """A context manager, which closes what was opened. Parts raise Misconfigured where a setting is missing.

    What is done with it is written down in the ledger that `keeps` makes of the records, and waits by the `clock`.
    """

    def __init__(
        self, settings: Settings, keeps: Callable[[Records], Ledger] = Ledger, clock: Clock | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._keeps = keeps
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @cached_property
    def recipe(self) -> str:
        """What a document that is made now says of how it was made: the living workers know, else our own settings.

        Raises Misconfigured where workers differ: half of the documents would be outdated whatever is done.
        """
        recipes = {worker.recipe for worker in alive(self.records, datetime.now(UTC))}
        if len(recipes) > 1:
            raise Misconfigured(f"the workers differ in their recipes ({', '.join(sorted(recipes))}): wait, or mend it")
        return recipes.pop() if recipes else recipe(self.settings.limits)

    @cached_property
    def objects(self) -> ObjectStore:
        """The buckets."""
        return bootstrap.open_objects(self.settings)

    @cached_property
    def documents(self) -> DocumentStore:
        """The documents, for writing."""
        return self._kept(bootstrap.open_documents(self.settings))

    @cached_property
    def reader(self) -> DocumentReader:
        """The documents, for reading."""
        return self._kept(bootstrap.open_reader(self.settings))

    @cached_property
    def catalog(self) -> Catalog:
        """The documents, searched."""
        return self._kept(bootstrap.open_catalog(self.settings))

    @cached_property
    def records(self) -> Records:
        """What is remembered beside the documents."""
        return self._kept(bootstrap.open_records(self.settings))

    @cached_property
    def ledger(self) -> Ledger:
        """The runs."""
        return self._keeps(self.records)

    @cached_property
    def publisher(self) -> Publisher:
        """The queue's other end."""
        return self._kept(bootstrap.open_publisher(self.settings))

    @cached_property
    def gauge(self) -> Gauge:
        """What tells how much waits."""
        return self._kept(bootstrap.open_gauge(self.settings))

    @cached_property
    def intake(self) -> Intake:
        """The switch between buckets and queue."""
        return self._kept(bootstrap.open_intake(self.settings))

    @cached_property
    def rewind(self) -> Rewind | None:
        """What makes the queue go back in time, if something does."""
        found = bootstrap.open_rewind(self.settings)
        return self._kept(found) if found else None

    @cached_property
    def drain(self) -> Drain:
        """What makes failed documents of dead letters."""
        letters: DeadLetters = self._kept(bootstrap.open_dead_letters(self.settings))
        clock = SystemClock()
        commit = self._kept(GroupCommit(self.documents, clock))
        ladder = WriteLadder(commit, self.documents, self.objects, clock)
        maker = Maker(self.settings.worker, self.recipe)
        changes = self._kept(bootstrap.open_changes(self.settings, self.documents))
        links = self._kept(bootstrap.open_links(self.settings, self.objects, maker))
        return Drain(letters, self.documents, ladder, maker, changes, links.give_up)

    @cached_property
    def desk(self) -> Desk:
        """The batches."""
        items: Items = self._kept(batch_parts.open_items(self.settings))
        limits = Limits(self.settings.batch_rows, self.settings.batch_bytes)
        kept = timedelta(days=self.settings.batch_days)
        return Desk(self.records, items, lambda: self.publisher, limits, kept)

    def _kept(self, part: P) -> P:
        self._opened.callback(part.close)
        return part
