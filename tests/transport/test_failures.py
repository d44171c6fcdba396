"""Each cause has a code of its own, and a sentence that names the host and never anything else of a URL."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
import trustme

from clinik_client import (
    ClinikApiError,
    ClinikConfigError,
    ClinikConnectionError,
    ClinikResponseError,
    ClinikTimeoutError,
    Phase,
)
from clinik_client._transport import Attempt, parse_target
from clinik_client._transport.failures import Code, NoConnection, code_of_connecting, failure_of, no_connection
from clinik_client.testing import Connection
from clinik_client.testing._steps import hang
from tests.calls import create
from tests.canary import CANARY, everything
from tests.misbehaviour import ESTABLISHED, HEAD, hanging_port, keep_open, raw, refusing_port, serve_bytes, tls_as
from tests.servers import Connect, Serve, Step, created, ok, refuse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fails(connect: Connect) -> Callable[..., ClinikApiError]:
    """Makes a call that must fail, with words in the URLs that no error may show; gives the error."""

    def call(url: str, proxy: str = "", **options: Any) -> ClinikApiError:
        proxy = proxy.replace("://", f"://ward:{CANARY}@")
        clinik = connect(f"{url}/{CANARY}", **{"proxy": proxy, "retries": 0, "timeout": 5.0, **options})
        with pytest.raises(ClinikApiError) as raised:
            clinik.request("GET", f"/v1/{CANARY}", params={"q": CANARY})
        shown = everything(raised.value)
        assert CANARY not in shown
        assert len(str(raised.value).splitlines()) == 1
        assert (raised.value.__cause__, raised.value.__context__) == (None, None)
        return raised.value

    return call


Fails = Callable[..., ClinikApiError]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name below localhost is this machine, and no other one is known."""

    def look_up(host: str, port: int, *rest: Any, **options: Any) -> Any:
        if not host.endswith("localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


# -- connecting -------------------------------------------------------------------------------------------------------


def test_a_refusal_names_the_service(fails: Fails) -> None:
    with refusing_port() as port:
        error = fails(f"http://127.0.0.1:{port}")
    assert (type(error), error.code, error.outcome) == (ClinikConnectionError, "refused", "not_sent")
    assert f"127.0.0.1:{port} refused" in error.message
    assert "base_url" in error.message


def test_a_refusal_of_the_proxy_names_the_proxy_and_says_that_it_is_one(fails: Fails) -> None:
    with refusing_port() as port:
        for url in ("http://h.localhost:7", "https://h.localhost:7"):
            for scheme in ("http", "https"):
                error = fails(url, f"{scheme}://127.0.0.1:{port}")
                assert (type(error), error.code) == (ClinikConnectionError, "proxy_refused")
                assert error.message.startswith(f"The proxy 127.0.0.1:{port} refused")
                assert "h.localhost" not in error.message


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_name_that_is_not_found_is_told(fails: Fails, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def look_up(*rest: Any, **options: Any) -> Any:
        raise socket.gaierror(number, f"{CANARY}")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    error, through = fails("https://nowhere.invalid"), fails("https://h.localhost", "http://gate.invalid:3128")
    assert (error.code, through.code) == ("unknown_host", "proxy_unknown_host")
    assert "nowhere.invalid:443" in error.message
    assert "the proxy gate.invalid:3128" in through.message
    assert "h.localhost" not in through.message


def test_a_name_without_an_address_is_told(fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    for found in ([], [(99, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 7))]):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, found=found, **options: found)
        assert fails("http://h.localhost:7").code == "no_address"


def test_an_address_that_no_way_leads_to_is_told(fails: Fails) -> None:
    # A broadcast address: a plain socket may not connect to it, on any machine.
    error = fails("https://255.255.255.255:7")
    assert error.code == "unreachable"
    assert "255.255.255.255:7" in error.message


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([errno.ECONNREFUSED], "refused"),
        ([errno.EHOSTUNREACH], "unreachable"),
        ([errno.ENETUNREACH, errno.ECONNREFUSED], "refused"),
        ([errno.ECONNREFUSED, errno.EAFNOSUPPORT], "refused"),
        ([errno.EADDRNOTAVAIL, errno.ETIMEDOUT], "unreachable"),
        ([errno.EMFILE], "no_socket"),
        ([errno.EAFNOSUPPORT], "no_address"),
        ([errno.EINVAL], "connection"),
        ([0, errno.EAFNOSUPPORT], "connection"),
    ],
)
def test_of_several_addresses_the_cause_that_says_most_is_told(numbers: list[int], code: str) -> None:
    assert code_of_connecting(set(numbers)) == code


def test_an_ipv6_address_is_named_in_brackets(fails: Fails) -> None:
    # Refused, or out of reach on a machine without IPv6.
    with refusing_port() as port:
        assert f"[::1]:{port} " in fails(f"http://[::1]:{port}").message


# -- TLS --------------------------------------------------------------------------------------------------------------


