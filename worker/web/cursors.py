"""Cursors as they are handed out: a store's own may hold the place of the page's last picture, so some are sealed."""

import threading

from cryptography.fernet import Fernet, InvalidToken

from worker import seals
from worker.errors import QueryError
from worker.ports import Records
from worker.web.viewer import Precision


class Cursors:
    """Seals with the key that the records keep."""

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
                self._key = Fernet(seals.key(self._records))
            return self._key
