"""Errors form one tree, say what is known, and survive every way of being carried around."""

from __future__ import annotations

import copy
import pickle
import time
import traceback
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clinik_client
from clinik_client import (
    ClinikApiError,
    ClinikAuthError,
    ClinikConfigError,
    ClinikConflictError,
    ClinikConnectionError,
    ClinikNotFoundError,
    ClinikPermissionError,
    ClinikQuotaError,
    ClinikRateLimitError,
    ClinikResponseError,
    ClinikServerError,
    ClinikTimeoutError,
    ClinikValidationError,
    EncounterStatus,
)
from clinik_client._codecs import Issues, Location
from clinik_client._errors import DOCUMENTED_CODES, ISSUE_TYPES, QUOTA_CODES, SEVERITIES, Issue, error_class
from clinik_client._generated.api.encounters import create_encounter
from clinik_client._privacy import Redactor
from clinik_client._reading import ErrorReport, read_error
from clinik_client._transport import HttpResponse
from tests.strategies import DOCUMENT, json_values

PARENTS: dict[type[ClinikApiError], type[BaseException]] = {
    ClinikApiError: Exception,
    ClinikValidationError: ClinikApiError,
    ClinikAuthError: ClinikApiError,
    ClinikPermissionError: ClinikApiError,
    ClinikNotFoundError: ClinikApiError,
    ClinikConflictError: ClinikApiError,
    ClinikRateLimitError: ClinikApiError,
    ClinikQuotaError: ClinikRateLimitError,
    ClinikServerError: ClinikApiError,
    ClinikConnectionError: ClinikApiError,
    ClinikTimeoutError: ClinikConnectionError,
    ClinikResponseError: ClinikApiError,
    ClinikConfigError: ClinikApiError,
}
each_class = pytest.mark.parametrize("error_type", PARENTS)

ISSUE: Issue = {
    "severity": "error",
    "code": "invalid",
    "diagnostics": "diagnosis[0].rank: must be at least 1",
    "location": ["diagnosis", "0", "rank"],
}


def example(error_type: type[ClinikApiError]) -> ClinikApiError:
    """An error with every attribute set to something other than its default."""
    facts: dict[str, Any] = {"retry_after": 2.5} if issubclass(error_type, ClinikRateLimitError) else {}
    return error_type(
        "It went wrong.",
        code="SOME_CODE",
        status=418,
        request_id="req_1",
        issues=[ISSUE],
        attempts=3,
        outcome="unknown",
        operation="PATCH /v1/encounters/{id}",
        **facts,
    )


def test_the_tree_is_complete() -> None:
    public = {
        thing
        for name in vars(clinik_client)["__all__"]
        if isinstance(thing := getattr(clinik_client, name), type) and issubclass(thing, ClinikApiError)
    }
    assert public == PARENTS.keys()
    assert {error_type: error_type.__base__ for error_type in PARENTS} == PARENTS


@each_class
def test_an_error_says_what_is_known(error_type: type[ClinikApiError]) -> None:
    error = example(error_type)
    assert vars(error).keys() >= {
        *("message", "code", "status", "request_id", "issues", "attempts", "outcome", "operation"),
    }
    assert getattr(error, "retry_after", 2.5) == 2.5
    assert hasattr(error, "retry_after") == issubclass(error_type, ClinikRateLimitError)
    assert str(error) == (
        "418 SOME_CODE: It went wrong. (PATCH /v1/encounters/{id}, request req_1, 3 attempts, outcome: unknown): "
        "diagnosis[0].rank: must be at least 1"
    )
    assert repr(error) == f"<{error_type.__name__} status=418 code=SOME_CODE outcome=unknown>"
    assert error.args == ("It went wrong.",)


