"""Keys: which are refused and with which code, and what each may do."""

from __future__ import annotations

import pytest

from tests.conformance.service import ServiceUnderTest, Steering, check_refused

EACH = [("POST", ""), ("GET", ""), ("GET", "/enc_missing"), ("PATCH", "/enc_missing"), ("DELETE", "/enc_missing")]
each_operation = pytest.mark.parametrize(("method", "step"), EACH)


def check_key_refused(service: ServiceUnderTest, method: str, step: str, key: str | None, code: str) -> None:
    body = service.body() if method == "POST" else {"status": "finished"} if method == "PATCH" else None
    check_refused(service.ask(method, f"/v1/encounters{step}", json=body, key=key), 401, code)


@each_operation
def test_a_request_needs_a_key(service: ServiceUnderTest, method: str, step: str) -> None:
    """A request without the x-api-key header is refused with 401 UNAUTHORIZED. (Authentication)"""
    check_key_refused(service, method, step, None, "UNAUTHORIZED")


@pytest.mark.parametrize("key", ["nothing", "clk_", "clk_test_", "clk_prod_abc", "CLK_TEST_abc", "Bearer clk_test_abc"])
def test_a_key_has_the_form_of_a_key(service: ServiceUnderTest, key: str) -> None:
    """A key that is neither clk_live_ nor clk_test_ and more is refused with 401 INVALID_KEY_FORMAT.
    (Authentication)
    """
    check_key_refused(service, "GET", "", key, "INVALID_KEY_FORMAT")


@each_operation
def test_a_key_has_to_be_known(service: ServiceUnderTest, method: str, step: str) -> None:
    """A key that the service does not know is refused with 401 INVALID_KEY. (Authentication)"""
    check_key_refused(service, method, step, "clk_test_conformance_unknown", "INVALID_KEY")


@each_operation
def test_a_revoked_key_is_refused(service: ServiceUnderTest, steering: Steering, method: str, step: str) -> None:
    """A key that was revoked is refused with 401 KEY_REVOKED. (Authentication)"""
    check_key_refused(service, method, step, steering.REVOKED, "KEY_REVOKED")


@each_operation
def test_an_expired_key_is_refused(service: ServiceUnderTest, steering: Steering, method: str, step: str) -> None:
    """A key that has expired is refused with 401 KEY_EXPIRED. (Authentication)"""
    check_key_refused(service, method, step, steering.EXPIRED, "KEY_EXPIRED")


def test_a_key_that_may_read_may_not_write(service: ServiceUnderTest, steering: Steering) -> None:
    """The scope read allows GET; anything else is refused with 403. (Authentication)"""
    path, key = f"/v1/encounters/{service.create()}", steering.READ_ONLY
    assert service.ask("GET", path, key=key).status_code == 200
    assert service.ask("GET", "/v1/encounters", key=key).status_code == 200
    assert service.ask("POST", "/v1/encounters", json=service.body(), key=key).status_code == 403
    assert service.ask("PATCH", path, json={"status": "finished"}, key=key).status_code == 403
    assert service.ask("DELETE", path, key=key).status_code == 403
    assert service.read(path.rpartition("/")[2])["status"] == "planned"


def test_a_key_that_may_write_may_not_read(service: ServiceUnderTest, steering: Steering) -> None:
    """The scope write allows POST, PATCH and DELETE; a GET is refused with 403. (Authentication)"""
    key = steering.WRITE_ONLY
    assert service.ask("POST", "/v1/encounters", json=service.body(), key=key).status_code == 201
    path = f"/v1/encounters/{service.made[-1]}"
    assert service.ask("PATCH", path, json={"status": "finished"}, key=key).status_code == 200
    assert service.ask("GET", path, key=key).status_code == 403
    assert service.ask("GET", "/v1/encounters", key=key).status_code == 403
    assert service.ask("DELETE", path, key=key).status_code == 204


def test_test_data_and_live_data_are_apart(service: ServiceUnderTest, steering: Steering) -> None:
    """Keys that begin with clk_test_ work on other data than those that begin with clk_live_. (Authentication)"""
    path = f"/v1/encounters/{service.create()}"
    assert service.ask("GET", path, key=steering.LIVE).status_code == 404
    assert service.ask("GET", path).status_code == 200
