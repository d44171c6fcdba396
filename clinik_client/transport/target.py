"""Where the service is, whom to trust there, and the way through a proxy."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
from functools import lru_cache
from urllib.request import getproxies, proxy_bypass

import httpx
from attrs import frozen

from ..errors import ClinikConfigError


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
    if problem is None and (url.scheme not in ("http", "https") or not url.host):
        problem = "must begin with https:// (or http:// for a server on this machine) and name a host"
    elif problem is None and (url.userinfo or b"?" in url.raw_path or url.fragment):
        problem = "must have no user name, no query and no fragment"
    elif problem is None and url.port is not None and not 0 < url.port < 65_536:
        problem = "names a port that does not exist"
    if problem is not None:
        raise ClinikConfigError(f"base_url {problem}.")
    return Target(
        scheme=url.raw_scheme,
        host=url.raw_host,
        port=url.port or (443 if url.scheme == "https" else 80),
        prefix=url.raw_path.decode("ascii").rstrip("/"),
        shown=f"{url.scheme}://{url.netloc.decode('ascii')}{url.path.rstrip('/')}",
        loopback=_is_loopback(url.host),
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context(verify: bool | str | os.PathLike[str] | ssl.SSLContext, trust_env: bool) -> ssl.SSLContext:
    """The TLS settings for what a caller gives as ``verify``.

    Raises:
        ClinikConfigError: the CA file is not there or holds no certificates.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if isinstance(verify, bool):
        environment = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")) if trust_env else (None, None)
        return _default_context(verify, trust_env, *environment)
    context = None
    with contextlib.suppress(OSError, ValueError):
        path = os.fspath(verify)
        is_folder = os.path.isdir(path)
        context = ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
    if context is None:
        raise ClinikConfigError("verify names a CA file that cannot be read, or that holds no PEM certificates.")
    return context


@lru_cache(maxsize=4)
def _default_context(verify: bool, trust_env: bool, cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    # Loading the certificates takes most of the time that a client needs to start, so clients share them.
    context = None
    with contextlib.suppress(OSError):
        context = httpx.create_ssl_context(verify=verify, trust_env=trust_env)
    if context is None:
        raise ClinikConfigError("SSL_CERT_FILE or SSL_CERT_DIR names something that cannot be read.")
    return context


def find_proxy(target: Target, proxy: str | None, trust_env: bool) -> httpx.Proxy | None:
    """The proxy to use: the one given, or the environment's (``HTTPS_PROXY``, ``NO_PROXY`` and so on).

    Raises:
        ClinikConfigError: it is not an http or https URL.
    """
    host = target.host.decode("ascii")
    if proxy is None and trust_env and not proxy_bypass(f"{host}:{target.port}") and not proxy_bypass(host):
        proxies = getproxies()
        proxy = proxies.get(target.scheme.decode("ascii")) or proxies.get("all")
        # Environments often name a proxy without its scheme.
        proxy = f"http://{proxy}" if proxy and "://" not in proxy else proxy
    if not proxy:
        return None
    found = None
    with contextlib.suppress(httpx.InvalidURL, TypeError, ValueError):
        found = httpx.Proxy(proxy)
    if found is None or found.url.scheme not in ("http", "https") or not found.url.host:
        raise ClinikConfigError("The proxy must be an http:// or https:// URL with a host.")
    return found