@each_class
def test_an_error_needs_no_more_than_a_message(error_type: type[ClinikApiError]) -> None:
    error = error_type("It went wrong.")
    codes = {
        ClinikValidationError: "VALIDATION_ERROR",
        ClinikConnectionError: "connection",
        ClinikTimeoutError: "timeout",
        ClinikResponseError: "response",
        ClinikConfigError: "config",
    }
    assert error.code == codes.get(error_type)
    assert (error.status, error.request_id, error.issues) == (None, None, [])
    assert (error.attempts, error.outcome, error.operation) == (0, "not_sent", None)
    head = f"{error.code}: " if error.code else ""
    assert str(error) == f"{head}It went wrong. (outcome: not_sent)"


def carried(error: ClinikApiError) -> Iterator[ClinikApiError]:
    yield copy.copy(error)
    yield copy.deepcopy(error)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.loads(pickle.dumps(error, protocol))


@each_class
def test_an_error_survives_copying_and_pickling_with_all_that_it_says(error_type: type[ClinikApiError]) -> None:
    error = example(error_type)
    error.add_note("seen in ward 4B")
    for other in carried(error):
        assert type(other) is error_type
        assert vars(other) == vars(error)
        assert (str(other), repr(other), other.args) == (str(error), repr(error), error.args)


def test_a_deep_copy_has_its_own_issues() -> None:
    error = example(ClinikValidationError)
    copy.deepcopy(error).issues.clear()
    assert error.issues == [ISSUE]


def test_many_issues_are_shown_in_part_and_kept_whole() -> None:
    issues: list[Issue] = [{"diagnostics": f"field{number}: Required"} for number in range(25)]
    error = ClinikValidationError("Invalid.", issues=[*issues, {"code": "invalid"}])
    shown = str(error).split("; ")
    assert len(shown) == 21
    assert shown[-1] == "and 5 more, see issues"
    assert len(error.issues) == 26


@given(st.text(), st.lists(st.text(), max_size=3))
def test_an_error_is_one_line(message: str, diagnostics: list[str]) -> None:
    error = ClinikValidationError(message, issues=[{"diagnostics": text} for text in diagnostics])
    assert len(str(error).splitlines()) == 1


# -- local validation -------------------------------------------------------------------------------------------------


def test_the_error_of_a_refused_request_drags_nothing_along() -> None:
    request: Any = create_encounter.request
    with pytest.raises(ClinikValidationError) as caught:
        request(status="canary", patient_id="pt canary", period={"start": "canary"}, diagnosis=[{"rank": "canary"}])
    error = caught.value
    assert len(error.issues) == 6
    assert (error.__cause__, error.__context__) == (None, None)
    for other in (error, *carried(error)):
        assert "canary" not in f"{other!s}{other!r}{other.args}{vars(other)}{pickle.dumps(other)!r}"
    assert "canary" not in "".join(traceback.format_exception(error)).partition("ClinikValidationError:")[2]


def test_problems_are_in_the_form_of_the_apis_own_issues() -> None:
    problems = Issues()
    problems.add(Location(Location(Location(Location(), "diagnosis"), 0), "rank"), "must be at least 1")
    assert problems.error("POST /v1/encounters").issues == [ISSUE]
    assert ISSUE.keys() == DOCUMENT["components"]["schemas"]["Issue"]["properties"].keys()


def test_the_list_of_members_is_the_documents() -> None:
    request: Any = create_encounter.request
    with pytest.raises(ClinikValidationError) as caught:
        request(status="entered-in-error", class_="AMB", patient_id="pt_1")
    members = ", ".join(status.value for status in EncounterStatus)
    assert caught.value.issues[0]["diagnostics"] == f"status: must be one of {members}"


# -- by status --------------------------------------------------------------------------------------------------------

BY_STATUS = {
    401: ClinikAuthError,
    403: ClinikPermissionError,
    404: ClinikNotFoundError,
    409: ClinikConflictError,
    422: ClinikValidationError,
    429: ClinikRateLimitError,
}


