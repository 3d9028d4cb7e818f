"""Serve the console and the API of a set-up, until stopped.

\b
imagemeta serve                                  at http://127.0.0.1:8080, for this machine alone
imagemeta serve --folder ~/Pictures              the catalog that `imagemeta up ~/Pictures` keeps
IMAGEMETA_OIDC_AUDIENCE=https://photos.example IMAGEMETA_VIEWERS='*=read' imagemeta serve --address :8080

docs/api.md explains the API, and who may see what; /v1/docs describes every endpoint.

\b
Exit codes: 0    stopped
            78   something must be set right first, as a sign-in where others reach the address
"""

from typing import Annotated

from typer import Option

from worker.cli.acting import Folder, settings_of

Address = Annotated[
    str, Option(metavar="HOST:PORT", help="Where to listen; default: IMAGEMETA_SERVE_ADDRESS.", show_default=False)
]


def serve(folder: Folder = None, address: Address = "") -> None:
    """The command; the module's text is its help."""
    from worker import logs, telemetry
    from worker.cli.terminal import reachable
    from worker.web import serving

    settings = settings_of(folder)
    if address:
        settings = settings.model_copy(update={"serve_address": address})
    logs.configure(settings.log_level, settings.log_format)
    flush = telemetry.configure(settings.worker)
    try:
        serving.serve(settings, reachable)
    finally:
        flush()
