"""What goes in and out of exports; see schemas.py."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from worker.web.api.schemas import Search, Since

Format = Literal["csv", "tsv", "jsonl", "parquet", "geojson", "kml", "geo.txt", "sqlite"]
Columns = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=1000)]


class Export(BaseModel):
    """A file to be written, or gone on with, where exports go here (IMAGEMETA_EXPORTS)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"query": "make:Sony taken:2024", "to": "sony.csv", "columns": ["name", "taken"]}]
        },
    )

    query: Search = ""
    to: str = Field(max_length=200, description="The file's name, without a path.", examples=["nightly.jsonl.gz"])
    format: Format | None = Field(None, description="By default what the name says.")
    columns: Columns = Field([], description="Columns of docs/export.md; `all`, `tags`, `tag:IFD0:Make`.")
    since: Since | Literal["", "last"] = Field(
        "", description="Only what changed since then, as another part: `last` for the last export to there."
    )
    gzip: bool = Field(False, description="Pack it, as a file that ends with .gz.")
    raw: bool = Field(False, description="CSV and TSV: leave texts alone that a spreadsheet would run as a formula.")
    fresh: bool = Field(False, description="Begin anew, even if an earlier run of this did not finish.")
    dry_run: bool = Field(False, description="Say the exact number, and do nothing.")


class Rows(BaseModel):
    """Where the file would lie, and how many rows it would have."""

    file: str
    rows: int


class Rehearsed(BaseModel):
    """What a dry run found, exactly; nothing was done."""

    dry_run: Literal[True]
    found: Rows


class FilePart(BaseModel):
    """A file. `url` is where it is had, null for one that lies elsewhere."""

    name: str
    rows: int
    bytes: int
    url: str | None


class Series(BaseModel):
    """What was exported to one place: all of it, and what changed, part by part.

    It is complete up to `at`; `query` is what was asked for, `run` made the last part.
    """

    file: str
    query: str
    format: str
    columns: list[str]
    gzip: bool
    at: datetime
    run: str
    rows: int
    bytes: int
    parts: list[FilePart]


class Exports(BaseModel):
    """What was exported, the latest first."""

    exports: list[Series]
