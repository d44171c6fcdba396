"""Looking up the addresses of a host, within a limit of time and with a limited number of threads."""

from __future__ import annotations

import socket
import threading
from collections import deque
from typing import Any, Final, NamedTuple

import httpcore

from .failures import no_connection
from .register import Wait

MOST_LOOKUPS: Final = 8
"""How many lookups of one client run at once; a lookup that hangs takes its thread along until the system gives up."""


class Address(NamedTuple):
    """Where to connect to."""

    family: int
    where: Any
    """What `socket.socket.connect` takes."""


class Lookup:
    """One lookup, for all who wait for it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.waits: deque[Wait] = deque()
        self.addresses: list[Address] | None = None
        """What was found, once it is over."""
        self.known = True
        """The name was found."""

    def run(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found, self.known = [], False
        self.addresses = list(dict.fromkeys(Address(info[0], info[4]) for info in found))
        for wait in list(self.waits):
            wait.end()


class Lookups:
    """The lookups of one client."""

    def __init__(self) -> None:
        self._running: dict[int, Lookup] = {}

    def find(self, host: str, port: int, wait: Wait, seconds: float | None) -> list[Address]:
        """The addresses of a host.

        Args:
            host: its name.
            port: the port there.
            wait: what to wait on; whoever ends it ends the search.
            seconds: how long at most.

        Raises:
            httpcore.ConnectTimeout: there is no response in time.
            httpcore.ConnectError: there are none.
        """
        # The resolver takes no limit of time, so it works in a thread that can be left behind.
        mine = Lookup(host, port)
        try:
            lookup = self._start(mine)
        except BaseException:
            # Not started, or not known to be: its place must not stay taken.
            for place, running in self._running.copy().items():
                if running is mine:
                    self._running.pop(place, None)
            raise
        lookup.waits.append(wait)
        if lookup.addresses is None and not wait.sleep(seconds):
            raise httpcore.ConnectTimeout
        if not lookup.addresses:
            raise no_connection("no_address" if lookup.known else "unknown_host")
        return lookup.addresses

    def _start(self, mine: Lookup) -> Lookup:
        """Start it, or join the newest one where enough are running."""
        while True:
            for place in range(MOST_LOOKUPS):
                if self._running.setdefault(place, mine) is mine:
                    threading.Thread(target=self._run, args=(place, mine), name="clinik-lookup", daemon=True).start()
                    return mine
            running = list(self._running.values())
            if running:
                return running[-1]

    def _run(self, place: int, lookup: Lookup) -> None:
        try:
            lookup.run()
        finally:
            if self._running.get(place) is lookup:
                self._running.pop(place, None)
