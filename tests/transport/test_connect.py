"""Connecting to the address that responds, whichever it is, with no time lost on those that do not."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpcore
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinik_client._transport import connect as room
from clinik_client._transport.connect import connect
from clinik_client._transport.lookup import Address
from tests.calls import in_time
from tests.misbehaviour import hanging_port, refusing_port
from tests.servers import Connect, ScriptedService, ok, respond


def no_limit() -> None:
    return None


def nothing(sock: socket.socket) -> None:
    pass


def at(port: int, host: str = "127.0.0.1") -> Address:
    return Address(socket.AF_INET, (host, port))


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield server


@pytest.fixture(scope="module")
def refusing() -> Iterator[Address]:
    with refusing_port() as port:
        yield at(port)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alive=st.lists(st.booleans(), min_size=1, max_size=5))
def test_an_address_that_refuses_costs_no_time(
    listener: socket.socket, refusing: Address, monkeypatch: pytest.MonkeyPatch, alive: list[bool]
) -> None:
    monkeypatch.setattr(room, "HEAD_START", 60.0)
    good = at(listener.getsockname()[1])
    addresses = [good if responses else refusing for responses in alive]
    started = time.monotonic()
    if any(alive):
        sock, address = connect(addresses, no_limit, nothing)
        assert (address, sock.getpeername()) == (good, listener.getsockname())
        sock.close()
    else:
        with pytest.raises(httpcore.ConnectError):
            connect(addresses, no_limit, nothing)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("dead", [1, 2])
def test_an_address_that_does_not_respond_gets_a_rival(listener: socket.socket, dead: int) -> None:
    port = listener.getsockname()[1]
    seen: list[socket.socket] = []
    with ExitStack() as stack:
        for number in range(dead):
            stack.enter_context(hanging_port(f"127.0.0.{number + 2}", port))
        addresses = [*(at(port, f"127.0.0.{number + 2}") for number in range(dead)), at(port)]
        started = time.monotonic()
        sock, address = connect(addresses, no_limit, seen.append)
        took = time.monotonic() - started
    sock.close()
    assert address == at(port)
    assert room.HEAD_START * dead <= took
    assert len(seen) == dead + 1
    assert all(other.fileno() == -1 for other in seen)


def test_an_address_that_responds_at_once_gets_no_rival(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "HEAD_START", 60.0)
    with socket.create_server(("127.0.0.1", 0)) as rival:
        rival.setblocking(False)
        addresses = [at(server.getsockname()[1]) for server in (listener, rival)]
        sock, address = connect(addresses, no_limit, nothing)
        sock.close()
        assert address == addresses[0]
        with pytest.raises(BlockingIOError):
            rival.accept()


def test_the_limit_of_time_holds_for_all_addresses_together() -> None:
    with hanging_port() as first, hanging_port() as second:
        addresses = [at(first), at(second)]
        end = time.monotonic() + 0.1

        def left() -> float:
            if (seconds := end - time.monotonic()) <= 0:
                raise httpcore.TimeoutException
            return seconds

        with in_time(0.1), pytest.raises(httpcore.TimeoutException):
            connect(addresses, left, nothing)


def test_whatever_ends_it_leaves_no_socket_open(listener: socket.socket) -> None:
    opened: list[socket.socket] = []

    def interrupt(sock: socket.socket) -> None:
        opened.append(sock)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connect([at(listener.getsockname()[1])], no_limit, interrupt)
    assert [sock.fileno() for sock in opened] == [-1]
    gc.collect()


def test_the_address_that_worked_last_is_tried_first(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    close = {"connection": "close"}
    with ScriptedService(respond(204, None, close), ok()) as alive, hanging_port("127.0.0.2", alive.port):
        places = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, alive.port)) for host in ("127.0.0.2", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, **options: places)
        clinik = connect(f"http://several.localhost:{alive.port}", timeout=20.0)
        clinik.encounters.delete("enc_1")
        # Now the dead address would have its head start for the whole time.
        monkeypatch.setattr(room, "HEAD_START", 60.0)
        assert clinik.encounters.read("enc_1").meta.attempts == 1
    assert alive.connections == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "clinik-lookup"]


def test_an_address_of_a_family_that_is_not_there_is_passed_over(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    sock, address = connect([Address(99, ("::1", port)), at(port)], no_limit, nothing)
    sock.close()
    assert address == at(port)
