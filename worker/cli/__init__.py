"""The command line: it parses and prints, and decides nothing.

Commands import what they need when they run, so that `imagemeta --version`, and each process of a crew, start fast.
"""

_INTERRUPTED = 130
_USAGE = 2
_UNAVAILABLE = 1


def main() -> None:
    """The program `imagemeta`."""
    try:
        _run()
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


def _run() -> None:
    from worker.cli.app import app
    from worker.cli.terminal import EXIT_CONFIG, say
    from worker.errors import BadInput, Misconfigured, QueryError, WorkerError

    try:
        app(prog_name="imagemeta")
    except Misconfigured as error:
        say(str(error))
        raise SystemExit(EXIT_CONFIG) from None
    except BadInput as error:
        say(str(error))
        raise SystemExit(_USAGE) from None
    except QueryError as error:
        say(f"{error}; docs/search.md has the language")
        raise SystemExit(_USAGE) from None
    except WorkerError as error:  # a backend that does not answer now
        say(f"{error} ({error.code}); the same command may succeed later")
        raise SystemExit(_UNAVAILABLE) from None
