"""Which failure it was: a code and a sentence for whatever ended an attempt."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING, Final, Literal, get_args

import httpcore

from .._errors import Phase
from .attempt import Attempt
from .target import Target

if TYPE_CHECKING:
    import httpx

NoConnection = Literal[
    "refused",
    "unreachable",
    "unknown_host",
    "no_address",
    "no_socket",
    "connection",
    "certificate_untrusted",
    "certificate_expired",
    "certificate_host",
    "certificate",
    "tls_to_plain",
    "tls",
    "plain_to_tls",
    "closed",
    "cut",
    "not_http",
    "unasked",
]
"""What can go wrong with a service, or with a proxy before it: then ``proxy_`` stands in front."""

Code = (
    NoConnection
    | Literal["timeout", "proxy_login", "proxy_tunnel", "bad_encoding", "too_large", "bad_request", "client_closed"]
    | Literal["public_service"]
)

_FINAL: Final = frozenset(
    {
        *(code for code in get_args(NoConnection) if code.startswith("certificate")),
        *("proxy_login", "too_large", "bad_request", "client_closed", "public_service"),
    }
)

_TEXTS: Final[dict[NoConnection, str]] = {
    "refused": "{peer} refused the connection: nothing listens there. Check {setting}.",
    "unreachable": "{peer} cannot be reached. Check the network, the firewall and {setting}.",
    "unknown_host": "The name of {peer} was not found. Check {setting}, and whether this machine can look up names.",
    "no_address": "{peer} has no address that this machine can use. Check {setting}, and whether IPv6 is needed.",
    "no_socket": "No socket could be opened for {peer}: the system has no more. Close what is not needed.",
    "connection": "No connection to {peer} could be made.",
    "certificate_untrusted": "The certificate of {peer} is from an authority that is not trusted. "
    "Give verify the file of yours.",
    "certificate_expired": "The certificate of {peer} is no longer valid, or not yet. Check this machine's clock.",
    "certificate_host": "The certificate of {peer} is for another host. Check {setting}.",
    "certificate": "The certificate of {peer} is not valid.",
    "tls_to_plain": "{peer} does not speak TLS. Check the port in {setting}; https:// needs one that does.",
    "tls": "The TLS handshake with {peer} failed: it broke off, or there is no version of TLS that suits both.",
    "plain_to_tls": "{peer} speaks TLS, and was spoken to without. Write https:// in {setting}.",
    "closed": "{peer} closed the connection before it responded.{hint}",
    "cut": "The connection to {peer} broke before its response was complete.",
    "not_http": "What came back from {peer} is not HTTP as it should be. Check {setting}.",
    "unasked": "{peer} sent something before it was asked.",
}

_DOING: Final[dict[Phase, str]] = {
    "lookup": "looking up the name of {peer}",
    "connect": "connecting to {peer}",
    "tls": "waiting for the TLS handshake with {peer}",
    "proxy": "waiting for a tunnel through {peer}",
    "send": "sending the request to {peer}",
    "wait": "waiting for the response of {peer}",
    "read": "reading the response of {peer}",
}

_BY_ERRNO: Final[dict[int, NoConnection]] = {
    errno.ECONNREFUSED: "refused",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM), "no_socket"),
    **dict.fromkeys((errno.ECONNRESET, errno.ECONNABORTED), "closed"),
    **dict.fromkeys((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL), "no_address"),
    **dict.fromkeys(
        (
            *(errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN, errno.ENETRESET),
            *(errno.ETIMEDOUT, errno.EACCES, errno.EPERM),
        ),
        "unreachable",
    ),
}

# OpenSSL's numbers (X509_V_ERR_...): the issuer is not known, the dates, the name or address.
_BY_VERIFY_CODE: Final[dict[int, NoConnection]] = {
    **dict.fromkeys((2, 18, 19, 20, 21), "certificate_untrusted"),
    **dict.fromkeys((9, 10), "certificate_expired"),
    **dict.fromkeys((62, 64), "certificate_host"),
}

_TLS_RECORDS: Final = (b"\x14", b"\x15", b"\x16", b"\x17")
_TLS_ALERT: Final = b"\x15\x03"


class AttemptFailed(Exception):
    """An attempt brought no whole response. Never leaves the SDK.

    Attributes:
        code: what it was.
        text: the same for people, without anything that the request or the response carried.
        phase: what was being done when the time was up; ``None`` if it was not.
        malformed: something came back that is not a whole HTTP response.
        final: trying again cannot help: a bad certificate, a closed client, a response above the limit.
    """

    def __init__(
        self, code: Code, text: str, *, phase: Phase | None = None, malformed: bool = False, at_proxy: bool = False
    ) -> None:
        super().__init__(text)
        self.code = f"proxy_{code}" if at_proxy and code in _TEXTS else code
        self.text = text
        self.phase = phase
        self.malformed = malformed
        self.final = code in _FINAL


def no_connection(code: NoConnection) -> httpcore.ConnectError:
    """What the layers below raise. It holds nothing but the code, since the texts of others are not repeated."""
    return httpcore.ConnectError(code)


def code_of_connecting(numbers: set[int]) -> NoConnection:
    """Why no address could be connected to: the cause that says most of those that they had."""
    codes = [_BY_ERRNO.get(number, "connection") for number in numbers]
    # What refuses is there. What this machine cannot even try says the least.
    return min(codes, key=("refused", "closed", "unreachable", "no_socket", "connection", "no_address").index)


def code_of_handshake(error: OSError, first: bytes) -> NoConnection:
    """Why a TLS handshake failed.

    Args:
        error: what was raised.
        first: the first byte that came.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(error.verify_code, "certificate")
    return "tls_to_plain" if first and first not in _TLS_RECORDS else "tls"


