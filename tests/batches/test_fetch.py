"""What sites do to a fetcher, and what it makes of it."""

import datetime as dt
import gzip
import ssl
import threading
import zlib
from collections.abc import Iterator
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.batches.names import Names
from tests.batches.server import (
    Answer,
    Site,
    Visit,
    drip,
    drip_headers,
    endless,
    redirect,
    serving,
    stall,
    status,
    truncated,
)
from tests.fakes import wait_until
from worker.backends.http.address import Guard
from worker.backends.http.fetch import Caps, HttpFetcher
from worker.backends.http.waiting import asked_pause
from worker.errors import BadUrl, LimitExceeded, NotServed, SiteUnavailable, WorkerError

DATA = b"\xff\xd8" + bytes(range(256)) * 20


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(serving(DATA)) as site:
        yield site


def fetcher(site: Site, caps: Caps | None = None) -> HttpFetcher:
    return HttpFetcher(Guard("80,443", site.address), caps or Caps(seconds=5))


def test_what_is_served_is_fetched(site: Site) -> None:
    found = fetcher(site).fetch(f"  {site.url('/a b/ü.jpg?q=1&r=%20#part')} ")
    assert (found.data, site.log) == (DATA, ["/a%20b/%C3%BC.jpg?q=1&r=%20"])
    assert site.headers[0]["Host"] == site.address
    assert site.headers[0]["User-Agent"].startswith("imagemeta/")


def test_redirects_are_followed_and_the_last_url_is_told(site: Site) -> None:
    site.answers["/old"] = redirect("new/place.jpg", 301)
    site.answers["/new/place.jpg"] = redirect(site.url("/there.jpg"), 308)
    assert fetcher(site).fetch(site.url("/old")).url == site.url("/there.jpg")


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (status(404), NotServed, "HTTP 404"),
        (status(403), NotServed, "HTTP 403"),
        (status(204), NotServed, "HTTP 204"),
        (status(302), NotServed, "HTTP 302"),  # with no place to go to
        (status(500), SiteUnavailable, "HTTP 500"),
        (status(503), SiteUnavailable, "HTTP 503"),
        (status(429), SiteUnavailable, "HTTP 429"),
        (status(523), SiteUnavailable, "HTTP 523"),
        (truncated(DATA), SiteUnavailable, "in full"),
        (endless, LimitExceeded, "larger than 100000 bytes"),
        (serving(bytes(100_001)), LimitExceeded, "larger than 100000 bytes"),
        (serving(gzip.compress(bytes(100_001)), Content_Encoding="gzip"), LimitExceeded, "larger than"),
        (serving(gzip.compress(DATA)[:-9], Content_Encoding="gzip"), SiteUnavailable, "too early"),
        (serving(b"no gzip", Content_Encoding="gzip"), NotServed, "cannot be unpacked"),
        (serving(DATA, Content_Encoding="br"), NotServed, "not asked for"),
    ],
)
def test_what_goes_wrong_is_named(site: Site, answer: Answer, error: type[WorkerError], says: str) -> None:
    site.answers["/x"] = answer
    with pytest.raises(error, match=says):
        fetcher(site, Caps(bytes=100_000, seconds=5)).fetch(site.url("/x"))


def test_a_bomb_is_dropped_before_it_is_large(site: Site) -> None:
    site.answers["/bomb"] = serving(gzip.compress(bytes(64 * 1024 * 1024)), Content_Encoding="gzip")
    with pytest.raises(LimitExceeded, match="100 times"):
        fetcher(site, Caps(bytes=512 * 1024 * 1024)).fetch(site.url("/bomb"))


@pytest.mark.parametrize("packed", [(gzip.compress(DATA), "gzip"), (zlib.compress(DATA), "deflate")])
def test_what_is_packed_unasked_is_unpacked(site: Site, packed: tuple[bytes, str]) -> None:
    site.answers["/x"] = serving(packed[0], Content_Encoding=packed[1])
    assert fetcher(site).fetch(site.url("/x")).data == DATA


def test_chunks_are_put_together(site: Site) -> None:
    def chunked(visit: Visit) -> None:
        visit.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(DATA), 1000):
            piece = DATA[start : start + 1000]
            visit.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        visit.wfile.write(b"0\r\n\r\n")

    site.answers["/x"] = chunked
    assert fetcher(site).fetch(site.url("/x")).data == DATA


