"""What can be done to a connection in place of serving it. Each step ends when the peer goes or the server stops."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from typing import Final

from ._connection import Connection

__all__ = ["GARBAGE", "gzip_bomb", "hang", "send_slowly"]

GARBAGE: Final = bytes(range(256)) * 8
"""Bytes that are no HTTP."""

_PIECE: Final = 1024 * 1024


def hang(connection: Connection) -> None:
    """Say nothing more, whatever comes."""
    while connection.receive(None):
        pass


def send_slowly(connection: Connection, pieces: Iterable[bytes], every: float = 0.02) -> None:
    """Write a piece every so many seconds."""
    for piece in pieces:
        if not connection.wait(every):
            return
        connection.send(piece)


@cache
def gzip_bomb(size: int) -> bytes:
    """Spaces, compressed to a thousandth of their size.

    >>> len(gzip_bomb(10_000_000)) < 12_000
    True
    """
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    packed = [packer.compress(b" " * min(_PIECE, size - start)) for start in range(0, size, _PIECE)]
    return b"".join([*packed, packer.flush()])
