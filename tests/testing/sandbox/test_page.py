"""The page that shows the journal to a person: what is sent, and (marker ``browser``) what chromium makes of it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clinik_client.testing import Answer, Fault, Sandbox, SandboxClock, WireRequest
from clinik_client.testing._sandbox.backend import SandboxBackend
from tests.testing.asking import Response, ask
from tests.testing.browser import Browser

START = datetime(2025, 6, 1, 9, tzinfo=UTC)
CREATE = {"status": "planned", "class": "VR", "patientId": "pt_abc123"}
EVIL = "<img src=x onerror=\"document.title='run'\">"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3, clock=SandboxClock(START, running=False)) as sandbox:
        yield sandbox


def call(sandbox: Sandbox, method: str, target: str, json: Any = None, **options: Any) -> Response:
    return ask(sandbox.port, method, target, json=json, key=sandbox.key, **options)


@pytest.mark.parametrize(("name", "kind"), [("", "text/html"), ("page.js", "text/javascript")])
def test_the_page_may_run_its_own_script_and_nothing_else(sandbox: Sandbox, name: str, kind: str) -> None:
    response = call(sandbox, "GET", f"/_sandbox/{name}")
    assert (response.status, response.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


def test_the_page_names_no_other_place_and_puts_nothing_in_as_html(sandbox: Sandbox) -> None:
    for name in ("", "page.js"):
        text = call(sandbox, "GET", f"/_sandbox/{name}").body.decode()
        assert set(re.findall("https?://[^'\"]+", text)) <= {"http://www.w3.org/2000/svg"}  # a name, not a place
        assert not re.search("innerHTML|outerHTML|insertAdjacentHTML|document.write", text)


def test_no_browser_asks_the_service_for_an_icon(sandbox: Sandbox) -> None:
    assert b'<link rel="icon" href="data:image/svg+xml,' in call(sandbox, "GET", "/_sandbox/").body


# -- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture
def browser(window: Browser, sandbox: Sandbox) -> Iterator[Browser]:
    """A browser that shows the page, and has nothing to complain about in the end."""
    window.complaints()
    window.look_like(width=1200)
    window.open(f"{sandbox.url}/_sandbox/")
    window.until("document.getElementById('state').textContent.includes('UTC')")
    yield window
    assert window.complaints() == []
    assert window.run("return document.title") == "ClinikAPI sandbox"
    window.open("about:blank")


def lines(browser: Browser, count: int) -> list[list[str]]:
    """The rows, from the latest on, when there are so many."""
    rows = "[...document.querySelectorAll('summary')].map((row) => [...row.children].map((part) => part.textContent))"
    found: list[list[str]] = browser.until(f"((rows) => rows.length === {count} && [rows])({rows})")[0]
    return found


def state(browser: Browser, text: str) -> None:
    browser.until(f"document.getElementById('state').textContent === {text!r}")


@pytest.mark.browser
def test_a_row_tells_request_and_answer_whether_it_was_applied_and_which_fault_it_met(
    browser: Browser, sandbox: Sandbox
) -> None:
    assert lines(browser, 0) == []
    assert browser.run("return document.getElementById('none').checkVisibility()") is True
    call(sandbox, "POST", "/v1/encounters", CREATE)
    sandbox.faults.add(Fault("status", status=503))
    sandbox.clock.advance(0.25)
    call(sandbox, "GET", "/v1/encounters?count=2")
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        sock.recv(100)
    assert lines(browser, 3) == [
        ["3", "09:00:00.250", "this is not a well-formed HTTP/1.1 request", "400", "no", ""],
        ["2", "09:00:00.250", "GET /v1/encounters?count=2", "503", "no", "status"],
        ["1", "09:00:00.000", "POST /v1/encounters", "201", "yes", ""],
    ]
    assert browser.run("return document.getElementById('none').checkVisibility()") is False
    state(browser, "3 requests, 1 change. The clock stands at 2025-06-01 09:00:00 UTC.")


@pytest.mark.browser
def test_a_row_opens_on_a_click_and_closes_on_the_next(browser: Browser, sandbox: Sandbox) -> None:
    call(sandbox, "POST", "/v1/encounters", CREATE, headers={"x-mine": "this"})
    lines(browser, 1)
    assert browser.run("return document.querySelector('pre').checkVisibility()") is False
    browser.click("summary")
    text = browser.until("document.querySelector('pre').checkVisibility() && document.querySelector('pre').textContent")
    asked, answered = text.split("\n\n\n")
    assert asked.startswith("POST /v1/encounters\n")
    assert "\nx-mine: this\n" in asked
    assert asked.endswith('\n\n{\n  "status": "planned",\n  "class": "VR",\n  "patientId": "pt_abc123"\n}')
    assert answered.startswith("201\ncontent-type: application/json\n")
    assert '"requestId": "req_' in answered
    assert sandbox.key not in text
    browser.press("summary", "\ue007")
    browser.until("!document.querySelector('pre').checkVisibility()")


@pytest.mark.browser
def test_what_anybody_sent_is_shown_as_text_and_runs_nothing(browser: Browser, sandbox: Sandbox) -> None:
    target = "/v1/encounters/<img/src=x/onerror=document.title='run'>"
    call(sandbox, "POST", target, body=EVIL.encode(), headers={"x-evil": EVIL})
    call(sandbox, "POST", "/v1/encounters", {"status": EVIL})
    assert lines(browser, 2)[1][2] == f"POST {target}"
    for place in (1, 2):
        browser.click(f"details:nth-of-type({place}) summary")
    browser.until("[...document.querySelectorAll('pre')].every((text) => text.textContent.includes('<img'))")
    assert browser.run("return document.images.length") == 0
    assert f"\nx-evil: {EVIL}\n" in browser.run("return document.querySelectorAll('pre')[1].textContent")


@pytest.mark.browser
def test_a_request_that_hangs_is_shown_and_filled_in_when_it_is_answered(
    browser: Browser, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, answer = threading.Event(), SandboxBackend.answer

    def wait(backend: SandboxBackend, request: WireRequest) -> Answer:
        assert go_on.wait(60)
        return answer(backend, request)

    monkeypatch.setattr(SandboxBackend, "answer", wait)
    caller = threading.Thread(target=call, args=(sandbox, "POST", "/v1/encounters", CREATE))
    caller.start()
    try:
        assert lines(browser, 1) == [["1", "09:00:00.000", "POST /v1/encounters", "none", "no", ""]]
        browser.click("summary")
        browser.until("document.querySelector('pre').textContent.endsWith('(no answer)')")
    finally:
        go_on.set()
        caller.join()
    browser.until("document.querySelector('pre').textContent.includes('requestId')")
    assert lines(browser, 1) == [["1", "09:00:00.000", "POST /v1/encounters", "201", "yes", ""]]


@pytest.mark.browser
def test_its_buttons_move_the_clock_and_go_back(browser: Browser, sandbox: Sandbox) -> None:
    call(sandbox, "DELETE", "/v1/encounters/enc_seed0001")
    lines(browser, 1)
    browser.click("#advance")
    state(browser, "1 request, 1 change. The clock stands at 2025-06-01 09:00:10 UTC.")
    assert sandbox.clock.now() == START.replace(second=10)
    browser.click("#clear")
    state(browser, "0 requests, 0 changes. The clock stands at 2025-06-01 09:00:10 UTC.")
    assert (lines(browser, 0), len(sandbox.records)) == ([], 2)
    call(sandbox, "GET", "/v1/encounters")
    lines(browser, 1)
    browser.click("#reset")
    state(browser, "0 requests, 0 changes. The clock stands at 2025-06-01 09:00:00 UTC.")
    assert (lines(browser, 0), len(sandbox.records)) == ([], 3)


@pytest.mark.browser
def test_of_a_journal_that_was_emptied_nothing_stays(browser: Browser, sandbox: Sandbox) -> None:
    for _ in range(3):
        call(sandbox, "GET", "/health")
    lines(browser, 3)
    sandbox.journal.clear()
    for _ in range(4):
        call(sandbox, "GET", "/v1/metadata")
    assert {line[2] for line in lines(browser, 4)} == {"GET /v1/metadata"}


@pytest.mark.browser
def test_of_a_long_journal_the_latest_are_shown(browser: Browser, sandbox: Sandbox) -> None:
    for number in range(1003):
        sandbox.journal.arrived(WireRequest("GET", f"/{number}", (), b""), None)
    shown = lines(browser, 1000)
    assert (shown[0][2], shown[-1][2]) == ("GET /1002", "GET /3")


@pytest.mark.browser
def test_it_says_when_the_sandbox_is_gone_and_when_it_is_back(window: Browser) -> None:
    with Sandbox() as sandbox:
        window.open(f"{sandbox.url}/_sandbox/")
        window.until("document.getElementById('state').textContent.includes('UTC')")
    window.until("document.getElementById('state').textContent.startsWith('The sandbox does not answer.')")
    with Sandbox(port=sandbox.port):
        window.until("document.getElementById('state').textContent.includes('UTC')")
        window.open("about:blank")
    assert all("ERR_CONNECTION" in complaint for complaint in window.complaints())


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 700, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_into_a_narrow_window_in_light_and_dark(
    browser: Browser, sandbox: Sandbox, width: int, scheme: str, tmp_path: Path
) -> None:
    browser.look_like(width=width, scheme=scheme)
    call(sandbox, "GET", "/v1/encounters?patientId=" + "pt_" + "long" * 60)
    lines(browser, 1)
    browser.click("summary")
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    colours = browser.run(
        "const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]"
        ".map((colour) => colour.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0))"
    )
    text, back = colours
    assert (text < 200 and back > 600) if scheme == "light" else (text > 600 and back < 200)
