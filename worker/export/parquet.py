"""Parquet files, by pyarrow, which is an extra of this package (docs/adr/0001-dependencies.md)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from worker.errors import Misconfigured
from worker.export.rows import as_json
from worker.outlet import Cells, Column, Kind

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped] # has no types

_BATCH = 1000
_ROW_GROUP = 20
"""Batches: a batch is small as Python has it, a row group as Arrow has it."""


class Parquet:
    """Typed: moments are microseconds of UTC, lists are lists; what is open-ended, and any tag, is text.

    Raises Misconfigured where pyarrow is not installed.
    """

    def __init__(self) -> None:
        try:
            import pyarrow.parquet  # type: ignore[import-untyped] # has no types
        except ImportError:
            raise Misconfigured("Parquet needs pyarrow: pip install 'imagemeta[parquet]'") from None
        self._arrow, self._parquet = pyarrow, pyarrow.parquet

    def make(self, file: Path, columns: Sequence[Column], rows: Iterable[Cells]) -> None:
        """Row groups of some 20,000."""
        schema = self._schema(columns)
        with self._parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            batches = self._batches(schema, columns, iter(rows))
            while group := list(islice(batches, _ROW_GROUP)):
                writer.write_table(self._arrow.Table.from_batches(group, schema))

    def rows(self, file: Path, columns: Sequence[Column]) -> Iterator[Cells]:
        """Batch by batch."""
        with self._parquet.ParquetFile(file) as made:
            for batch in made.iter_batches(1000):
                values = [array.to_pylist() for array in batch.columns]
                for cells in zip(*values, strict=True):
                    yield [_json(column.kind, cell) for column, cell in zip(columns, cells, strict=True)]

    def _batches(self, schema: "pa.Schema", columns: Sequence[Column], rows: Iterator[Cells]) -> Iterator[Any]:
        while batch := list(islice(rows, _BATCH)):
            arrays = [
                self._arrow.array([_cell(column.kind, row[place]) for row in batch], schema.field(place).type)
                for place, column in enumerate(columns)
            ]
            yield self._arrow.RecordBatch.from_arrays(arrays, schema=schema)

    def _schema(self, columns: Sequence[Column]) -> "pa.Schema":
        arrow = self._arrow
        types = {
            Kind.INTEGER: arrow.int64(),
            Kind.NUMBER: arrow.float64(),
            Kind.FLAG: arrow.bool_(),
            Kind.TIME: arrow.timestamp("us", tz="UTC"),
            Kind.LIST: arrow.list_(arrow.string()),
        }
        return arrow.schema([(column.name, types.get(column.kind, arrow.string())) for column in columns])


def _cell(kind: Kind, cell: Any) -> object:
    """A cell as its column's type has it."""
    if cell is None:
        return None
    match kind:
        case Kind.TIME:
            return datetime.fromisoformat(cell)
        case Kind.NUMBER:
            return float(cell)
        case Kind.LIST:
            return [each if isinstance(each, str) else as_json(each).decode() for each in cell]
        case Kind.INTEGER | Kind.FLAG:
            return cell
    return cell if isinstance(cell, str) else as_json(cell).decode()


def _json(kind: Kind, value: Any) -> Any:
    """A value as it stood in its cell, but for a tag's, which stays text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return orjson.loads(value) if kind is Kind.JSON and value is not None else value
