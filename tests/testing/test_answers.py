"""The forms of a sandbox's answers: envelopes that say what the headers say, and errors in either form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client._codecs import Issues, Location
from clinik_client.testing import WireResponse
from clinik_client.testing._answers import (
    ErrorForm,
    Headers,
    Refused,
    empty,
    envelope,
    error,
    json_response,
    text_of_moment,
)
from tests.strategies import SCHEMAS, is_valid

REQUEST: Headers = [("x-request-id", "req_1"), ("x-timestamp", "2025-06-01T09:00:00.000Z")]
LIMITS: Headers = [("X-RateLimit-Limit", "500"), ("X-RateLimit-Remaining", "7"), ("X-RateLimit-Reset", "42")]


def body_of(response: WireResponse) -> Any:
    return orjson.loads(response.body)


@given(st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_written_with_milliseconds_and_a_z_and_is_none_that_is_yet_to_come(moment: datetime) -> None:
    text = text_of_moment(moment)
    assert len(text) == len("2025-01-15T09:15:00.000Z")
    assert text.endswith("Z")
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_a_success_has_its_result_below_data_and_the_headers_below_meta() -> None:
    response = envelope({"id": "enc_1"}, 201, [*REQUEST, *LIMITS])
    assert response.status == 201
    assert response.headers == (("content-type", "application/json"), *REQUEST, *LIMITS)
    assert body_of(response) == {
        "data": {"id": "enc_1"},
        "meta": {
            "requestId": "req_1",
            "timestamp": "2025-06-01T09:00:00.000Z",
            "status": 201,
            "rateLimitTotal": 500,
            "rateLimitRemaining": 7,
            "rateLimitReset": 42,
        },
    }


def test_meta_says_nothing_that_the_headers_do_not() -> None:
    assert body_of(envelope([], 200, REQUEST))["meta"].keys() == {"requestId", "timestamp", "status"}


def test_what_was_deleted_leaves_headers_alone() -> None:
    assert empty(REQUEST) == WireResponse(204, REQUEST)


@pytest.mark.parametrize(
    ("body", "kind"),
    [({"status": "ok"}, "application/json"), ({"resourceType": "Patient"}, "application/fhir+json")],
)
def test_json_without_an_envelope_is_told_as_what_it_is(body: dict[str, Any], kind: str) -> None:
    assert json_response(body) == WireResponse(200, [("content-type", kind)], orjson.dumps(body))
    assert json_response(body, status=299, headers=REQUEST).headers == (("content-type", kind), *REQUEST)


ISSUES = Issues()
ISSUES.add(Location(Location(), "patientId"), "Required")


def test_an_error_in_the_form_of_the_api() -> None:
    response = error(
        Refused(422, "VALIDATION_ERROR", "It is not valid.", issues=ISSUES, headers=[("x-a", "b")]), REQUEST
    )
    assert response.status == 422
    assert response.headers == (("content-type", "application/json"), *REQUEST, ("x-a", "b"))
    assert body_of(response) == {
        "error": "Validation Error",
        "message": "It is not valid.",
        "code": "VALIDATION_ERROR",
        "requestId": "req_1",
        "issues": [
            {
                "severity": "error",
                "code": "invalid",
                "diagnostics": "patientId: Required",
                "location": ["patientId"],
            }
        ],
    }


def test_a_refusal_says_what_it_tells() -> None:
    assert str(Refused(404, "NOT_FOUND", "It is not there.")) == "It is not there."


def test_an_error_that_the_documentation_has_no_code_for_has_none() -> None:
    body = body_of(error(Refused(403, None, "No."), REQUEST))
    assert body == {"error": "Forbidden", "message": "No.", "requestId": "req_1"}


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (415, "Unsupported Media Type"),
        (429, "Too Many Requests"),
        (500, "Internal Server Error"),
    ],
)
def test_an_error_is_named_like_its_status(status: int, title: str) -> None:
    assert body_of(error(Refused(status, None, "No."), REQUEST))["error"] == title


@pytest.mark.parametrize("code", ["MONTHLY_QUOTA_EXCEEDED", "SANDBOX_QUOTA_EXCEEDED"])
def test_a_volume_that_is_used_up_is_told_as_the_documentation_prints_it(code: str) -> None:
    response = error(Refused(429, code, "Used up."), REQUEST)
    assert body_of(response) == {"error": "Quota exceeded", "message": "Used up.", "code": code}
    assert ("x-request-id", "req_1") in response.headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid"),
        (401, "login"),
        (403, "forbidden"),
        (404, "not-found"),
        (405, "not-supported"),
        (413, "too-long"),
        (415, "not-supported"),
        (422, "invalid"),
        (429, "throttled"),
    ],
)
def test_an_error_in_the_form_of_fhir(status: int, kind: str) -> None:
    response = error(Refused(status, "X", "It went wrong.", headers=[("Retry-After", "3")]), REQUEST, "fhir")
    assert response.headers == (("content-type", "application/fhir+json"), *REQUEST, ("Retry-After", "3"))
    assert body_of(response) == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": kind, "diagnostics": "It went wrong."}],
    }


def test_issues_are_told_in_the_form_of_fhir_too() -> None:
    assert body_of(error(Refused(422, "X", "No.", issues=ISSUES), REQUEST, "fhir"))["issue"] == ISSUES


@pytest.mark.parametrize("form", ["api", "fhir"])
def test_both_forms_are_as_the_document_has_them(form: ErrorForm) -> None:
    for refused in (Refused(422, "VALIDATION_ERROR", "No.", issues=ISSUES), Refused(413, None, "No.")):
        assert is_valid(SCHEMAS["ErrorBody"], body_of(error(refused, REQUEST, form)))
