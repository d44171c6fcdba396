"""What is told around a result: the envelope, its headers, and the form of an error."""

from __future__ import annotations

import re
from datetime import datetime

import httpx
import pytest

from tests.conformance.service import ServiceUnderTest, issues_of

MISSING = "/v1/encounters/enc_conformance_missing"


def answers(service: ServiceUnderTest) -> list[httpx.Response]:
    """A success of each operation that has a body."""
    created = service.ask("POST", "/v1/encounters", json=service.body())
    path = f"/v1/encounters/{service.made[-1]}"
    changed = service.ask("PATCH", path, json={"status": "arrived"})
    return [created, service.ask("GET", path), changed, service.ask("GET", "/v1/encounters")]


def test_a_success_has_data_and_meta(service: ServiceUnderTest) -> None:
    """A success has its result under data and the facts about the request under meta. (API reference, encounters)"""
    for answer in answers(service):
        assert answer.json().keys() == {"data", "meta"}
        assert answer.json()["meta"].keys() >= {"requestId", "timestamp", "status"}
        assert answer.json()["meta"]["status"] == answer.status_code


def test_meta_and_headers_say_the_same(service: ServiceUnderTest) -> None:
    """The facts under meta come as headers, too. (API reference, encounters)"""
    names = {
        "requestId": "x-request-id",
        "timestamp": "x-timestamp",
        "rateLimitTotal": "X-RateLimit-Limit",
        "rateLimitRemaining": "X-RateLimit-Remaining",
        "rateLimitReset": "X-RateLimit-Reset",
    }
    for answer in answers(service):
        meta = answer.json()["meta"]
        assert {name: str(meta[name]) for name in names} == {name: answer.headers[names[name]] for name in names}


def test_each_request_has_an_id_of_its_own(service: ServiceUnderTest) -> None:
    """Each request has an id, which is told with every response. (Errors)"""
    ids = [answer.headers["x-request-id"] for answer in [*answers(service), service.ask("GET", MISSING)]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"req_\w+", id) for id in ids)


def test_a_timestamp_has_an_offset(service: ServiceUnderTest) -> None:
    """The timestamp is an ISO 8601 moment. (API reference, encounters)"""
    for answer in answers(service):
        assert datetime.fromisoformat(answer.json()["meta"]["timestamp"]).utcoffset() is not None


def test_the_window_is_told_in_seconds(service: ServiceUnderTest) -> None:
    """A response says how many requests the plan allows, how many are left, and in how many seconds the window is free.
    (Rate limits)
    """
    meta = answers(service)[-1].json()["meta"]
    assert 0 <= meta["rateLimitRemaining"] < meta["rateLimitTotal"]
    assert 0 <= meta["rateLimitReset"] <= 60


def test_a_test_key_is_told_its_volume(service: ServiceUnderTest) -> None:
    """With a test key the headers tell the sandbox's volume: limit, used and remaining. (Rate limits)"""
    for answer in answers(service):
        limit, used, left = (int(answer.headers[f"X-Sandbox-{name}"]) for name in ("Limit", "Used", "Remaining"))
        assert (used > 0, used + left) == (True, limit)


def test_the_month_is_told_in_headers(service: ServiceUnderTest) -> None:
    """X-Quota-Billable says whether a request counted, and X-Quota-Reset when the month is over. (Rate limits)"""
    for answer in answers(service):
        assert answer.headers["X-Quota-Billable"] in ("true", "false")
        assert datetime.fromisoformat(answer.headers["X-Quota-Reset"]).utcoffset() is not None
        assert int(answer.headers["X-Quota-Used"]) <= int(answer.headers["X-Quota-Limit"])


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", MISSING, 404), ("POST", "/v1/encounters", 422), ("PATCH", MISSING, 404), ("DELETE", MISSING, 404)],
)
def test_an_error_has_one_of_two_forms(service: ServiceUnderTest, method: str, target: str, status: int) -> None:
    """An error says error, code and requestId, or is an OperationOutcome with its issues. (Errors)"""
    body = {"status": "planned"} if method in ("POST", "PATCH") else None
    answer = service.ask(method, target, json=body)
    assert answer.status_code == status
    if answer.json().get("resourceType") == "OperationOutcome":
        assert issues_of(answer)
    else:
        assert answer.json()["error"]
        assert answer.json()["code"] == ("VALIDATION_ERROR" if status == 422 else "NOT_FOUND")
        assert answer.json()["requestId"] == answer.headers["x-request-id"]


def test_an_issue_says_how_grave_it_is_and_what_is_wrong(service: ServiceUnderTest) -> None:
    """Each issue of a refused body has a severity, a code and diagnostics. (Errors)"""
    answer = service.ask("POST", "/v1/encounters", json={})
    assert len(issues_of(answer)) == 3
    assert all(issue.keys() >= {"severity", "code", "diagnostics"} for issue in issues_of(answer))
