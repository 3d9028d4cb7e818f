"""Traces and metrics by OTLP, where an endpoint is set; nothing at all where none is.

The settings are OpenTelemetry's own: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER` and their kin.
"""

import os
from collections.abc import Callable

from opentelemetry import metrics, trace

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
_FLUSH_MILLISECONDS = 1000


def configure(worker: str) -> Callable[[], None]:
    """Set up the exporters of this process. Returns what sends the rest at its end, within a second or so."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return lambda: None
    # The SDK costs a tenth of a second to import: only who exports pays for it.
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "imagemeta", "service.instance.id": f"{worker}-{os.getpid()}"})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(meters)

    def flush() -> None:
        traces.force_flush(_FLUSH_MILLISECONDS)
        meters.force_flush(_FLUSH_MILLISECONDS)

    return flush
