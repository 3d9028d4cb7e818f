"""The data that walks through the worker: frozen, documented field by field, without behaviour of its own.

In the order of the walk: message.py, metadata.py, document.py. Times are timezone-aware UTC `datetime`s unless a field
says otherwise; sizes and offsets are bytes.
"""

from worker.model.document import DIED, Document, FailedAttempt, Head, Outcome, Scalar, Value
from worker.model.message import Action, Event, Link, Message, Notification, ObjectRef
from worker.model.metadata import (
    Block,
    BlockStatus,
    Camera,
    CaptureTime,
    Exposure,
    ImageInfo,
    Limits,
    MakerNotes,
    Metadata,
    Pose,
    Position,
    Sidecar,
    Status,
    Tag,
    TagValue,
    Taken,
    Text,
)

__all__ = [
    "DIED",
    "Action",
    "Block",
    "BlockStatus",
    "Camera",
    "CaptureTime",
    "Document",
    "Event",
    "Exposure",
    "FailedAttempt",
    "Head",
    "ImageInfo",
    "Limits",
    "Link",
    "MakerNotes",
    "Message",
    "Metadata",
    "Notification",
    "ObjectRef",
    "Outcome",
    "Pose",
    "Position",
    "Scalar",
    "Sidecar",
    "Status",
    "Tag",
    "TagValue",
    "Taken",
    "Text",
    "Value",
]
