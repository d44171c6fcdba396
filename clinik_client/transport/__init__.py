"""One attempt to send a request: the only place that speaks HTTP.

httpx is behind this door for what it knows of URLs and proxies; the requests go to httpcore's connection
pool directly. That pool has the seams that the rest of the SDK is built on: a network backend, which puts one
wall-clock limit on everything that waits, and a trace, which tells what has left for the service.
"""

from .attempt import Attempt, AttemptFailed, Reply
from .pool import Transport
from .proxies import find_proxy
from .target import parse_target
from .tls import tls_context

__all__ = ["Attempt", "AttemptFailed", "Reply", "Transport", "find_proxy", "parse_target", "tls_context"]
