"""Ctrl-C reaches every process of the terminal's group, but only the first of ours is to act on it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def blocked() -> Iterator[None]:
    """What is started meanwhile, from this thread, never hears of Ctrl-C: not even before its own first line.

    One that comes meanwhile is delivered afterwards.
    """
    resource_tracker.ensure_running()  # `start` would do it, and unblock the signal again (CPython 3.11 to 3.13)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
