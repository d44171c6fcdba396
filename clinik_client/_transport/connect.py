"""Connecting to a host that may have several addresses, of which some may be dead."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final, cast

from .._interruption import is_interruption
from .failures import code_of_connecting, no_connection
from .lookup import Address

HEAD_START: Final = 0.25
"""Seconds that an address has before the next one is tried beside it (RFC 8305, section 5)."""

_UNDER_WAY: Final = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))


def connect(
    addresses: Sequence[Address], seconds_left: Callable[[], float | None], opened: Callable[[socket.socket], None]
) -> tuple[socket.socket, Address]:
    """Connect to the address that responds first: one that does not soon gets a rival (RFC 8305 in its simplest form).

    Args:
        addresses: where; each has a head start before the next.
        seconds_left: the time that is left; raises when there is none.
        opened: told of each socket as soon as it is connecting; whoever shuts it down ends the wait.

    Raises:
        httpcore.ConnectError: none of them can be reached.
        httpcore.TimeoutException: the time was up.
    """
    running: dict[socket.socket, Address] = {}
    winner: socket.socket | None = None
    try:
        with selectors.DefaultSelector() as selector:
            winner = _race(list(addresses), running, selector, seconds_left, opened)
            return winner, running[winner]
    except OSError as error:
        if is_interruption(error):
            raise
    finally:
        for sock in running:
            if sock is not winner:
                sock.close()
    raise no_connection("connection")


def _race(
    waiting: list[Address],
    running: dict[socket.socket, Address],
    selector: selectors.BaseSelector,
    seconds_left: Callable[[], float | None],
    opened: Callable[[socket.socket], None],
) -> socket.socket:
    next_start = 0.0
    problems: set[int] = set()
    while waiting or running:
        if waiting and (not running or time.monotonic() >= next_start):
            begun = _begin(waiting.pop(0), running)
            if isinstance(begun, int):
                problems.add(begun)
                next_start = 0.0
                continue
            opened(begun)
            selector.register(begun, selectors.EVENT_WRITE)
            next_start = time.monotonic() + HEAD_START
        limits = [seconds_left(), next_start - time.monotonic() if waiting else None]
        for key, _ in selector.select(min((limit for limit in limits if limit is not None), default=None)):
            sock = cast(socket.socket, key.fileobj)
            if (problem := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) == 0:
                return sock
            problems.add(problem)
            selector.unregister(sock)
            del running[sock]
            sock.close()
            next_start = 0.0
    raise no_connection(code_of_connecting(problems))


def _begin(address: Address, running: dict[socket.socket, Address]) -> socket.socket | int:
    """Begin to connect; gives the system's number of the problem where that fails at once."""
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:
        # This machine may not speak that family of addresses.
        if is_interruption(error):
            raise
        return error.errno or 0
    running[sock] = address
    sock.setblocking(False)
    # A request is written in two pieces, and the second must not wait for the first to be acknowledged.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if (problem := sock.connect_ex(address.where)) in (0, *_UNDER_WAY):
        return sock
    del running[sock]
    sock.close()
    return problem
