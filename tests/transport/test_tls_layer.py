"""TLS to the service inside of TLS to a proxy: it works, and the limits of time hold in there too."""

from __future__ import annotations

import gc
import socket
import ssl
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from clinik_client import ClinikConnectionError, ClinikResponseError, ClinikTimeoutError
from clinik_client._transport.tls_layer import TLSLayer
from clinik_client.testing import Connection, WireServer
from clinik_client.testing._steps import hang
from tests.calls import in_time
from tests.misbehaviour import ESTABLISHED, HEAD, drip, keep_open, raw, serve_bytes, shake_hands_slowly, tunnel
from tests.servers import Connect, Serve, Step, created, ok


@pytest.fixture
def proxy(server_tls: ssl.SSLContext) -> Iterator[Callable[[Callable[[Connection], None]], WireServer]]:
    """Starts proxies that speak TLS themselves; what happens in the tunnel is up to the test."""
    with ExitStack() as stack:

        def start(in_tunnel: Callable[[Connection], None]) -> WireServer:
            def take_over(connection: Connection) -> None:
                with suppress(OSError):
                    connection.start_tls(server_tls)
                    head = b""
                    while not head.endswith(b"\r\n\r\n"):
                        head += connection.receive(5)
                    assert head.startswith(b"CONNECT ")
                    in_tunnel(connection)

            return stack.enter_context(serve_bytes(take_over))

        yield start


def url_of(proxy: WireServer) -> str:
    return proxy.url.replace("http:", "https:")


def test_reads_and_writes_go_through(
    serve: Serve,
    connect: Connect,
    proxy: Callable[..., WireServer],
    server_tls: ssl.SSLContext,
    ca_file: Path,
) -> None:
    service = serve(ok(), created(), ssl_context=server_tls)
    through = proxy(lambda connection: tunnel(connection, service.port))
    clinik = connect(service, proxy=url_of(through), verify=ca_file, retries=0)
    assert clinik.encounters.read("enc_1").data.id == "enc_1"
    long = "x" * 100_000
    assert clinik.request("POST", "/v1/things", json={"text": long}).meta.status == 201
    assert clinik.encounters.read("enc_1").data.id == "enc_1"
    assert [seen.connection for seen in service.ledger] == [1, 2, 1]
    assert service.ledger[1].json == {"text": long}


SLOW: dict[str, Step] = {
    "silence": keep_open(),
    "a dripping head": drip(HEAD, b"x: y\r\n"),
    "a dripping body": drip(HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("fault", SLOW)
def test_a_response_that_takes_too_long_ends_with_the_timeout(
    serve: Serve,
    connect: Connect,
    proxy: Callable[..., WireServer],
    server_tls: ssl.SSLContext,
    ca_file: Path,
    fault: str,
) -> None:
    service = serve(SLOW[fault], ssl_context=server_tls)
    through = proxy(lambda connection: tunnel(connection, service.port))
    clinik = connect(service, proxy=url_of(through), verify=ca_file, retries=0, timeout=0.3)
    with in_time(0.3), pytest.raises(ClinikTimeoutError):
        clinik.encounters.read("enc_1")


def stall(connection: Connection) -> None:
    connection.send(ESTABLISHED)
    hang(connection)


def drip_handshake(connection: Connection) -> None:
    connection.send(ESTABLISHED)
    connection.receive(5)
    shake_hands_slowly(connection)


def talk_before_tls(connection: Connection) -> None:
    connection.send(ESTABLISHED + HEAD + b"\r\n")
    connection.receive(5)


@pytest.mark.parametrize("in_tunnel", [stall, drip_handshake, talk_before_tls])
def test_a_handshake_in_the_tunnel_is_within_the_timeout(
    connect: Connect, proxy: Callable[..., WireServer], ca_file: Path, in_tunnel: Callable[[Connection], None]
) -> None:
    through = proxy(in_tunnel)
    clinik = connect("https://localhost:9", proxy=url_of(through), verify=ca_file, retries=0, timeout=0.3)
    with in_time(0.3), pytest.raises(ClinikConnectionError) as raised:
        clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")
    assert (raised.value.outcome, raised.value.status) == ("not_sent", None)


def test_an_end_that_the_inner_tls_does_not_tell_is_no_response(
    serve: Serve,
    connect: Connect,
    proxy: Callable[..., WireServer],
    server_tls: ssl.SSLContext,
    ca_file: Path,
) -> None:
    service = serve(raw(HEAD + b"Connection: close\r\n\r\n123"), ssl_context=server_tls)
    through = proxy(lambda connection: tunnel(connection, service.port))
    clinik = connect(service, proxy=url_of(through), verify=ca_file, retries=0)
    with pytest.raises(ClinikResponseError):
        clinik.request("GET", "/v1/number")


def refused(theirs: socket.socket) -> None:
    theirs.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("meet", [lambda theirs: None, refused, socket.socket.close], ids=["silence", "plain", "end"])
def test_a_connection_that_is_let_go_is_closed_without_the_garbage_collector(
    meet: Callable[[socket.socket], None],
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        meet(theirs)
        layer = TLSLayer(ours, ssl.create_default_context(), "localhost")
        layer.settimeout(0.01)
        kept = weakref.ref(layer)
        gc.disable()
        try:
            with suppress(OSError):
                layer.do_handshake()
            # It tells TLS from anything else, so it is one byte, whatever came with it.
            assert layer.first == (b"H" if meet is refused else b"")
            del layer
            assert kept() is None
        finally:
            gc.enable()
