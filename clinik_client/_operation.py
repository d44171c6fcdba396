"""One endpoint of the API as data, and the requests that are built from it.

The generated endpoint modules hold one `Operation` each; everything that an operation does, it does here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

import orjson
from attrs import field, frozen

from ._codecs import Codec, InputOptions, Issues, Json, Location, Text
from ._model import Model, models_in
from ._objects import encode_object
from ._privacy import texts_of


@frozen(slots=False)
class Request:
    """A request, checked and ready to be sent. Its repr shows the route only."""

    method: str
    route: str
    """The path's template, ``/v1/encounters/{id}``: what logs and errors may name."""
    path: str = field(repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: Any = field(default=None, repr=False)
    """The JSON value to send, or ``None``."""
    media_types: tuple[str, ...] = ("application/json",)
    """Those that the body may be sent as, in the order in which they are tried."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Headers beyond the client's own, or in their place."""
    record_id: str | None = field(default=None, repr=False)
    """The id in the path: the response must be about this record."""
    response: type[Model] | None = field(default=None, repr=False)
    """The model of the response's ``data``."""
    params: type[Model] | None = field(default=None, repr=False)
    """The model of the query parameters."""

    @property
    def name(self) -> str:
        """Method and route, for people."""
        return f"{self.method} {self.route}"

    @property
    def deletes(self) -> bool:
        """Whether this deletes one record: sending it again then has the same effect."""
        return self.method == "DELETE" and self.record_id is not None

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again after an attempt that the service may have carried out."""
        return self.method == "GET" or self.deletes

    def asked_for(self, name: str) -> Any:
        """The value of a field of the body, or else of a query parameter; ``None`` where there is none."""
        if isinstance(self.body, Mapping):
            return self.body.get(name)
        return next((value for parameter, value in self.query if parameter == name), None)

    @property
    def target(self) -> str:
        """Path and query as they go over the wire."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def content(self) -> bytes:
        """The body as bytes, empty where there is none."""
        return b"" if self.body is None else orjson.dumps(self.body)

    def texts(self) -> Iterator[str]:
        """What it carries besides its route, text by text: a message that repeats any of it is not shown so."""
        steps = set(unquote(self.path).split("/")) - set(self.route.split("/"))
        told = [value for name, value in self.headers if name.lower() not in _TELLING_NOTHING]
        return texts_of([*steps, self.record_id, *({name: value} for name, value in self.query), self.body, told])


_HERE: Final = Location()
_AS_IT_IS: Final = InputOptions()


class Operation:
    """One operation of the OpenAPI document.

    Args:
        id: its ``operationId``.
        method: the HTTP method.
        path: the path's template.
        path_parameters: name and codec of each of its parameters, in their order.
        params: the model of the query parameters, if there are any.
        body: the model of the request body, if there is one.
        response: the model of the ``data`` of a successful response; ``None`` where there is none.
        media_types: see `Request`.
    """

    def __init__(
        self,
        *,
        id: str,
        method: str,
        path: str,
        path_parameters: tuple[tuple[str, Codec], ...] = (),
        params: type[Model] | None = None,
        body: type[Model] | None = None,
        response: type[Model] | None = None,
        media_types: tuple[str, ...] = ("application/json",),
    ) -> None:
        self.id = id
        self.method = method
        self.path = path
        self.path_parameters = path_parameters
        self.params = params
        self.body = body
        self.response = response
        self.media_types = media_types
        # PATCH changes what it names: None there would have to mean "clear", which the API does not offer.
        self._options = {
            keywords: InputOptions(keywords=keywords, refuse_none=method == "PATCH") for keywords in (True, False)
        }
        # A signal handler may make calls in the middle of another one, but not with a module that is loaded by half. So
        # all that this operation sends and reads is loaded before anything leaves.
        for model in (params, body, response):
            if model is not None:
                models_in(model)

    def request(
        self,
        *values: Any,
        given: Model | Mapping[str, Any] | None = None,
        keywords: Mapping[str, Any] | None = None,
    ) -> Request:
        """Check what a caller gives, and build the request from it.

        Args:
            values: the path parameters, in their order.
            given: the query parameters or the body as a model or as a dict in wire names.
            keywords: the same as keyword arguments, in Python names.

        Raises:
            ClinikValidationError: with every problem there is.
        """
        issues, here = Issues(), _HERE
        steps = []
        for (name, codec), value in zip(self.path_parameters, values, strict=True):
            steps.append((name, codec.encode(value, Location(here, name), _AS_IT_IS, issues)))
        fields: dict[str, Any] = {}
        if (model := self.body or self.params) is not None:
            if given is not None and keywords:
                issues.add(here, "give keywords, or one dict in the API's names, or one model; not a mix of them")
            options = self._options[given is None]
            fields = encode_object(model, keywords or {} if given is None else given, here, options, issues)
        if issues:
            raise issues.error(f"{self.method} {self.path}")
        path = self.path
        for name, step in steps:
            path = path.replace(f"{{{name}}}", quote(str(step), safe=""))
        return Request(
            method=self.method,
            route=self.path,
            path=path,
            query=() if self.params is None else query_pairs(fields),
            body=None if self.body is None else fields,
            record_id=values[-1] if values and self.path.endswith("}") else None,
            response=self.response,
            params=self.params,
            media_types=self.media_types,
        )


def query_pairs(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The query for these parameters; a list gives a pair for each of its values.

    >>> query_pairs({"_include": ["Encounter:patient", "Encounter:location"], "count": 5})
    (('_include', 'Encounter:patient'), ('_include', 'Encounter:location'), ('count', '5'))
    """
    return tuple(
        (name, item if isinstance(item, str) else orjson.dumps(item).decode())
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
    )


# CONNECT asks a proxy for a tunnel, it is no request to the service.
_METHOD: Final = r"(?!CONNECT$)[A-Z]{1,16}"
_PATH: Final = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+"


# Names and values of headers (RFC 9110, sections 5.1 and 5.5), here of ASCII alone.
_HEADER_NAME: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}"
_HEADER_VALUE: Final = r"[!-~](?:[ -~\t]*[!-~])?"
KEY_HEADER: Final = "x-api-key"
_NOT_FREE = {
    KEY_HEADER: "is the client's own",
    **dict.fromkeys(("host", "content-length", "transfer-encoding", "connection", "expect"), "is set by the SDK"),
    **dict.fromkeys(("accept-encoding", "te", "trailer", "upgrade"), "is set by the SDK"),
}
# Their values are no data: a message may repeat them.
_TELLING_NOTHING = frozenset({"accept", "content-type", "user-agent", "prefer"})


def _looks_like_header(name: object) -> bool:
    """Whether this is spelled like a header's name. Anything else may be a value in its place."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z]{1,24}(?:-[A-Za-z]{1,24}){0,4}", name) is not None


def raw_request(
    method: str,
    path: str,
    params: Mapping[str, Any] | None,
    json: Any,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """The request for `clinik_client.Clinik.request`, which no document describes. For the arguments see there.

    Raises:
        ClinikValidationError: with every problem there is.
    """
    issues, here = Issues(), Location()
    if not isinstance(method, str) or not re.fullmatch(_METHOD, method.upper(), re.ASCII):
        issues.add(Location(here, "method"), "must be an HTTP method")
    if (
        not isinstance(path, str)
        or not re.fullmatch(_PATH, path, re.ASCII)
        or {".", ".."} & set(unquote(path).split("/"))
    ):
        issues.add(
            Location(here, "path"),
            "must begin with / and hold no . or .. steps, spaces, ? or #; see params for a query",
        )
    location = Location(here, "params")
    query = {
        name: Json().encode(value, location.key(name), InputOptions(), issues)
        for name, value in (params or {}).items()
        if value is not None
    }
    for name, value in query.items():
        Text().encode(name, location, InputOptions(), issues)
        if any(isinstance(item, dict | list) for item in (value if isinstance(value, list) else [value])):
            issues.add(location.key(name), "must be a string, a number, True, False, or a list of these")
    for name, value in (headers or {}).items():
        where = Location(Location(here, "headers"), name if _looks_like_header(name) else "*")
        if not isinstance(name, str) or not re.fullmatch(_HEADER_NAME, name, re.ASCII):
            issues.add(where, "its name is not one that a header can have")
        elif name.lower() in _NOT_FREE:
            issues.add(where, _NOT_FREE[name.lower()])
        elif not isinstance(value, str) or not re.fullmatch(_HEADER_VALUE, value, re.ASCII):
            issues.add(where, "must be printable ASCII text in one line, without spaces around it")
    body = None if json is None else Json().encode(json, Location(here, "json"), InputOptions(), issues)
    if issues:
        raise issues.error()
    return Request(
        method=method.upper(),
        route="(request)",
        path=path,
        query=query_pairs(query),
        body=body,
        headers=tuple((headers or {}).items()),
    )
