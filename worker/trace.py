"""Where an error was raised, as far as that tells one cause of failure from another."""

import hashlib
import os
import traceback
from dataclasses import dataclass

_PACKAGE = f"{os.sep}worker{os.sep}"
_STAGES = {"decode": "decode", "backends": "read", "extract": "extract", "reading": "extract", "document": "document"}
"""The rooms of the house (docs/architecture.md) that a message walks through, and what the step is called there."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Where an error was raised: the step of the walk, and the innermost function of ours, `module.function`."""

    stage: str
    frame: str

    @classmethod
    def of(cls, error: Exception) -> "Trace":
        """From the error's traceback; an error that was not raised here has none."""
        own = [
            (frame.filename.rpartition(_PACKAGE)[2].removesuffix(".py").replace(os.sep, "."), frame.name)
            for frame in traceback.extract_tb(error.__traceback__)
            if _PACKAGE in frame.filename
        ]
        stages = [_STAGES[room] for module, _ in own if (room := module.split(".")[0]) in _STAGES]
        return cls(stages[-1] if stages else "process", ".".join(own[-1]) if own else "")


def fingerprint(code: str, stage: str, frame: str) -> str:
    """Failures of the same cause have the same one."""
    return hashlib.sha256(f"{code}\0{stage}\0{frame}".encode()).hexdigest()[:12]
