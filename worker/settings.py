"""The environment, read once and frozen. docs/settings.md is made from this file.

Every setting is an environment variable `IMAGEMETA_<NAME>`; one that does not exist is an error, with a guess at what
was meant. Backends are URLs: `pubsub://project/subscription`, `gs://`, `firestore://project/database/collection`,
`sqlite:///queue.db`, `file:///photos`.
"""

import difflib
import os
import socket
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.errors import Misconfigured
from worker.model import Limits, MakerNotes

PREFIX = "IMAGEMETA_"


class Settings(BaseSettings):
    """All that can be set, with its default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    queue: str = Field("", description="Where messages come from: `pubsub://PROJECT/SUBSCRIPTION` or `sqlite:///PATH`.")
    topic: str = Field("", description="Where messages are published: `pubsub://PROJECT/TOPIC` or `sqlite:///PATH`.")
    changes: str = Field(
        "",
        description="Where changes of documents are told, if anywhere: `pubsub://PROJECT/TOPIC` or `sqlite:///PATH`.",
    )
    dead_letters: str = Field("", description="The dead letters' subscription: `pubsub://PROJECT/SUBSCRIPTION`.")
    objects: str = Field("gs://", description="Where objects are: `gs://`, or `file:///FOLDER` as a bucket.")
    documents: str = Field(
        "", description="Where documents go: `firestore://PROJECT/DATABASE/COLLECTION` or `sqlite:///PATH`."
    )
    shards: int = Field(0, ge=0, le=256, description="Worker processes; 0 means one per core.")
    threads: int = Field(64, ge=1, le=1000, description="Messages in hand at once, per process.")
    lease_seconds: int = Field(
        60, ge=10, le=600, description="The longest that what a killed worker had in hand stays away from the others."
    )
    max_attempts: int = Field(
        10,
        ge=1,
        le=100,
        description="Attempts after which a failure is written down; keep below the queue's own.",
    )
    hang_seconds: float = Field(
        60.0, gt=0, description="A process that is silent, or at one object, for so long is replaced."
    )
    grace_seconds: float = Field(6.0, gt=0, le=600, description="Time to finish what is in hand when told to stop.")
    health: str = Field(
        "127.0.0.1:8081",
        description="Address of `/healthz` and `/readyz`; empty for none. `:PORT` means every address.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="`json` in Cloud Logging's form, `console` for people, `auto`: people where it is a terminal.",
    )
    worker: str = Field(default_factory=socket.gethostname, description="This worker's name in documents and logs.")
    makernotes: MakerNotes = Field("auto", description="When maker notes are read: `auto`, `always` or `never`.")
    sidecars: Literal["on", "off"] = Field(
        "on",
        description="Whether an .xmp file beside an image is merged into the image's document. `off` spares a look-up"
        " in the store per image.",
    )
    read_bytes: int = Field(4 * 1024 * 1024, ge=64 * 1024, description="Bytes that are read of one object at most.")
    reads: int = Field(8, ge=1, le=100, description="Ranged reads of one object at most.")
    extract_seconds: float = Field(1.0, gt=0, le=60, description="CPU seconds for one object.")
    push_address: str = Field(
        "127.0.0.1:8080", description="Where `imagemeta push` listens; `:PORT` means every address, and needs a token."
    )
    push_audience: str = Field("", description="The audience that a push request's token must name.")
    push_account: str = Field("", description="The service account that a push request's token must name.")
    push_checked: bool = Field(
        False,
        description="On Cloud Run where callers need `run.invoker`: it checks the token first, and may take its"
        " signature away. Such a token is taken.",
    )
    serve_address: str = Field(
        "127.0.0.1:8080",
        description="Where `imagemeta serve` listens; `:PORT` means every address, and needs a way to sign in.",
    )
    iap_audience: str = Field(
        "",
        description="People come through IAP: its tokens' audience,"
        " `/projects/NUMBER/locations/REGION/services/SERVICE`.",
    )
    oidc_audience: str = Field(
        "", description="Google's accounts sign in by a bearer token: the audience it must name."
    )
    api_keys: bool = Field(False, description="Keys of `imagemeta keys create` are taken.")
    viewers: str = Field(
        "",
        description="Who may do what, the first that fits: `WHO=SCOPE,SCOPE/POSITION`, separated by spaces. WHO:"
        " `anna@example.com`, `@example.com` (a Workspace domain) or `*` (all who sign in). SCOPE: `read`, `export`,"
        " `operate`, `admin`. POSITION: `exact`, `rounded` (the default), `hidden`.",
    )
    exports: str = Field(
        "",
        description="Where exports go that the API and the console begin: `file:///FOLDER` or `gs://BUCKET/PREFIX`."
        " Empty: `exports` in the folder's catalog; in the cloud, nowhere.",
    )

    batch_output: str = Field(
        "",
        description="Where the images of batches go: `gs://BUCKET/PREFIX` or `file:///FOLDER`."
        " In local mode `batches` in the folder's catalog; of `batch run`, its `--out`.",
    )
    batch_url: str = Field("", description="What their URLs begin with, where they are served; empty for the above.")
    batch_rows: int = Field(100_000, ge=1, description="Rows of a batch's table at most.")
    batch_bytes: int = Field(64 * 1024 * 1024, ge=1000, description="Bytes of a batch's table at most.")
    batch_days: int = Field(
        30,
        ge=8,
        description="Days for which a batch and what became of its URLs are kept; set where it is handed in. A message"
        " may come a week late, and must find its batch.",
    )
    batch_pixels: int = Field(100_000_000, ge=1, description="Pixels of an image that is compressed, all frames.")
    batch_seconds: float = Field(60.0, gt=0, le=600, description="Seconds for compressing one image.")
    fetch_allow: str = Field(
        "",
        description="What may be fetched from beside the public internet, with commas: `HOST`, `HOST:PORT`, `ADDRESS`,"
        " `ADDRESS:PORT`, `NETWORK/BITS`.",
    )
    fetch_ports: str = Field("80,443", description="The ports that are fetched from.")
    fetch_bytes: int = Field(32 * 1024 * 1024, ge=1000, description="Bytes of one fetched image at most.")
    fetch_seconds: float = Field(60.0, gt=0, le=600, description="Seconds for one fetch, to its last byte.")
    fetch_per_host: int = Field(8, ge=1, le=1000, description="Fetches from one host at once, per process.")

    @property
    def limits(self) -> Limits:
        """What one object may cost."""
        return Limits(
            total_bytes=self.read_bytes,
            reads=self.reads,
            seconds=self.extract_seconds,
            makernotes=self.makernotes,
        )


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this environment. Raises Misconfigured, one line per fault, naming the variable."""
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    known = {f"{PREFIX}{field.upper()}": field for field in Settings.model_fields}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise Misconfigured("; ".join(_unknown(name, list(known)) for name in unknown))
    try:
        return Settings.model_validate({known[name]: value for name, value in given.items()})
    except ValidationError as error:
        faults = [f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
        raise Misconfigured("; ".join(faults)) from error


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]}?" if close else "; docs/settings.md lists all"
    return f"there is no setting {name}{hint}"
