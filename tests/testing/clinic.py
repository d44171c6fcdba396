"""A small service with state, on a port of its own: what the recorder records, and what a story is told again to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Any, Self

import orjson

from clinik_client.testing import WireRequest, WireResponse, WireServer
from clinik_client.testing._exchange import split_target

Alter = Callable[[WireRequest, WireResponse], WireResponse]
"""What makes a service answer otherwise."""

PATIENT_NAME = "Wilhelmina Quackenbush"
BIRTH_DATE = "1961-03-14"
COOKIE = "session=8f3e2d1c"


class Clinic:
    """Keeps encounters as the API does; answers a read with ``_include`` with a Bundle, patient's name and all.

    A context manager that starts and stops it. ``keys`` are those that were sent.
    """

    def __init__(
        self, *, first_id: int = 1, alter: Alter | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.keys: list[str] = []
        self.requests = 0
        self._alter = alter
        self._lock = threading.Lock()
        self._ids = (f"enc_ward{number:03}x" for number in count(first_id))
        self._request_ids = (f"req_{number:08}" for number in count(731))
        self._server = WireServer(self._respond, ssl_context=ssl_context)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()

    def _respond(self, request: WireRequest) -> WireResponse:
        with self._lock:
            self.requests += 1
            self.keys += request.header_values("x-api-key")
            status, body = self._result(request)
            request_id = next(self._request_ids)
        headers = [
            ("x-request-id", request_id),
            ("X-RateLimit-Remaining", "499"),
            ("Set-Cookie", COOKIE),
            ("Server", "ward-7"),
        ]
        if status >= 400:
            body = {"error": "Refused", "message": f"Not for {PATIENT_NAME}.", "requestId": request_id, **body}
        elif body is not None:
            body = {"data": body, "meta": {"requestId": request_id, "status": status}}
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        response = WireResponse(status, headers, b"" if body is None else orjson.dumps(body))
        return response if self._alter is None else self._alter(request, response)

    def _result(self, request: WireRequest) -> tuple[int, Any]:
        path, query = split_target(request.target)
        given = orjson.loads(request.body) if request.body else {}
        record_id = path.removeprefix("/v1/encounters").removeprefix("/")
        if not request.header_values("x-api-key"):
            return 401, {"code": "UNAUTHORIZED"}
        if request.method == "POST":
            record = {"id": next(self._ids), **given}
            self.records[record["id"]] = record
            return 201, record
        if not record_id:
            return 200, self._page(dict(query))
        if record_id not in self.records:
            return 404, {"code": "NOT_FOUND"}
        record = self.records[record_id]
        if request.method == "DELETE":
            del self.records[record_id]
            return 204, None
        record.update(given)
        return 200, _bundle(record) if query else record

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        rows = [one for one in self.records.values() if query.get("patientId", one["patientId"]) == one["patientId"]]
        start, size = int(query.get("cursor", "0")), int(query.get("count", "20"))
        page = {"data": rows[start : start + size], "total": len(rows), "hasMore": start + size < len(rows)}
        return page | ({"cursor": str(start + size)} if page["hasMore"] else {})


def _bundle(record: dict[str, Any]) -> dict[str, Any]:
    patient = {
        "resourceType": "Patient",
        "id": record["patientId"],
        "name": [{"family": "Quackenbush", "given": ["Wilhelmina"], "text": PATIENT_NAME}],
        "birthDate": BIRTH_DATE,
        "identifier": [{"value": "MRN-5550199"}],
    }
    encounter = {
        "resourceType": "Encounter",
        "id": record["id"],
        "status": record["status"],
        "class": {"code": record["class"], "display": "ambulatory"},
        "subject": {"reference": f"Patient/{record['patientId']}", "display": PATIENT_NAME},
        "period": record.get("period", {}),
    }
    found = [(encounter, "match"), (patient, "include")]
    entries = [
        {
            "fullUrl": f"https://ward-7.example/fhir/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            "search": {"mode": mode},
        }
        for resource, mode in found
    ]
    return {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": entries}
