"""All that may tell of somebody in an exchange, found by where it stands, and replaced there.

A recorder puts pseudonyms in the place of what it finds, and a story that is told again to a service has other ids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

import orjson
from attrs import define, evolve, field

from ..._codecs import is_deep
from .._exchange import NOT_JSON, Exchange, Pairs, parse_json
from .fields import (
    CODED_FIELDS,
    CODES,
    DATE_FIELDS,
    ERROR_CODE,
    FIELDS,
    ID_FIELDS,
    ID_PREFIXES,
    NUMBER_FIELDS,
    PARAMETERS,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    ROUTE_STEPS,
    TYPES,
    is_field_path,
)

__all__ = ["DATE", "FHIR_BASE", "Change", "Kind", "Place", "Rewriter", "body_value", "found_in"]

Kind = Literal["id", "text", "date", "cursor"]
Place = tuple[str | int, ...]
"""Where something stands: ``("response", "data", "patientId")``."""
Change = Callable[[Place, Kind, str], str]
"""What is put in the place of a value."""

DATE: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?P<time>T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
"""A FHIR date-time: a year, a month, a day, or a moment."""

FHIR_BASE: Final = "https://api.clinikapi.com/v1/fhir/"

_PAGE_CURSOR: Final = ("response", "data", "cursor")
_META_TIMESTAMP: Final = ("response", "meta", "timestamp")

_REFERENCE = re.compile(r"(?P<base>.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[^/]+)", re.DOTALL)
_PREFIXED = re.compile(r"([a-z]+)_[A-Za-z0-9._-]+")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_INCLUDE = re.compile(r"Encounter:(?P<name>[A-Za-z-]+)")
_INCLUDED: Final = frozenset(
    {
        *(
            "patient",
            "subject",
            "practitioner",
            "participant",
            "location",
            "service-provider",
            "serviceProvider",
            "part-of",
        ),
        *("partOf", "based-on", "basedOn", "appointment", "diagnosis", "condition", "episode-of-care", "account"),
    }
)
_ISSUE_TEXT = re.compile(r"(?P<field>[A-Za-z_][\w.\[\]]*): (?P<rest>.+)", re.DOTALL)


@define
class Rewriter:
    """Goes through an exchange, and puts something else in the place of whatever may tell of somebody.

    Args:
        change: says what, for each value.
        strict: leave out what is not in the allow-list, too. Otherwise it stays as it is.

    ``kept`` are the texts that stay by design, ``dropped`` the places that were left out.
    """

    change: Change
    strict: bool = True
    kept: set[str] = field(factory=set)
    dropped: set[Place] = field(factory=set)

    @property
    def asks_otherwise(self) -> bool:
        """Whether a parameter, or a field of a body, was left out of a request, which now asks for something else."""
        headers = ("request", "headers")
        return any(place[0] != "response" and (place[:2] != headers or len(place) == 2) for place in self.dropped)

    def exchange(self, exchange: Exchange) -> Exchange:
        """An exchange with all of it replaced."""
        return self.response(self.request(exchange))

    def request(self, exchange: Exchange) -> Exchange:
        """An exchange with its request replaced."""
        return evolve(
            exchange,
            path=self._path(exchange.path),
            query=tuple(self._query(exchange.query)),
            request_headers=tuple(self._headers("request", exchange.request_headers, REQUEST_HEADERS)),
            request_body=self._body("request", exchange.request_body),
        )

    def response(self, exchange: Exchange) -> Exchange:
        """An exchange with its response replaced."""
        return evolve(
            exchange,
            response_headers=tuple(self._headers("response", exchange.response_headers, RESPONSE_HEADERS)),
            response_body=self._body("response", exchange.response_body),
        )

    def _path(self, path: str) -> str:
        steps = []
        for number, step in enumerate(path.split("/")):
            plain = not step or step in ROUTE_STEPS or step in TYPES
            changed = step if plain else quote(self._string(("path", number), "id", unquote(step)), safe=":")
            steps.append(changed)
        return "/".join(steps)

    def _query(self, query: Pairs) -> Iterator[tuple[str, str]]:
        for number, (name, value) in enumerate(query):
            place = ("query", number, name)
            if name in PARAMETERS:
                yield name, self._parameter(place, name, value)
            elif self.strict:
                self.dropped.add(place)
            else:
                yield name, value

    def _parameter(self, place: Place, name: str, value: str) -> str:
        include = _INCLUDE.fullmatch(value)
        stays = {
            "sort": is_field_path(value.removeprefix("-")) or value.removeprefix("-") == "date",
            "_include": include is not None and include["name"] in _INCLUDED,
            "count": _NUMBER.fullmatch(value) is not None,
        }
        if stays.get(name):
            return self._keep(value)
        return self._string(place, "text" if name in stays else name, value)

    def _headers(self, side: str, headers: Pairs, allowed: frozenset[str]) -> Iterator[tuple[str, str]]:
        for number, (name, value) in enumerate(headers):
            lower, place = name.lower(), (side, "headers", name.lower(), number)
            if lower == "x-request-id" and lower in allowed:
                yield name, self.change(place, "id", value)
            elif not self.strict:
                yield name, value
            elif lower in allowed and (told := _header_value(lower, value)) is not None:
                yield name, self._keep(told)
            else:
                self.dropped.add(place)

    def _body(self, side: str, body: bytes) -> bytes:
        if not body:
            return body
        value = body_value(body)
        if value is NOT_JSON:
            text = body.decode("utf-8", "surrogateescape")
            return self.change((side,), "text", text).encode("utf-8", "surrogateescape") if self.strict else body
        changed = self._value((side,), "text", value)
        return body if changed == value else orjson.dumps(changed)

    def _value(self, place: Place, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._string(place, name, value)
        if isinstance(value, list):
            return [self._value((*place, index), name, item) for index, item in enumerate(value)]
        if isinstance(value, dict):
            return dict(self._members(place, value))
        if self.strict and isinstance(value, int | float) and not isinstance(value, bool) and name not in NUMBER_FIELDS:
            return 0
        return value

    def _members(self, place: Place, members: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        is_error = place == ("response",) and "error" in members and "resourceType" not in members
        for name, value in members.items():
            if is_error and name == "code" and isinstance(value, str) and ERROR_CODE.fullmatch(value):
                yield name, self._keep(value)
            elif name in FIELDS:
                yield name, self._value((*place, name), name, value)
            elif self.strict:
                self.dropped.add((*place, name))
            else:
                yield name, value

    def _string(self, place: Place, name: str, text: str) -> str:
        """Put something in the place of a text, by the name of its field: ``id`` and ``text`` are such names."""
        if not text:
            return text
        if place == _PAGE_CURSOR or (place[0] == "query" and name == "cursor"):
            # A service may put whatever it likes into one, in any form; a number is a place in a list.
            return self._keep(text) if text.isascii() and text.isdecimal() else self.change(place, "cursor", text)
        if place == _META_TIMESTAMP and DATE.fullmatch(text):
            return self._keep(text)
        if name in CODED_FIELDS and text in CODES:
            return self._keep(text)
        if name in DATE_FIELDS and DATE.fullmatch(text):
            return self.change(place, "date", text)
        reference = _REFERENCE.fullmatch(text)
        if reference is not None and reference["type"] in TYPES:
            base = reference["base"] or ""
            if self.strict and base:
                base = FHIR_BASE
            return f"{base}{reference['type']}/{self.change(place, 'id', reference['id'])}"
        prefixed = _PREFIXED.fullmatch(text)
        if name in ID_FIELDS or (prefixed is not None and prefixed[1] in ID_PREFIXES):
            return self.change(place, "id", text)
        if name == "location" and not {"issue", "issues"}.isdisjoint(place) and is_field_path(text):
            return self._keep(text)
        told = _ISSUE_TEXT.fullmatch(text) if name == "diagnostics" else None
        if told is not None and is_field_path(told["field"]):
            # Which field it is about is what a program wants to know.
            return f"{told['field']}: {self.change(place, 'text', told['rest'])}"
        return self.change(place, "text", text)

    def _keep(self, text: str) -> str:
        self.kept.add(text)
        return text


def body_value(body: bytes) -> Any:
    """The JSON value of a body; ``NOT_JSON`` also for one that is nested too deep to be gone through."""
    value = parse_json(body)
    return NOT_JSON if is_deep(value) else value


def _header_value(name: str, value: str) -> str | None:
    """What is written of a header in the allow-list; ``None`` if it has another form than the API's."""
    if name in ("content-type", "accept"):
        media_type = value.partition(";")[0].strip().lower()
        return media_type if media_type in CODES else None
    plain = _NUMBER.fullmatch(value) or DATE.fullmatch(value) or value in ("true", "false") or value in CODES
    return value if plain else None


def found_in(exchange: Exchange, *, response: bool = True) -> dict[Place, tuple[Kind, str]]:
    """Whatever may tell of somebody in an exchange, or in its request alone, by its place."""
    found: dict[Place, tuple[Kind, str]] = {}

    def note(place: Place, kind: Kind, text: str) -> str:
        found[place] = kind, text
        return text

    rewriter = Rewriter(note)
    rewriter.request(exchange)
    if response:
        rewriter.response(exchange)
    return found
