"""What goes in and out, for the description in OpenAPI, and so that what comes in is checked."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from worker.operate.backfill import Estimate, Select
from worker.operate.conveyor import Tally
from worker.operate.failures import Failure, Group
from worker.operate.replay import Preview
from worker.operate.runs import Run
from worker.operate.status import Beat, Reader
from worker.ports import Backlog

Map = dict[str, Any]


class Image(BaseModel):
    """A document: docs/documents.md explains each field. What has nothing to say is not there."""

    model_config = ConfigDict(extra="allow")

    id: str
    bucket: str = ""
    name: str = ""
    uri: str = ""
    generation: int = 0
    metageneration: int = 0
    size: int = 0
    content_type: str = ""
    crc32c: str = ""
    md5: str = ""
    storage_class: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    custom: Map = {}
    event_time: datetime | None = None
    processed_at: datetime | None = None
    status: Literal["ok", "partial", "none", "failed", "deleted"] = "ok"
    blocks: Map = {}
    errors: list[Map] = []
    truncated: bool = False
    extractor: str = ""
    recipe: str = ""
    passes: int = 1
    run: str = ""
    attempt: int = 0
    worker: str = ""
    bytes_read: int = 0
    image: Map = {}
    taken: Map = {}
    position: Map = {}
    camera: Map = {}
    exposure: Map = {}
    pose: Map = {}
    text: Map = {}
    tags: Map = {}
    sources: Map = {}
    long_texts: Map = {}
    dropped: Map = {}
    deleted_at: datetime | None = None
    failure: Map = {}
    quarantined: bool = False
    attempts: list[Map] = []
    timings: Map = {}
    first_bytes: str = ""
    notification: Map = {}
    redriven_at: datetime | None = None
    patched_at: datetime | None = None
    sidecar: Map = {}


class Inspected(Image):
    """What a picture holds, as its document would; of an upload, without what a bucket would say of it."""

    id: str = ""


# --- what is told ------------------------------------------------------------------------------------------


class Problem(BaseModel):
    """What went wrong (RFC 9457). `code` is stable; `column` is where in a search the fault lies, from 1."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    column: int | None = None
    errors: list[Map] = []


class Images(BaseModel):
    """A page, the newest first. `next` is the cursor of the page behind it, null after the last."""

    images: list[Image]
    next: str | None


class Pile(BaseModel):
    """Documents that are alike: what they have in common, how many, and the search that finds them."""

    value: str
    count: int
    query: str


class Facets(BaseModel):
    """How many documents match, and how they fall into piles."""

    count: int
    facets: dict[str, list[Pile]]


class Failures(BaseModel):
    """The failures that match, by their causes, the most frequent first.

    Causes, first and last times are those of the `looked_at` newest; each count is of all. `others` have other causes.
    """

    total: int
    looked_at: int
    others: int
    groups: list[Group]


class FailurePage(BaseModel):
    """A page of failures. `next` is null after the last."""

    failures: list[Failure]
    next: str | None


class Paused(BaseModel):
    """A bucket that does not tell what happens to it."""

    bucket: str
    since: datetime
    who: str


class Queue(BaseModel):
    """What waits. `rate` is messages a second; `empty_in` are seconds, null where nobody knows.

    `in_hand` are the objects that workers were reading when they were last heard of (each tells every 15 seconds, of
    ten at most), the longest first.
    """

    at: datetime
    backlog: Backlog
    rate: float
    empty_in: float | None
    in_hand: list[Reader]
    pauses: list[Paused]


class Workers(BaseModel):
    """The processes that were heard of lately."""

    at: datetime
    workers: list[Beat]


class Status(BaseModel):
    """Everything in one look, so that its numbers go together. `runs` are those that are not done."""

    at: datetime
    backlog: Backlog
    documents: dict[str, int]
    workers: list[Beat]
    rate: float
    empty_in: float | None
    pauses: list[Paused]
    runs: list[Run]


class Runs(BaseModel):
    """Runs, the newest first."""

    runs: list[Run]


class Started(BaseModel):
    """A run that has begun; null for one that has to wait before it begins. What a dry run found, else."""

    run: Run | None = None


class Differences(BaseModel):
    """How many names of a bucket and its documents differ, by kind, and the first of them."""

    missing: int
    stale: int
    orphaned: int
    failed: int
    first: list[Map]


class Free(BaseModel):
    """How many failures would be set aside."""

    documents: int


class Counted(BaseModel):
    """What a dry run found, exactly; nothing was done."""

    dry_run: Literal[True]
    found: Estimate | Tally | Preview | Differences | Free


# --- what is asked -----------------------------------------------------------------------------------------


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Dry(_Asked):
    dry_run: bool = Field(False, description="Say the exact number, and do nothing.")


class Bulk(_Dry):
    """What all bulk actions take."""

    rate: float | None = Field(None, ge=0.01, description="Messages a second at most.")
    cap: int | None = Field(None, ge=1, description="Messages at most; the same request goes on from there.")
    warm: bool = Field(False, description="The collection takes writes at full rate: leave out the ramp.")
    fresh: bool = Field(False, description="Begin anew, even if an earlier run of this did not finish.")


Uri = Annotated[str, Field(pattern=r"^gs://[^/]+(/.*)?$", max_length=2000, examples=["gs://bucket/2024/"])]
Bucket = Annotated[str, Field(pattern=r"^[^/]+$", max_length=256)]
Search = Annotated[str, Field(max_length=4000, description="A search; docs/search.md has the language.")]
Since = Annotated[str, Field(max_length=40, description="2026-11-25T08:00:00Z, or 90m, 24h, 7d for so long ago.")]


class Backfill(Bulk):
    """Announce objects that are in a bucket already. In a folder's catalog, the bucket is the folder's name."""

    scope: Uri
    glob: str = Field("", max_length=1000, description="Objects whose name behind the prefix matches.")
    select: Select = Field(Select.MISSING, description="Which objects.")


class Redrive(Bulk):
    """Send failures back to the queue."""

    query: Search = ""
    release: bool = Field(False, description="Quarantined ones, too.")


class Quarantine(_Dry):
    """Set failures aside: their objects are not read again until they are released."""

    query: Search = ""


class Reextraction(Bulk):
    """Have documents made anew: those of an older recipe, or those that could be read in part only."""

    query: Search = ""
    partial: bool = False


class Reconcile(_Dry):
    """Compare a bucket with its documents, and mend what differs; a dry run only counts."""

    scope: Uri
    since: Since = ""
    rate: float | None = Field(None, ge=0.01, description="Messages a second at most.")
    warm: bool = False


class Replay(Bulk):
    """Have what was handled since a moment handled again: by the queue, or from the documents."""

    since: Since
    from_store: bool = False


class Inspection(_Asked):
    """An object that is to be read now."""

    uri: Annotated[str, Field(pattern=r"^gs://[^/]+/.+$", max_length=2000)]


class Pausing(_Asked):
    """A bucket that is to stop telling."""

    bucket: Bucket


class Resuming(_Asked):
    """A bucket that is to tell again; `wait` seconds until it does, by default 30 in the cloud."""

    bucket: Bucket
    wait: float | None = Field(None, ge=0, le=600)
