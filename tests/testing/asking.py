"""A plain HTTP client for the tests of the test kit: the standard library's, so that nothing is added or followed."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from typing import Any, NamedTuple

import orjson


class Response(NamedTuple):
    """A response as http.client gives it; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


def ask(
    port: int,
    method: str,
    target: str,
    *,
    json: Any = None,
    body: bytes | None = None,
    key: str | None = "clk_test_fixture",
    headers: dict[str, str] | None = None,
) -> Response:
    """Ask a server on 127.0.0.1, over a new connection."""
    sent = {} if key is None else {"x-api-key": key}
    if json is not None:
        body = orjson.dumps(json)
        sent["content-type"] = "application/json"
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, target, body=body, headers=sent | (headers or {}))
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, names, response.read())
