"""The two arms of the pipeline bench, each the whole life of a process of its own: `python -m bench.arms NAME [CORE]`.

`guide` is what the client libraries' own guides add up to; `ours` is a shard as the supervisor starts it.
"""

import io
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.servers import BUCKET, PROJECT, SUBSCRIPTION

SETTINGS = {
    "IMAGEMETA_QUEUE": f"pubsub://{PROJECT}/{SUBSCRIPTION}",
    "IMAGEMETA_OBJECTS": f"gs://{BUCKET}",
    "IMAGEMETA_DOCUMENTS": f"firestore://{PROJECT}/(default)/images",
    "IMAGEMETA_LOG_FORMAT": "json",
}
"""Our arm's environment, besides IMAGEMETA_THREADS."""


def guide() -> None:
    """Subscribe with a callback; download the object, read its EXIF, set the document, acknowledge."""
    import exifread
    from google.cloud import firestore, pubsub_v1, storage

    documents = firestore.Client(project=PROJECT).collection("images")
    bucket = storage.Client(project=PROJECT).bucket(BUCKET)
    subscriber = pubsub_v1.SubscriberClient()

    def callback(message: Any) -> None:
        name = message.attributes["objectId"]
        image = bucket.blob(name).download_as_bytes()
        tags = exifread.process_file(io.BytesIO(image), details=False)
        fields = {tag: str(value) for tag, value in tags.items() if tag != "JPEGThumbnail"}
        documents.document(name).set({"bucket": BUCKET, "name": name, "tags": fields})
        message.ack()

    pulling = subscriber.subscribe(subscriber.subscription_path(PROJECT, SUBSCRIPTION), callback)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    pulling.result()


def ours() -> None:
    """A shard, on the settings in the environment."""
    from worker import settings, shard

    with tempfile.TemporaryDirectory() as folder:
        shard.main(shard.Order(0, settings.load(), Path(folder, "board")))


ARMS: Mapping[str, Callable[[], None]] = {"guide": guide, "ours": ours}


def main() -> None:
    name, *core = sys.argv[1:]
    if core:
        os.sched_setaffinity(0, {int(core[0])})
    ARMS[name]()


if __name__ == "__main__":
    main()
