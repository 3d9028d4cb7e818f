"""gRPC channels to Google's services or to their emulators, set so that a dead peer is noticed."""

import os

import google.auth
import grpc
from google.auth.transport.grpc import secure_authorized_channel
from google.auth.transport.requests import Request

from worker.backends.gcp.errors import translated
from worker.errors import StoreUnavailable, Transient

_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # the default, two minutes, outlives most outages
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", 4 * 1024 * 1024),
    ("grpc.use_local_subchannel_pool", 1),  # else a new channel would share the old one's dead connection
]


_KEEPALIVE = [("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 10_000)]
"""Not for the emulators: they take it for an attack and hang up."""


def open_firestore() -> grpc.Channel:
    """To FIRESTORE_EMULATOR_HOST, or to Firestore."""
    return _open("FIRESTORE_EMULATOR_HOST", "firestore.googleapis.com:443", "datastore", StoreUnavailable)


def open_pubsub() -> grpc.Channel:
    """To PUBSUB_EMULATOR_HOST, or to Pub/Sub."""
    return _open("PUBSUB_EMULATOR_HOST", "pubsub.googleapis.com:443", "pubsub", Transient)


def _open(emulator: str, target: str, scope: str, unavailable: type[Transient]) -> grpc.Channel:
    if address := os.environ.get(emulator):
        return grpc.insecure_channel(address, options=_OPTIONS)
    with translated(unavailable):
        credentials, _ = google.auth.default(scopes=[f"https://www.googleapis.com/auth/{scope}"])
    channel: grpc.Channel = secure_authorized_channel(  # type: ignore[no-untyped-call] # has no types
        credentials, Request(), target, options=[*_OPTIONS, *_KEEPALIVE]
    )
    return channel
