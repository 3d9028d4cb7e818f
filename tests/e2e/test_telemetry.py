"""Traces and metrics by OTLP, as a collector receives them."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conftest import Cloud
from tests.fakes import wait_until
from tests.guarantee.running import RunningWorker
from tests.guarantee.test_uploads import pictures


class Collector(BaseHTTPRequestHandler):
    """Keeps what is posted, by path."""

    posted: dict[str, list[bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_one_trace_per_message_and_the_metrics_arrive(cloud: Cloud, tmp_path: Path) -> None:
    posted: dict[str, list[bytes]] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Collector,), {"posted": posted}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        with RunningWorker(cloud, tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as worker:
            ((name, data, _),) = pictures(1)
            cloud.upload(name, data)
            wait_until(lambda: '"acked"' in worker.logged(), 60)
            assert worker.stop() == 0
    finally:
        server.shutdown()
        server.server_close()
    requests = [ExportTraceServiceRequest.FromString(body) for body in posted["/v1/traces"]]
    spans = [
        span
        for each in requests
        for found in each.resource_spans
        for scope in found.scope_spans
        for span in scope.spans
    ]
    ours = {span.name: span for span in spans}
    assert {"receive", "extract", "read", "write", "ack"} <= set(ours)
    assert len({ours[name].trace_id for name in ("receive", "extract", "read", "write", "ack")}) == 1
    assert ours["read"].parent_span_id == ours["extract"].span_id
    exports = [ExportMetricsServiceRequest.FromString(body) for body in posted["/v1/metrics"]]
    metrics = {
        metric.name
        for each in exports
        for found in each.resource_metrics
        for scope in found.scope_metrics
        for metric in scope.metrics
    }
    assert {"imagemeta.deliveries", "imagemeta.stage.duration", "imagemeta.read.bytes", "imagemeta.age"} <= metrics
