"""The base URL, checked and taken apart: scheme, host, port and path."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

import httpx
from attrs import frozen

from .._errors import ClinikConfigError

# A name, or an IPv6 address, which httpx has looked at.
_HOST: Final = re.compile(r"[a-z0-9._-]+|.*:.*")


@frozen
class Target:
    """The service to talk to, taken apart once."""

    scheme: bytes
    host: bytes
    port: int
    prefix: str
    """The path in front of every route, without a slash at its end."""
    shown: str
    """How messages name it."""
    loopback: bool

    @property
    def host_header(self) -> bytes:
        name = b"[%s]" % self.host if b":" in self.host else self.host
        default = {b"https": 443, b"http": 80}[self.scheme]
        return name if self.port == default else b"%s:%d" % (name, self.port)


def parse_target(base_url: str) -> Target:
    """Take a base URL apart.

    Raises:
        ClinikConfigError: it is not an absolute http or https URL, or has parts that do not belong there.
    """
    problem = None
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError, ValueError):
        problem = "is not a URL"
        url = httpx.URL()
    if problem is None and (url.scheme not in ("http", "https") or not url.raw_host):
        problem = "must begin with https:// (or http:// for a server on this machine) and name a host"
    elif problem is None and (url.userinfo or b"?" in url.raw_path or url.fragment):
        problem = "must have no user name, no query and no fragment"
    elif problem is None:
        problem = place_problem(url)
    if problem is not None:
        raise ClinikConfigError(f"base_url (or CLINIKAPI_BASE_URL) {problem}.")
    prefix = url.raw_path.decode("ascii").rstrip("/")
    return Target(
        scheme=url.raw_scheme,
        host=url.raw_host,
        port=url.port or (443 if url.scheme == "https" else 80),
        prefix=prefix,
        shown=f"{url.scheme}://{url.netloc.decode('ascii')}{prefix}",
        loopback=_is_loopback(url.raw_host.decode("ascii")),
    )


def place_problem(url: httpx.URL) -> str | None:
    """What is wrong with the host and the port of a URL, if anything."""
    if not _HOST.fullmatch(url.raw_host.decode("ascii")):
        return "names no host that can exist"
    if url.port is not None and not 0 < url.port < 65_536:
        return "names a port that does not exist"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