def test_tls_to_a_port_that_speaks_plain_http_is_told(serve: Serve, fails: Fails) -> None:
    service = serve(ok())
    error = fails(f"https://127.0.0.1:{service.port}")
    through = fails("https://h.localhost", f"https://127.0.0.1:{service.port}")
    assert (error.code, through.code) == ("tls_to_plain", "proxy_tls_to_plain")
    assert f"127.0.0.1:{service.port} does not speak TLS" in error.message
    assert service.ledger == []


def test_plain_http_to_a_port_that_speaks_tls_is_told(serve: Serve, fails: Fails, server_tls: ssl.SSLContext) -> None:
    def refuse_in_tls(connection: Connection) -> None:
        connection.receive(5)
        connection.send(b"\x15\x03\x01\x00\x02\x02\x46")
        connection.finish()

    with serve_bytes(refuse_in_tls) as server:
        error = fails(server.url)
        through = fails("https://h.localhost", server.url)
    assert (type(error), error.code, error.outcome) == (ClinikResponseError, "plain_to_tls", "unknown")
    assert (type(through), through.code) == (ClinikConnectionError, "proxy_plain_to_tls")
    # One that says nothing could be anything.
    silent = fails(f"http://127.0.0.1:{serve(ok(), ssl_context=server_tls).port}")
    assert silent.code == "closed"
    assert "https:// in base_url" in silent.message


def expired(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    authority.issue_cert("localhost", not_before=yesterday - timedelta(days=1), not_after=yesterday).configure_cert(
        context
    )
    return context


@pytest.mark.parametrize("behind_proxy", [False, True])
@pytest.mark.usefixtures("names")
def test_what_is_wrong_with_a_certificate_is_told(
    serve: Serve, fails: Fails, authority: trustme.CA, ca_file: Path, behind_proxy: bool
) -> None:
    services = {
        "certificate_untrusted": (serve(ok(), ssl_context=tls_as(authority, "localhost")), True),
        "certificate_expired": (serve(ok(), ssl_context=expired(authority)), ca_file),
        "certificate_host": (serve(ok(), ssl_context=tls_as(authority, "elsewhere.example")), ca_file),
    }
    for code, (service, verify) in services.items():
        place = f"https://localhost:{service.port}"
        error = fails("http://h.localhost", place, verify=verify) if behind_proxy else fails(place, verify=verify)
        assert error.code == ("proxy_" * behind_proxy) + code
        assert error.message.startswith("The certificate of ")
        assert f"localhost:{service.port}" in error.message
        assert error.outcome == "not_sent"


def test_a_handshake_that_breaks_off_is_told(fails: Fails) -> None:
    with serve_bytes(lambda connection: None) as server:
        assert fails(server.url.replace("http:", "https:")).code == "tls"


# -- proxies ----------------------------------------------------------------------------------------------------------


def test_a_proxy_that_wants_a_login_is_told(serve: Serve, fails: Fails) -> None:
    proxy = serve(refuse(407))
    tunnel, forwarded = fails("https://h.localhost", proxy.url), fails("http://h.localhost", proxy.url)
    assert (tunnel.code, forwarded.code, forwarded.status) == ("proxy_login", "proxy_login", 407)
    for error in (tunnel, forwarded):
        assert f"The proxy 127.0.0.1:{proxy.port}" in error.message
        assert "Give them in the proxy setting." in error.message


def test_a_proxy_that_makes_no_tunnel_is_told_with_its_status(serve: Serve, fails: Fails) -> None:
    proxy = serve(raw(f"HTTP/1.1 503 {CANARY}\r\n\r\n".encode()))
    error = fails("https://h.localhost:7", proxy.url)
    assert error.code == "proxy_tunnel"
    assert f"The proxy 127.0.0.1:{proxy.port}" in error.message
    assert "h.localhost:7" in error.message
    assert "503" in error.message


def test_behind_a_tunnel_it_is_the_service_that_failed(serve: Serve, fails: Fails) -> None:
    proxy = serve(raw(ESTABLISHED))
    error = fails("https://h.localhost:7", proxy.url)
    assert error.code == "tls"
    assert f"h.localhost:7 (through the proxy 127.0.0.1:{proxy.port})" in error.message


# -- the response -----------------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[Step, type[ClinikApiError], str]] = {
    "ended": (raw(), ClinikConnectionError, "closed"),
    "reset": (raw(reset=True), ClinikConnectionError, "closed"),
    "cut head": (raw(HEAD + b"x"), ClinikResponseError, "cut"),
    "cut body": (raw(HEAD + b"Content-Length: 9\r\n\r\n{"), ClinikResponseError, "cut"),
    "cut chunks": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n{"), ClinikResponseError, "cut"),
    "reset body": (raw(HEAD + b"Content-Length: 9\r\n\r\n{", reset=True), ClinikConnectionError, "cut"),
    "garbage": (raw(b"garbage\r\n\r\n"), ClinikResponseError, "not_http"),
    "cut garbage": (raw(b"\x00\x01\x02"), ClinikResponseError, "not_http"),
    "bad chunk": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), ClinikResponseError, "not_http"),
    "bad encoding": (raw(HEAD + b"Content-Encoding: br\r\n\r\n{"), ClinikResponseError, "bad_encoding"),
    "too large": (raw(HEAD + b"\r\n" + b"0" * 2000), ClinikResponseError, "too_large"),
}


