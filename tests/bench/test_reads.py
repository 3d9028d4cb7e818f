"""A search in Firestore reads what it returns, and one document to know whether there is more."""

import os
from contextlib import closing

import pytest

from bench.reads import fill, measured
from tests.catalog.tap import tapped
from tests.conftest import Cloud
from tests.web.api.test_surfaces import EVERYWHERE
from worker.backends.gcp.catalog import COUNTED, FirestoreCatalog
from worker.backends.gcp.catalog_query import plan
from worker.catalog.query import parse

DOCUMENTS = 4000


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_no_search_reads_more_than_it_returns(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with tapped(os.environ["FIRESTORE_EMULATOR_HOST"]) as (address, tap):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        fill(cloud.project, DOCUMENTS)
        with closing(FirestoreCatalog(cloud.project)) as catalog:
            found = list(measured(catalog, tap))
    assert [each.text for each in found] == EVERYWHERE
    for each in found:
        if plan(parse(each.text)).left:
            assert each.counted <= min(COUNTED, 4 * each.matching), each
            assert each.read <= 8 * (each.returned + 1), each
        else:
            assert (each.counted, each.read - each.returned) in ((0, 0), (0, 1)), each
