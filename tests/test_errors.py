"""Errors form one tree, say what is known, and survive every way of being carried around."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

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
from clinik_client._errors import DOCUMENTED_CODES, QUOTA_CODES, Issue, error_class
from clinik_client._generated.api.encounters import create_encounter
from tests.strategies import DOCUMENT, ISSUE

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


def example(error_type: type[ClinikApiError]) -> ClinikApiError:
    """An error with every attribute set to something other than its default."""
    facts: dict[str, Any] = {"retry_after": 2.5} if issubclass(error_type, ClinikRateLimitError) else {}
    facts |= {"phase": "wait"} if error_type is ClinikTimeoutError else {}
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
