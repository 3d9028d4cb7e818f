"""Where log lines go and what they look like: Cloud Logging's JSON, or colours for a person at a terminal.

Lines go to stderr; stdout is for results. The keys that Cloud Logging understands are described under
"Structured logging" in its documentation: `severity`, `message`, `time`, `logging.googleapis.com/trace`.
"""

import json
import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

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
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time" if not people else "timestamp"),
        _correlated,
    ]
    last = _for_people() if people else [structlog.processors.format_exc_info, _for_cloud_logging, _json]
    handler = logging.StreamHandler(sys.stderr)
    lines = _Lines(handler)
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=lambda *_: lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,  # or a second call would change nothing
    )
    _configure_libraries(handler, level, shared, last)


class _Lines:
    """Our own lines, past `logging`, which costs twice as much; whole ones among those of `handler`.

    A line that cannot be written is lost, as with `logging`: that must not stop the work that it tells of.
    """

    def __init__(self, handler: "logging.StreamHandler[TextIO]") -> None:
        self._handler = handler

    def msg(self, line: str) -> None:
        self._handler.acquire()
        try:
            self._handler.stream.write(line + "\n")
            self._handler.stream.flush()
        except (OSError, ValueError):  # the pipe has no reader, the disk is full, the stream is closed
            pass
        finally:
            self._handler.release()

    debug = info = warning = error = critical = msg


def _configure_libraries(
    handler: "logging.StreamHandler[TextIO]", level: str, shared: list[Any], last: list[Any]
) -> None:
    """The lines of those who log by `logging`, our own backends among them, in the same form."""
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("imagemeta").setLevel(level.upper())
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.ERROR)


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
    try:
        return orjson.dumps(dict(event), default=str).decode()
    except TypeError:  # half a character in a name, or a number too long: escaped, rather than no line
        return json.dumps(dict(event), default=str)
