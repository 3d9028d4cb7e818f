"""A set-up looked at by the doctor: settings and folders become inspections, and those become findings."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from worker import urls
from worker.errors import Misconfigured
from worker.operate.findings import Finding
from worker.settings import Settings


def examine_settings(
    settings: Settings, buckets: Sequence[str], *, account: str = "", push_endpoint: str = ""
) -> Iterator[Finding]:
    """What a doctor finds of the set-up that the settings name, and of these buckets."""
    match urls.split("queue", settings.queue), urls.split("documents", settings.documents):
        case ("pubsub", project, subscription), ("firestore", place, path):
            from worker.backends.gcp.inspect import GoogleInspection
            from worker.operate.doctor import of_cloud
            from worker.operate.wanted import Wanted

            name = f"projects/{project}/subscriptions/{subscription}"
            database, collection = urls.collection(path)
            member = f"serviceAccount:{account}" if account else ""
            wanted = Wanted(
                name,
                place,
                database,
                collection,
                buckets=tuple(buckets),
                topic=urls.full_name("topic", settings.topic, "topics"),
                dead_letters=urls.full_name("dead_letters", settings.dead_letters, "subscriptions"),
                lease_seconds=settings.lease_seconds,
                max_attempts=settings.max_attempts,
                push_account=settings.push_account,
                push_audience=settings.push_audience,
                push_endpoint=push_endpoint,
                account=member,
            )
            with closing(GoogleInspection(name, place, database, collection)) as look:
                yield from of_cloud(look, wanted)
        case ("sqlite", _, queue), _:
            yield from examine_folder(Path(urls.split("objects", settings.objects)[2]), Path(queue).parent)
        case (scheme, _, _), (other, _, _):
            raise Misconfigured(f"IMAGEMETA_QUEUE and IMAGEMETA_DOCUMENTS do not go together: {scheme}, {other}")


def examine_folder(folder: Path, catalog: Path) -> Iterator[Finding]:
    """What a doctor finds of a folder and its catalog."""
    from worker.backends.local.inspect import LocalInspection
    from worker.operate.doctor import of_folder

    return of_folder(LocalInspection(folder, catalog))
