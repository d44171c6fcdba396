"""Errors in every form: as bytes, and as the SDK understands them."""

from __future__ import annotations

import orjson
import pytest

from clinik_client import ClinikApiError, ClinikNotFoundError, ClinikRateLimitError, ClinikServerError
from clinik_client.testing._error_response import FORMS, error_response
from tests.servers import Connect, Serve

WORDS = "It was made up."


def error_of(serve: Serve, connect: Connect, status: int, **options: object) -> ClinikApiError:
    """What a read raises that gets this error."""
    response = error_response(status, WORDS, request_id="req_made0up", **options)  # type: ignore[arg-type]  # handed on
    with pytest.raises(ClinikApiError) as caught:
        connect(serve(response), retries=0).encounters.read("enc_1")
    return caught.value


def test_the_apis_own_form_has_its_fields_and_no_other() -> None:
    response = error_response(401, WORDS, request_id="req_1", code="KEY_REVOKED")
    assert response.status == 401
    assert response.headers == (("content-type", "application/json"), ("x-request-id", "req_1"))
    assert orjson.loads(response.body) == {
        "error": "Unauthorized",
        "message": WORDS,
        "code": "KEY_REVOKED",
        "requestId": "req_1",
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_JSON"),
        (401, "UNAUTHORIZED"),
        (403, None),
        (404, "NOT_FOUND"),
        (409, None),
        (422, "VALIDATION_ERROR"),
        (429, "RATE_LIMITED"),
        (500, "INTERNAL_ERROR"),
        (529, "INTERNAL_ERROR"),
    ],
)
def test_a_status_has_its_usual_code(status: int, code: str | None) -> None:
    assert orjson.loads(error_response(status, WORDS, request_id="req_1").body).get("code") == code


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not-found"), (429, "throttled"), (503, "exception"), (418, "processing")]
)
def test_an_outcome_has_one_issue_with_the_code_that_fhir_has_for_the_status(status: int, code: str) -> None:
    response = error_response(status, WORDS, request_id="req_1", form="fhir")
    assert response.headers == (("content-type", "application/fhir+json"), ("x-request-id", "req_1"))
    assert orjson.loads(response.body) == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": WORDS}],
    }


def test_a_page_of_a_gateway_has_no_id_of_a_request() -> None:
    response = error_response(502, WORDS, request_id="req_1", form="html", retry_after=5)
    assert response.headers == (("content-type", "text/html; charset=utf-8"), ("retry-after", "5"))
    assert response.body.startswith(b"<html><head><title>502 Bad Gateway</title>")
    assert b"req_1" not in response.body


@pytest.mark.parametrize("form", FORMS)
def test_the_sdk_reads_status_and_wait_of_every_form(serve: Serve, connect: Connect, form: str) -> None:
    error = error_of(serve, connect, 429, form=form, retry_after=120)
    assert isinstance(error, ClinikRateLimitError)
    assert (error.status, error.retry_after) == (429, 120)


@pytest.mark.parametrize(("form", "code"), [("api", "NOT_FOUND"), ("fhir", "not-found")])
def test_the_sdk_takes_the_services_forms_for_its_word(serve: Serve, connect: Connect, form: str, code: str) -> None:
    error = error_of(serve, connect, 404, form=form)
    assert isinstance(error, ClinikNotFoundError)
    assert (error.message, error.code, error.outcome) == (WORDS, code, "rejected")
    assert error.request_id == "req_made0up"


def test_the_sdk_does_not_take_a_page_for_the_services_word(serve: Serve, connect: Connect) -> None:
    error = error_of(serve, connect, 503, form="html")
    assert isinstance(error, ClinikServerError)
    assert (error.outcome, error.request_id) == ("unknown", None)
