"""What an operator sees: one line per delivery in Cloud Logging's form, one trace per message, and the metrics."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.test_worker import Rig, raising
from worker import events, logs
from worker.errors import Misconfigured, SourceUnavailable

SPANS = InMemorySpanExporter()
READER = InMemoryMetricReader()


@pytest.fixture(scope="module", autouse=True)
def collected() -> None:
    """OpenTelemetry's providers are set once in a process; collecting in memory disturbs no other test."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([READER]))


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Where log lines go during the test."""
    root, ours = logging.getLogger(), logging.getLogger("imagemeta")
    before = (root.handlers, root.level, ours.level)
    with redirect_stderr(io.StringIO()) as stream:
        logs.configure("info", "json")
        yield stream
    root.handlers, level, our_level = before[0], before[1], before[2]
    root.setLevel(level)
    ours.setLevel(our_level)


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_delivery_is_one_line_with_all_that_matters(lines: io.StringIO) -> None:
    rig = Rig()
    rig.handle(rig.upload("holiday/a.jpg"))
    (line,) = parsed(lines)
    assert (line["severity"], line["message"], line["outcome"]) == ("INFO", "acked", "stored")
    assert line["object"] == "gs://photos/holiday/a.jpg"
    assert set(line["stages_ms"]) == {"write", "ack"}
    assert line["logging.googleapis.com/trace"].startswith("projects/")
    assert line["time"].endswith("Z")


def test_what_comes_again_says_why_and_a_bug_shows_where(lines: io.StringIO) -> None:
    rig = Rig()
    rig.read = raising(SourceUnavailable("503 from the bucket"))
    rig.handle(rig.upload("a.jpg"))
    rig.read = raising(ZeroDivisionError("a bug"))
    rig.handle(rig.upload("b.jpg"))
    expected, bug = parsed(lines)
    assert (expected["severity"], expected["message"], expected["code"]) == ("WARNING", "nacked", "source_unavailable")
    assert "exception" not in expected
    assert bug["code"] == "internal"
    assert "ZeroDivisionError" in bug["exception"]


@pytest.mark.parametrize("name", ["a\nb.jpg", 'a"}\n{"severity":"CRITICAL', "\x1b[31mred", "\u202egpj.exe", "日本.jpg"])
def test_a_name_cannot_forge_a_line(lines: io.StringIO, name: str) -> None:
    rig = Rig()
    rig.handle(rig.upload(name))
    (line,) = parsed(lines)
    assert line["object"] == f"gs://photos/{name}"
    assert "\x1b" not in lines.getvalue()


def test_half_a_character_and_a_number_too_long_cost_no_line(lines: io.StringIO) -> None:
    events.shard_died(2**80, 1, None, 0)
    events.misconfigured(Misconfigured("no bucket called a\ud800"))
    number, name = parsed(lines)
    assert number["pid"] == 2**80
    assert name["error"] == "no bucket called a\ud800"


def test_lines_from_many_threads_and_from_libraries_stay_whole(lines: io.StringIO) -> None:
    def tell(number: int) -> None:
        for _ in range(50):
            events.misconfigured(Misconfigured(f"{number}" * 500))
            logging.getLogger("imagemeta.queue").error("%s", f"{number}" * 500)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(8)))
    found = parsed(lines)
    assert len(found) == 8 * 50 * 2
    assert {frozenset(line) for line in found} == {
        frozenset({"code", "error", "time", "severity", "message"}),
        frozenset({"time", "severity", "message"}),
    }


class Broken(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_line_that_nobody_reads_does_not_stop_the_work() -> None:
    with redirect_stderr(Broken()):
        logs.configure("info", "json")
        rig = Rig()
        assert rig.handle(rig.upload("a.jpg")) == "ack"
    logs.configure("info", "json")


def test_a_level_is_the_least_that_is_logged() -> None:
    with redirect_stderr(io.StringIO()) as stream:
        logs.configure("warning", "json")
        rig = Rig()
        rig.handle(rig.upload("a.jpg"))
        rig.read = raising(SourceUnavailable("503"))
        rig.handle(rig.upload("b.jpg"))
    logs.configure("info", "json")
    assert [line["severity"] for line in parsed(stream)] == ["WARNING"]


def test_a_message_is_one_trace_of_its_stages(lines: io.StringIO) -> None:
    SPANS.clear()
    rig = Rig()
    rig.handle(rig.upload("a.jpg"))
    spans: dict[str, ReadableSpan] = {span.name: span for span in SPANS.get_finished_spans()}
    assert set(spans) == {"receive", "write", "ack"}
    root = spans["receive"].context
    assert root
    assert all(span.parent and span.parent.span_id == root.span_id for name, span in spans.items() if name != "receive")
    (line,) = parsed(lines)
    assert line["logging.googleapis.com/trace"].endswith(f"{root.trace_id:032x}")


@pytest.mark.usefixtures("lines")
def test_the_metrics_have_their_names() -> None:
    rig = Rig()
    rig.handle(rig.upload("a.jpg"))
    rig.read = raising(SourceUnavailable("?"))
    rig.handle(rig.upload("b.jpg"))
    data: Any = READER.get_metrics_data()
    names = {metric.name for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics}
    assert {"imagemeta.deliveries", "imagemeta.nacks", "imagemeta.stage.duration", "imagemeta.in_flight"} <= names


def test_people_at_a_terminal_get_words_without_colour_elsewhere() -> None:
    with redirect_stderr(io.StringIO()) as stream:
        logs.configure("info", "console")
        rig = Rig()
        rig.handle(rig.upload("a.jpg"))
        logs.configure("info", "json")
    assert "acked" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_without_an_endpoint_nothing_is_exported_and_the_sdk_is_not_even_loaded() -> None:
    code = (
        "import sys; from worker import telemetry; telemetry.configure('w')();"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.sdk')]"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, env={"PATH": ""}).returncode == 0
