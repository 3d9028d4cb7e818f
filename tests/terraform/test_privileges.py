"""Who may do what: all of it, as a table. A grant that is not here is a fault, and so is one that is missing."""

from typing import Any, NamedTuple

import pytest

from tests.terraform.conftest import Applied, Wished
from tests.terraform.problems import problems
from tests.terraform.workspace import RUNTIMES

EVERYWHERE = """
imagemeta-worker        datastore.user                      one database
imagemeta-worker        storage.objectViewer                acme-pictures
imagemeta-worker        pubsub.subscriber                   imagemeta-dead-letters
imagemeta-jobs          datastore.user                      one database
imagemeta-jobs          storage.objectViewer                acme-pictures
imagemeta-jobs          pubsub.publisher                    imagemeta-images
imagemeta-scheduler     run.invoker                         imagemeta-reconcile
imagemeta-worker        logging.logWriter                   the project
imagemeta-worker        serviceusage.serviceUsageConsumer   the project
imagemeta-worker        telemetry.metricsWriter             the project
imagemeta-worker        telemetry.tracesWriter              the project
imagemeta-build         artifactregistry.writer             imagemeta
imagemeta-build         logging.logWriter                   the project
imagemeta-build         storage.objectUser                  acme-pictures-builds
agent gs-project-accounts  pubsub.publisher                 imagemeta-images
agent gcp-sa-pubsub     pubsub.publisher                    imagemeta-dead-letters
agent gcp-sa-pubsub     pubsub.subscriber                   imagemeta-worker
"""
ONLY = {
    "mig": """
imagemeta-worker        pubsub.subscriber                   imagemeta-worker
imagemeta-worker        artifactregistry.reader             imagemeta
""",
    "worker-pool": """
imagemeta-worker        pubsub.subscriber                   imagemeta-worker
""",
    "push": """
imagemeta-invoker       run.invoker                         imagemeta-worker
agent gcp-sa-pubsub     iam.serviceAccountTokenCreator      imagemeta-invoker
""",
}


class Wish(NamedTuple):
    """Variables, and who may do what besides where they are set."""

    variables: dict[str, Any]
    table: str


CONSOLE = {"enabled": True, "members": ["group:ops@acme.org"]}
OPERATOR = {**CONSOLE, "operate": True, "viewers": "anna@acme.org=operate *=read"}
BY_IAP = """
ops                     iap.httpsResourceAccessor           imagemeta-web
agent gcp-sa-iap        run.invoker                         imagemeta-web
"""
READS = """
imagemeta-web           datastore.viewer                    one database
"""
PREVIEWS = """
imagemeta-web           storage.objectViewer                acme-pictures
"""
OPERATES = """
imagemeta-web           datastore.user                      one database
imagemeta-web           storage.objectViewer                acme-pictures
imagemeta-web           pubsub.publisher                    imagemeta-images
imagemeta-web           pubsub.subscriber                   imagemeta-dead-letters
imagemeta-web           pubsub.subscriber                   imagemeta-worker
imagemeta-web           pubsub.viewer                       imagemeta-worker
imagemeta-web           imagemeta_backlog                   the project
"""
PAUSES = """
imagemeta-web           imagemeta_pause                     acme-pictures
"""
INVOKED = """
ops                     run.invoker                         imagemeta-web
"""
BATCHES = """
imagemeta-worker        storage.objectCreator               acme-pictures-batches
shop                    storage.objectViewer                acme-pictures-batches
"""
BATCHED = {"enabled": True, "readers": ["group:shop@acme.org"]}
CHANGES = """
imagemeta-worker        pubsub.publisher                    imagemeta-changes
"""
BIGQUERY = """
agent gcp-sa-pubsub     bigquery.dataEditor                 changes
"""
TOLD_BY_CONSOLE = """
imagemeta-web           pubsub.publisher                    imagemeta-changes
"""
TOLD = {"enabled": True, "bigquery": "acme-figures.catalog.changes"}
WISHES = {
    "batches": Wish({"batches": BATCHED}, BATCHES),
    "changes are told": Wish({"changes": {"enabled": True}}, CHANGES),
    "and kept in a table": Wish({"changes": TOLD}, CHANGES + BIGQUERY),
    "also by a console": Wish(
        {"changes": TOLD, "web": OPERATOR}, CHANGES + BIGQUERY + BY_IAP + OPERATES + TOLD_BY_CONSOLE
    ),
    "a console reads": Wish({"web": CONSOLE}, BY_IAP + READS),
    "and shows previews": Wish({"web": {**CONSOLE, "previews": True}}, BY_IAP + READS + PREVIEWS),
    "or operates": Wish({"web": OPERATOR}, BY_IAP + OPERATES),
    "and pauses": Wish({"web": {**OPERATOR, "pause": True}}, BY_IAP + OPERATES + PAUSES),
    "for callers with tokens": Wish({"web": {**OPERATOR, "iap": False}}, OPERATES + INVOKED),
}


def table(text: str) -> set[tuple[str, str, str]]:
    """Lines of three columns, each apart from the next by two spaces at least."""
    rows = [tuple(cell for cell in line.split("  ") if cell) for line in text.splitlines() if line]
    return {(who.strip(), role.strip(), on.strip()) for who, role, on in rows}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_everybody_may_do_what_the_table_says_and_nothing_more(applied: Applied, runtime: str) -> None:
    assert applied(runtime).grants() == table(EVERYWHERE) | table(ONLY[runtime])


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES.keys())
def test_a_wish_grants_what_it_takes_and_nothing_more(wished: Wished, wish: Wish) -> None:
    stack = wished(**wish.variables)
    assert problems(stack) == []
    assert stack.grants() == table(EVERYWHERE) | table(ONLY["mig"]) | table(wish.table)
