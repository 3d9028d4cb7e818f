"""Memory fakes of the ports that batches have of their own."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.fakes import MemoryDocuments
from worker.batches.compress import Compressed
from worker.batches.press import Job, Pressed
from worker.errors import NotServed
from worker.model import ImageInfo, Metadata, Status, Value
from worker.ports import Fetched


class MemoryItems(MemoryDocuments):
    """Items."""

    def fields(self, keys: Sequence[str]) -> Sequence[dict[str, Value] | None]:
        return [self.get(key) for key in keys]

    def listed(
        self, bucket: str, status: Status, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Value]]]:
        found = [(key, self.get(key) or {}) for key in sorted(self.stored) if key > after]
        return [
            (key, fields) for key, fields in found if (fields["bucket"], fields["status"]) == (bucket, str(status))
        ][:limit]

    def tally(self, bucket: str) -> Mapping[Status, int]:
        found = [each.fields for each in self.stored.values()]
        return Counter(Status(str(fields["status"])) for fields in found if fields["bucket"] == bucket)


@dataclass
class MemoryOutputs:
    """Outputs. `before_put` may raise."""

    files: dict[str, bytes] = field(default_factory=dict)
    before_put: Callable[[str], None] = lambda _: None

    def put(self, name: str, data: bytes, content_type: str) -> str:  # noqa: ARG002
        self.before_put(name)
        self.files[name] = data
        return f"memory://{name}"

    def close(self) -> None:
        pass


@dataclass
class Web:
    """A Fetcher of what a test puts there: bytes, or an error to raise; a list is used up, but for its last."""

    pages: dict[str, list[bytes | Exception]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    on_fetch: Callable[[], None] = lambda: None

    def fetch(self, url: str) -> Fetched:
        self.log.append(url)
        self.on_fetch()
        answers = self.pages.get(url, [NotServed("HTTP 404")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Fetched(url, answer)


def half(job: Job) -> Pressed:
    """A press that keeps the first half of the bytes; it raises the error that stands in them."""
    if job.data.startswith(b"raise"):
        raise NotServed(job.data.decode())
    metadata = Metadata(ImageInfo("JPEG", "image/jpeg", 4, 3))
    return Pressed(metadata, Compressed(job.data[: len(job.data) // 2], "image/jpeg", "jpg", 4, 3, 50, ("halved",)))
