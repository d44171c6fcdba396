"""Where cells happen: servers and what stands in front of them, names, certificates, time."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any
from unittest import mock

import trustme
from attrs import frozen

from tests.misbehaviour import hanging_port, refusing_port, tls_as

from .policy import FaultCell
from .server import FaultServer
from .watch import LogWatch

numbers = count(1)
"""For what has to be different in every cell."""


class Names:
    """A resolver for hosts that do not exist, or that take for ever."""

    DOMAIN = ".faults.localhost"

    def __init__(self) -> None:
        self._real = socket.getaddrinfo
        self._left: dict[str, float] = {}
        self._slow: set[str] = set()
        self.released = threading.Event()

    def add(self, fails: float, slow: bool) -> str:
        """A new host, of which the first lookups fail."""
        host = f"h{next(numbers)}{self.DOMAIN}"
        self._left[host] = fails
        if slow:
            self._slow.add(host)
        return host

    def heal(self, host: str) -> None:
        self._left[host] = 0

    def getaddrinfo(self, host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host not in self._left:
            return self._real(host, port, *rest, **named)
        if self._left[host] >= 1:
            self._left[host] -= 1
            if host in self._slow:
                self.released.wait(60)
                if not self._left[host]:
                    # It has healed meanwhile.
                    return self._real("127.0.0.1", port, *rest, **named)
            raise socket.gaierror(socket.EAI_NONAME, "canary is not known")
        return self._real("127.0.0.1", port, *rest, **named)


class Lab:
    """What all cells share: certificates, a resolver, an ear on every logger."""

    def __init__(self) -> None:
        self.authority = authority = trustme.CA()
        self.trusting = ssl.create_default_context()
        authority.configure_trust(self.trusting)
        self.context = tls_as(authority, "127.0.0.1", f"*{Names.DOMAIN}")
        self.stranger = tls_as(authority, "canary.example")
        self.names = Names()
        self.logs = LogWatch()

    @contextmanager
    def open(self) -> Iterator[Lab]:
        with mock.patch("socket.getaddrinfo", self.names.getaddrinfo), self.logs.listening():
            try:
                yield self
            finally:
                self.names.released.set()


@frozen
class Place:
    """Where a cell happens."""

    url: str
    server: Callable[[], FaultServer]
    """The server; asking for one where there is none yet starts it."""
    heal: Callable[[], None]


@contextmanager
def place_for(cell: FaultCell, lab: Lab) -> Iterator[Place]:
    """Set a cell up: a server that is faulty, or something in the way of a healthy one."""
    fault = cell.fault
    fails = 1 if cell.mode == "once" or fault.kept else float("inf")
    context = lab.context if cell.tls else None
    scheme = "https" if cell.tls else "http"
    with ExitStack() as stack:
        if fault.network in ("refused", "silent"):
            blocked = stack.enter_context(ExitStack())
            port = blocked.enter_context(refusing_port() if fault.network == "refused" else hanging_port())
            started: list[FaultServer] = []

            def start() -> FaultServer:
                if not started:
                    blocked.close()
                    started.append(stack.enter_context(FaultServer(context=context, port=port)))
                return started[0]

            yield Place(f"{scheme}://127.0.0.1:{port}", start, lambda: start().heal())
            return
        stranger = fault.only_tls and fault.opening is None
        server = stack.enter_context(
            FaultServer(fault.script, fault.opening, faults=fails, context=lab.stranger if stranger else context)
        )
        if fault.network is not None:
            host = lab.names.add(fails, slow=fault.network == "slow")
            yield Place(f"{scheme}://{host}:{server.port}", lambda: server, lambda: lab.names.heal(host))
        else:
            yield Place(f"{scheme}://127.0.0.1:{server.port}", lambda: server, server.heal)
