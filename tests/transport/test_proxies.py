"""Proxies: given or of the environment, tunnels, passwords, and the hosts that need none."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
import subprocess
import sys
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import unquote
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # typeshed leaves it out

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Clinik, ClinikApiError, ClinikConfigError, ClinikConnectionError
from clinik_client._transport import parse_target, proxies
from clinik_client.testing import Connection, WireResponse, WireServer
from tests.canary import CANARY, everything
from tests.inside import on_virtual_time
from tests.misbehaviour import serve_bytes, tunnel
from tests.servers import KEY, Connect, ScriptedService, Serve, ok
from tests.strategies import Odd

# -- proxies ----------------------------------------------------------------------------------------------------------


class RunningProxy(NamedTuple):
    port: int
    log: Path

    @property
    def url(self) -> str:
        # The password holds what a URL has to escape.
        return f"http://ward:p%40ss%3Aword@127.0.0.1:{self.port}"


_PROXY = """
import sys
import urllib.request
import proxy

if __name__ == "__main__":
    options = ["--hostname", "127.0.0.1", "--port", "0", "--num-acceptors", "1", "--num-workers", "1"]
    options += ["--basic-auth", "ward:p@ss:word", "--log-file", sys.argv[1]]
    with proxy.Proxy(options) as running:
        print(running.flags.port, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    """A real forward proxy that wants a user name and a password; it ends when its standard input does."""
    folder = tmp_path_factory.mktemp("proxy")
    log = folder / "log"
    # It puts its files into the home, and the machine's need not be there.
    with subprocess.Popen(
        [sys.executable, "-c", _PROXY, str(log)],
        env={**os.environ, "HOME": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield RunningProxy(int(process.stdout.readline()), log)
        process.stdin.close()


def test_a_proxy_forwards_plain_http(serve: Serve, connect: Connect, proxy: RunningProxy) -> None:
    service = serve(ok())
    clinik = connect(service, proxy=proxy.url)
    assert clinik.encounters.read("enc_1").data.id == "enc_1"
    assert clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1").data.id == "enc_1"
    assert all("proxy.py" in (seen.header("via") or "") for seen in service.ledger)
    assert [seen.header("proxy-authorization") for seen in service.ledger] == [None, None]
    assert [seen.target for seen in service.ledger] == ["/v1/encounters/enc_1", "/v1/encounters"]


def test_a_proxy_makes_a_tunnel_for_tls(
    serve: Serve, connect: Connect, proxy: RunningProxy, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    clinik = connect(service, proxy=proxy.url, verify=ca_file)
    assert clinik.encounters.read("enc_1").data.id == "enc_1"
    assert clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1").data.id == "enc_1"
    assert [seen.header("via") for seen in service.ledger] == [None, None]
    clinik.close()
    with pytest.raises(ClinikConnectionError, match="certificate"):
        connect(service, proxy=proxy.url).encounters.read("enc_1")
    assert len(service.ledger) == 2


def test_https_proxy_of_the_environment_is_used(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    proxy: RunningProxy,
    server_tls: ssl.SSLContext,
    ca_file: Path,
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    bare_environment.setenv("HTTPS_PROXY", proxy.url)
    with Clinik(KEY, base_url=f"https://localhost:{service.port}", verify=ca_file) as clinik:
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
    # Only through the proxy: the tunnel's other end is the proxy's.
    assert f"CONNECT localhost:{service.port}" in until_written(proxy.log, f"CONNECT localhost:{service.port}")


def until_written(log: Path, text: str) -> str:
    """The log, once it holds the text: the proxy writes it when the tunnel has ended."""
    with log.open() as lines:
        found = ""
        while text not in found:
            found += lines.read()
    return found


def test_no_password_means_that_the_proxy_refuses(
    serve: Serve, connect: Connect, proxy: RunningProxy, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    plain = serve(ok())
    for url in (f"http://127.0.0.1:{proxy.port}", f"http://ward:{CANARY}@127.0.0.1:{proxy.port}"):
        with pytest.raises(ClinikConnectionError, match="proxy") as raised:
            connect(service, proxy=url, verify=ca_file).encounters.create(
                status="planned", class_="AMB", patient_id="pt_1"
            )
        # Wrong credentials do not become right by asking again.
        assert (raised.value.outcome, raised.value.status, raised.value.attempts) == ("not_sent", None, 1)
        assert CANARY not in everything(raised.value)
        with pytest.raises(ClinikApiError) as forwarded:
            connect(plain, proxy=url).encounters.create(status="planned", class_="AMB", patient_id="pt_1")
        assert (forwarded.value.outcome, forwarded.value.status) == ("rejected", 407)
        assert CANARY not in everything(forwarded.value)
    assert service.ledger == plain.ledger == []


def test_a_proxy_that_cannot_make_a_tunnel_is_asked_again(connect: Connect) -> None:
    with ScriptedService(WireResponse(502, [("connection", "close")], CANARY.encode())) as broken:
        clinik = connect("https://127.0.0.1:9", proxy=broken.url, retries=1)
        on_virtual_time(clinik)
        with pytest.raises(ClinikConnectionError, match="proxy") as raised:
            clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")
    assert (raised.value.outcome, raised.value.status, raised.value.attempts) == ("not_sent", None, 2)
    assert [seen.method for seen in broken.ledger] == ["CONNECT", "CONNECT"]
    assert [seen.header("x-api-key") for seen in broken.ledger] == [None, None]
    assert CANARY not in everything(raised.value)


def test_a_proxy_behind_tls_is_checked_like_a_server(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    through: list[str] = []

    def forward(connection: Connection) -> None:
        connection.start_tls(server_tls)
        through.append(connection.receive(5).decode().split("\r\n")[0])
        connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + b'{"data": {"id": "enc_1"}, "meta": {}}'.ljust(40)
        )

    with serve_bytes(forward) as proxy:
        url = proxy.url.replace("http:", "https:")
        clinik = connect("http://127.0.0.1:9", proxy=url, verify=ca_file)
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
        with pytest.raises(ClinikConnectionError, match="certificate"):
            connect("http://127.0.0.1:9", proxy=url).encounters.read("enc_1")
    assert through == ["GET http://127.0.0.1:9/v1/encounters/enc_1 HTTP/1.1"]
    assert service.ledger == []


@pytest.mark.parametrize(
    ("environment", "trusted", "used"),
    [
        ({"HTTP_PROXY": ""}, True, False),
        ({"http_proxy": "URL"}, True, True),
        ({"ALL_PROXY": "URL"}, True, True),
        ({"http_proxy": "WITHOUT_SCHEME"}, True, True),
        ({"http_proxy": "URL"}, False, False),
        ({"http_proxy": "URL", "NO_PROXY": "127.0.0.1"}, True, False),
        ({"http_proxy": "URL", "NO_PROXY": "*"}, True, False),
        ({"http_proxy": "URL", "NO_PROXY": "other.example"}, True, True),
        ({"http_proxy": "URL", "NO_PROXY": "127.0.0.1:PORT"}, True, False),
        ({"http_proxy": "URL", "NO_PROXY": "127.0.0.1:1"}, True, True),
        ({"https_proxy": "URL"}, True, False),
    ],
)
def test_the_environments_proxy_is_used_where_it_says_so(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    environment: dict[str, str],
    trusted: bool,
    used: bool,
) -> None:
    service, proxy = serve(ok()), serve(ok())
    for name, value in environment.items():
        values = {"URL": proxy.url, "WITHOUT_SCHEME": proxy.url.removeprefix("http://")}
        bare_environment.setenv(name, values.get(value, value.replace("PORT", str(service.port))))
    connect(service, trust_env=trusted).encounters.read("enc_1")
    assert (len(service.ledger), len(proxy.ledger)) == ((0, 1) if used else (1, 0))
    if used:
        assert proxy.ledger[0].target == f"{service.url}/v1/encounters/enc_1"


def test_a_given_proxy_wins_over_the_environment(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect
) -> None:
    service, given_proxy = serve(ok()), serve(ok())
    bare_environment.setenv("http_proxy", "http://127.0.0.1:9")
    bare_environment.setenv("NO_PROXY", "*")
    connect(service, proxy=given_proxy.url, trust_env=True).encounters.read("enc_1")
    connect(service, proxy="", trust_env=True).encounters.read("enc_1")
    assert (len(service.ledger), len(given_proxy.ledger)) == (1, 1)


BAD_PROXIES = [
    "socks5://h:1",
    f"socks5h://user:{CANARY}@h:1",
    "ftp://h",
    "http://",
    f"http://user:{CANARY}@",
    f"http://{CANARY}:port",
    *(f"http://user:{CANARY}@h:{port}" for port in ("0", "-1", "65536", "99999999999999999999", "x")),
    # Not the password that was meant: it ends the host.
    *(f"http://user:12{mark}{CANARY}@h:1" for mark in "/?#"),
    f"http://user:x/{CANARY}@h:1",
    f"http://user:{CANARY}\x7f@h:1",
    f"http://h:1/{CANARY}",
    "http://h h:1",
    "http://[::1",
]


@pytest.mark.parametrize("proxy", ["h:3128", " ", "\n", " http://h:1", 7, 0, False, True, b"", b"http://h", [], Odd()])
def test_a_proxy_that_is_no_url_is_refused_at_construction(proxy: Any) -> None:
    with pytest.raises(ClinikConfigError) as raised:
        Clinik(KEY, proxy=proxy)
    assert raised.value.message.startswith("The proxy ")


@pytest.mark.parametrize("proxy", BAD_PROXIES)
@pytest.mark.parametrize("source", ["argument", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_that_is_none_is_refused_at_construction(
    bare_environment: pytest.MonkeyPatch, proxy: str, source: str
) -> None:
    if source != "argument":
        bare_environment.setenv(source, proxy)
    with pytest.raises(ClinikConfigError, match="proxy" if source == "argument" else "environment") as raised:
        Clinik(KEY, proxy=proxy if source == "argument" else None)
    assert CANARY not in everything(raised.value)
    Clinik(KEY, trust_env=False).close()


def test_a_blank_proxy_of_the_environment_is_none(bare_environment: pytest.MonkeyPatch, serve: Serve) -> None:
    service = serve(ok())
    bare_environment.setenv("HTTP_PROXY", " ")
    with Clinik(KEY, base_url=service.url) as clinik:
        assert clinik.encounters.read("enc_1").data.id == "enc_1"


@pytest.mark.parametrize("password", ["p@ss", "p%40ss", "[", "ü", "a b", "100%", "%zz", "a:b", "<>\\^`{|}"])
def test_odd_characters_of_a_password_reach_the_proxy(serve: Serve, connect: Connect, password: str) -> None:
    proxy = serve(ok())
    with connect("http://127.0.0.1:9", proxy=f"http://ward:{password}@127.0.0.1:{proxy.port}") as clinik:
        clinik.encounters.read("enc_1")
    kind, _, credentials = (proxy.ledger[0].header("proxy-authorization") or "").partition(" ")
    assert (kind, b64decode(credentials).decode()) == ("Basic", f"ward:{unquote(password)}")


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=6))
def test_any_text_as_proxy_is_either_taken_or_a_config_error(user: str, host: str, port: str) -> None:
    for url in (user, f"http://{user}@{host}:{port}", f"http://xn--{host}"):
        with contextlib.suppress(ClinikConfigError):
            Clinik(KEY, base_url="http://127.0.0.1:9", proxy=url).close()


# -- NO_PROXY ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("no_proxy", "host", "listed"),
    [
        ("", "h.example", False),
        (" , ,,", "h.example", False),
        ("*", "h.example", True),
        ("other, *", "h.example", True),
        ("*", "10.1.2.3", True),
        ("*:443", "h.example", True),
        ("*:444", "h.example", False),
        ("h.example", "h.example", True),
        ("H.Example", "h.example", True),
        ("h.example", "H.EXAMPLE.", True),
        ("h.example.", "h.example", True),
        ("example", "h.example", True),
        (".example", "h.example", True),
        (".h.example", "h.example", True),
        ("ample", "h.example", False),
        ("g.h.example", "h.example", False),
        ("*.example", "h.example", True),
        ("*.Example:443", "h.example", True),
        ("*.example:80", "h.example", False),
        ("*.h.example", "h.example", False),
        ("*ample", "h.example", False),
        ("a.example, h.example ,b.example", "h.example", True),
        ("a.example h.example\tb.example", "h.example", True),
        ("h.example:443", "h.example", True),
        ("example:443", "h.example", True),
        ("h.example:80", "h.example", False),
        ("h.example:", "h.example", False),
        ("h.example:x", "h.example", False),
        (".", "h.example", False),
        ("*.", "h.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/255.0.0.0", "10.1.2.3", True),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "h.example", False),
        ("10.0.0.0/33", "10.1.2.3", False),
        ("10.0.0.0/8", "fd00::1", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", False),
        ("2.3", "10.1.2.3", False),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe00::1", False),
        ("fd00::/8", "10.1.2.3", False),
        ("FD00:0:0::1", "fd00::1", True),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("[::1]:443", "::1", True),
        ("[::1]:80", "::1", False),
        ("[::1", "::1", False),
        ("::1]", "::1", False),
        ("[]", "::1", False),
        ("[fd00::/8]", "fd00::1", True),
        ("::ffff:0:0/96 [fd00::]/8", "fd00::1", False),
    ],
)
def test_no_proxy_names_hosts(no_proxy: str, host: str, listed: bool) -> None:
    assert proxies.is_listed(no_proxy, host, 443) is listed


LABELS = st.from_regex(r"[a-z][a-z0-9-]{0,4}", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
ADDRESSES = st.ip_addresses().map(str)
MARKS = st.text(alphabet="[]*:./,% 0123456789af\tX", max_size=12)


@given(st.lists(MARKS | st.text(max_size=8) | ADDRESSES).map(",".join), NAMES | ADDRESSES | st.text(max_size=8))
def test_no_list_is_an_error(no_proxy: str, host: str) -> None:
    assert proxies.is_listed(no_proxy, host, 443) in (True, False)


@given(st.lists(st.tuples(st.sampled_from(["", ".", " "]), NAMES, st.sampled_from(["", ":443", ":80", " "]))), NAMES)
def test_names_are_listed_as_for_the_standard_library(entries: list[tuple[str, str, str]], host: str) -> None:
    no_proxy = ",".join("".join(entry) for entry in entries)
    # Made-up names seldom meet: the endings have some that do.
    for end in ("", f",{host.partition('.')[2]}", f", .{host}:443", f",{host.upper()}"):
        theirs = any(proxy_bypass_environment(name, {"no": no_proxy + end}) for name in (host, f"{host}:443"))
        assert proxies.is_listed(no_proxy + end, host, 443) == theirs


@given(st.data(), st.ip_addresses())
def test_a_network_lists_its_addresses_and_no_others(
    data: st.DataObject, address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    size = address.max_prefixlen
    length = data.draw(st.integers(1, size))
    network = ipaddress.ip_network((address, length), strict=False)
    written = data.draw(st.sampled_from([str(network), network.exploded.upper(), f"{address}/{length}"]))
    inside = network[data.draw(st.integers(0, network.num_addresses - 1))]
    outside = type(address)(int(inside) ^ (1 << data.draw(st.integers(size - length, size - 1))))
    assert proxies.is_listed(f"h.example, {written},", str(inside), 443)
    assert not proxies.is_listed(f"h.example, {written},", str(outside), 443)


@pytest.mark.parametrize(
    ("no_proxy", "used"), [("127.0.0.0/8", False), ("10.0.0.0/8", True), ("[::1], 127.0.0.1 ", False), (None, True)]
)
def test_the_environments_list_is_obeyed(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, no_proxy: str | None, used: bool
) -> None:
    service, proxy = serve(ok()), serve(ok())
    bare_environment.setenv("http_proxy", proxy.url)
    if no_proxy is not None:
        bare_environment.setenv("NO_PROXY", no_proxy)
    connect(service, trust_env=True).encounters.read("enc_1")
    assert (len(service.ledger), len(proxy.ledger)) == ((0, 1) if used else (1, 0))


@pytest.mark.parametrize("url", ["https://h.example", "https://[fd00::1]"])
def test_the_systems_own_list_counts_where_the_environment_has_none(
    bare_environment: pytest.MonkeyPatch, url: str
) -> None:
    asked: list[str] = []

    def bypass(host: str) -> bool:
        asked.append(host)
        return True

    bare_environment.setattr(sys, "platform", "darwin")
    bare_environment.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy.example"})
    bare_environment.setattr(urllib.request, "proxy_bypass", bypass)
    assert proxies.find_proxy(parse_target(url), None, True) is None
    assert asked == [url.removeprefix("https://")]


def test_a_small_proxy_of_our_own_tunnels_too(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    with WireServer(lambda request: lambda connection: tunnel(connection, service.port)) as proxy:
        clinik = connect("https://localhost:9", proxy=proxy.url, verify=ca_file)
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
        assert clinik.encounters.read("enc_1").meta.attempts == 1
        clinik.close()
    assert [seen.connection for seen in service.ledger] == [1, 1]


def test_construction_leaves_the_environment_as_it_is() -> None:
    with mock.patch.dict(os.environ):
        before = dict(os.environ)
        Clinik(KEY).close()
        assert dict(os.environ) == before
