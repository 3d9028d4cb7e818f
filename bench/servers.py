"""Pub/Sub, Cloud Storage and Firestore as lean local servers, in a process of their own.

They speak the real protocols on loopback and add a round trip to every reply, by sleeping and not by working, so that
what a client costs is measured and what a server costs is not.
"""

import asyncio
import base64
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from time import monotonic, process_time
from typing import Any, Self

import grpc
import orjson
from google.cloud.firestore_v1 import types
from google.pubsub_v1 import types as pubsub

from bench.firestore_server import FirestoreServer
from bench.images import Image, camera_jpeg
from bench.pubsub_server import PubSubServer
from bench.storage_server import GENERATION, StorageServer

PROJECT, SUBSCRIPTION, BUCKET = "bench", "images-worker", "photos"
_TIME = "2025-11-20T19:25:46.231Z"
_LATE_SECONDS = 120.0
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Work:
    """`count` notifications: the images of a size range, `distinct` of them in turn, from number `first` on."""

    sizes: tuple[int, int]
    distinct: int
    first: int
    count: int

    @property
    def numbers(self) -> range:
        """The numbers of the objects."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True, slots=True)
class Served:
    """What some work took, as the servers saw it: from the first delivery to the last acknowledgement.

    `documents` counts the objects whose document holds their image's own serial number; `busy` is the share of one
    core that the servers took.
    """

    seconds: float
    reads: int
    bytes: int
    documents: int
    busy: float


class Servers:
    """The three servers, on core `core` where one is given. A context manager: they live as long as it is open."""

    def __init__(self, round_trip: float, core: int | None = None) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._control, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_main, args=(theirs, round_trip, core), daemon=True)
        self._process.start()
        theirs.close()
        self.environment: dict[str, str] = self._control.recv()
        """The variables that point Google's clients here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def serve(self, work: Work, working: Callable[[], bool]) -> Served:
        """Publish the notifications; return when all are acknowledged.

        Raises TimeoutError where that takes too long, or where `working` says that nobody works on them any more.
        """
        self._control.send(work)
        late = monotonic() + _LATE_SECONDS
        while not self._control.poll(_LOOK_SECONDS):
            if not working() or monotonic() > late:
                raise TimeoutError("not all messages were acknowledged")
        served = self._control.recv()
        assert isinstance(served, Served)
        return served


def _main(control: Connection, round_trip: float, core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    asyncio.run(_Cloud(round_trip).run(control))


class _Cloud:
    """The servers' side of `Servers`."""

    def __init__(self, round_trip: float) -> None:
        self._images: dict[tuple[int, tuple[int, int]], Image] = {}
        self._objects: dict[str, Image] = {}
        self._storage = StorageServer(self._objects.get, round_trip)
        self._pubsub = PubSubServer(round_trip)
        self._firestore = FirestoreServer(round_trip)

    async def run(self, control: Connection) -> None:
        """Answer orders until the other end is gone."""
        rpc = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
        rpc.add_generic_rpc_handlers((self._pubsub.handlers(), self._firestore.handlers()))
        address = f"127.0.0.1:{rpc.add_insecure_port('127.0.0.1:0')}"
        await rpc.start()
        storage = await self._storage.start()
        control.send(
            {"PUBSUB_EMULATOR_HOST": address, "FIRESTORE_EMULATOR_HOST": address, "STORAGE_EMULATOR_HOST": storage}
        )
        orders: asyncio.Queue[Work | None] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(control.fileno(), lambda: orders.put_nowait(_received(control)))
        while work := await orders.get():
            control.send(await self._serve(work))

    async def _serve(self, work: Work) -> Served:
        self._objects.clear()
        self._objects.update({f"{number:08d}.jpg": self._image(work, number) for number in work.numbers})
        messages = [_notification(name, image) for name, image in self._objects.items()]
        before, started, cpu = replace(self._storage.traffic), monotonic(), process_time()
        self._pubsub.publish(messages)
        await self._pubsub.all_acked()
        seconds, busy = monotonic() - started, process_time() - cpu
        return Served(
            seconds=seconds,
            reads=self._storage.traffic.reads - before.reads,
            bytes=self._storage.traffic.bytes - before.bytes,
            documents=self._right_documents(),
            busy=busy / seconds,
        )

    def _right_documents(self) -> int:
        names = set()
        for raw in self._firestore.forget():
            name = types.Document.pb().FromString(raw).fields["name"].string_value
            if name in self._objects and self._objects[name].serial.encode() in raw:
                names.add(name)
        return len(names)

    def _image(self, work: Work, number: int) -> Image:
        seed = number % work.distinct
        if (seed, work.sizes) not in self._images:
            self._images[seed, work.sizes] = camera_jpeg(seed, work.sizes)
        return self._images[seed, work.sizes]


def _received(control: Connection) -> Work | None:
    """The next order, or None once the other end is gone."""
    try:
        work: Work = control.recv()
    except EOFError:
        return None
    return work


def _notification(name: str, image: Image) -> Any:
    """The PubsubMessage that Cloud Storage sends for a new object, payload and all."""
    api = f"https://www.googleapis.com/storage/v1/b/{BUCKET}/o/{name}"
    resource = {
        "kind": "storage#object",
        "id": f"{BUCKET}/{name}/{GENERATION}",
        "selfLink": api,
        "name": name,
        "bucket": BUCKET,
        "generation": str(GENERATION),
        "metageneration": "1",
        "contentType": "image/jpeg",
        "timeCreated": _TIME,
        "updated": _TIME,
        "storageClass": "STANDARD",
        "timeStorageClassUpdated": _TIME,
        "size": str(image.size),
        "md5Hash": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "mediaLink": f"{api}?generation={GENERATION}&alt=media",
        "crc32c": base64.b64encode(image.crc32c).decode(),
        "etag": "CIm7tOfM1pADEAE=",
    }
    message = pubsub.PubsubMessage.pb()(message_id=f"1{name[:-4]}", data=orjson.dumps(resource))
    message.attributes.update(
        eventType="OBJECT_FINALIZE",
        payloadFormat="JSON_API_V1",
        bucketId=BUCKET,
        objectId=name,
        objectGeneration=str(GENERATION),
        eventTime=_TIME,
        notificationConfig=f"projects/_/buckets/{BUCKET}/notificationConfigs/1",
    )
    message.publish_time.GetCurrentTime()
    return message
