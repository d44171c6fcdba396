"""A sandbox without a server, and what asking it comes to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from attrs import frozen

from clinik_client.testing import WireRequest
from clinik_client.testing._sandbox.backend import SandboxBackend
from clinik_client.testing._sandbox.clock import SandboxClock
from clinik_client.testing._sandbox.settings import SandboxSettings

KEY = "clk_test_sandbox"
START = datetime(2025, 6, 1, 9, tzinfo=UTC)


def sandbox(records: Iterable[dict[str, Any]] = (), **settings: Any) -> SandboxBackend:
    """One whose clock stands still."""
    return SandboxBackend(records, SandboxSettings(**settings), SandboxClock(START, running=False))


@frozen
class MemoryAnswer:
    """An answer, its header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    applied: bool

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def code(self) -> str | None:
        code: str | None = self.json.get("code")
        return code


def request_of(
    method: str,
    target: str,
    *,
    json: Any = None,
    body: bytes = b"",
    kind: str | None = None,
    key: str | None = KEY,
    headers: Iterable[tuple[str, str]] = (),
) -> WireRequest:
    """A request as the wire layer gives it to a backend.

    Args:
        method: the HTTP method.
        target: path and query.
        json: what the body says.
        body: or the body itself.
        kind: its media type; that of JSON, if there is ``json``.
        key: the key; ``None`` sends none.
        headers: further ones.
    """
    sent = [("host", "127.0.0.1"), *headers]
    if key is not None:
        sent.append(("x-api-key", key))
    if json is not None:
        body, kind = orjson.dumps(json), kind or "application/json"
    if kind is not None:
        sent.append(("content-type", kind))
    return WireRequest(method, target, tuple((name.lower(), value) for name, value in sent), body)


def ask_memory(backend: SandboxBackend, method: str, target: str, **request: Any) -> MemoryAnswer:
    """Ask a sandbox; see `request_of`. Whatever it answers says the same twice, where it says it twice."""
    answer = backend.answer(request_of(method, target, **request))
    response = answer.response
    headers = {name.lower(): value for name, value in response.headers}
    assert len(headers) == len(response.headers), "a header comes twice"
    found = MemoryAnswer(response.status, headers, response.body, answer.applied)
    if response.status == 204:
        assert not response.body
        return found
    body = found.json
    if "meta" in body:
        meta = body["meta"]
        assert meta == {
            "requestId": headers["x-request-id"],
            "timestamp": headers["x-timestamp"],
            "status": response.status,
            "rateLimitTotal": int(headers["x-ratelimit-limit"]),
            "rateLimitRemaining": int(headers["x-ratelimit-remaining"]),
            "rateLimitReset": int(headers["x-ratelimit-reset"]),
        }
    elif "requestId" in body:
        assert body["requestId"] == headers["x-request-id"]
    return found
