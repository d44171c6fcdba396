"""A real browser for tests: chromium, driven by chromedriver, which speaks W3C WebDriver: plain HTTP and JSON."""

from __future__ import annotations

import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

_ARGUMENTS = [
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
    *("disable-component-update", "disable-sync", "disable-dev-shm-usage"),
]
# A script that ends when an expression is true, which is looked at whenever the page changes.
_UNTIL = """
const done = arguments[arguments.length - 1];
const look = () => {
  const found = EXPRESSION;
  if (found) { observer.disconnect(); done(found); }
};
const observer = new MutationObserver(look);
observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
look();
"""
_PATIENCE = 20_000  # milliseconds


class BrowserError(Exception):
    """The browser could not do what it was told."""


class Browser:
    """One window; a context manager that starts and ends it.

    Args:
        profile: an empty folder for what the browser keeps.
    """

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    def __enter__(self) -> Self:
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        assert self._driver.stdout is not None
        # ChromeDriver was started successfully on port 12345.
        line = next(line for line in self._driver.stdout if "successfully on port" in line)
        self._port = int(line.split()[-1].rstrip("."))
        self._path = ""
        options = {"args": [*_ARGUMENTS, f"user-data-dir={self._profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        told = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._path = f"/session/{told['sessionId']}"
        self._ask("POST", "/timeouts", {"script": _PATIENCE, "pageLoad": _PATIENCE})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._path:
                self._ask("DELETE", "", None)
        finally:
            self._driver.kill()
            self._driver.communicate()

    def open(self, url: str) -> None:
        """Go to a page."""
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def until(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        return self._ask("POST", "/execute/async", {"script": _UNTIL.replace("EXPRESSION", expression), "args": []})

    def click(self, selector: str) -> None:
        """Click on what a CSS selector finds, as a person does: it has to be visible."""
        [element] = self._ask("POST", "/element", {"using": "css selector", "value": selector}).values()
        self._ask("POST", f"/element/{element}/click", {})

    def press(self, selector: str, key: str) -> None:
        """Press a key where the focus is given to what a CSS selector finds."""
        [element] = self._ask("POST", "/element", {"using": "css selector", "value": selector}).values()
        self._ask("POST", f"/element/{element}/value", {"text": key})

    def look_like(self, *, width: int, height: int = 800, scheme: str = "light") -> None:
        """Have a window of this size, and its user a taste for a ``light`` or ``dark`` scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._command("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._command("Emulation.setEmulatedMedia", {"features": features})

    def complaints(self) -> list[str]:
        """What stands in the browser's console since the last time."""
        return [str(entry["message"]) for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def _command(self, name: str, parameters: dict[str, Any]) -> None:
        self._ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def _ask(self, method: str, path: str, body: Any) -> Any:
        sent = None if body is None else orjson.dumps(body)
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(method, self._path + path, sent, {"content-type": "application/json"})
            told = orjson.loads(connection.getresponse().read())["value"]
        if isinstance(told, dict) and "error" in told:
            raise BrowserError(f"{told['error']}: {told['message']}")
        return told
