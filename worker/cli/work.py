"""Read messages from the queue and write documents, until stopped: the worker in the cloud.

It is set up by environment variables; `imagemeta settings` shows them. At least:

\b
IMAGEMETA_QUEUE=pubsub://PROJECT/SUBSCRIPTION
IMAGEMETA_DOCUMENTS=firestore://PROJECT/DATABASE/COLLECTION
imagemeta work

SIGTERM or Ctrl-C stops the intake, finishes or gives back what is in hand, and ends; a second signal ends at once.

\b
Exit codes: 0    stopped
            1    ended at once by a second signal
            78   misconfigured: something must be set right first
"""

import os
from contextlib import closing
from typing import TYPE_CHECKING

from typer import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.settings import Settings
    from worker.shard import Order

PUSH = """Take messages from Pub/Sub push requests and write documents: the worker behind HTTP, for Cloud Run.

An answer of 204 acknowledges, and comes only after the document is durable. It is set up by environment variables;
`imagemeta settings` shows them. At least:

\b
IMAGEMETA_DOCUMENTS=firestore://PROJECT/DATABASE/COLLECTION
IMAGEMETA_PUSH_AUDIENCE=https://SERVICE.run.app
IMAGEMETA_PUSH_ACCOUNT=pusher@PROJECT.iam.gserviceaccount.com
imagemeta push
"""


def work() -> None:
    """The command; the module's text is its help."""
    from worker import shard

    settings = _settings("queue", "documents")
    _run(settings, settings.shards or len(os.sched_getaffinity(0)), shard.main)


def push() -> None:
    """The command; PUSH is its help."""
    from worker import push as endpoint

    _run(_settings("documents"), 1, endpoint.main)  # one process holds the port


def _settings(*needed: str) -> "Settings":
    from worker.errors import Misconfigured
    from worker.settings import PREFIX, load

    settings = load()
    for name in needed:
        if not getattr(settings, name):
            raise Misconfigured(f"{PREFIX}{name.upper()} is not set; `imagemeta settings` says what it takes")
    return settings


def _run(settings: "Settings", processes: int, target: "Callable[[Order], None]") -> None:
    from worker import logs, telemetry
    from worker.health import HealthServer
    from worker.supervisor import Supervisor, run_until_signalled

    logs.configure(settings.log_level, settings.log_format)
    flush = telemetry.configure(settings.worker)
    supervisor = Supervisor(settings, processes, target)
    try:
        if not settings.health:
            raise Exit(run_until_signalled(supervisor))
        with closing(HealthServer(settings.health, supervisor.healthy, supervisor.ready)):
            raise Exit(run_until_signalled(supervisor))
    finally:
        flush()
