"""The service whose conformance is tried, as HTTP shows it, and what can be done to it if it is our sandbox."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import httpx
from attrs import field, frozen

# Made once: it takes longer than all that a test asks.
_TLS = ssl.create_default_context()

LAG = 10
"""After how many seconds searches have typically followed."""


@frozen
class ServiceAddress:
    """Where a service is, and how it is asked."""

    url: str
    key: str = field(repr=False)
    patient: str
    """The id of a patient that encounters can be made for."""


def wait(seconds: float) -> None:
    """Let time pass: there is no clock to be moved where the real service asks for patience."""
    threading.Event().wait(seconds)


class ServiceUnderTest:
    """Asks a service, remembers what was made there, and takes it away in the end.

    Args:
        address: where it is.
        wait: what is done where the service asks for patience.
    """

    def __init__(self, address: ServiceAddress, wait: Callable[[float], None] | None = None) -> None:
        self.address = address
        self.made: list[str] = []
        self._wait = wait
        self._client = httpx.Client(base_url=address.url, timeout=30, verify=_TLS)

    def ask(
        self,
        method: str,
        target: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to a request.

        Args:
            method: the HTTP method.
            target: path and query.
            json: the body, to be sent as JSON.
            content: the body, as it is.
            key: the key; ``None`` for none, empty for the usual one.
            headers: further headers.
        """
        sent = dict(headers or {})
        if key is not None:
            sent["x-api-key"] = key or self.address.key
        answer = self._client.request(method, target, json=json, content=content, headers=sent)
        while self._wait is not None and "retry-after" in answer.headers:
            self._wait(float(answer.headers["retry-after"]))
            answer = self._client.request(method, target, json=json, content=content, headers=sent)
        if answer.status_code == 201:
            self.made.append(record_of(answer)["id"])
        return answer

    def create(self, **fields: Any) -> str:
        """Make an encounter; its id."""
        answer = self.ask("POST", "/v1/encounters", json=self.body(**fields))
        assert answer.status_code == 201, answer.text
        return str(record_of(answer)["id"])

    def body(self, **fields: Any) -> dict[str, Any]:
        """What an encounter is made of: what is required, and these fields."""
        return {"status": "planned", "class": "VR", "patientId": self.address.patient, **fields}

    def read(self, id: str) -> dict[str, Any]:
        """An encounter, in the simple shape."""
        answer = self.ask("GET", f"/v1/encounters/{id}")
        assert answer.status_code == 200, answer.text
        return simple(record_of(answer))

    def search(self, query: str = "", key: str = "") -> dict[str, Any]:
        """One page of a search."""
        answer = self.ask("GET", f"/v1/encounters?{query}", key=key)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()["data"]
        return page

    def found(self, query: str = "") -> list[dict[str, Any]]:
        """The encounters of one page, in the simple shape."""
        rows = self.search(query)["data"]
        return [simple(row) for row in rows if row.get("resourceType") != "OperationOutcome"]

    def leave(self, *, delete: bool) -> None:
        """Close the connection, and delete before it what was made."""
        with closing(self._client):
            for id in self.made if delete else ():
                assert self.ask("DELETE", f"/v1/encounters/{id}").status_code in (204, 404)


class Steering:
    """What a test does to our sandbox, over HTTP, that nobody can do to the real service."""

    LIVE, READ_ONLY, WRITE_ONLY = "clk_live_sandbox", "clk_test_readonly", "clk_test_writeonly"
    REVOKED, EXPIRED, ELSEWHERE = "clk_test_revoked", "clk_test_expired", "clk_test_elsewhere"

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/_sandbox", timeout=30, verify=_TLS)

    def advance(self, seconds: float) -> None:
        """Move the clock, which stands still otherwise."""
        self._post("clock", {"advance": seconds})

    def seed(self, records: list[dict[str, Any]]) -> None:
        """Let these be all encounters that there are."""
        self._post("seed", records)

    def plan(self, **limits: Any) -> None:
        """Change how much may be asked."""
        self._client.patch("/settings", json={"plan": limits}).raise_for_status()

    def begin(self) -> None:
        """Let everything be as at the beginning, and the clock stand still."""
        self._post("seed", {"count": 0})
        self._post("reset", {})
        self._post("clock", {"running": False})

    def close(self) -> None:
        self._client.close()

    def _post(self, name: str, body: Any) -> None:
        self._client.post(f"/{name}", json=body).raise_for_status()


# -- what an answer says ----------------------------------------------------------------------------------------------


def record_of(answer: httpx.Response) -> dict[str, Any]:
    """The encounter in an answer; that of a Bundle, if it is one."""
    record: dict[str, Any] = answer.json()["data"]
    if record.get("resourceType") == "Bundle":
        return next(entry["resource"] for entry in record["entry"] if entry["resource"]["resourceType"] == "Encounter")
    return record


def check_refused(answer: httpx.Response, status: int, code: str) -> None:
    """Fail if this is not a refusal with this status, and with this code where its form has one."""
    assert answer.status_code == status, answer.text
    if answer.json().get("resourceType") != "OperationOutcome":
        assert answer.json()["code"] == code


def issues_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The problems that an error lists, in either of its forms."""
    body = answer.json()
    issues: list[dict[str, Any]] = body.get("issues") or body.get("issue") or []
    return issues


def simple(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the tests look at, of a record in either shape."""
    if not isinstance(record.get("class"), Mapping):
        return dict(record)
    found = {name: record[name] for name in ("id", "status", "period") if name in record}
    found["class"] = record["class"]["code"]
    if "subject" in record:
        found["patientId"] = _id(record["subject"])
    if "partOf" in record:
        found["partOfId"] = _id(record["partOf"])
    if "length" in record:
        found["lengthMinutes"] = record["length"]["value"]
    if record.get("type"):
        found["type"] = _text(record["type"][0])
    if "diagnosis" in record:
        found["diagnosis"] = [
            {
                "condition": item["condition"].get("display") or _id(item["condition"]),
                **({"use": _text(item["use"])} if "use" in item else {}),
                **({"rank": item["rank"]} if "rank" in item else {}),
            }
            for item in record["diagnosis"]
        ]
    return found


def _id(reference: Mapping[str, Any]) -> str:
    return str(reference["reference"]).rpartition("/")[2]


def _text(concept: Mapping[str, Any]) -> str:
    coding = (concept.get("coding") or [{}])[0]
    return str(concept.get("text") or coding.get("display") or coding.get("code"))
