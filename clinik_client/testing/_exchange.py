"""What a recording consists of: exchanges, each a request and the response it got, in the order of a story."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from attrs import field, frozen

__all__ = ["NOT_JSON", "Exchange", "Recording", "parse_json", "split_target"]

Pairs = tuple[tuple[str, str], ...]

NOT_JSON: Any = object()
"""What `parse_json` gives for bytes that are not JSON; no JSON text has this value."""


_ABSOLUTE = re.compile(r"https?://[^/?]*", re.IGNORECASE)


def parse_json(body: bytes) -> Any:
    """The value of a JSON text, or :data:`NOT_JSON`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return NOT_JSON


def split_target(target: str) -> tuple[str, Pairs]:
    """The path of a request target, as it was sent, and the decoded pairs of its query."""
    # A client that takes the server for a proxy sends the whole URL (RFC 9112, section 3.2.2).
    if absolute := _ABSOLUTE.match(target):
        target = target[absolute.end() :]
        target = target if target.startswith("/") else f"/{target}"
    path, _, query = target.partition("?")
    return path, tuple(parse_qsl(query, keep_blank_values=True))


def _pairs(pairs: Iterable[tuple[str, str]]) -> Pairs:
    return tuple((name, value) for name, value in pairs)


def _lower_names(pairs: Iterable[tuple[str, str]]) -> Pairs:
    return tuple((name.lower(), value) for name, value in pairs)


@frozen(kw_only=True)
class Exchange:
    """One request and its response.

    ``path`` is the path as sent, ``query`` the decoded pairs. ``request_headers`` have lower-case names and never
    hold the key: ``api_key`` says what the request must carry, ``None`` any valid key, ``""`` no key at all, and any
    other text exactly this (made-up) key, for responses to bad keys. ``source`` says where the exchange comes from,
    ``started`` when it took place (ISO 8601 with offset), ``milliseconds`` how long it took, ``base_url`` with whom.

    `of` is the short way to write one.
    """

    method: str
    path: str
    status: int
    source: str
    query: Pairs = field(default=(), converter=_pairs)
    api_key: str | None = field(default=None, repr=False)
    request_headers: Pairs = field(default=(), converter=_lower_names, repr=False)
    request_body: bytes = field(default=b"", repr=False)
    response_headers: Pairs = field(default=(), converter=_pairs, repr=False)
    response_body: bytes = field(default=b"", repr=False)
    base_url: str = "https://api.clinikapi.com"
    started: str = "1970-01-01T00:00:00.000Z"
    milliseconds: float = 0.0

    @classmethod
    def of(
        cls,
        method: str,
        target: str,
        *,
        json: Any = None,
        status: int = 200,
        response: Any = None,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
    ) -> Exchange:
        """An exchange made up for a test.

        Args:
            method: the HTTP method.
            target: path and query, such as ``/v1/encounters?status=planned``.
            json: the request's body, to be sent as JSON; ``None`` for no body.
            status: the status of the response.
            response: the body of the response: ``bytes`` as they are, ``None`` for no body, anything else as JSON.
            headers: further headers of the response.
            api_key: see the class.

        >>> Exchange.of("DELETE", "/v1/encounters/enc_xyz789", status=204).path
        '/v1/encounters/enc_xyz789'
        """
        path, query = split_target(target)
        has_json_response = response is not None and not isinstance(response, bytes)
        return cls(
            method=method,
            path=path,
            query=query,
            api_key=api_key,
            request_headers=() if json is None else (("content-type", "application/json"),),
            request_body=b"" if json is None else orjson.dumps(json),
            status=status,
            response_headers=[
                *([("content-type", "application/json")] if has_json_response else []),
                *(headers or {}).items(),
            ],
            response_body=orjson.dumps(response) if has_json_response else response or b"",
            source="Made up for a test.",
        )

    def request_header(self, name: str) -> str | None:
        """The first value of a request header, by its lower-case name."""
        return next((value for key, value in self.request_headers if key == name), None)

    def response_header(self, name: str) -> str | None:
        """The first value of a response header, by its name in any case."""
        return next((value for key, value in self.response_headers if key.lower() == name.lower()), None)


def _exchanges(exchanges: Iterable[Exchange]) -> tuple[Exchange, ...]:
    return tuple(exchanges)


@frozen
class Recording:
    """A story: its name (the file name without ``.har``), its exchanges in order, what it tells, and its file."""

    name: str
    exchanges: tuple[Exchange, ...] = field(converter=_exchanges)
    comment: str = ""
    path: Path | None = None

    @property
    def started(self) -> str:
        """When its first exchange took place (ISO 8601), which says how old it is; empty where there is none."""
        return self.exchanges[0].started if self.exchanges else ""
