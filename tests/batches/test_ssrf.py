"""A fetcher that strangers give URLs to reaches the public internet, what the operator allows, and nothing else."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.batches.hostile import NAMES, TABLE, urls
from tests.batches.names import Names
from tests.batches.server import Site, redirect, serving
from worker.backends.http.address import Guard
from worker.backends.http.fetch import Caps, HttpFetcher
from worker.errors import AddressRefused, BadUrl, Misconfigured, NotServed

SECRET = b"the metadata server's secret"
REFUSALS = (AddressRefused, BadUrl)
GOOD = "127.0.0.2"
"""Where the good site is: a loopback address of its own, which alone is allowed."""


class Trap:
    """A decoy metadata server on 127.0.0.1, and a good site at the same port of another address."""

    def __init__(self, decoy: Site, good: Site) -> None:
        self.decoy = decoy
        self.good = good
        self.port = decoy.port
        self.names = Names({**TABLE, "good.test": [[GOOD]], "redirector.test": [[GOOD]]})

    def fetcher(self, names: Names | None = None, allow: str = "") -> HttpFetcher:
        guard = Guard(f"80,443,{self.port}", allow or f"{GOOD}:{self.port}")
        return HttpFetcher(guard, Caps(seconds=10), resolve=names or self.names)


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    with (
        Site(serving(SECRET, "text/plain")) as decoy,
        Site(serving(b"picture"), host=GOOD, port=decoy.port) as good,
    ):
        yield Trap(decoy, good)


def test_the_trap_works(trap: Trap) -> None:
    with Site(serving(SECRET)) as decoy:
        allowed = HttpFetcher(Guard("80", decoy.address), resolve=trap.names)
        assert allowed.fetch(decoy.url("/")).data == SECRET
        assert len(decoy.log) == 1
    assert trap.fetcher().fetch(f"http://good.test:{trap.port}/").data == b"picture"


def test_a_thousand_hostile_urls_reach_nothing(trap: Trap) -> None:
    fetcher = trap.fetcher()
    tried = list(dict.fromkeys(urls(trap.port)))
    assert len(tried) >= 1000
    visits = len(trap.good.log)
    for url in tried:
        # Where the parsers of this world disagree on the host, some mean the good one: there is nothing to refuse.
        with suppress(*REFUSALS):
            assert fetcher.fetch(url).data == b"picture", url
    assert trap.decoy.log == []
    assert len(trap.good.log) - visits <= 10


def test_a_thousand_hostile_redirects_reach_nothing(trap: Trap) -> None:
    fetcher = trap.fetcher()
    tried = [url for url in dict.fromkeys(urls(trap.port)) if "\r" not in url and "\x00" not in url and url]
    tried = [url.encode().decode("latin-1") for url in tried]
    assert len(tried) >= 1000
    for number, url in enumerate(tried):
        trap.good.answers[f"/{number}"] = redirect(url, (301, 302, 303, 307, 308)[number % 5])
        # A relative one stays on the good site.
        with suppress(*REFUSALS, NotServed):
            assert fetcher.fetch(f"http://good.test:{trap.port}/{number}").data == b"picture", url
    assert trap.decoy.log == []


def test_what_a_refusal_says_tells_no_address(trap: Trap) -> None:
    for name in NAMES:
        with pytest.raises(AddressRefused) as refused:
            trap.fetcher().fetch(f"http://{name}:{trap.port}/")
        assert str(refused.value) == f"{name} is not on the public internet (IMAGEMETA_FETCH_ALLOW)"


def test_a_name_server_that_changes_its_mind_is_asked_once(trap: Trap) -> None:
    names = Names({"rebinding.test": [[GOOD], ["127.0.0.1"]]})
    assert trap.fetcher(names).fetch(f"http://rebinding.test:{trap.port}/").data == b"picture"
    assert names.asked == ["rebinding.test"]
    with pytest.raises(AddressRefused):
        trap.fetcher(names).fetch(f"http://rebinding.test:{trap.port}/")
    assert trap.decoy.log == []


def test_each_redirect_is_resolved_and_checked_anew(trap: Trap) -> None:
    names = Names({"rebinding.test": [[GOOD], ["127.0.0.1"]]})
    trap.good.answers["/again"] = redirect(f"http://rebinding.test:{trap.port}/picture")
    with pytest.raises(AddressRefused):
        trap.fetcher(names).fetch(f"http://rebinding.test:{trap.port}/again")
    assert names.asked == ["rebinding.test"] * 2
    assert trap.decoy.log == []


def test_of_several_addresses_only_those_that_may_be_are_used(trap: Trap) -> None:
    names = Names({"both.test": [["127.0.0.1", GOOD]]})
    assert trap.fetcher(names).fetch(f"http://both.test:{trap.port}/").data == b"picture"
    assert trap.decoy.log == []


def test_redirects_end(trap: Trap) -> None:
    trap.good.answers["/round"] = redirect("/round")
    with pytest.raises(NotServed, match="more than 5"):
        trap.fetcher().fetch(f"http://good.test:{trap.port}/round")


@pytest.mark.parametrize(
    ("allow", "url", "lets"),
    [
        ("127.0.0.0/8", "http://127.0.0.9:{}/", True),
        ("good.test", "http://good.test:{}/", True),
        ("good.test:1", "http://good.test:{}/", False),
        ("other.test", "http://good.test:{}/", False),
        ("metadata.test", "http://metadata.test:{}/", False),
        ("[::1]:8000", "http://[::1]:{}/", False),
        ("10.0.0.0/8, good.test", "http://GOOD.test.:{}/", True),
    ],
)
def test_the_list_allows_what_it_says(trap: Trap, allow: str, url: str, lets: bool) -> None:
    with Site(serving(b"nine"), host="127.0.0.9", port=trap.port):
        if lets:
            assert trap.fetcher(allow=allow).fetch(url.format(trap.port)).data in {b"picture", b"nine"}
        else:
            with pytest.raises(AddressRefused):
                trap.fetcher(allow=allow).fetch(url.format(trap.port))


@pytest.mark.parametrize(("ports", "allow"), [("http", ""), ("0", ""), ("80", "host:99999"), ("80", "host:x")])
def test_a_slip_of_the_pen_is_noticed(ports: str, allow: str) -> None:
    with pytest.raises(Misconfigured, match="is no port"):
        Guard(ports, allow)
