"""One collection of one Firestore database: its names, a channel to it, and its queries."""

import os
from itertools import chain
from typing import TYPE_CHECKING

from google.cloud.firestore_v1.types import firestore as calls

from worker.backends.gcp.channel import open_firestore
from worker.backends.gcp.errors import translated
from worker.backends.gcp.values import Pb
from worker.errors import StoreUnavailable

if TYPE_CHECKING:
    import grpc

SERVICE = "/google.firestore.v1.Firestore/"
QUERY_SECONDS = 60.0

_RunQueryRequest = calls.RunQueryRequest.pb()
_RunAggregationQueryRequest = calls.RunAggregationQueryRequest.pb()


class Collection:
    """Where documents are, and the way there. Thread-safe.

    `root` is the path that documents and their collections hang from, `documents` the beginning of a document's path,
    `metadata` goes with every call. Make it after the process was spawned: gRPC does not survive a fork.
    """

    def __init__(self, project: str, database: str, name: str) -> None:
        self.name = name
        self.database = f"projects/{project}/databases/{database}"
        self.root = f"{self.database}/documents"
        self.documents = f"{self.root}/{name}/"
        self.metadata: tuple[tuple[str, str], ...] = (
            ("google-cloud-resource-prefix", self.database),
            ("x-goog-request-params", f"project_id={project}&database_id={database}"),
        )
        if "FIRESTORE_EMULATOR_HOST" in os.environ:
            self.metadata += (("authorization", "Bearer owner"),)  # it lets nobody else write batches
        self.channel: grpc.Channel = open_firestore()
        self._run_query = self.channel.unary_stream(
            SERVICE + "RunQuery",
            request_serializer=_RunQueryRequest.SerializeToString,
            response_deserializer=calls.RunQueryResponse.pb().FromString,
        )
        self._run_aggregation = self.channel.unary_stream(
            SERVICE + "RunAggregationQuery",
            request_serializer=_RunAggregationQueryRequest.SerializeToString,
            response_deserializer=calls.RunAggregationQueryResponse.pb().FromString,
        )

    def query(self, *statements: Pb, seconds: float = QUERY_SECONDS) -> list[Pb]:
        """The documents that these StructuredQueries find in this collection, asked all at once."""
        requests = [_RunQueryRequest(parent=self.root, structured_query=self._here(each)) for each in statements]
        with translated(StoreUnavailable):
            streams = [self._run_query(each, timeout=seconds, metadata=self.metadata) for each in requests]
            return [reply.document for reply in chain(*streams) if reply.HasField("document")]

    def count(self, statement: Pb) -> int:
        """How many documents it finds, without reading them."""
        request = _RunAggregationQueryRequest(parent=self.root)
        request.structured_aggregation_query.structured_query.CopyFrom(self._here(statement))
        request.structured_aggregation_query.aggregations.add(alias="count").count.SetInParent()
        with translated(StoreUnavailable):
            replies = list(self._run_aggregation(request, timeout=QUERY_SECONDS, metadata=self.metadata))
        return sum(int(reply.result.aggregate_fields["count"].integer_value) for reply in replies)

    def close(self) -> None:
        """Close the channel; calls under way end with StoreUnavailable."""
        self.channel.close()

    def _here(self, statement: Pb) -> Pb:
        del statement.from_[:]
        statement.from_.add(collection_id=self.name)
        return statement
