"""An export, from documents to a file that has its name: by pieces, each durable before the next checkpoint.

A run that was killed goes on behind its last checkpoint, and comes to the same bytes as one that was not.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

import orjson

from worker.errors import WorkerError
from worker.export.changed import HEAD, OVERLAP, Recent
from worker.export.order import LAST, Order, Selection, taken
from worker.export.packing import lines, packed, unpacked
from worker.export.series import Part, Series, Shelved, name_of_part, recent_of, stale
from worker.export.source import Source, pages
from worker.operate.runs import Ledger, Run, State
from worker.outlet import Cells, Draft, Maker, Shelf
from worker.ports import Clock

ACTION = "export"
PIECE_ROWS = 10_000
PIECE_BYTES = 8 * 1024 * 1024
"""What is kept in memory between two checkpoints, and written again after a kill; a page more at most."""

Watch = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Point:
    """How far an export is: behind the cursor `after`, with so many bytes of the file and of the digests durable.

    `base` is the state of the series that it began from, `since` the moment it looks back to, `part` its number.
    `done`: all rows are there; `whole`: bytes of the finished file, from when it is about to get its name.
    """

    base: str
    since: str
    part: int
    after: str = ""
    bytes: int = 0
    digests: int = 0
    done: bool = False
    whole: int = 0

    @classmethod
    def of(cls, text: str) -> "Point":
        """From a run's cursor."""
        return cls(**orjson.loads(text))

    def __str__(self) -> str:
        """As a run's cursor."""
        return orjson.dumps(asdict(self)).decode()


@dataclass(slots=True)
class _Piece:
    """What was made since the last checkpoint."""

    content: bytearray = field(default_factory=bytearray)
    digests: bytearray = field(default_factory=bytearray)
    seen: int = 0
    rows: int = 0
    refused: int = 0

    def full(self, rows: int) -> bool:
        return self.rows >= rows or self.seen >= 10 * rows or len(self.content) >= PIECE_BYTES

    def counted(self, run: Run) -> Run:
        return replace(
            run,
            seen=run.seen + self.seen,
            published=run.published + self.rows,
            refused=run.refused + self.refused,
        )


