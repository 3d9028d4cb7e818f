"""What goes in and out of batches; see schemas.py."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from worker.batches.policy import Format, Retain
from worker.batches.progress import State

Cell = Annotated[str, Field(max_length=131_072)] | int | float | None | list[Annotated[str, Field(max_length=8192)]]
Rows = Annotated[list[dict[Annotated[str, Field(max_length=1000)], Cell]], Field(min_length=1, max_length=100_000)]
_STRICT = ConfigDict(extra="forbid")


class Policy(BaseModel):
    """What becomes of the images (docs/batches.md)."""

    model_config = _STRICT

    quality: int = Field(50, ge=1, le=100)
    longest: int = Field(0, ge=0, le=16384, description="Pixels of the longer side at most; 0: no limit.")
    format: Format = Format.KEEP
    target_bytes: int = Field(0, ge=0, description="Go below this size; 0: no target.")
    metadata: Retain = Retain.COPYRIGHT
    originals: bool = Field(False, description="Store what was fetched as well.")


class Order(BaseModel):
    """A table, where it lies (`uri`) or as it is (`rows`), and what is to become of its images."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "rows": [{"Product Name": "SKU1", "Input Image Urls": ["https://www.example.com/image-1.jpg"]}],
                    "policy": {"quality": 60, "longest": 1600, "format": "webp"},
                }
            ]
        },
    )

    uri: str = Field("", max_length=2048, pattern="^(gs://[^/]+/.+)?$", examples=["gs://bucket/products.csv"])
    rows: Rows | None = Field(None, description="Cells by their headings; a cell may be a list of URLs.")
    name: str = Field("", max_length=200, description="What the batch is called, for people.")
    url_columns: list[Annotated[str, Field(max_length=1000)]] = Field(
        [], max_length=100, description="Headings of the columns of URLs; without any they are found."
    )
    policy: Policy | None = None


class Retry(BaseModel):
    """What is fetched again: what failed, and if wanted what has no result, because its messages were lost."""

    model_config = _STRICT

    pending: bool = False


class Mending(BaseModel):
    """Another URL for one that failed: that of a row (from 1), and which of its URLs (from 1)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"row": 17, "column": 1, "url": "https://www.example.com/image-17.jpg"}]},
    )

    row: int = Field(ge=1)
    column: int = Field(1, ge=1)
    url: str = Field(max_length=8192)


class Batch(BaseModel):
    """A batch, counted now. `rate` is URLs a second since it began, of one that runs; `eta` seconds, null where nobody
    knows."""

    id: str
    name: str
    who: str
    at: datetime
    expires_at: datetime | None = Field(description="When it is gone, with all that is told of it.")
    state: State
    header: list[str]
    rows: int
    urls: int
    done: int
    failed: int
    pending: int
    rate: float
    eta: float | None
    policy: Policy
    output: str = Field(description="Where the output table is, also while the batch runs.")


class Batches(BaseModel):
    """The last batches, the newest first."""

    batches: list[Batch]


class Url(BaseModel):
    """One URL of a row, and what became of it: `output` is where the result is, `code` and `error` why there is none.

    `before` and `after` are bytes, `sha256` is the result's.
    """

    column: int
    url: str
    state: State
    output: str
    code: str
    error: str
    before: int | None
    after: int | None
    sha256: str
    notes: list[str]


class Line(BaseModel):
    """One row; its number counts from 1."""

    number: int
    cells: list[str]
    urls: list[Url]


class BatchPage(BaseModel):
    """A batch and some of its rows. `next` is the cursor of those behind them, null at the end."""

    batch: Batch
    rows: list[Line]
    next: str | None


class Retried(BaseModel):
    """How many URLs are fetched again."""

    published: int


Shown = Literal["", "failed"]
