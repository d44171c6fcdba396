"""Connecting to a host that may have several addresses, of which some may be dead."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

import httpcore

from .interruption import is_interruption
from .lookup import Address

HEAD_START: Final = 0.25
"""Seconds that an address has before the next one is tried beside it (RFC 8305, section 5)."""

_UNDER_WAY: Final = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))


def connect(
    addresses: Sequence[Address], seconds_left: Callable[[], float | None], opened: Callable[[socket.socket], None]
) -> tuple[socket.socket, Address]:
    """Connect to the first address that answers.

    Args:
        addresses: where; the first has a head start.
        seconds_left: the time that is left; raises when there is none.
        opened: told of each socket before it is waited on.

    Raises:
        httpcore.ConnectError: none of them can be reached.
        httpcore.TimeoutException: the time was up.
    """
    try:
        if len(addresses) == 1:
            return _connect_to(addresses[0], seconds_left, opened), addresses[0]
        return _race(addresses, seconds_left, opened)
    except OSError as error:
        if is_interruption(error):
            raise
        problem = httpcore.ConnectTimeout if isinstance(error, TimeoutError) else httpcore.ConnectError
    raise problem


def _connect_to(
    address: Address, seconds_left: Callable[[], float | None], opened: Callable[[socket.socket], None]
) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        opened(sock)
        sock.settimeout(seconds_left())
        sock.connect(address.where)
    except BaseException:
        sock.close()
        raise
    return sock


def _race(
    addresses: Sequence[Address], seconds_left: Callable[[], float | None], opened: Callable[[socket.socket], None]
) -> tuple[socket.socket, Address]:
    """Happy eyeballs in their simplest form: an address that does not answer soon gets a rival (RFC 8305)."""
    waiting = list(addresses)
    running: dict[socket.socket, Address] = {}
    next_start = 0.0
    winner: socket.socket | None = None
    try:
        with selectors.DefaultSelector() as selector:
            while True:
                now = time.monotonic()
                if waiting and (not running or now >= next_start):
                    address = waiting.pop(0)
                    sock = socket.socket(address.family, socket.SOCK_STREAM)
                    running[sock] = address
                    opened(sock)
                    sock.setblocking(False)
                    next_start = now + HEAD_START
                    problem = sock.connect_ex(address.where)
                    if problem not in (0, *_UNDER_WAY):
                        del running[sock]
                        sock.close()
                        next_start = 0.0
                        continue
                    selector.register(sock, selectors.EVENT_WRITE)
                if not running:
                    raise httpcore.ConnectError("no address answers")
                left = seconds_left()
                until_next = next_start - time.monotonic() if waiting else None
                wait = min((limit for limit in (left, until_next) if limit is not None), default=None)
                for key, _ in selector.select(wait):
                    assert isinstance(key.fileobj, socket.socket)
                    if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                        winner = key.fileobj
                        return winner, running[winner]
                    selector.unregister(key.fileobj)
                    del running[key.fileobj]
                    key.fileobj.close()
                    next_start = 0.0
    finally:
        for sock in running:
            if sock is not winner:
                sock.close()