@pytest.mark.parametrize("code", get_args(NoConnection))
def test_each_code_has_its_text(code: NoConnection) -> None:
    target = parse_target("https://clinik.example")
    failed = failure_of(no_connection(code), Attempt(until=float("inf")), target, None)
    assert (failed.code, "clinik.example" in failed.text.lower()) == (code, True)


@pytest.mark.parametrize(("proxy", "port"), [("http://proxy.example", 80), ("https://proxy.example", 443)])
def test_a_proxy_without_a_port_is_named_with_that_of_its_scheme(proxy: str, port: int) -> None:
    target = parse_target("https://clinik.example")
    failed = failure_of(no_connection("refused"), Attempt(until=float("inf")), target, httpx.URL(proxy))
    assert failed.code == "proxy_refused"
    assert f"proxy.example:{port} refused" in failed.text


@pytest.mark.parametrize("fault", BROKEN)
def test_how_a_response_is_broken_is_told(serve: Serve, fails: Fails, fault: str) -> None:
    step, kind, code = BROKEN[fault]
    service = serve(step)
    error = fails(service.url, max_response_bytes=1000)
    assert (type(error), error.code) == (kind, code)
    if code not in ("bad_encoding", "too_large"):
        assert f"127.0.0.1:{service.port}" in error.message


def test_a_client_that_is_closed_is_told(connect: Connect) -> None:
    clinik = connect("http://127.0.0.1:9")
    clinik.close()
    with pytest.raises(ClinikConfigError) as raised:
        create(clinik)
    assert raised.value.code == "client_closed"


# -- time -------------------------------------------------------------------------------------------------------------


def read_nothing(connection: Connection) -> None:
    connection.stopping.wait(30)


def slow_places(serve: Serve) -> Iterator[tuple[Phase, str, str]]:
    with ExitStack() as stack:
        port = stack.enter_context(hanging_port())
        silent = stack.enter_context(serve_bytes(hang)).url
        unread = stack.enter_context(serve_bytes(read_nothing)).url
        mute = serve(keep_open()).url
        yield "connect", f"http://127.0.0.1:{port}", ""
        yield "connect", "http://h.localhost", f"http://127.0.0.1:{port}"
        yield "tls", silent.replace("http:", "https:"), ""
        yield "tls", "http://h.localhost", silent.replace("http:", "https:")
        yield "proxy", "https://h.localhost", mute
        yield "tls", "https://h.localhost", serve(keep_open(ESTABLISHED)).url
        yield "send", unread, ""
        yield "wait", mute, ""
        yield "wait", "http://h.localhost", mute
        yield "read", serve(keep_open(HEAD)).url, ""
        yield "read", serve(keep_open(HEAD + b"Content-Length: 9\r\n\r\n{")).url, ""


def test_a_timeout_says_in_which_phase_and_where(serve: Serve, connect: Connect) -> None:
    seen: set[Phase] = set()
    for phase, url, proxy in slow_places(serve):
        clinik = connect(url, proxy=proxy, timeout=0.4, retries=0)
        with pytest.raises(ClinikTimeoutError) as raised:
            # More than the buffers of both sides hold, where nobody reads.
            clinik.request("POST", "/v1/things", json={"text": "x" * (30_000_000 if phase == "send" else 1)})
        error = raised.value
        assert (error.code, error.phase) == ("timeout", phase)
        port = re.findall("[0-9]+$", proxy or url)[0]
        assert f"127.0.0.1:{port}" in error.message
        seen.add(phase)
    # Looking up is in test_attempt.
    assert seen == {*get_args(Phase)} - {"lookup"}


def test_the_phase_is_that_of_the_attempt_and_not_of_an_earlier_one(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(created(), keep_open()), timeout=0.4, retries=0)
    create(clinik)
    with pytest.raises(ClinikTimeoutError) as raised:
        create(clinik)
    assert raised.value.phase == "wait"


# -- what is documented -----------------------------------------------------------------------------------------------

CODES = {*get_args(NoConnection), *(code for part in get_args(Code) for code in (get_args(part) or (part,)))}


def test_the_documented_codes_and_phases_are_those_that_there_are() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    section = text.partition("## Which failure it was\n")[2].partition("\n## ")[0]
    tables = section.replace("| `code` |", "").split("| `phase` |")
    documented = [re.findall("^[|] `(.*?)`", table, flags=re.MULTILINE) for table in tables]
    assert sorted(documented[0]) == sorted(CODES)
    assert sorted(documented[1]) == sorted(get_args(Phase))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    short = readme.partition("### The tree of errors")[2].partition("\n### ")[0].replace("| `code` |", "")
    rows = re.findall("^[|] (`.*?) [|]", short, flags=re.MULTILINE)
    assert sorted(re.findall("`(.*?)`", " ".join(rows))) == sorted(CODES)
