"""The way to the service: through a proxy, or straight."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from typing import TYPE_CHECKING, Final

from .._errors import ClinikConfigError
from .target import Target, place_problem

if TYPE_CHECKING:
    import httpx

_ENTRY: Final = r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]+))?"


def find_proxy(target: Target, proxy: str | None, trust_env: bool) -> httpx.Proxy | None:
    """The proxy to use: the one given (``""`` for none), or the environment's.

    Raises:
        ClinikConfigError: it is not an http or https URL. Its text does not repeat the URL, which may hold a password.
    """
    source = "The proxy"
    if not isinstance(proxy, str | None):
        raise ClinikConfigError('The proxy must be the text of a URL, or "" for none.')
    if proxy is None and trust_env:
        source = "The proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)"
        proxy = _proxy_of_environment(target)
    if not proxy:
        return None
    import httpx  # most programs need nothing of it, and it takes its time

    problem = None
    try:
        found = httpx.Proxy(proxy)
    except (httpx.InvalidURL, ValueError):
        problem = "must be an http:// or https:// URL (in a password, write what is no letter or digit as %..)"
    else:
        if found.url.scheme not in ("http", "https"):
            problem = "must be an http:// or https:// URL; SOCKS is not supported"
        elif found.url.raw_path != b"/" or found.url.fragment:
            # Most likely a password with a / ? or # in it: what stands before would be taken for the host.
            problem = "must have nothing behind its host and port (in a password, write / as %2F, ? as %3F, # as %23)"
        else:
            problem = place_problem(found.url)
    if problem is not None:
        raise ClinikConfigError(f"{source} {problem}.")
    return found


def _proxy_of_environment(target: Target) -> str | None:
    named = any(name.lower().endswith("_proxy") for name in os.environ if name.lower() != "no_proxy")
    if not named and sys.platform not in ("win32", "darwin"):
        return None
    from urllib.request import getproxies, proxy_bypass  # it takes its time, too

    proxies = getproxies()
    proxy = (proxies.get(target.scheme.decode("ascii")) or proxies.get("all") or "").strip()
    if not proxy:
        return None
    host = target.host.decode("ascii")
    if "no" in proxies:
        straight = is_listed(proxies["no"], host, target.port)
    else:
        # Windows and macOS have a list of their own, which holds where the environment says nothing.
        straight = bool(proxy_bypass(f"[{host}]" if ":" in host else host))
    if straight:
        return None
    # Environments often name a proxy without its scheme.
    return proxy if "://" in proxy else f"http://{proxy}"


def is_listed(no_proxy: str, host: str, port: int) -> bool:
    """Whether a list in the form of ``NO_PROXY`` has a host. What cannot be read in it counts for nothing."""
    host = host.lower().rstrip(".")
    return any(_names(entry, host, str(port)) for entry in re.split(r"[\s,]+", no_proxy.lower()) if entry)


def _names(entry: str, host: str, port: str) -> bool:
    name = entry
    # An IPv6 address without brackets is a name with many colons, and has no port.
    if (parts := re.fullmatch(_ENTRY, entry)) is not None:
        name = parts["bracketed"] or parts["name"]
        if parts["port"] not in (None, port):
            return False
    if name == "*":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if name.startswith("*."):
            return host.endswith(name[1:])
        return f".{host}".endswith(f".{name.strip('.')}")
    try:
        return address in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False
