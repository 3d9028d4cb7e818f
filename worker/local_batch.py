"""Batches with no cloud: workers that run until the queue of a folder is empty."""

import os
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from worker import shard
from worker.batch_parts import check_ready
from worker.bootstrap import folder_url, open_gauge
from worker.errors import Misconfigured, Transient
from worker.local import EXIT_INTERRUPTED, alone, catalog_at, settings_for
from worker.ports import Gauge
from worker.supervisor import Supervisor, run_until_signalled

_POLL_SECONDS = 0.1


class Workshop:
    """Works off what is on the queue of a folder. What comes of it goes there, too.

    Raises Misconfigured where the folder cannot be written, or a setting or library is not as it should be.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"{folder} cannot be made: {error.strerror}; choose another with --out") from error
        self.folder = folder.resolve()
        self._catalog = catalog_at(self.folder, self.folder / ".imagemeta")
        place = {"IMAGEMETA_BATCH_OUTPUT": folder_url(self.folder)}  # nobody watches this folder
        self.settings = settings_for(self.folder, self._catalog, place | dict(environment), once=True)
        check_ready(self.settings)
        self._finished = False

    def run(self) -> int:
        """Until nothing is left to do, or a signal. The exit code. To be called in the main thread."""
        stopped = threading.Event()
        with alone(self._catalog), closing(open_gauge(self.settings)) as gauge:
            watcher = threading.Thread(target=self._finish, args=(gauge, stopped), name="finish")
            watcher.start()
            try:
                processes = self.settings.shards or len(os.sched_getaffinity(0))
                code = run_until_signalled(Supervisor(self.settings, processes, shard.main), stopped)
            finally:
                stopped.set()
                watcher.join()
        return code or (0 if self._finished else EXIT_INTERRUPTED)

    def _finish(self, gauge: Gauge, stopped: threading.Event) -> None:
        """Stop when all is settled, dead letters included. A queue that does not answer now is asked again."""
        while not stopped.wait(_POLL_SECONDS):
            with suppress(Transient):
                left = gauge.backlog()
                if not (left.waiting or left.in_hand or left.dead):
                    self._finished = True
                    stopped.set()
