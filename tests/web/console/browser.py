"""A real browser, watched: what it asks for, what it complains of, whether anything ran that should only be shown."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.fakes import wait_until

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_TRAP = """
try { localStorage.every ??= "0"; } catch { /* an empty page keeps nothing */ }
window.__ran = [];
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  window[name] = (...what) => { window.__ran.push(name + ": " + what); };
}
window.pwned = (what) => { window.__ran.push(String(what)); };
document.addEventListener("securitypolicyviolation", (event) => {
  window.__ran.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
"""What hostile strings call, and the browser's own word on what it forbade. Pages look again only where a test says so:
nothing else changes between two looks of ours."""


class Browser:
    """One window on the console at `url`."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url
        self.hosts: set[str] = set()

    def forget(self) -> None:
        """What was seen at another address."""
        self.driver.get("about:blank")
        self.driver.delete_all_cookies()
        self.requested()
        self.complaints()
        self.hosts = set()

    def open(self, path: str = "/") -> None:
        self.driver.get(self.url + path)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """It, as soon as it is there."""
        wait_until(lambda: self.all(selector))
        return self.all(selector)[0]

    def click(self, selector: str) -> None:
        """Click it once it is there, and once more where the page had looked again between finding and clicking."""
        wait_until(lambda: self._clicked(selector))

    def _clicked(self, selector: str) -> bool:
        try:
            self.one(selector).click()
        except (StaleElementReferenceException, IndexError):
            return False
        return True

    def text(self, selector: str = "main") -> str:
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def run(self, script: str, *given: object) -> Any:
        return self.driver.execute_script(script, *given)

    def follow(self, selector: str) -> None:
        """Click what leads to another page, or to this one anew, and return once its scripts have run."""
        self.run("window.left = true")
        self.one(selector).click()
        wait_until(lambda: self.run("return !window.left && document.readyState === 'complete'"))

    def look_again(self) -> None:
        """Have this page look for news every two seconds."""
        self.run("document.querySelector('#every').value = '2'")

    def still(self) -> None:
        """Return once what was changed is painted."""
        frames = "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 250)))"
        self.driver.execute_async_script(frames)

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def dark(self, on: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def requested(self) -> set[str]:
        """The hosts that anything was asked of so far."""
        for entry in self.driver.get_log("performance"):  # type: ignore[no-untyped-call] # the library's own
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = urlsplit(message["params"]["request"]["url"])
                if url.scheme not in ("data", "chrome", "about"):
                    self.hosts.add(url.netloc)
        return self.hosts

    def complaints(self) -> list[str]:
        """What the browser's console says is wrong."""
        told = self.driver.get_log("browser")  # type: ignore[no-untyped-call] # the library's own
        return [entry["message"] for entry in told if entry["level"] in ("SEVERE", "WARNING")]

    def ran(self) -> list[str]:
        """What has run that should only be shown, and what was kept from it."""
        return list(self.run("return window.__ran ?? ['no trap']"))


@contextmanager
def browsing(url: str) -> Iterator[Browser]:
    """A browser of its own, without a past. Skips where there is none; with CI=true that is a failure."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        if os.environ.get("CI") == "true":
            pytest.fail("the browser tests need chromium and chromium-driver", pytrace=False)
        pytest.skip("the browser tests need chromium and chromium-driver")
    with tempfile.TemporaryDirectory() as profile:
        options = ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        driver = Chrome(options, Service(chromedriver))
        try:
            driver.set_page_load_timeout(60)
            driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _TRAP})
            yield Browser(driver, url)
        finally:
            driver.quit()
