"""The parts that only batches need, wired: where items and outputs are, what fetches, and what handles a URL."""

import os
from contextlib import ExitStack
from pathlib import Path

from worker import urls
from worker.attempts import Maker
from worker.batches.batch import Book
from worker.batches.follow import Follower, Tools
from worker.batches.orders import Orders
from worker.batches.policy import Caps
from worker.batches.press import Press, check_installed
from worker.clock import SystemClock
from worker.group_commit import GroupCommit
from worker.ports import Fetcher, Items, ObjectStore, Outputs, Records
from worker.settings import Settings
from worker.write_ladder import WriteLadder


def open_follower(
    settings: Settings, objects: ObjectStore, records: Records, maker: Maker, opened: ExitStack
) -> Follower:
    """What handles a URL; `opened` is given what has to be closed, the records as well."""
    opened.callback(records.close)
    clock, cores = SystemClock(), len(os.sched_getaffinity(0))
    caps = Caps(settings.batch_pixels, settings.batch_seconds, settings.limits)
    outputs, items = open_outputs(settings), open_items(settings)
    commit = GroupCommit(items, clock)
    press = Press(max(1, cores // (settings.shards or cores)), caps)
    for part in (outputs, items, commit, press):
        opened.callback(part.close)
    ladder = WriteLadder(commit, items, objects, clock)
    tools = Tools(open_fetcher(settings), press, outputs)
    return Follower(Orders(Book(records), clock), items, ladder, tools, maker, clock)


def check_ready(settings: Settings) -> None:
    """Raise Misconfigured where batches cannot be worked here; better once, now, than by each worker of each URL."""
    check_installed()
    open_fetcher(settings)
    open_outputs(settings).close()


def open_fetcher(settings: Settings) -> Fetcher:
    """What fetches strangers' URLs."""
    from worker.backends.http.address import Guard
    from worker.backends.http.fetch import Caps as FetchCaps
    from worker.backends.http.fetch import HttpFetcher

    guard = Guard(settings.fetch_ports, settings.fetch_allow)
    return HttpFetcher(guard, FetchCaps(settings.fetch_bytes, settings.fetch_seconds, settings.fetch_per_host))


def open_items(settings: Settings) -> Items:
    """What became of the URLs of batches."""
    match urls.split("documents", settings.documents):
        case "firestore", project, path:
            from worker.backends.gcp.items import FirestoreItems

            return FirestoreItems(project, *urls.collection(path))
        case "sqlite", _, path:
            from worker.backends.local.items import LocalItems, items_beside

            return LocalItems(items_beside(Path(path)))
        case scheme, _, _:
            raise urls.no_backend("documents", scheme, "firestore, sqlite")


def open_outputs(settings: Settings) -> Outputs:
    """Where the images of batches go: what `IMAGEMETA_BATCH_OUTPUT` names."""
    match urls.split("batch_output", settings.batch_output):
        case "gs", bucket, prefix:
            from worker.backends.gcp.outputs import BucketOutputs

            return BucketOutputs(bucket, prefix, settings.batch_url)
        case "file", _, path:
            from worker.backends.local.outputs import FolderOutputs

            return FolderOutputs(Path(path), settings.batch_url)
        case scheme, _, _:
            raise urls.no_backend("batch_output", scheme, "gs, file")


def result_of(settings: Settings, url: str) -> Path | None:
    """The file that the URL of a result means, if it lies in a folder of ours."""
    scheme, _, root = urls.split("batch_output", settings.batch_output)
    if scheme != "file" or not url.startswith("file://"):
        return None
    path = Path(urls.split("batch_output", url)[2])
    return path if path.is_relative_to(root) and ".." not in path.parts and path.is_file() else None
