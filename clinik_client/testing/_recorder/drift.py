"""What has changed at a service since a story was recorded: told by fields, codes and headers, never by values."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from attrs import frozen

from ..._errors import ClinikConnectionError
from ..._privacy import is_name
from ..._transport import AttemptFailed
from .._exchange import NOT_JSON, Exchange, Recording
from .._matching import media_type_of
from .._recordings import route_of
from .fields import RESPONSE_HEADERS, UNTOLD_FIELDS
from .forwarding import Upstream, base_url_or_default
from .retelling import Told, check_test_key, retell
from .rewriting import body_value

__all__ = ["Drift", "diff_recording", "drifts_of"]

Aspect = Literal["status", "code", "media type", "header", "field"]

# Others, such as Date or Server, are those of whatever stands before the service.
_HEADERS_WATCHED: Final = ("x-", "retry-after")

# Of any other record that comes along, the API describes nothing but that it has a type.
_DESCRIBED: Final = ("Encounter", "Bundle", "OperationOutcome")


@frozen
class Drift:
    """Something in which a service answers otherwise than it was recorded. ``str()`` tells it in one line.

    ``entry`` counts the exchanges of the story from 1, ``request`` is its method and route, ``aspect`` one of
    ``status``, ``code``, ``media type``, ``header`` and ``field``, and ``text`` says what it is. No value of a record
    is in any of them.
    """

    entry: int
    request: str
    aspect: Aspect
    text: str

    def __str__(self) -> str:
        return f"entry {self.entry}: {self.request}: {self.aspect}: {self.text}"


def diff_recording(
    recording: Recording,
    *,
    api_key: str,
    base_url: str | None = None,
    ids: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    proxy: str | None = None,
    verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
    trust_env: bool = True,
) -> list[Drift]:
    """Tell a recorded story to a service again, and compare its responses with those recorded.

    The requests are really sent: what the story creates is created. An id that the service gives now takes the place of
    the recorded one in the requests after it.

    Args:
        recording: the story.
        api_key: a ``clk_test_`` key; no other is used.
        base_url: where the service is; taken from ``CLINIKAPI_BASE_URL`` if not given, else the public service.
        ids: ids of the service by those in the recording, for records that the story does not create itself.
        timeout: the limit of each request, in seconds.
        proxy: the way to the service, as for `clinik_client.Clinik`; ``verify`` and ``trust_env`` are so, too.
        verify: see there.
        trust_env: see there.

    Returns:
        What is different, in the order of the story; nothing if all is as it was recorded. A header that is missing or
        new in many exchanges is told of once, with the first.

    Raises:
        ClinikConfigError: the key is not one for tests, or the way to the service is malformed.
        ClinikConnectionError: a request got no response.

    >>> from clinik_client.testing import Exchange, FixtureServer, Recording, diff_recording
    >>> then = Exchange.of("GET", "/v1/encounters/enc_7", response={"data": {"id": "enc_7", "status": "planned"}})
    >>> now = Exchange.of("GET", "/v1/encounters/enc_7", response={"data": {"id": "enc_7", "phase": 1}})
    >>> with FixtureServer([Recording("now", [now])]) as service:
    ...     for drift in diff_recording(Recording("then", [then]), base_url=service.url, api_key="clk_test_example"):
    ...         print(drift)
    entry 1: GET /v1/encounters/{id}: field: data.phase is new
    entry 1: GET /v1/encounters/{id}: field: data.status is missing
    """
    check_test_key(api_key)
    found: list[Drift] = []
    headers: set[str] = set()
    with Upstream(
        base_url_or_default(base_url), timeout=timeout, proxy=proxy, verify=verify, trust_env=trust_env
    ) as upstream:
        try:
            for told in retell(recording, upstream, api_key, ids):
                drifts = [one for one in drifts_of(told) if one.aspect != "header" or one.text not in headers]
                headers.update(one.text for one in drifts if one.aspect == "header")
                found += drifts
        except AttemptFailed as failure:
            problem = failure
        else:
            return found
    raise ClinikConnectionError(problem.text, code=problem.code)


def drifts_of(told: Told) -> Iterator[Drift]:
    """What is different in one exchange."""
    recorded, received = told.recorded, told.received
    request = f"{recorded.method} {route_of(recorded.path)}"
    for aspect, texts in _differences(recorded, received):
        yield from (Drift(told.number, request, aspect, text) for text in texts)


def _differences(recorded: Exchange, received: Exchange) -> Iterator[tuple[Aspect, Iterable[str]]]:
    if recorded.status != received.status:
        yield "status", [f"{_status(received.status)}, recorded was {_status(recorded.status)}"]
    one, other = body_value(recorded.response_body), body_value(received.response_body)
    codes = _code(one), _code(other)
    if codes[0] != codes[1]:
        yield "code", [f"{codes[1]}, recorded was {codes[0]}"]
    types = [media_type_of(exchange.response_header("content-type")) or "none" for exchange in (recorded, received)]
    if types[0] != types[1]:
        yield "media type", [f"{types[1]}, recorded was {types[0]}"]
    yield "header", _headers(recorded, received)
    if recorded.status == received.status:
        # Between a record and an error, every field is different.
        yield "field", _fields(one, other)


def _status(number: int) -> str:
    return f"{number} {HTTPStatus(number).phrase}" if number in HTTPStatus._value2member_map_ else str(number)


def _code(body: Any) -> str:
    code = body.get("code") if isinstance(body, dict) and "data" not in body else None
    return code if isinstance(code, str) and code.isascii() and code.replace("_", "").isupper() else "none"


def _headers(recorded: Exchange, received: Exchange) -> Iterator[str]:
    then, now = ({name.lower() for name, _ in one.response_headers} for one in (recorded, received))
    # Those in the document are optional there, so a service may begin to send one.
    for name in sorted((then - now) | (now - then - RESPONSE_HEADERS)):
        if name.startswith(_HEADERS_WATCHED):
            yield f"{name} is {'missing' if name in then else 'new'}"


def _fields(recorded: Any, received: Any) -> Iterator[str]:
    then, now = _kinds(recorded), _kinds(received)
    for path in sorted(then.keys() | now.keys()):
        kinds, others = then.get(path, set()), now.get(path, set())
        told = path or "the body"
        if kinds and others:
            if kinds != others:
                yield f"{told} is {' or '.join(sorted(others))}, recorded was {' or '.join(sorted(kinds))}"
        elif not path or (not path.endswith("[]") and "an object" in (now if kinds else then).get(_holder(path), ())):
            # A list without items says nothing of them, and of an object that is missing itself, its name is enough.
            yield f"{told} is {'missing' if kinds else 'new'}"


def _holder(path: str) -> str:
    return path.rpartition(".")[0]


def _kinds(body: Any) -> dict[str, set[str]]:
    """The kinds of values at each path of a body; all items of a list are taken together: ``data.data[].status``."""
    found: dict[str, set[str]] = {}

    def walk(path: str, value: Any) -> None:
        found.setdefault(path, set()).add(_kind(value))
        if isinstance(value, dict) and value.get("resourceType") in (None, *_DESCRIBED):
            for name in value.keys() - UNTOLD_FIELDS:
                # What is not spelled like a name could be a value.
                told = name if is_name(name) else "*"
                walk(f"{path}.{told}" if path else told, value[name])
        elif isinstance(value, list):
            for item in value:
                walk(f"{path}[]", item)

    if body is not NOT_JSON:
        walk("", body)
    return found


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "an object"
