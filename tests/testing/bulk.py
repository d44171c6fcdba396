"""A sandbox's backend on two real ports, as its bulk operations need it, and the steps that their tests share."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Self

import orjson

from clinik_client.testing import Limits, WireServer
from clinik_client.testing._sandbox.backend import SandboxBackend
from clinik_client.testing._sandbox.clock import SandboxClock
from clinik_client.testing._sandbox.settings import SandboxSettings
from tests.testing.asking import Response, ask

START = datetime(2025, 6, 1, 9, tzinfo=UTC)


def encounter(number: int, **fields: Any) -> dict[str, Any]:
    """A made-up record with an id."""
    return {"id": f"enc_{number}", "status": "planned", "class": "VR", "patientId": "pt_1"} | fields


def lines_of(*records: Any) -> str:
    """NDJSON."""
    return "".join(orjson.dumps(record).decode() + "\n" for record in records)


class BulkBackend(ExitStack):
    """A backend whose clock stands still, served on one port and its downloads on another."""

    def __init__(self, *records: dict[str, Any], **settings: Any) -> None:
        super().__init__()
        self.clock = SandboxClock(START, running=False)
        self.backend = SandboxBackend(records, SandboxSettings(**settings), self.clock)
        limits = Limits(body_bytes=101 * 1024 * 1024)
        self.service = WireServer(lambda request: self.backend.answer(request).response, limits=limits)
        self.files = WireServer(lambda request: self.backend.downloads.answer(request).response)

    def __enter__(self) -> Self:
        super().__enter__()
        for server in (self.service, self.files):
            self.enter_context(server)
        self.backend.downloads.url = self.files.url
        return self

    def ask(self, method: str, target: str, json: Any = None, key: str = "clk_test_sandbox") -> Response:
        """Ask the service."""
        return ask(self.service.port, method, target, json=json, key=key)

    def export(self, key: str = "clk_test_sandbox", **fields: Any) -> Response:
        """Ask for an export."""
        return self.ask("POST", "/v1/bulk/export", {"resourceTypes": ["Encounter"], **fields}, key)

    def load(self, data: str, key: str = "clk_test_sandbox") -> Response:
        """Ask for an import."""
        return self.ask("POST", "/v1/bulk/import", {"resourceType": "Encounter", "data": data}, key)

    def job(self, started: Response, key: str = "clk_test_sandbox") -> dict[str, Any]:
        """What is told of the job that a response names."""
        assert started.status == 202, started
        told: dict[str, Any] = self.ask("GET", f"/v1/bulk/jobs/{started.json['data']['jobId']}", key=key).json["data"]
        return told

    def ended(self, started: Response, key: str = "clk_test_sandbox") -> dict[str, Any]:
        """What is told of a job after its time."""
        self.clock.advance(self.backend.settings.job_seconds)
        return self.job(started, key)

    def download(self, url: str, key: str | None = None, method: str = "GET") -> Response:
        """Fetch a file by its URL."""
        assert url.startswith(self.files.url + "/"), url
        return ask(self.files.port, method, url.removeprefix(self.files.url), key=key)

    def exported(self, **fields: Any) -> list[dict[str, Any]]:
        """The records of a new export."""
        content = self.download(self.ended(self.export(**fields))["downloadUrl"]).body
        return [orjson.loads(line) for line in content.splitlines()]

    def read(self, record_id: str) -> Response:
        """Ask for one record."""
        return self.ask("GET", f"/v1/encounters/{record_id}")

    def found(self) -> list[str]:
        """The ids that a search finds."""
        return [row["id"] for row in self.ask("GET", "/v1/encounters?count=100").json["data"]["data"]]
