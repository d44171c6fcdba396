"""Telling what a signal handler raised from what the network raised."""

from __future__ import annotations

import socket
import ssl
import sys
from typing import Final

# Whose code runs below a call: Python's own, the libraries that speak HTTP, and those that put themselves in the place
# of the standard library's sockets or certificates.
_BELOW: Final = sys.stdlib_module_names | {
    "clinik_client",
    "httpx",
    "httpcore",
    "h11",
    "gevent",
    "eventlet",
    "truststore",
}


def is_interruption(error: BaseException) -> bool:
    """Whether an exception was raised by a signal handler (or a logging handler) in the middle of a call.

    Such an exception is nothing of the network's, whatever its type: a handler may well raise a `TimeoutError`. It is
    known by code on its way that is neither ours nor that of the libraries below.
    """
    if not isinstance(error, Exception):
        return True
    if isinstance(error, ssl.SSLError | socket.gaierror):
        return False
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__"))
        if module.partition(".")[0] not in _BELOW:
            return True
        trace = trace.tb_next
    return False
