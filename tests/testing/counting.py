"""A backend that is hardly one: it counts what it is asked to do."""

from __future__ import annotations

import threading
from collections import Counter

import orjson

from clinik_client.testing import Answer, WireRequest, WireResponse
from clinik_client.testing._routes import operation_at

KEY = "clk_test_counted"
PATIENT = "pt_1"
_RECORD = {"id": "enc_1", "status": "planned", "class": "AMB", "patientId": PATIENT}
_JSON = [("content-type", "application/json")]


class CountingBackend:
    """Applies whatever it is asked, and counts it."""

    def __init__(self) -> None:
        self.applied: Counter[str | None] = Counter()
        self._lock = threading.Lock()

    def operation_of(self, request: WireRequest) -> str | None:
        return operation_at(request.method, request.target)

    def answer(self, request: WireRequest) -> Answer:
        operation = self.operation_of(request)
        if operation in ("create", "update", "delete"):
            with self._lock:
                self.applied[operation] += 1
        return Answer(_response(operation), applied=operation in ("create", "update", "delete"))


def _response(operation: str | None) -> WireResponse:
    if operation is None:
        return WireResponse(404, _JSON, b'{"error":"Not Found","code":"NOT_FOUND","requestId":"req_none"}')
    if operation == "delete":
        return WireResponse(204)
    data = {"data": [_RECORD], "hasMore": False} if operation == "search" else _RECORD
    body = orjson.dumps({"data": data, "meta": {"requestId": "req_1"}})
    return WireResponse(201 if operation == "create" else 200, _JSON, body)
