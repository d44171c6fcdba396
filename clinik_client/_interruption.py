"""Telling what a signal handler raised from what the network raised."""

from __future__ import annotations

import socket
import ssl
import sys
from typing import Final

_LIBRARIES: Final = frozenset({"httpx", "httpcore", "h11", "orjson"})

# Whose code runs below a call: ours, Python's, that of the libraries, and of those that put themselves in the place of
# the standard library's sockets or certificates.
_BELOW: Final = sys.stdlib_module_names | _LIBRARIES | {"clinik_client", "dateutil", "gevent", "eventlet", "truststore"}


def is_interruption(error: BaseException) -> bool:
    """Whether an exception was raised by a signal handler (or a logging handler) in the middle of a call.

    Such an exception is nothing of the network's, whatever its type: a handler may well raise a `TimeoutError`. It is
    known by code on its way that is neither ours nor that of the libraries below.
    """
    if not isinstance(error, Exception):
        return True
    if (
        isinstance(error, ConnectionError | ssl.SSLError | socket.gaierror)
        or _root(type(error).__module__) in _LIBRARIES
    ):
        return False
    trace = error.__traceback__
    while trace is not None:
        if _root(str(trace.tb_frame.f_globals.get("__name__"))) not in _BELOW:
            return True
        trace = trace.tb_next
    return False


def _root(module: str) -> str:
    return module.partition(".")[0]