@given(st.integers(100, 999), st.none() | st.sampled_from([*sorted(QUOTA_CODES), "RATE_LIMITED", "NOT_FOUND"]))
def test_every_status_has_its_class(status: int, code: str | None) -> None:
    found = error_class(status, code)
    if status == 429 and code in QUOTA_CODES:
        assert found is ClinikQuotaError
    elif status in BY_STATUS:
        assert found is BY_STATUS[status]
    elif 500 <= status <= 599:
        assert found is ClinikServerError
    elif 300 <= status <= 499:
        assert found is ClinikApiError
    else:
        assert found is ClinikResponseError


def test_every_documented_quota_code_is_known() -> None:
    codes = DOCUMENT["components"]["schemas"]["ErrorCode"]["enum"]
    assert {code for code in codes if "QUOTA" in code} == QUOTA_CODES
    assert set(codes) == DOCUMENTED_CODES


# -- what an error response says --------------------------------------------------------------------------------------

NOTHING = Redactor([])
error_bodies = st.fixed_dictionaries(
    {},
    optional={
        "error": json_values,
        "message": json_values,
        "code": json_values | st.just("NOT_FOUND"),
        "requestId": json_values | st.just("req_1"),
        "issues": json_values
        | st.lists(st.dictionaries(st.sampled_from([*ISSUE, "details", "expression"]), json_values)),
        "issue": json_values,
        "meta": json_values,
        "resourceType": st.just("OperationOutcome") | json_values,
    },
)


@given(st.integers(300, 599), error_bodies.map(orjson.dumps) | json_values.map(orjson.dumps) | st.binary(max_size=20))
def test_any_response_makes_an_error(status: int, body: bytes) -> None:
    told = read_error(HttpResponse(status, {"x-request-id": "req_header"}, body), NOTHING)
    error = error_class(status, told.code)(told.message, code=told.code, issues=told.issues, request_id=told.request_id)
    assert error.message
    assert error.message.isprintable()
    assert error.code is None or error.code.isascii()
    assert isinstance(error.request_id, str)
    for issue in error.issues:
        assert issue.keys() <= ISSUE.keys()
        assert all(isinstance(step, str) for step in issue.get("location", []))
    str(error)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>canary</html>", b"canary", b'{"message": "canary', b'["canary"]', b'"canary"', b"\xff\xfe", b"null"],
)
def test_nothing_of_an_response_that_is_no_error_body_is_repeated(body: bytes) -> None:
    told = read_error(HttpResponse(502, {}, body), NOTHING)
    assert (told.message, told.code, told.issues) == ("The service responded with status 502.", None, [])


def test_both_forms_of_issues_are_read() -> None:
    own = {"message": "Invalid.", "code": "VALIDATION_ERROR", "requestId": "req_1", "issues": [ISSUE]}
    told = read_error(HttpResponse(422, {"x-request-id": "req_2"}, orjson.dumps(own)), NOTHING)
    assert (told.message, told.code, told.request_id, told.issues) == ("Invalid.", "VALIDATION_ERROR", "req_1", [ISSUE])
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "value",
                "details": {"text": "period: ends early"},
                "expression": ["Encounter.period"],
            }
        ],
    }
    told = read_error(HttpResponse(422, {"x-request-id": "req_2"}, orjson.dumps(outcome)), NOTHING)
    assert (told.message, told.code, told.request_id) == ("period: ends early", "value", "req_2")
    assert told.issues == [
        {"severity": "error", "code": "value", "diagnostics": "period: ends early", "location": ["Encounter.period"]}
    ]


def told_by(body: Any, *carried: str, key: str = "", headers: dict[str, str] | None = None) -> ErrorReport:
    return read_error(HttpResponse(422, headers or {}, orjson.dumps(body)), Redactor(carried, key))


@pytest.mark.parametrize("code", sorted(DOCUMENTED_CODES | ISSUE_TYPES))
def test_a_code_that_is_known_is_always_told(code: str) -> None:
    assert told_by({"code": code, "message": code}, code, code.lower()).code == code


@pytest.mark.parametrize(
    "code",
    ["SMITH", "FLU_SHOT", "pt_1", "smith", "Smith", "A1B", "A__B", "_A", "A_", "A\n", "A" * 65, "Ä", "", 5],
)
def test_a_code_that_may_be_something_else_is_left_out(code: Any) -> None:
    told = told_by({"code": code, "issues": [{"code": code, "severity": code}]}, "smith", "flu shot", "Flu_Shot")
    assert (told.code, told.issues) == (None, [{}])


