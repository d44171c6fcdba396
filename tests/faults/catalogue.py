"""The faults, as data: what goes wrong, and what is known about a request that met it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote_plus

import orjson
from attrs import frozen

from clinik_client import (
    ClinikApiError,
    ClinikAuthError,
    ClinikConflictError,
    ClinikConnectionError,
    ClinikPermissionError,
    ClinikQuotaError,
    ClinikRateLimitError,
    ClinikResponseError,
    ClinikServerError,
    ClinikTimeoutError,
    ClinikValidationError,
)
from clinik_client.testing._steps import GARBAGE, gzip_bomb

from . import server
from .server import FaultyExchange, Opening, Script, Step, apply, drip, finish, flood, hang, reset, send

Operation = Literal["create", "read", "update", "delete", "search"]
OPERATIONS: Final[tuple[Operation, ...]] = ("create", "read", "update", "delete", "search")

Evidence = Literal["none", "not_sent", "rejected", "limited", "unknown", "applied"]
"""What a client can know: ``none`` that anything is wrong; ``limited`` that it was turned away for now."""

RETRY_AFTER: Final = 7
MAX_RESPONSE_BYTES: Final = 1_000_000


@frozen
class Trouble:
    """One way to go wrong.

    Args:
        name: for tables.
        text: for readers of the documentation.
        evidence: what is known about the request; several where the timing decides.
        error: the exact class of the error.
        script: what the server does in place of a response.
        opening: what it does with a new connection.
        network: what is wrong before there is a server to talk to.
        slow: only the time limit ends it.
        final: a second attempt cannot help, not even for a read.
        kept: it happens to the connection of an earlier call.
        over_tls: the evidence over TLS, where that is another.
        only_tls: it does not exist without TLS.
        misled: operations that cannot notice it. They succeed.
        family: the line of the table that counts it, if that is not its own.
    """

    name: str
    text: str
    evidence: tuple[Evidence, ...]
    error: type[ClinikApiError] = ClinikApiError
    script: Script | None = None
    opening: Opening | None = None
    network: Literal["refused", "silent", "unknown", "slow"] | None = None
    slow: bool = False
    final: bool = False
    kept: bool = False
    over_tls: tuple[Evidence, ...] | None = None
    only_tls: bool = False
    misled: frozenset[Operation] = frozenset()
    family: str = ""

    @property
    def applies(self) -> bool:
        """Whether the service does what it is asked before things go wrong."""
        return self.script is not None and apply in self.script


# -- bytes ------------------------------------------------------------------------------------------------------------

Build = Callable[[FaultyExchange], bytes]

_SECRET_HEADERS = b"X-Debug: canary header\r\nServer: canary/1.0\r\n"


def head(status: int, *lines: str, end: bytes = b"\r\n") -> bytes:
    """A status line and headers, with things in them that nobody may print."""
    told = "".join(f"{line}\r\n" for line in lines)
    return b"HTTP/1.1 %d Canary Phrase\r\n%s%s%s" % (status, _SECRET_HEADERS, told.encode(), end)


def whole(status: int, body: bytes, *lines: str) -> bytes:
    """A well-formed response; unless a line says so, the connection is kept."""
    return head(status, f"Content-Length: {len(body)}", *lines) + body


def right(exchange: FaultyExchange) -> bytes:
    """The body of the right response."""
    return orjson.dumps(exchange.payload())


CLOSE = "Connection: close"
KEEP = "Connection: keep-alive"


def response(body: bytes | Build, *lines: str) -> Step:
    """A well-formed response of success with this body."""

    def build(exchange: FaultyExchange) -> bytes:
        content = body if isinstance(body, bytes) else body(exchange)
        return whole(exchange.status, content, "Content-Type: application/json", *(lines or (CLOSE,)))

    return send(build)


def error(status: int, code: str, *lines: str) -> Step:
    """An error of the API that repeats, in every field it has, what the request carried."""

    def build(exchange: FaultyExchange) -> bytes:
        secrets = exchange.secrets()
        body = {
            "error": f"Failed for {secrets}",
            "message": f"Cannot do this for {secrets} ({quote_plus(secrets)}); see Patient/canary1, enc_canary9",
            "code": code,
            "severity": exchange.path.rpartition("/")[2],
            "requestId": exchange.path.rpartition("/")[2],
            "issues": [{"severity": "error", "code": "invalid", "diagnostics": secrets, "location": [secrets]}],
        }
        request_id = f"X-Request-Id: {exchange.path.rpartition('/')[2]}"
        return whole(status, orjson.dumps(body), "Content-Type: application/json", CLOSE, request_id, *lines)

    return send(build)


def data(value: Any) -> Build:
    """The right envelope around other data."""
    return lambda exchange: orjson.dumps({**exchange.payload(), "data": value})


def chunked(exchange: FaultyExchange) -> bytes:
    body = right(exchange)
    return head(exchange.status, "Transfer-Encoding: chunked") + b"%x;canary=1\r\n%s\r\n" % (len(body), body)


def another(exchange: FaultyExchange) -> bytes:
    found = exchange.payload()
    wrong = server.record("enc_canary8another", "pt_canary8another")
    page = isinstance(found["data"], dict) and "hasMore" in found["data"]
    return orjson.dumps({**found, "data": {**found["data"], "data": [wrong]} if page else wrong})


def without_id(exchange: FaultyExchange) -> bytes:
    found = exchange.payload()
    for record in [found["data"], *((found["data"] or {}).get("data") or [])]:
        if record is not None:
            record.pop("id", None)
    return orjson.dumps(found)


def with_number(text: bytes) -> Build:
    return lambda exchange: right(exchange)[:-1] + b',"lengthMinutes":' + text + b"}"


_PAGE = b"<html><title>canary portal</title><body>canary: please log in</body></html>"
_HTML = "Content-Type: text/html"
_BOMB = gzip_bomb(40 * MAX_RESPONSE_BYTES)

NONE: Final[tuple[Evidence, ...]] = ("none",)
NOT_SENT: Final[tuple[Evidence, ...]] = ("not_sent",)
REJECTED: Final[tuple[Evidence, ...]] = ("rejected",)
UNKNOWN: Final[tuple[Evidence, ...]] = ("unknown",)
APPLIED: Final[tuple[Evidence, ...]] = ("applied",)
EITHER: Final[tuple[Evidence, ...]] = ("not_sent", "unknown")


def _cut(at: int) -> Build:
    return lambda exchange: whole(exchange.status, right(exchange))[:at]


# A table is read row by row.
# fmt: off
FAULTS: Final[tuple[Trouble, ...]] = (
    # Before anything is sent
    Trouble("refused", "The connection is refused.", NOT_SENT, ClinikConnectionError, network="refused"),
    Trouble("connect-hang", "The server's queue is full: connecting never ends.", NOT_SENT, ClinikTimeoutError,
            network="silent", slow=True),
    Trouble("unknown-host", "The host name does not exist.", NOT_SENT, ClinikConnectionError, network="unknown"),
    Trouble("name-hang", "Looking up the host name never ends.", NOT_SENT, ClinikTimeoutError, network="slow",
            slow=True),
    Trouble("reset-on-accept", "The connection is reset as soon as it is made.", EITHER, ClinikConnectionError,
            opening=server.reset_at_once, over_tls=NOT_SENT),
    Trouble("close-on-accept", "The connection is closed as soon as it is made.", EITHER, ClinikConnectionError,
            opening=server.close_at_once, over_tls=NOT_SENT),
    Trouble("idle-closed", "The server closed the kept connection while it was idle.", NONE, kept=True,
            script=(apply, response(right, KEEP), server.announce_end)),
    Trouble("unsolicited", "On the kept, idle connection a response came that nobody had asked for.", NONE, kept=True,
            script=(apply, response(right, KEEP), response(another, KEEP), server.announce)),
    # Before a response
    Trouble("never-reads", "The server accepts the connection and never reads from it.", UNKNOWN, ClinikTimeoutError,
            opening=server.never_read, slow=True),
    Trouble("close-after-request", "The connection is closed after the request was read.", UNKNOWN,
            ClinikConnectionError, (finish,)),
    Trouble("reset-after-request", "The connection is reset after the request was read.", UNKNOWN,
            ClinikConnectionError, (reset,)),
    Trouble("close-after-applying", "The connection is closed after the request was carried out.", UNKNOWN,
            ClinikConnectionError, (apply, finish)),
    Trouble("reset-after-applying", "The connection is reset after the request was carried out.", UNKNOWN,
            ClinikConnectionError, (apply, reset)),
    Trouble("hang-before-applying", "The request is read, and nothing happens any more.", UNKNOWN, ClinikTimeoutError,
            (hang,), slow=True),
    Trouble("hang-after-applying", "The request is carried out, and no response comes.", UNKNOWN, ClinikTimeoutError,
            (apply, hang), slow=True),
    Trouble("interim-flood", "`100 Continue` comes again and again, and no response.", UNKNOWN, ClinikTimeoutError,
            (apply, flood(b"HTTP/1.1 100 canary\r\n\r\n" * 40)), slow=True),
    Trouble("garbage-line", "The response begins with a line that is not HTTP.", UNKNOWN, ClinikResponseError,
            (apply, send(lambda _: b"SMTP canary 220 ready\r\n\r\n"), finish)),
    Trouble("binary-garbage", "The response is binary garbage.", UNKNOWN, ClinikResponseError,
            (apply, send(lambda _: GARBAGE + b"canary"), finish)),
    # In the middle of a response
    Trouble("hang-after-line", "The status line 200 comes, and nothing more.", APPLIED, ClinikTimeoutError,
            (apply, send(lambda x: head(x.status).partition(b"\n")[0] + b"\n"), hang), slow=True),
    Trouble("head-drip", "The headers come byte by byte, for ever.", APPLIED, ClinikTimeoutError,
            (apply, send(lambda x: head(x.status, end=b"")), drip(lambda _: b"X-Canary: 1\r\n" * 200)), slow=True),
    Trouble("cut-head", "The connection is closed in the middle of the headers.", APPLIED, ClinikResponseError,
            (apply, send(lambda x: head(x.status, end=b"X-Cana")), finish)),
    Trouble("head-flood", "There are more headers than anybody can want.", APPLIED, ClinikResponseError,
            (apply, send(lambda x: head(x.status, *["X-Canary: canary"] * 20_000)), finish)),
    Trouble("body-drip", "The body comes byte by byte, for ever.", APPLIED, ClinikTimeoutError,
            (apply, send(lambda x: head(x.status, "Content-Length: 500")), drip(lambda x: right(x))), slow=True),
    Trouble("short-body", "The body ends before its Content-Length.", APPLIED, ClinikResponseError,
            (apply, send(lambda x: whole(x.status, right(x))[:-9]), finish)),
    Trouble("bad-chunk", "A chunk has a size that is not a number.", APPLIED, ClinikResponseError,
            (apply, send(lambda x: chunked(x) + b"canary\r\n{}\r\n0\r\n\r\n"), finish)),
    Trouble("cut-chunks", "The chunked body has no end.", APPLIED, ClinikResponseError, (apply, send(chunked), finish)),
    Trouble("cut-by-close", "The body has no length, and the connection is closed in its middle.", APPLIED,
            ClinikResponseError, (apply, send(lambda x: head(x.status, "Connection: close") + right(x)[:-9]), finish)),
    Trouble("extra-bytes", "More bytes come than the response has.", NONE,
            script=(apply, send(lambda x: whole(x.status, right(x)) + b'{"canary": 1}'), hang)),
    Trouble("second-response", "Another response comes right behind the right one.", NONE,
            script=(apply, send(lambda x: whole(x.status, right(x)) + whole(200, another(x))), hang)),
    # A response that does not hold what was asked for
    Trouble("cut-gzip", "The compressed body is cut short, under the right Content-Length.", APPLIED,
            ClinikResponseError,
            (apply, response(lambda x: gzip.compress(right(x))[:-6], "Content-Encoding: gzip", CLOSE))),
    Trouble("corrupt-gzip", "The compressed body is damaged.", APPLIED, ClinikResponseError,
            (apply, response(lambda x: gzip.compress(right(x))[:20] + b"canary" * 9, "Content-Encoding: gzip", CLOSE))),
    Trouble("gzip-bomb", "A small body decompresses to more than `max_response_bytes`.", APPLIED, ClinikResponseError,
            (apply, response(_BOMB, "Content-Encoding: gzip", CLOSE)), final=True),
    Trouble("endless-body", "The body is larger than `max_response_bytes`.", APPLIED, ClinikResponseError,
            (apply, send(lambda x: head(x.status, "Connection: close")), flood(b"canary " * 9000)), final=True),
    Trouble("unknown-encoding", "The body is in an encoding that was not asked for.", APPLIED, ClinikResponseError,
            (apply, response(right, "Content-Encoding: br", CLOSE))),
    Trouble("deep-nesting", "The JSON is nested 200,000 levels deep.", APPLIED, ClinikResponseError,
            (apply, response(b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}")), final=True),
    Trouble("bad-utf8", "The JSON is not UTF-8.", APPLIED, ClinikResponseError,
            (apply, response(lambda x: right(x).replace(b"canary", b"canary\xff") + b"\xff"))),
    Trouble("nan", "The JSON has NaN for a number.", APPLIED, ClinikResponseError,
            (apply, response(with_number(b"NaN")))),
    Trouble("array", "The body is a JSON array in place of an object.", APPLIED, ClinikResponseError,
            (apply, response(lambda x: b"[" + right(x) + b"]"))),
    Trouble("null-data", "The response's data is null.", APPLIED, ClinikResponseError, (apply, response(data(None))),
            misled=frozenset({"delete"})),
    Trouble("another-record", "The response is about another record or patient.", UNKNOWN, ClinikResponseError,
            (apply, response(another))),
    Trouble("missing-id", "The record in the response has no id.", APPLIED, ClinikResponseError,
            (apply, response(without_id)), misled=frozenset({"delete", "search"})),
    Trouble("empty-200", "The response of success is empty.", APPLIED, ClinikResponseError, (apply, response(b"")),
            misled=frozenset({"delete"})),
    Trouble("html-200", "A page of HTML comes with status 200.", APPLIED, ClinikResponseError,
            (apply, send(lambda _: whole(200, _PAGE, _HTML, CLOSE)))),
    # A response that says no, or that something broke
    Trouble("html-502", "A proxy responds with 502 and a page of HTML.", UNKNOWN, ClinikServerError,
            (send(lambda _: whole(502, _PAGE, _HTML, CLOSE)),)),
    Trouble("empty-503", "503, with nothing in it.", UNKNOWN, ClinikServerError,
            (send(lambda _: whole(503, b"", CLOSE)),)),
    Trouble("500-applied", "500 `INTERNAL_ERROR`, after the request was carried out.", UNKNOWN, ClinikServerError,
            (apply, error(500, "INTERNAL_ERROR"))),
    Trouble("504-applied", "504, after the request was carried out.", UNKNOWN, ClinikServerError,
            (apply, error(504, "GATEWAY_TIMEOUT"))),
    Trouble("rate-limited", "429 `RATE_LIMITED`, with Retry-After.", ("limited",), ClinikRateLimitError,
            (error(429, "RATE_LIMITED", f"Retry-After: {RETRY_AFTER}"),)),
    Trouble("quota", "429 `MONTHLY_QUOTA_EXCEEDED`.", REJECTED, ClinikQuotaError,
            (error(429, "MONTHLY_QUOTA_EXCEEDED", "Retry-After: 1"),)),
    Trouble("redirect", "307 to another address.", UNKNOWN, ClinikApiError, final=True,
            script=(send(lambda x: whole(307, b"", CLOSE, f"Location: http://localhost:{x.server.port}/canary")),)),
    Trouble("401", "401 `INVALID_KEY`.", REJECTED, ClinikAuthError, (error(401, "INVALID_KEY"),)),
    Trouble("408", "408: the service did not get the whole request in time.", REJECTED, ClinikApiError,
            (error(408, "REQUEST_TIMEOUT"),)),
    Trouble("409", "409: the record was changed meanwhile.", REJECTED, ClinikConflictError, (error(409, "CONFLICT"),)),
    # What only TLS has
    Trouble("tls-hang", "The TLS handshake never ends.", NOT_SENT, ClinikTimeoutError, only_tls=True,
            opening=server.never_shake_hands, slow=True),
    Trouble("tls-cut", "The connection is closed in the TLS handshake.", NOT_SENT, ClinikConnectionError, only_tls=True,
            opening=server.cut_handshake),
    Trouble("tls-plain", "Where TLS is expected, plain HTTP is spoken.", NOT_SENT, ClinikConnectionError, only_tls=True,
            opening=server.response_in_plain_text),
    Trouble("tls-stranger", "The certificate is for another host.", NOT_SENT, ClinikConnectionError, only_tls=True,
            final=True),
)
# fmt: on


# -- a gateway in the service's place ---------------------------------------------------------------------------------

GATEWAY_PAGES: Final = "gateway pages"

# What a gateway refuses a request for by its head alone: none has passed it on.
NEVER_PASSED_ON: Final = (407, 413, 414, 421, 431)

_GATEWAY_ERRORS: Final[dict[int, type[ClinikApiError]]] = {
    401: ClinikAuthError,
    403: ClinikPermissionError,
    404: ClinikResponseError,
    409: ClinikConflictError,
    422: ClinikValidationError,
    429: ClinikRateLimitError,
}


def _gateway(status: int, page: bytes, name: str, passes_on: bool) -> Trouble:
    """A gateway responds by itself, and may have passed the request on before."""
    step = send(lambda _: whole(status, page, _HTML, CLOSE, f"Retry-After: {RETRY_AFTER}"))
    return Trouble(
        f"gateway-{status}-{name}{'-passed-on' if passes_on else ''}",
        f"A gateway responds with {status} in the service's place.",
        REJECTED if status in NEVER_PASSED_ON else UNKNOWN,
        ClinikServerError if status >= 500 else _GATEWAY_ERRORS.get(status, ClinikApiError),
        (apply, step) if passes_on else (step,),
        final=status < 500 and status != 429,
        family=GATEWAY_PAGES,
    )


GATEWAY: Final[tuple[Trouble, ...]] = tuple(
    _gateway(status, page, name, passes_on)
    for status in map(int, HTTPStatus)
    if 400 <= status <= 504
    for name, page in (("html", _PAGE), ("empty", b""))
    for passes_on in (False, True)
    if not (passes_on and status in NEVER_PASSED_ON)
)
"""Every status that is registered, as HTML and empty, before and after the request was carried out behind it."""
