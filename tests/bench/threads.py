"""Many threads on one client, each waiting for a service that answers after 20 ms."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from tests.bench.service import DELAY

THREADS = 64
CALLS = 40
"""Of each thread."""


def shortfall(read: Callable[[], Any]) -> Callable[[], float]:
    """Measures how long 64 threads take, as a multiple of what one thread would need that only waits."""

    def measure() -> float:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: read(), range(THREADS)))  # connections are there
            started = time.perf_counter()
            list(pool.map(lambda _: [read() is None for _ in range(CALLS)], range(THREADS)))
            return (time.perf_counter() - started) / (CALLS * DELAY)

    return measure


def bare_reads(url: str, stack: ExitStack) -> Callable[[], bytes]:
    """The same request over a socket for each thread, with nothing else: as fast as the service can be asked."""
    host, port = url.removeprefix("http://").split(":")
    own = threading.local()
    request = f"GET /v1/encounters/enc_late HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()

    def read() -> bytes:
        if not hasattr(own, "socket"):
            own.socket = stack.enter_context(socket.create_connection((host, int(port))))
        own.socket.sendall(request)
        received: bytes = own.socket.recv(65536)
        return received

    return read
