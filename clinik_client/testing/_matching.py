"""Whether a request is the recorded one; and if not, in what it differs, without telling values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from attrs import field, frozen

from ._exchange import NOT_JSON, Exchange, Pairs, parse_json
from ._har import KEY_FORMAT

__all__ = ["Differences", "ReceivedRequest", "compare", "distance", "json_differences", "tell"]

_MOST_TOLD = 10
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


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


class Difference(NamedTuple):
    """Something that is not as recorded, told without values, and how many parts (segments, pairs, fields) it is."""

    text: str
    size: int = 1


Differences = dict[str, list[Difference]]
"""What differs, by aspect."""


def json_differences(recorded: Any, asked: Any, path: str = "") -> Iterator[Difference]:
    """Where two JSON values differ: paths such as ``diagnosis[0].rank``, each with what is the matter, no values.

    Numbers are compared by value, so ``1`` equals ``1.0``; neither equals ``true``. Date-times are compared as moments:
    ``+00:00`` equals ``Z``.

    >>> [text for text, _ in json_differences({"period": {"start": "2025"}}, {"period": {"end": "2025"}})]
    ['period.start is missing', 'period.end was not recorded']
    """
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            member = f"{path}.{name}" if path else name
            if name not in asked:
                yield Difference(f"{member} is missing", _count(recorded[name]))
            elif name not in recorded:
                yield Difference(f"{member} was not recorded", _count(asked[name]))
            else:
                yield from json_differences(recorded[name], asked[name], member)
    elif isinstance(recorded, list) and isinstance(asked, list):
        if len(recorded) != len(asked):
            surplus = [*recorded[len(asked) :], *asked[len(recorded) :]]
            text = f"{path or 'the list'} has {len(asked)} items, recorded were {len(recorded)}"
            yield Difference(text, _count(surplus))
        for index, (one, other) in enumerate(zip(recorded, asked, strict=False)):
            yield from json_differences(one, other, f"{path}[{index}]")
    elif _moment(recorded) != _moment(asked) or isinstance(recorded, bool) != isinstance(asked, bool):
        yield Difference(f"{path or 'the value'} differs", max(_count(recorded), _count(asked)))


def _count(value: Any) -> int:
    """How many single values there are in a value; an empty object counts as one."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(1, sum(map(_count, inner)))


def _moment(value: Any) -> Any:
    """A date-time as a moment, so that its offset makes no difference; any other value as it is."""
    if isinstance(value, str) and _DATE_TIME.fullmatch(value):
        with suppress(ValueError):  # 24:00 is none to Python; such a text equals itself
            return datetime.fromisoformat(value)
    return value


def media_type_of(value: str | None) -> str:
    return (value or "").partition(";")[0].strip().lower()


def _compare_path(exchange: Exchange, request: ReceivedRequest) -> Iterator[Difference]:
    recorded, asked = exchange.path.split("/")[1:], request.path.split("/")[1:]
    numbers = [str(n) for n, pair in enumerate(zip(recorded, asked, strict=False), 1) if pair[0] != pair[1]]
    if surplus := abs(len(recorded) - len(asked)):
        yield Difference(f"it has {len(asked)} segments, recorded were {len(recorded)}", len(numbers) + surplus)
    elif numbers:
        yield Difference(f"segment {' and '.join(numbers)} of {len(asked)} differs", len(numbers))


def _compare_query(exchange: Exchange, request: ReceivedRequest) -> Iterator[Difference]:
    missing = Counter(name for name, _ in (Counter(exchange.query) - Counter(request.query)).elements())
    surplus = Counter(name for name, _ in (Counter(request.query) - Counter(exchange.query)).elements())
    for name in sorted(missing | surplus):
        problem = "was not recorded" if not missing[name] else "differs" if surplus[name] else "is missing"
        yield Difference(f"{name} {problem}", max(missing[name], surplus[name]))


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
    same = media_type_of(asked) == media_type_of(recorded) or (_is_json(asked) and _is_json(recorded))
    return "" if same else "the media type differs"


def _is_json(media_type: str | None) -> bool:
    return media_type_of(media_type).endswith(("/json", "+json"))


def _compare_body(exchange: Exchange, request: ReceivedRequest) -> Iterator[Difference]:
    if exchange.request_body == request.body:
        return
    recorded, asked = parse_json(exchange.request_body), parse_json(request.body)
    problem = ""
    if not request.body:
        problem = "a body is missing"
    elif not exchange.request_body:
        problem = "no body was recorded"
    elif asked is NOT_JSON:
        problem = "it is not JSON, and not the recorded bytes"
    elif recorded is NOT_JSON:
        problem = "recorded was one that is not JSON"
    if problem:
        yield Difference(problem, 1 + max(_count(recorded), _count(asked)))
    else:
        yield from json_differences(recorded, asked)


def compare(exchange: Exchange, request: ReceivedRequest, accepted: Collection[str] | None) -> Differences:
    """What differs, by aspect (``method``, ``path``, ``query``, ``key``, ...); empty when the request matches.

    Args:
        accepted: the keys that count as valid; ``None`` for every key of the right form.
    """
    method = "" if exchange.method == request.method else f"recorded was {exchange.method}"
    found = {
        "method": _one(method),
        "path": _compare_path(exchange, request),
        "query": _compare_query(exchange, request),
        "key": _one(_compare_key(exchange, request, accepted)),
        "override": _one(_compare_override(exchange, request)),
        "content-type": _one(_compare_content_type(exchange, request)),
        "body": _compare_body(exchange, request),
    }
    listed = {aspect: list(differences) for aspect, differences in found.items()}
    return {aspect: differences for aspect, differences in listed.items() if differences}


def _one(text: str) -> list[Difference]:
    return [Difference(text)] if text else []


def tell(differences: Differences) -> dict[str, str]:
    """The differences of each aspect as one text, which ends early if there are very many."""
    return {
        aspect: "; ".join([text for text, _ in found[:_MOST_TOLD]] + ["and more"] * (len(found) > _MOST_TOLD))
        for aspect, found in differences.items()
    }


def distance(exchange: Exchange, request: ReceivedRequest, differences: Differences) -> tuple[int, int, float]:
    """How far a recorded request is from one that does not match; the smallest is the nearest.

    First whether it is the same operation, then the number of differing parts, and of equal ones how much the paths
    differ.
    """
    other_operation = (exchange.method != request.method) + (exchange.path.count("/") != request.path.count("/"))
    alike = SequenceMatcher(None, exchange.path, request.path, autojunk=False).ratio()
    return other_operation, sum(size for found in differences.values() for _, size in found), -alike
