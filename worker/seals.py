"""The key that seals cursors: made once, and kept among the records, so that every process reads every cursor.

A console that may only read cannot make it. Its workers do, when they start.
"""

import os
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

from worker.ports import Records

KIND = "seals"
_NAME = "cursors"
_BYTES = 32
"""What Fernet takes."""


def key(records: Records) -> str:
    """The key. Where there is none it is made, which takes the right to write."""
    if records.get(KIND, _NAME) is None:
        records.put(KIND, _NAME, {"at": datetime.now(UTC), "key": urlsafe_b64encode(os.urandom(_BYTES)).decode()})
    kept = records.get(KIND, _NAME) or {}  # another process may have put its own meanwhile
    return str(kept["key"])
