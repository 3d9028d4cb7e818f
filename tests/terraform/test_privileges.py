"""Who may do what: all of it, as a table. A grant that is not here is a fault, and so is one that is missing."""

import pytest

from tests.terraform.conftest import Applied
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


def table(text: str) -> set[tuple[str, str, str]]:
    """Lines of three columns, each apart from the next by two spaces at least."""
    rows = [tuple(cell for cell in line.split("  ") if cell) for line in text.strip().splitlines()]
    return {(who.strip(), role.strip(), on.strip()) for who, role, on in rows}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_everybody_may_do_what_the_table_says_and_nothing_more(applied: Applied, runtime: str) -> None:
    assert applied(runtime).grants() == table(EVERYWHERE) | table(ONLY[runtime])
