"""Name lookups that hang take a limited number of threads along, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpcore
import pytest

from clinik_client._transport.lookup import MOST_LOOKUPS, Lookups
from clinik_client._transport.network import Network, Shared
from clinik_client._transport.register import Wait

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]


class Resolver:
    """A resolver that hangs until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.asked = 0

    def getaddrinfo(self, *rest: Any, **options: Any) -> Any:
        self.asked += 1
        self.released.wait(10)
        return FOUND * 2


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "clinik-lookup"]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver.getaddrinfo)
    yield resolver
    resolver.released.set()
    for thread in running():
        thread.join(5)
    assert running() == []


def test_a_flood_of_lookups_that_hang_takes_few_threads(resolver: Resolver) -> None:
    lookups = Lookups()
    for _ in range(5 * MOST_LOOKUPS):
        with pytest.raises(httpcore.ConnectTimeout):
            lookups.find("h.localhost", 80, Wait(), 0.002)
    assert resolver.asked == len(running()) == MOST_LOOKUPS


def test_who_joins_a_lookup_gets_its_response(resolver: Resolver) -> None:
    lookups, found = Lookups(), []
    for _ in range(MOST_LOOKUPS):
        with pytest.raises(httpcore.ConnectTimeout):
            lookups.find("h.localhost", 80, Wait(), 0.002)
    threads = [
        threading.Thread(target=lambda: found.append(lookups.find("h.localhost", 80, Wait(), 5.0))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    resolver.released.set()
    for thread in threads:
        thread.join(5)
    assert [[address.where for address in addresses] for addresses in found] == [[("127.0.0.1", 80)]] * 20


def test_places_are_given_back(resolver: Resolver) -> None:
    resolver.released.set()
    lookups = Lookups()
    for _ in range(3 * MOST_LOOKUPS):
        assert lookups.find("h.localhost", 80, Wait(), 5.0)
    assert resolver.asked == 3 * MOST_LOOKUPS


def test_a_lookup_that_was_interrupted_before_it_began_takes_no_place(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = Lookups()

    def interrupt(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupt)
        for _ in range(2 * MOST_LOOKUPS):
            with pytest.raises(KeyboardInterrupt):
                lookups.find("h.localhost", 80, Wait(), 5.0)
    resolver.released.set()
    assert lookups.find("h.localhost", 80, Wait(), 5.0)


def test_ending_the_wait_ends_the_search(resolver: Resolver) -> None:
    wait = Wait()
    wait.end()
    with pytest.raises(httpcore.ConnectError):
        Lookups().find("h.localhost", 80, wait, 30.0)


def test_a_client_that_is_closed_already_looks_nothing_up(resolver: Resolver) -> None:
    shared = Shared()
    shared.closed = True
    with pytest.raises(httpcore.ConnectError):
        Network(shared, layers=0).connect_tcp("h.localhost", 80)
    assert resolver.asked == 0
