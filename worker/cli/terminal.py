"""What goes to a person's terminal: one line per message, on stderr, and no control character of a file's making."""

import re
import signal
import sys
from typing import NoReturn

import typer

EXIT_CONFIG = 78
"""sysexits.h EX_CONFIG: a person must mend something; starting again does not help."""
EXIT_TERMINATED = 128 + signal.SIGTERM

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that reorder text (Unicode's Bidi_Control), line separators, and halves of characters."""


def printable(text: str) -> str:
    """The text in one line, with what a terminal would obey, not show, written as an escape."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def say(message: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"imagemeta: {printable(message)}\n")
    sys.stderr.flush()


def reachable(url: str) -> None:
    """Say where the console and the API are: to people, and into the log for others."""
    from worker import events

    if sys.stderr.isatty():
        say(f"the console is at {url}/, the API at {url}/v1/docs")
    else:
        events.serving(url)


def fail(message: str, code: int) -> NoReturn:
    """Say why, and end with that exit code."""
    say(message)
    raise typer.Exit(code)
