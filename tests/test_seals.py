"""The key of the cursors: a console that may only read finds one, because its workers make it."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes import wait_until
from worker import seals
from worker.backends.local.records import LocalRecords
from worker.bootstrap import wire
from worker.duties import Duties, on_duty
from worker.errors import Misconfigured
from worker.in_flight import Board
from worker.model import Value
from worker.settings import load
from worker.web.cursors import Cursors
from worker.web.viewer import Precision


class ReadOnly(LocalRecords):
    """Records as an account sees them that may read alone."""

    def put(self, kind: str, key: str, fields: Mapping[str, Value]) -> None:
        raise Misconfigured(f"PERMISSION_DENIED: {kind}/{key}, {len(fields)} fields")


def test_what_may_only_read_hands_out_cursors_once_a_worker_runs(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    catalog = tmp_path / "catalog.db"
    settings = load(
        {
            "IMAGEMETA_QUEUE": f"sqlite://{tmp_path}/queue.db",
            "IMAGEMETA_DOCUMENTS": f"sqlite://{catalog}",
            "IMAGEMETA_OBJECTS": f"file://photos{tmp_path}/pictures",
        }
    )
    with closing(ReadOnly(catalog)) as records:
        with pytest.raises(Misconfigured):
            Cursors(records).handed_out("of the store", Precision.ROUNDED)
        board = Board(1)
        with closing(wire(settings, board)) as wiring, on_duty(Duties(settings, wiring, board, 0)):
            wait_until(lambda: records.get(seals.KIND, "cursors") is not None, 10)
        sealed = Cursors(records).handed_out("of the store", Precision.ROUNDED)
        assert Cursors(records).taken_back(sealed, Precision.ROUNDED) == "of the store"
