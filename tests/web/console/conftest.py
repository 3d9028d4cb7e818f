"""Folders with catalogs, the console over them, and a browser that is watched."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

from tests.cli.program import imagemeta
from tests.web.console.browser import Browser, browsing
from tests.web.console.gallery import hang
from worker.local import settings_in
from worker.site import Site
from worker.web.access import Access
from worker.web.app import application
from worker.web.guard import Bounds

PICTURES = 60


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures and of files that are none, and its catalog."""
    folder = tmp_path_factory.mktemp("console") / "pictures"
    hang(folder, PICTURES)
    assert imagemeta("up", folder, "--once", IMAGEMETA_LOG_LEVEL="error").returncode == 0
    return folder


@contextmanager
def console(folder: Path, who: Access | None = None, kind: type[Site] = Site) -> Iterator[str]:
    """The console over a folder's catalog, for a client in more haste than a person; its address."""
    with kind(settings_in(folder, {})) as site, socket.create_server(("127.0.0.1", 0)) as listener:
        app = application(site, who or Access(), Bounds(rate=10_000, burst=10_000))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def window() -> Iterator[Browser]:
    """One browser for the whole run."""
    with browsing("") as found:
        yield found


@pytest.fixture
def browser(window: Browser, gallery: Path) -> Iterator[Browser]:
    """At the gallery's console, on a usual screen."""
    with console(gallery) as url:
        yield from watched(window, url)


def watched(window: Browser, url: str) -> Iterator[Browser]:
    """The browser at an address, and what must hold after any use of it."""
    window.forget()
    window.url = url
    window.resize(1360, 900)
    window.dark(False)
    yield window
    assert window.ran() == []
    assert window.requested() == {urlsplit(url).netloc}
    assert window.complaints() == []