class Export:
    """One order, carried out. `maker` is for formats whose files cannot grow. Used by one thread, once."""

    def __init__(
        self,
        order: Order,
        source: Source,
        shelf: Shelf,
        ledger: Ledger,
        series: Shelved,
        clock: Clock,
        maker: Maker | None = None,
        watch: Watch = lambda _: None,
        piece_rows: int = PIECE_ROWS,
    ) -> None:
        self._order = order
        self._source = source
        self._shelf = shelf
        self._ledger = ledger
        self._series = series
        self._clock = clock
        self._maker = maker
        self._watch = watch
        self._piece_rows = piece_rows
        self._form = order.form()
        self._where = shelf.where(order.name)
        self._before: Series | None = None

    def run(self, *, fresh: bool = False) -> tuple[Run, Part]:
        """The run, done, and the part that it made. Whatever happens, the run says how far it came."""
        self._order.check(self._look())
        self._begin(fresh=fresh)
        if self._before and self._before.run == self._run.id:  # it was killed just before it could say so
            return self._ledger.save(replace(self._run, state=State.DONE)), self._before.parts[-1]
        try:
            part = self._made()
        except (WorkerError, KeyboardInterrupt) as error:
            self._ledger.save(replace(self._run, state=State.STOPPED, why=str(error) or "interrupted"))
            raise
        return self._ledger.save(replace(self._run, state=State.DONE)), part

    def count(self) -> int:
        """How many rows it would have; nothing is written."""
        self._order.check(self._look())
        selection = self._selection(self._since(), datetime.now(UTC))
        return sum(len(taken(self._form, selection, page)[0]) for page in pages(self._source, "", self._clock))

    # where it begins

    def _look(self) -> Series | None:
        self._before = self._series.find(self._where)
        return self._before

    def _since(self) -> datetime | None:
        if self._order.since == LAST and self._before:
            return self._before.at - OVERLAP
        return self._order.moment

    def _begin(self, *, fresh: bool) -> None:
        """Take up the run that was killed, unless what it began from is no more so."""
        scope = f"{self._order} --to {self._where}"
        killed = self._ledger.unfinished(ACTION, scope)
        if killed and killed.cursor and not (self._before and self._before.run == killed.id):
            fresh = fresh or Point.of(killed.cursor).base != self._base()
        self._run = self._ledger.begin(ACTION, scope, fresh=fresh)
        if self._run.cursor:
            self._point = Point.of(self._run.cursor)
        else:
            self._start()

    def _base(self) -> str:
        """The state of the series that a new run begins from."""
        return f"{self._before.at.isoformat()} {len(self._before.parts)}" if self._before else ""

    def _start(self) -> None:
        since = self._since()
        number = len(self._before.parts) + 1 if self._before and since else 1
        self._run = replace(self._run, seen=0, published=0, refused=0)
        self._reach(Point(self._base(), since.isoformat() if since else "", number))

    def _made(self) -> Part:
        name = name_of_part(self._order.name, self._point.part)
        with self._shelf.draft(name) as draft, self._shelf.draft(recent_of(self._order.name)) as recent:
            published = self._is_published(name, draft)
            if not published and (draft.size() < self._point.bytes or recent.size() < self._point.digests):
                self._start()  # what was there of it is lost
            if not published:
                self._write(draft, recent)
                self._publish(draft)
            if recent.size():
                recent.publish()
        return self._entered(name)

    def _is_published(self, name: str, draft: Draft) -> bool:
        """Whether the run was killed just behind that."""
        return bool(self._point.whole) and not draft.size() and self._shelf.size(name) == self._point.whole

    # rows

    def _write(self, draft: Draft, recent: Draft) -> None:
        if not self._point.digests:
            head = self._packed(self._form.head)
            draft.append(0, head)
            recent.append(0, HEAD)
            self._reach(replace(self._point, bytes=len(head), digests=len(HEAD)))
        since = datetime.fromisoformat(self._point.since) if self._point.since else None
        selection = self._selection(since, self._run.at)
        piece = _Piece()
        for page in () if self._point.done else pages(self._source, self._point.after, self._clock):
            rows, refused, digests = taken(self._form, selection, page)
            for row in rows:
                if piece.rows or self._run.published:
                    piece.content += self._form.between
                piece.content += self._form.row(row)
                piece.rows += 1
            piece.digests += digests
            piece.seen += len(page.rows)
            piece.refused += refused
            self._watch(piece.counted(self._run))
            if piece.full(self._piece_rows) or not page.next:
                self._keep(piece, page.next, draft, recent)
                piece = _Piece()

    def _keep(self, piece: _Piece, after: str, draft: Draft, recent: Draft) -> None:
        """Make a piece durable, and then the checkpoint behind it."""
        point, content = self._point, self._packed(bytes(piece.content))
        draft.append(point.bytes, content)
        recent.append(point.digests, bytes(piece.digests))
        self._run = piece.counted(self._run)
        ends = (point.bytes + len(content), point.digests + len(piece.digests))
        self._reach(replace(point, after=after, bytes=ends[0], digests=ends[1], done=not after))

    def _reach(self, point: Point) -> None:
        self._point = point
        self._run = self._ledger.save(replace(self._run, cursor=str(point)))

    def _selection(self, since: datetime | None, now: datetime) -> Selection:
        known = Recent(self._shelf.read(recent_of(self._order.name)) if since and self._before else ())
        return Selection(self._order, self._form, since, known, now - OVERLAP)

    def _packed(self, content: bytes) -> bytes:
        if not self._order.format.grows:
            return packed(content, 1)  # it only waits to be made a file of
        return packed(content) if self._order.packed else content

    # the end

    def _publish(self, draft: Draft) -> None:
        if self._maker is None:
            tail = self._packed(self._form.tail)
            draft.append(self._point.bytes, tail)
            self._reach(replace(self._point, whole=self._point.bytes + len(tail)))
            draft.publish()
            return
        with draft.workspace() as folder:
            file = folder / "export"
            self._maker.make(file, self._order.columns, spooled(draft.read()))
            self._reach(replace(self._point, whole=file.stat().st_size))
            draft.publish_file(file)

    def _entered(self, name: str) -> Part:
        """Have the part among those of its series, or be the first of a new one."""
        before = self._before if self._point.since else None
        ends = (0, 0) if self._maker else tuple(len(self._packed(end)) for end in (self._form.head, self._form.tail))
        part = Part(name, self._run.published, self._point.whole, *ends)
        parts = (*(before.parts if before else ()), part)
        skipped = before and datetime.fromisoformat(self._point.since) > before.at
        for left in stale(self._before, parts):
            self._shelf.remove(left)
        columns = tuple(column.name for column in self._order.columns)
        self._series.keep(
            Series(
                self._where,
                self._order.asked,
                self._order.format.name,
                columns,
                self._order.packed,
                before.at if before and skipped else self._run.at,
                self._run.id,
                parts,
            )
        )
        return part


def spooled(pieces: Iterator[bytes]) -> Iterator[Cells]:
    """The rows that wait in a draft."""
    return (orjson.loads(line) for line in lines(unpacked(pieces)))
