"""Exports, for commands, the API and the console alike: to a file on a shelf, or as a stream."""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.catalog.query import Query, parse
from worker.clock import SystemClock
from worker.errors import Misconfigured
from worker.export import compact as joining
from worker.export.forms import columns_for, format_of
from worker.export.job import Export, Watch
from worker.export.order import Order, asks_for_deleted
from worker.export.series import Part, Series, Shelved
from worker.export.source import ByKey, BySearch, Show, Shown, Source
from worker.export.stream import streamed
from worker.model import Status
from worker.operate.runs import Run
from worker.outlet import Maker, Shelf
from worker.shelving import maker_of, open_shelf, root_of, shelf_of
from worker.site import Site

_LOOKED_THROUGH = 1000
"""Series among which a file is looked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for, as a command or a request has it; see worker.export.order.Order."""

    query: str = ""
    form: str = ""
    columns: Sequence[str] = ()
    since: str = ""
    moment: datetime | None = None
    gzip: bool = False
    raw: bool = False

    def order(self, name: str) -> Order:
        """The same, understood, for a file of that name. Raises Misconfigured and QueryError."""
        form = format_of(self.form, name)
        packed = self.gzip or name.endswith(".gz")
        named = name if not packed or name.endswith(".gz") else f"{name}.gz"
        columns = columns_for(form, self.columns)
        return Order(str(parse(self.query)), named, form, columns, self.since, self.moment, packed, self.raw)


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it: the run, where the file is, its rows and bytes."""

    run: Run
    file: str
    part: Part


@dataclass(frozen=True, slots=True)
class Known:
    """What was exported to one place; `files` are the names of its parts where these can be fetched by name."""

    series: Series
    files: tuple[str, ...]


def export(site: Site, wanted: Wanted, place: str, watch: Watch, *, fresh: bool = False) -> Exported:
    """Write the file, or go on with what was killed."""
    shelf, name = open_shelf(site.settings, place)
    with closing(shelf):
        run, part = _job(site, wanted.order(name), shelf, watch).run(fresh=fresh)
        return Exported(run, shelf.where(part.name), part)


def rehearse(site: Site, wanted: Wanted, place: str) -> tuple[str, int]:
    """Where the series lies, and the number of rows that would be written."""
    shelf, name = open_shelf(site.settings, place)
    with closing(shelf):
        order = wanted.order(name)
        return shelf.where(order.name), _job(site, order, shelf, lambda _: None).count()


def stream(site: Site, wanted: Wanted, show: Show | None = None) -> Generator[bytes]:
    """The file's bytes as they are made, for who takes them at once; what is wrong with the request is raised here.

    `show` is given each document, with its key, and returns what is to be seen of it.
    """
    order = wanted.order("")
    order.check(None)
    if order.since:
        raise Misconfigured("what changed is told in files that lie somewhere: name one with --to")
    source = _source(site, order)
    return _streamed(order, Shown(source, show) if show else source, maker_of(order.format.name))


def compact(site: Site, place: str) -> tuple[str, Part]:
    """Make one file of all parts of the series that lies there; the file, and what it holds."""
    shelf, name = open_shelf(site.settings, place)
    with closing(shelf):
        series = Shelved(site.records)
        found = series.find(shelf.where(name))
        part = joining.compact(shelf, series, name, maker_of(found.format) if found else None)
        return shelf.where(part.name), part


def total(site: Site, wanted: Wanted) -> int:
    """How many documents will be looked at, nearly."""
    return site.catalog.count(parse("" if wanted.since else wanted.query))


def count(site: Site, wanted: Wanted) -> tuple[int, int]:
    """How many documents match, and how many of them will be rows, by counting alone: without what is deleted where
    the query does not ask for that, and for a map without what has no position."""
    form = format_of(wanted.form, "")
    query = parse(wanted.query)
    matching = site.catalog.count(query)
    placed = Query((*query.terms, *parse("has:position").terms)) if form.places else query
    rows = site.catalog.count(placed) if form.places else matching
    if rows and not asks_for_deleted(query):
        rows -= site.catalog.count(Query((*placed.terms, *parse(f"status:{Status.DELETED}").terms)))
    return matching, rows


def known(site: Site, limit: int = 100) -> list[Known]:
    """What was exported, the latest first."""
    root = root_of(site.settings)
    return [_known(series, root) for series in Shelved(site.records).newest(limit)]


def content(site: Site, name: str) -> tuple[Known, Generator[bytes]] | None:
    """A whole file of those that can be fetched by their names, piece by piece; None where there is none."""
    for each in known(site, _LOOKED_THROUGH):
        if name in each.files:
            return each, _content(f"{root_of(site.settings)}/{name}")
    return None


def _known(series: Series, root: str) -> Known:
    here = bool(root) and series.where.rpartition("/")[0] == root
    return Known(series, tuple(part.name for part in series.parts) if here else ())


def _content(place: str) -> Generator[bytes]:
    shelf, name = shelf_of(place)
    with closing(shelf):
        yield from shelf.read(name)


def _job(site: Site, order: Order, shelf: Shelf, watch: Watch) -> Export:
    maker = maker_of(order.format.name)
    source, series = _source(site, order), Shelved(site.records)
    return Export(order, source, shelf, site.ledger, series, SystemClock(), maker, watch)


def _source(site: Site, order: Order) -> Source:
    if order.query and not order.since:
        return BySearch(site.catalog, parse(order.query))
    return ByKey(site.reader)


def _streamed(order: Order, source: Source, maker: Maker | None) -> Generator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        yield from streamed(order, source, SystemClock(), maker, Path(folder))
