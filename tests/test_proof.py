"""What a response proves depends on who gave it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client._proof import NEVER_PASSED_ON, is_own_error, is_own_head, is_refusal
from tests.strategies import DOCUMENT, json_values


@pytest.mark.parametrize(
    "headers",
    [
        {"x-request-id": "req_k8f3a7x2"},
        {"x-timestamp": "2025-01-15T09:15:00.000Z"},
        {"x-quota-used": "5"},
        {"x-sandbox-limit": "1000"},
    ],
)
def test_headers_that_only_the_service_sends_are_its_own(headers: dict[str, str]) -> None:
    assert is_own_head({"server": "nginx", **headers})


MARKS: dict[str, Any] = {"error": "Not Found", "code": "NOT_FOUND", "requestId": "req_1", "issues": []}


@pytest.mark.parametrize("one", MARKS)
@pytest.mark.parametrize("other", MARKS)
def test_any_two_marks_make_an_error_the_services_own_and_one_does_not(one: str, other: str) -> None:
    body = {"message": "No such record", one: MARKS[one], other: MARKS[other]}
    assert is_own_error(body) is (one != other)


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-request-id": "8f14e45f-ceea-467a"}, {"x-ratelimit-limit": "5"}, {"server": "x", "date": "today"}],
)
def test_headers_that_gateways_send_too_are_not(headers: dict[str, str]) -> None:
    assert not is_own_head(headers)


def test_every_example_of_an_error_in_the_document_is_the_services_own() -> None:
    bodies = [
        example["value"]
        for response in DOCUMENT["components"]["responses"].values()
        for content in response.get("content", {}).values()
        for example in content.get("examples", {}).values()
    ]
    assert len(bodies) > 5
    for body in bodies:
        assert is_own_error(body), body


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Forbidden"},
        {"message": "no Route matched with those values", "request_id": "8f14"},
        {"timestamp": 1, "status": 404, "error": "Not Found", "path": "/v1/encounters"},
        {"detail": "Not Found"},
        {"error": {"code": 404, "message": "Not found"}},
        {"resourceType": "OperationOutcome"},
    ],
)
def test_what_frameworks_and_gateways_send_is_not(body: dict[str, Any]) -> None:
    assert not is_own_error(body)


@given(st.dictionaries(st.sampled_from(["error", "code", "requestId", "issues", "resourceType", "issue"]), json_values))
def test_any_object_is_judged(body: dict[str, Any]) -> None:
    assert is_own_error(body) in (True, False)


@given(st.integers(100, 999), st.booleans())
def test_only_the_service_or_a_fault_of_the_head_proves_that_nothing_was_done(status: int, own: bool) -> None:
    assert is_refusal(status, own) == (status in NEVER_PASSED_ON or (own and 300 <= status <= 499))
