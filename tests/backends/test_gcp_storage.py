"""Cloud Storage beyond the suite: replies that are broken, late, of another object or of another generation."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from deploy.emulators import call
from tests.conftest import Cloud
from worker.backends.gcp.storage import CloudStorage
from worker.errors import BadMessage, Misconfigured, ObjectGone, SourceUnavailable, Throttled, WorkerError
from worker.model import ObjectRef

DATA = bytes(range(200))
BOUND = 10.0
"""Seconds that a read may take until it gives up; it aims at three."""

PLAIN, ODD = "a.jpg", "a//b.jpg"
"""Read through obstore, and past it."""


@dataclass
class Reply:
    """What the scripted server sends for a range; what is None is as it should be."""

    status: int = 206
    body: bytes | None = None
    content_range: str | None = None
    generation: str | None = "7"
    length: int | None = None
    """Content-Length; when it is more than the body, the connection is cut after the body."""
    delay: float = 0.0


@dataclass
class Script:
    """Replies in order, the last for ever after; and the requests that came."""

    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.endswith("/o"):  # a list: the bucket is there, and empty
            self._send(200, b"{}", {"content-type": "application/json"})
            return
        self.script.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        reply = self.script.next()
        self.script.released.wait(reply.delay)
        first, last = map(int, self.headers["range"].removeprefix("bytes=").split("-"))
        headers = {
            "content-range": reply.content_range or f"bytes {first}-{last}/{len(DATA)}",
            "last-modified": "Tue, 01 Jan 2030 00:00:00 GMT",
            "etag": '"e"',
        }
        if reply.generation:
            headers["x-goog-generation"] = reply.generation
        self._send(reply.status, DATA[first : last + 1] if reply.body is None else reply.body, headers, reply.length)

    def _send(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is nothing to print about."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    script = Script()
    server = Server(("127.0.0.1", 0), type("Scripted", (Handler,), {"script": script}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    yield script
    script.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Iterator[CloudStorage]:
    """On the scripted server, or on the emulator: whichever the test asks for too."""
    request.getfixturevalue("script" if "script" in request.fixturenames else "cloud")
    with closing(CloudStorage()) as store:
        yield store


def read(store: CloudStorage, name: str = PLAIN, size: int = len(DATA), offset: int = 10, length: int = 50) -> bytes:
    with store.open(ObjectRef("photos", name, 7, size=size)) as reader:
        return reader.read(offset, length)


both_ways = pytest.mark.parametrize("name", [PLAIN, ODD], ids=["obstore", "exact"])


@both_ways
def test_a_read_asks_for_its_range_of_its_generation_as_it_is_stored(
    store: CloudStorage, script: Script, name: str
) -> None:
    assert read(store, name) == DATA[10:60]
    ((path, headers),) = script.requests
    url = urlsplit(path)
    assert unquote(url.path).endswith(f"/{name}")
    assert parse_qs(url.query)["generation"] == ["7"]
    assert headers["range"] == "bytes=10-59"
    assert headers["accept-encoding"] == "gzip"


@both_ways
@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"short"),
        Reply(body=b""),
        Reply(body=DATA[10:40], length=50),
        Reply(status=200, body=DATA),
        Reply(content_range="bytes 11-60/200"),
        Reply(content_range="bytes 10-49/200", body=DATA[10:50]),
        Reply(content_range="nonsense"),
        Reply(generation="8"),
        Reply(generation=None),
        Reply(status=500),
        Reply(status=503),
        Reply(status=408),
    ],
    ids=[
        "short", "empty", "cut", "whole", "shifted", "shorter range", "no range", "another generation",
        "no generation", "500", "503", "408",
    ],
)  # fmt: skip
def test_what_is_not_what_was_asked_for_is_never_handed_out(
    store: CloudStorage, script: Script, name: str, reply: Reply
) -> None:
    script.replies = [reply]
    started = time.monotonic()
    with pytest.raises(SourceUnavailable):
        read(store, name)
    assert time.monotonic() - started < BOUND


@both_ways
@pytest.mark.parametrize(
    ("status", "kind"), [(404, ObjectGone), (401, Misconfigured), (403, Misconfigured), (429, Throttled)]
)
def test_each_refusal_has_its_meaning(
    store: CloudStorage, script: Script, name: str, status: int, kind: type[WorkerError]
) -> None:
    script.replies = [Reply(status=status, body=b"<Error/>")]
    with pytest.raises(kind):
        read(store, name)


@both_ways
@pytest.mark.parametrize(
    "reply", [Reply(status=503), Reply(status=429), Reply(body=DATA[10:30], length=50)], ids=["503", "429", "cut"]
)
def test_a_passing_fault_is_passed_over(store: CloudStorage, script: Script, name: str, reply: Reply) -> None:
    script.replies = [reply, Reply()]
    assert read(store, name) == DATA[10:60]
    assert len(script.requests) == 2


@both_ways
def test_a_server_that_is_silent_is_given_up(store: CloudStorage, script: Script, name: str) -> None:
    script.replies = [Reply(delay=60)]
    started = time.monotonic()
    with pytest.raises(SourceUnavailable):
        read(store, name)
    assert time.monotonic() - started < BOUND


def test_where_nobody_listens_the_source_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    with closing(CloudStorage()) as store:
        for ask in (
            lambda: read(store, PLAIN),
            lambda: read(store, ODD),
            lambda: store.live("photos", PLAIN),
            lambda: list(store.list("photos")),
        ):
            with pytest.raises(SourceUnavailable):
                ask()


@both_ways
def test_a_notification_that_lies_about_the_size_is_a_bad_message(
    store: CloudStorage,
    script: Script,
    name: str,
) -> None:
    assert script.replies == [Reply()]
    for size in (len(DATA) - 20, len(DATA) + 20):
        with pytest.raises(BadMessage):
            read(store, name, size=size)


@both_ways
def test_nothing_is_asked_for_beyond_the_end(store: CloudStorage, script: Script, name: str) -> None:
    assert read(store, name, offset=150, length=500) == DATA[150:]
    assert read(store, name, offset=200, length=1) == b""
    assert read(store, name, size=0, offset=0, length=1) == b""
    assert [headers["range"] for _, headers in script.requests] == ["bytes=150-199"]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_a_url_cannot_say_is_never_asked_for(store: CloudStorage, script: Script, name: str) -> None:
    with pytest.raises(ObjectGone):
        read(store, name)
    assert store.live("photos", name) is None
    assert script.requests == []


@pytest.mark.parametrize(
    "name",
    ["/a.jpg", "a/", "a//b", "a/../b", "a/./b", "../a", "a\nb", "a\x7fb", "n\u00a0b", "\u202egpj", "\u2028"],
    ids=ascii,
)
def test_a_name_that_obstore_would_tidy_up_goes_past_it(store: CloudStorage, script: Script, name: str) -> None:
    assert read(store, name) == DATA[10:60]
    ((path, _),) = script.requests
    assert unquote(path.partition("?")[0]) == f"/download/storage/v1/b/photos/o/{name}"


@pytest.mark.parametrize(
    "name", ["a b.jpg", "%2F", "a%2Fb", "a?b#c", "a+b&c", "🏔/é.jpg", "n" * 1024], ids=lambda name: ascii(name[:9])
)
def test_every_other_name_is_exact_in_obstore_too(store: CloudStorage, script: Script, name: str) -> None:
    assert read(store, name) == DATA[10:60]
    ((path, _),) = script.requests
    assert unquote(path.partition("?")[0]) == f"/photos/{name}"


# --- on the emulator ---------------------------------------------------------------------------------------


def test_a_compressed_object_is_read_as_it_is_stored(store: CloudStorage, cloud: Cloud) -> None:
    stored = gzip.compress(b"x" * 5000)
    path = f"/upload/storage/v1/b/{cloud.bucket}/o?uploadType=media&name=z.jpg&contentEncoding=gzip"
    assert call(cloud.storage.address, "POST", path, stored)[0] == 200
    ref = store.live(cloud.bucket, "z.jpg")
    assert ref
    assert ref.size == len(stored)
    with store.open(ref) as reader:
        assert reader.read(0, 10_000) == stored
        assert reader.read(3, 4) == stored[3:7]


def test_of_a_bucket_that_is_not_there_every_object_is_gone_and_only_a_list_says_so(store: CloudStorage) -> None:
    ref = ObjectRef("nobodys-bucket", PLAIN, 7, size=10)
    for each in (ref, replace(ref, name=ODD)):
        with store.open(each) as reader, pytest.raises(ObjectGone):
            reader.read(0, 10)
    with pytest.raises(ObjectGone):
        store.open(replace(ref, size=None))
    assert store.live("nobodys-bucket", PLAIN) is None
    store.probe()
    with pytest.raises(Misconfigured):
        list(store.list("nobodys-bucket"))


def test_a_list_goes_on_over_pages(store: CloudStorage, cloud: Cloud) -> None:
    names = [f"{number:04}.jpg" for number in range(1050)]
    for name in names:
        cloud.upload(name, b"x")
    assert [ref.name for ref in store.list(cloud.bucket)] == names
    assert [ref.name for ref in store.list(cloud.bucket, start_after="0019.jpg")] == names[20:]
