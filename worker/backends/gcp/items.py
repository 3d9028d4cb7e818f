"""What became of each URL of a batch: documents in a collection beside the images'."""

from collections.abc import Mapping, Sequence

from google.cloud.firestore_v1.types import firestore as calls
from google.cloud.firestore_v1.types import query

from worker.backends.gcp.firestore import FirestoreDocuments
from worker.backends.gcp.values import Pb, decode_fields
from worker.model import Status, Value

_BatchGetRequest = calls.BatchGetDocumentsRequest.pb()
_Query = query.StructuredQuery.pb()
_EQUAL = query.StructuredQuery.FieldFilter.Operator.EQUAL
_AND = query.StructuredQuery.CompositeFilter.Operator.AND

COUNTED_BY = ("bucket", "status")
"""Fields that need an ascending index of their own; no other field of an item is asked for (terraform/batches.tf)."""


class FirestoreItems(FirestoreDocuments):
    """Items in the collection `<collection>_items`: ports.Items. Errors as FirestoreDocuments."""

    def __init__(self, project: str, database: str = "(default)", collection: str = "images") -> None:
        super().__init__(project, database, f"{collection}_items")

    def fields(self, keys: Sequence[str]) -> Sequence[dict[str, Value] | None]:
        """One BatchGetDocuments."""
        if not keys:
            return []
        names = [self._documents + key for key in keys]
        found = self._found(_BatchGetRequest(database=self._database, documents=names))
        known = {document.name: decode_fields(document.fields) for document in found}
        return [known.get(name) for name in names]

    def listed(
        self, bucket: str, status: Status, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Value]]]:
        """One query, served by the indexes of the two fields: they have the keys in order."""
        statement = _of(bucket, status)
        statement.order_by.add(direction=query.StructuredQuery.Direction.ASCENDING).field.field_path = "__name__"
        statement.limit.value = limit
        if after:
            statement.start_at.values.add(reference_value=self._documents + after)
            statement.start_at.before = False
        found = self._collection.query(statement)
        return [(each.name.removeprefix(self._documents), decode_fields(each.fields)) for each in found]

    def tally(self, bucket: str) -> Mapping[Status, int]:
        """A count by the server for each status, from the indexes of single fields; a read for a thousand items."""
        counts = {
            status: self._collection.count(_of(bucket, status)) for status in Status if status is not Status.DELETED
        }
        return {status: count for status, count in counts.items() if count}


def _of(bucket: str, status: Status) -> Pb:
    """The query for a batch's items of one status."""
    statement = _Query()
    both = statement.where.composite_filter
    both.op = _AND
    for name, value in zip(COUNTED_BY, (bucket, str(status)), strict=True):
        each = both.filters.add().field_filter
        each.field.field_path, each.op, each.value.string_value = name, _EQUAL, value
    return statement
