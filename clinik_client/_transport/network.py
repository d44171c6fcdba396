"""The network below one connection to the service."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import httpcore

from .attempt import Attempt
from .connect import connect
from .failures import no_connection
from .lookup import Address, Lookups
from .register import Register, Wait
from .stream import Stream


class Shared:
    """What the connections of one process share. Nothing of it is ever locked."""

    def __init__(self) -> None:
        self.closed = False
        self.sockets: Register[socket.socket] = Register()
        self.waits: Register[Wait] = Register()
        self.lookups = Lookups()
        self.good_address: Address | None = None
        """The address that worked last."""

    def opened(self, sock: socket.socket) -> None:
        """A socket is there; closing the client will end it."""
        self.sockets.add(sock)
        if self.closed:
            sock.close()
            raise no_connection("closed")


class Network(httpcore.NetworkBackend):
    """The network of one connection; hands it the attempt that it works for.

    httpcore's own limits start anew with each chunk, address and step; what it passes here as a timeout is not used.

    Args:
        shared: what is shared with other connections.
        layers: see `Stream`.
    """

    def __init__(self, shared: Shared, layers: int) -> None:
        self._shared = shared
        self._layers = layers
        self._attempt = Attempt(0.0)
        self.stream: Stream | None = None
        """The socket, once there is one."""

    def begin(self, attempt: Attempt) -> None:
        """From now on the connection works for this attempt."""
        self._attempt = attempt
        if self.stream is not None:
            self.stream.attempt = attempt

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._addresses(host, port)
        good = self._shared.good_address
        if good in addresses:
            addresses = [good, *(address for address in addresses if address != good)]
        self._attempt.phase = "connect"
        sock, address = connect(addresses, self._attempt.seconds_left, self._shared.opened)
        try:
            self._shared.good_address = address
            self.stream = Stream(sock, self._attempt, self._layers)
        except BaseException:
            sock.close()
            raise
        return self.stream

    def _addresses(self, host: str, port: int) -> list[Address]:
        if ":" in host:
            return [Address(socket.AF_INET6, (host, port))]
        if host.rpartition(".")[2].isdigit():
            return [Address(socket.AF_INET, (host, port))]
        self._attempt.phase = "lookup"
        wait = Wait()
        self._shared.waits.add(wait)
        if self._shared.closed:
            raise no_connection("closed")
        return self._shared.lookups.find(host, port, wait, self._attempt.seconds_left())