def test_a_code_that_is_not_documented_yet_is_told() -> None:
    assert told_by({"code": "RECORD_LOCKED"}, "smith").code == "RECORD_LOCKED"


def test_severities_are_those_of_fhir() -> None:
    issues = [{"severity": severity} for severity in (*sorted(SEVERITIES), "canary", "Error", 1, None, ["error"])]
    told = told_by({"issues": issues}).issues
    known = [issue["severity"] for issue in told if issue]
    assert known == ["error", "fatal", "information", "warning"]
    assert told[4:] == [{}] * 5


@pytest.mark.parametrize(
    "request_id",
    [
        *("pt_1", "req_", "req_a b", "req_a\n", "REQ_a", "req_" + "a" * 65, "canary", 7, None),
        *("req_canary", "req_CANARY-1", "req_xhKEYx-hKEY", "req_9f3cAbCd", "req_636e79", "req_Y2FuYXJ5"),
    ],
)
def test_a_request_id_that_may_be_something_else_is_left_out(request_id: Any) -> None:
    headers = {"x-request-id": "req_other"}
    told = told_by({"requestId": request_id}, "canary", "cny", key="clk_test_9f3cAbCdEfGhKEY", headers=headers)
    assert told.request_id == "req_other"


def test_a_quota_is_seen_whatever_the_request_carried() -> None:
    told = told_by({"code": "MONTHLY_QUOTA_EXCEEDED"}, "MONTHLY_QUOTA_EXCEEDED", "x" * 1_000_000)
    assert error_class(429, told.code) is ClinikQuotaError


def test_of_an_response_to_a_large_request_no_word_is_repeated() -> None:
    issue = {**ISSUE, "details": {"text": "canary"}}
    body = {"message": "canary", "error": "canary", "code": "VALIDATION_ERROR", "requestId": "req_1", "issues": [issue]}
    for carried in (["x" * 100_001], ["xy"] * 1_001):
        told = told_by(body, *carried)
        assert told.message == (
            "The service responded with status 422. What it said is left out, because the request was large and may be "
            "repeated in it."
        )
        assert told.issues == [{"severity": "error", "code": "invalid"}]
        assert (told.code, told.request_id) == ("VALIDATION_ERROR", None)


def test_what_is_told_of_one_response_is_bounded() -> None:
    place = "abcdefghij" * 30
    issue = {"diagnostics": "word " * 800, "location": [place] * 30}
    told = told_by({"message": "word", "issues": [{**issue, "location": [place] * 5_000}, *[issue] * 299]})
    assert len(told.issues) == 201
    assert told.issues[-1] == {"diagnostics": "(100 more issues)"}
    first, later = told.issues[0], told.issues[-2]
    assert first["location"] == [place] * 20 + ["(4,980 more)"]
    assert later["diagnostics"] == "(a text of 4,000 characters)"
    assert later["location"][0] == "(a text of 300 characters)"
    # A text that is not read takes nothing away from the others.
    told = told_by({"message": "x" * 30_000, "issues": [ISSUE]})
    assert (told.message, told.issues) == ("(a text of 30,000 characters)", [ISSUE])


@pytest.mark.parametrize("carried", [["x" * 10_000_000], ["x" * 90_000], [f"{n} of many texts" for n in range(990)]])
@pytest.mark.parametrize("text", ["x" * 4_000, "QUJD" * 1_000, "%2541&amp;\\u0041QUJD+" * 180, "7 of many " * 400])
def test_no_response_takes_long_to_read(carried: list[str], text: str) -> None:
    body = {"message": "no", "issues": [{"diagnostics": text, "location": [text]}] * 1_000}
    began = time.process_time()
    told_by(body, *carried, key="clk_test_9f3cAbCdEfGhKEY")
    assert time.process_time() - began < 5
