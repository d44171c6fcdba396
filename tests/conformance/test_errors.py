"""What is refused, with which status and code."""

from __future__ import annotations

import pytest

from tests.conformance.service import ServiceUnderTest, Steering, check_refused

JSON = {"content-type": "application/json"}
MISSING = "/v1/encounters/enc_conformance_missing"


@pytest.mark.parametrize("content", [b"", b"{", b'{"status": planned}', b"\xff"], ids=["empty", "cut", "bare", "bytes"])
def test_a_body_that_is_not_json_is_refused(service: ServiceUnderTest, content: bytes) -> None:
    """A body that is not JSON is refused with 400 INVALID_JSON. (Errors)"""
    answer = service.ask("POST", "/v1/encounters", content=content, headers=JSON)
    check_refused(answer, 400, "INVALID_JSON")


@pytest.mark.parametrize("content", [b"[]", b"null", b'"planned"', b"7"])
def test_a_body_that_is_no_object_is_refused(service: ServiceUnderTest, content: bytes) -> None:
    """A body that is JSON, but not as documented, is refused with 422 VALIDATION_ERROR. (Errors)"""
    answer = service.ask("POST", "/v1/encounters", content=content, headers=JSON)
    check_refused(answer, 422, "VALIDATION_ERROR")


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_cannot_be_overridden(service: ServiceUnderTest, name: str) -> None:
    """A header that would override the method is refused with 400 METHOD_OVERRIDE_REJECTED. (Errors)"""
    path = f"/v1/encounters/{service.create()}"
    answer = service.ask("GET", path, headers={name: "DELETE"})
    check_refused(answer, 400, "METHOD_OVERRIDE_REJECTED")
    assert service.ask("GET", path).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(service: ServiceUnderTest, method: str) -> None:
    """An encounter that there is not is 404 NOT_FOUND, for a read, an update and a delete. (Errors)"""
    answer = service.ask(method, MISSING, json={"status": "finished"} if method == "PATCH" else None)
    check_refused(answer, 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_encounter_of_another_organization_is_not_found(
    service: ServiceUnderTest, steering: Steering, method: str
) -> None:
    """A record of another organization is 404, as if it were not there. (Errors)"""
    path = f"/v1/encounters/{service.create()}"
    body = {"status": "finished"} if method == "PATCH" else None
    answer = service.ask(method, path, json=body, key=steering.ELSEWHERE)
    check_refused(answer, 404, "NOT_FOUND")
    assert service.ask("GET", path).status_code == 200


def test_every_problem_of_a_body_is_told_at_once(service: ServiceUnderTest) -> None:
    """A 422 lists every problem of the body. (Errors)"""
    answer = service.ask("POST", "/v1/encounters", json={"lengthMinutes": -1, "type": "k" * 201})
    assert all(name in answer.text for name in ("status", "class", "patientId", "lengthMinutes", "type"))


def test_an_error_does_not_repeat_what_was_sent(service: ServiceUnderTest) -> None:
    """No error repeats a value of the request. (Errors)"""
    secret = "Kx7-quince-9"
    body = {"status": secret, "class": [secret], "patientId": {"name": secret}, "type": secret * 20, "period": secret}
    for answer in (
        service.ask("POST", "/v1/encounters", json=body),
        service.ask("GET", f"/v1/encounters/{secret}"),
        service.ask("GET", "/v1/encounters", key=f"clk_test_{secret}"),
    ):
        assert answer.status_code in (401, 404, 422)
        assert secret not in answer.text
