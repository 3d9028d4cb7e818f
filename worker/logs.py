"""Where log lines go and what they look like: Cloud Logging's JSON, or colours for a person at a terminal.

Lines go to stderr; stdout is for results. The keys that Cloud Logging understands are described under
"Structured logging" in its documentation: `severity`, `message`, `time`, `logging.googleapis.com/trace`.
"""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import orjson
import structlog
from opentelemetry import trace

_SEVERITY = {"warn": "WARNING", "exception": "ERROR"}
_QUIET = ("google", "exifread", "urllib3", "opentelemetry", "watchfiles", "asyncio")

_Event = MutableMapping[str, Any]


def configure(level: str = "info", form: Literal["auto", "json", "console"] = "auto") -> None:
    """Send our lines, and those of the libraries we use, to stderr in one form. May be called again."""
    people = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time" if not people else "timestamp"),
        _correlated,
    ]
    last = _for_people() if people else [structlog.processors.format_exc_info, _for_cloud_logging, _json]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("imagemeta").setLevel(level.upper())
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _for_people() -> list[Any]:
    colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return [structlog.dev.ConsoleRenderer(colors=colours)]


def _for_cloud_logging(_logger: object, _method: str, event: _Event) -> _Event:
    level = str(event.pop("level", "info"))
    event["severity"] = _SEVERITY.get(level, level.upper())
    event["message"] = event.pop("event", "")
    return event


def _correlated(_logger: object, _method: str, event: _Event) -> _Event:
    """The trace that the line belongs to, under the names by which Cloud Logging joins the two."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
        event["logging.googleapis.com/trace"] = f"projects/{project}/traces/{span.trace_id:032x}"
        event["logging.googleapis.com/spanId"] = f"{span.span_id:016x}"
        event["logging.googleapis.com/trace_sampled"] = span.trace_flags.sampled
    return event


def _json(_logger: object, _method: str, event: _Event) -> str:
    return orjson.dumps(dict(event), default=str).decode()
