"""Cursors as they are handed out: a store's own may hold the place of the page's last picture, so some are sealed."""

import threading
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken

from worker.errors import QueryError
from worker.ports import Records
from worker.web.viewer import Precision

KIND = "seals"
_NAME = "cursors"


class Cursors:
    """Seals with a key that is made once and kept among the records, so that every process reads every cursor."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._key: Fernet | None = None

    def handed_out(self, cursor: str, precision: Precision) -> str:
        """A store's cursor, for this viewer."""
        if precision is Precision.EXACT or not cursor:
            return cursor
        return self._seal().encrypt(cursor.encode()).decode()

    def taken_back(self, cursor: str, precision: Precision) -> str:
        """What was handed out, for the store. Raises QueryError for what was not."""
        if precision is Precision.EXACT or not cursor:
            return cursor
        try:
            return self._seal().decrypt(cursor.encode()).decode()
        except InvalidToken:
            raise QueryError(0, "this cursor is none that a page gave; begin with the first page") from None

    def _seal(self) -> Fernet:
        with self._lock:
            if self._key is None:
                if self._records.get(KIND, _NAME) is None:
                    self._records.put(KIND, _NAME, {"at": datetime.now(UTC), "key": Fernet.generate_key().decode()})
                kept = self._records.get(KIND, _NAME) or {}  # another process may have put its own meanwhile
                self._key = Fernet(str(kept["key"]))
            return self._key