def failure_of(error: Exception, attempt: Attempt, target: Target, proxy: httpx.URL | None) -> AttemptFailed:
    """The failure that an exception stands for.

    Args:
        error: what httpcore, or a layer below it, raised.
        attempt: what is known.
        target: the service.
        proxy: the proxy on the way there, if there is one.
    """
    service = peer = _place(target.host, target.port)
    setting = "base_url"
    at_proxy = proxy is not None and not attempt.sent and not attempt.tunnelled
    plain = target.scheme == b"http"
    if proxy is not None:
        through = proxy_named(proxy)
        peer = f"{service} (through {through})"
        if at_proxy:
            peer, setting, plain = through, "the proxy setting", proxy.scheme == "http"
    if isinstance(error, httpcore.TimeoutException):
        doing = _DOING[attempt.phase].format(peer=peer)
        return AttemptFailed("timeout", f"The time was up while {doing}.", phase=attempt.phase)
    if isinstance(error, httpcore.ProxyError):
        # httpcore begins it with the status; the rest is the proxy's own words.
        if (status := str(error)[:3]) == "407":
            return AttemptFailed("proxy_login", login_wanted(peer))
        return AttemptFailed("proxy_tunnel", f"T{peer[1:]} refused a tunnel to {service}, with status {status}.")
    if isinstance(error, httpcore.LocalProtocolError | UnicodeError | httpcore.UnsupportedProtocol):
        return AttemptFailed("bad_request", "The request cannot be written as HTTP.")
    code = _code(error, attempt)
    hint = f" If that port speaks TLS, write https:// in {setting}." if plain else ""
    text = _TEXTS[code].format(peer=peer, setting=setting, hint=hint)
    malformed = attempt.sent and attempt.received > 0 and isinstance(error, httpcore.RemoteProtocolError)
    return AttemptFailed(code, text[0].upper() + text[1:], malformed=malformed, at_proxy=at_proxy)


def _code(error: Exception, attempt: Attempt) -> NoConnection:
    if isinstance(error, httpcore.ConnectError):
        return next((code for code in _TEXTS if error.args == (code,)), "connection")
    if not attempt.received:
        return "closed"
    if attempt.head.startswith(_TLS_ALERT):
        return "plain_to_tls"
    if not attempt.head.startswith(b"HTTP/"[: len(attempt.head)]):
        return "not_http"
    return "cut" if attempt.ended else "not_http"


def proxy_named(proxy: httpx.URL) -> str:
    """What a message calls a proxy: its host and its port, and never its user."""
    return f"the proxy {_place(proxy.raw_host, proxy.port or (443 if proxy.scheme == 'https' else 80))}"


def login_wanted(peer: str) -> str:
    """What is said of a proxy's 407.

    Args:
        peer: the proxy, as `proxy_named` calls it.
    """
    return f"T{peer[1:]} wants a user name and a password that it accepts. Give them in the proxy setting."


def _place(host: bytes, port: int) -> str:
    name = host.decode("ascii")
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
