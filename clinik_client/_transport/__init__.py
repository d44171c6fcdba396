"""One attempt to send a request: the only place that speaks HTTP.

httpx is behind this door for what it knows of URLs and proxies; httpcore's connections speak HTTP. Below
each of them is a stream of our own, the seam that the rest of the SDK is built on: it puts one wall-clock limit on
everything that waits, and it knows what has left for the service and what came back.
"""

from .attempt import Attempt, HttpResponse
from .failures import AttemptFailed
from .pool import Transport
from .proxies import find_proxy
from .register import Register, Wait
from .target import parse_target
from .tls import tls_context

__all__ = [
    "Attempt",
    "AttemptFailed",
    "Register",
    "HttpResponse",
    "Transport",
    "Wait",
    "find_proxy",
    "parse_target",
    "tls_context",
]
