"""The base URL, checked and taken apart: scheme, host, port and path."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from .. import _public_service
from .._errors import ClinikConfigError

if TYPE_CHECKING:
    import httpx

_PORTS: Final = {"https": 443, "http": 80}

# A name, or an IPv6 address, which httpx has looked at.
_HOST: Final = r"[a-z0-9._-]+|.*:.*"

# A URL in which nothing is encoded, and nothing can be written in another way.
_PLAIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>127\.0\.0\.1|[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?(?P<prefix>(?:/[A-Za-z0-9_~-]+)*)/?"
)


class Target:
    """The service to talk to, taken apart once.

    Args:
        scheme: ``http`` or ``https``.
        host: its name or address, an IPv6 address without brackets.
        port: the port there.
        prefix: the path in front of every route, without a slash at its end.
    """

    def __init__(self, scheme: str, host: str, port: int, prefix: str) -> None:
        place = f"[{host}]" if ":" in host else host
        if port != _PORTS[scheme]:
            place = f"{place}:{port}"
        self.scheme = scheme.encode("ascii")
        self.host = host.encode("ascii")
        self.port = port
        self.prefix = prefix
        self.host_header = place.encode("ascii")
        self.shown = f"{scheme}://{place}{prefix}"
        """How messages name it."""
        self.loopback = _is_loopback(host)
        self.is_public = host.rstrip(".") == _public_service.HOST
        """Whether it is the public service, which tests may not reach."""


def parse_target(base_url: str) -> Target:
    """Take a base URL apart.

    Raises:
        ClinikConfigError: it is not an absolute http or https URL, or has parts that do not belong there.
    """
    plain = _PLAIN.fullmatch(base_url) if isinstance(base_url, str) else None
    if plain is not None and (port := int(plain["port"] or _PORTS[plain["scheme"]])) < 65_536:
        return Target(plain["scheme"], plain["host"], port, plain["prefix"])
    import httpx  # it knows all that a URL can be, and takes its time to load

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
    port = url.port or _PORTS[url.scheme]
    return Target(url.scheme, url.raw_host.decode("ascii"), port, url.raw_path.decode("ascii").rstrip("/"))


def place_problem(url: httpx.URL) -> str | None:
    """What is wrong with the host and the port of a URL, if anything."""
    if not re.fullmatch(_HOST, url.raw_host.decode("ascii")):
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
