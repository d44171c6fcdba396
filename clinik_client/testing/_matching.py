"""Whether a request is the recorded one; and if not, in what it differs, without telling values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from attrs import field, frozen

from ._exchange import NOT_JSON, Exchange, Pairs, parse_json
from ._har import KEY_FORMAT

__all__ = ["ReceivedRequest", "closeness", "compare", "json_differences"]

_MOST_PATHS = 10


@frozen
class ReceivedRequest:
    """A request that the fixture server got, and the exchange that it got (``None``: nothing matched).

    Header names are lower case. ``json`` is the body's value; accessing it raises `ValueError` if the body is
    not JSON.
    """

    method: str
    path: str = field(repr=False)
    query: Pairs = field(repr=False)
    headers: Pairs = field(repr=False)
    body: bytes = field(repr=False)
    exchange: Exchange | None = field(default=None, repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        value = parse_json(self.body)
        if value is NOT_JSON:
            raise ValueError("the request's body is not JSON")
        return value

    def header_values(self, name: str) -> list[str]:
        """Every value of a header, by its name in any case."""
        return [value for key, value in self.headers if key == name.lower()]


def json_differences(recorded: Any, asked: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ: paths such as ``diagnosis[0].rank``, each with what is the matter, no values.

    Numbers are compared by value, so ``1`` equals ``1.0``; neither equals ``true``.

    >>> list(json_differences({"period": {"start": "2025"}}, {"period": {"end": "2025"}}))
    ['period.start is missing', 'period.end was not recorded']
    """
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            member = f"{path}.{name}" if path else name
            if name not in asked:
                yield f"{member} is missing"
            elif name not in recorded:
                yield f"{member} was not recorded"
            else:
                yield from json_differences(recorded[name], asked[name], member)
    elif isinstance(recorded, list) and isinstance(asked, list):
        if len(recorded) != len(asked):
            yield f"{path or 'the list'} has {len(asked)} items, recorded were {len(recorded)}"
        for index, (one, other) in enumerate(zip(recorded, asked, strict=False)):
            yield from json_differences(one, other, f"{path}[{index}]")
    elif recorded != asked or isinstance(recorded, bool) != isinstance(asked, bool):
        yield f"{path or 'the value'} differs"


def _media_type(value: str | None) -> str:
    return (value or "").partition(";")[0].strip().lower()


def _compare_path(exchange: Exchange, request: ReceivedRequest) -> str:
    recorded, asked = exchange.path.split("/")[1:], request.path.split("/")[1:]
    if len(recorded) != len(asked):
        return f"it has {len(asked)} segments, recorded were {len(recorded)}"
    numbers = [str(n) for n, pair in enumerate(zip(recorded, asked, strict=True), 1) if pair[0] != pair[1]]
    return f"segment {' and '.join(numbers)} of {len(asked)} differs" if numbers else ""


def _compare_query(exchange: Exchange, request: ReceivedRequest) -> str:
    missing = Counter(exchange.query) - Counter(request.query)
    surplus = Counter(request.query) - Counter(exchange.query)
    lacking, extra = {name for name, _ in missing}, {name for name, _ in surplus}
    return "; ".join(
        f"{name} {'differs' if name in lacking & extra else 'is missing' if name in lacking else 'was not recorded'}"
        for name in sorted(lacking | extra)
    )


def _compare_key(exchange: Exchange, request: ReceivedRequest, accepted: Collection[str] | None) -> str:
    keys = request.header_values("x-api-key")
    problem = ""
    if exchange.api_key == "":
        problem = "recorded was a request without a key" if keys else ""
    elif exchange.api_key is not None:
        problem = "recorded was another, made-up key" if keys != [exchange.api_key] else ""
    elif not keys:
        problem = "x-api-key is missing"
    elif len(keys) > 1:
        problem = "x-api-key was sent more than once"
    elif not KEY_FORMAT.fullmatch(keys[0]):
        problem = "x-api-key does not have the form of a key"
    elif accepted is not None and keys[0] not in accepted:
        problem = "x-api-key is not one of the keys that this server accepts"
    return problem


def _compare_override(exchange: Exchange, request: ReceivedRequest) -> str:
    recorded = exchange.request_header("x-http-method-override")
    asked = next(iter(request.header_values("x-http-method-override")), None)
    return "" if recorded == asked else "x-http-method-override differs"


def _compare_content_type(exchange: Exchange, request: ReceivedRequest) -> str:
    if not exchange.request_body or not request.body:
        return ""  # then the bodies differ, or there is none
    asked = next(iter(request.header_values("content-type")), None)
    recorded = exchange.request_header("content-type")
    # One body may be sent as JSON of several types, as the document lists them.
    same = _media_type(asked) == _media_type(recorded) or (_is_json(asked) and _is_json(recorded))
    return "" if same else "the media type differs"


def _is_json(media_type: str | None) -> bool:
    return _media_type(media_type).endswith(("/json", "+json"))


def _compare_body(exchange: Exchange, request: ReceivedRequest) -> str:
    if exchange.request_body == request.body:
        return ""
    if not request.body:
        return "a body is missing"
    if not exchange.request_body:
        return "no body was recorded"
    recorded, asked = parse_json(exchange.request_body), parse_json(request.body)
    if asked is NOT_JSON:
        return "it is not JSON, and not the recorded bytes"
    if recorded is NOT_JSON:
        return "recorded was one that is not JSON"
    found = list(islice(json_differences(recorded, asked), _MOST_PATHS + 1))
    return "; ".join(found[:_MOST_PATHS] + ["and more"] * (len(found) > _MOST_PATHS))


def compare(exchange: Exchange, request: ReceivedRequest, accepted: Collection[str] | None) -> dict[str, str]:
    """What differs, by aspect (``method``, ``path``, ``query``, ``key``, ...); empty when the request matches.

    Args:
        accepted: the keys that count as valid; ``None`` for every key of the right form.
    """
    found = {
        "method": "" if exchange.method == request.method else f"recorded was {exchange.method}",
        "path": _compare_path(exchange, request),
        "query": _compare_query(exchange, request),
        "key": _compare_key(exchange, request, accepted),
        "override": _compare_override(exchange, request),
        "content-type": _compare_content_type(exchange, request),
        "body": _compare_body(exchange, request),
    }
    return {aspect: text for aspect, text in found.items() if text}


_WEIGHTS = {"method": 8.0, "path": 8.0, "query": 3.0, "body": 3.0, "key": 2.0, "override": 1.0, "content-type": 1.0}


def closeness(exchange: Exchange, request: ReceivedRequest, differences: dict[str, str]) -> float:
    """How near a recorded request comes to one that does not match; larger is nearer."""
    alike = SequenceMatcher(None, exchange.path, request.path, autojunk=False).ratio()
    # The number of "; " is the number of fields that differ: of two bodies, the one with fewer is nearer.
    fields = sum(text.count("; ") for text in differences.values())
    return 4 * alike - sum(_WEIGHTS[aspect] for aspect in differences) - 0.1 * fields