@pytest.mark.parametrize("answer", [stall, drip, drip_headers], ids=["stall", "drip", "drip_headers"])
def test_the_whole_of_it_has_a_deadline(site: Site, answer: Answer) -> None:
    site.answers["/slow"] = answer
    started = monotonic()
    with pytest.raises(SiteUnavailable, match=r"longer than 0\.5 s"):
        fetcher(site, Caps(seconds=0.5)).fetch(site.url("/slow"))
    assert monotonic() - started < 5


def test_a_site_that_is_not_there_may_come_back() -> None:
    with Site(serving(DATA)) as gone:
        pass
    with pytest.raises(SiteUnavailable, match="ConnectionRefusedError"):
        fetcher(gone).fetch(gone.url("/"))


def test_a_host_that_does_not_exist_is_final() -> None:
    with pytest.raises(BadUrl, match="there is no host"):
        HttpFetcher(Guard("80"), resolve=Names({})).fetch("http://nowhere.test/")


def test_a_site_says_how_long_it_wants_to_be_left_alone(site: Site) -> None:
    site.answers["/busy"] = status(429, Retry_After="7")
    with pytest.raises(SiteUnavailable) as error:
        fetcher(site).fetch(site.url("/busy"))
    assert error.value.after == 7


def test_pauses_are_understood() -> None:
    now = dt.datetime(2026, 11, 25, 12, 0, 0, tzinfo=dt.UTC)
    assert asked_pause("Wed, 25 Nov 2026 12:01:00 GMT", now) == 60
    assert asked_pause("Wed, 25 Nov 2026 11:00:00 GMT", now) == 0
    assert [asked_pause(text) for text in (None, "", "soon", "-1", "9" * 400)] == [None] * 5


def test_a_host_is_asked_a_few_times_at_once_and_others_meanwhile(site: Site) -> None:
    there, most, lock, go = [0], [0], threading.Lock(), threading.Event()

    def counted(visit: Visit) -> None:
        with lock:
            there[0] += 1
            most[0] = max(most[0], there[0])
        go.wait(10)
        with lock:
            there[0] -= 1
        visit.reply(200, DATA)

    site.default = counted
    with Site(serving(DATA), host="127.0.0.2", port=site.port) as other:
        both = HttpFetcher(Guard("80", f"{other.address}, {site.address}"), Caps(seconds=30, per_host=3))
        threads = [threading.Thread(target=both.fetch, args=(site.url(f"/{n}"),)) for n in range(9)]
        for thread in threads:
            thread.start()
        wait_until(lambda: there[0] == 3)
        assert both.fetch(other.url("/")).data == DATA
        go.set()
        for thread in threads:
            thread.join(20)
    assert (most[0], len(site.log)) == (3, 9)


# --- TLS ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server and a client need for https://good.test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "good.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("good.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cafile=str(folder / "ca.pem"))


def test_the_certificate_must_be_the_names_though_the_address_is_pinned(
    certified: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, client = certified
    with Site(serving(DATA), tls=server) as site:
        names = Names({"good.test": [["127.0.0.1"]], "evil.test": [["127.0.0.1"]]})
        guard = Guard("443", f"127.0.0.1:{site.port}")
        trusting = HttpFetcher(guard, Caps(seconds=5), names, client)
        assert trusting.fetch(f"https://good.test:{site.port}/a.jpg").data == DATA
        assert site.headers[0]["Host"] == f"good.test:{site.port}"
        with pytest.raises(NotServed, match=r"certificate of evil\.test is not valid"):
            trusting.fetch(f"https://evil.test:{site.port}/a.jpg")
        with pytest.raises(NotServed, match="not valid"):
            HttpFetcher(guard, Caps(seconds=5), names).fetch(f"https://good.test:{site.port}/a.jpg")
    assert len(site.log) == 1


def test_a_handshake_that_never_ends_has_the_deadline_too(site: Site) -> None:
    with pytest.raises(SiteUnavailable):
        fetcher(site, Caps(seconds=0.5)).fetch(f"https://{site.address}/")
