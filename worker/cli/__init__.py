"""The command line: it parses and prints, and decides nothing.

Commands import what they need when they run, so that `imagemeta --version`, and each process of a crew, start fast.
"""

_INTERRUPTED = 130


def main() -> None:
    """The program `imagemeta`."""
    try:
        _run()
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


def _run() -> None:
    from worker.cli.app import app
    from worker.cli.terminal import EXIT_CONFIG, say
    from worker.errors import Misconfigured

    try:
        app(prog_name="imagemeta")
    except Misconfigured as error:
        say(str(error))
        raise SystemExit(EXIT_CONFIG) from None
