"""What requests to a sandbox may hold: just what the document has, and whatever is wrong is told without a value."""

from __future__ import annotations

import re
import warnings
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing._answers import Refused
from clinik_client.testing._sandbox.parameters import check_body, check_parameters
from tests.canary import CANARY
from tests.strategies import CREATE, SEARCH, UPDATE, Broken, allowed, broken, records

BODIES = {"create": CREATE, "update": UPDATE}
MINIMAL = {"status": "planned", "class": "AMB", "patientId": "pt_1"}


# What only somebody who writes Python can make sense of.
PYTHON = re.compile(r"\b(?:None|True|False|dict|datetime|EncounterCreateRequest)\b")


def check_words(refused: Refused) -> None:
    """What is told holds no value, and no words but those of JSON."""
    told = f"{refused.message} {[issue['diagnostics'] for issue in refused.issues]}"
    assert CANARY not in told
    assert not PYTHON.search(told), told


def refused_query(operation: str, *query: tuple[str, str]) -> Refused:
    """The refusal that a query gets; no value in it."""
    with pytest.raises(Refused) as caught:
        check_parameters(operation, query)
    check_words(caught.value)
    return caught.value


def refused_body(operation: str, body: Any) -> Refused:
    """The refusal that a body, bytes or JSON, gets; no value in it."""
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    with pytest.raises(Refused) as caught:
        check_body(operation, sent)
    check_words(caught.value)
    return caught.value


# -- queries ----------------------------------------------------------------------------------------------------------


@given(allowed(SEARCH.schema))
def test_the_parameters_of_a_search_are_taken_as_they_come(params: dict[str, Any]) -> None:
    query = {name: str(value) for name, value in params.items()}
    assert check_parameters("search", tuple(query.items())) == query


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_an_operation_without_parameters_takes_none(operation: str) -> None:
    assert check_parameters(operation, ()) == {}
    told = refused_query(operation, ("dryRun", CANARY))
    assert (told.status, told.code) == (400, None)
    assert told.issues[0]["diagnostics"] == "dryRun: unknown parameter; there are none"


def test_an_unknown_parameter_is_named_with_those_that_there_are() -> None:
    told = refused_query("search", ("patientid", CANARY))
    assert (told.status, told.code) == (400, None)
    assert [issue["diagnostics"] for issue in told.issues] == [
        "patientid: unknown parameter; there are patientId, status, dateFrom, dateTo, sort, count, cursor"
    ]
    assert told.issues[0]["location"] == ["patientid"]


@pytest.mark.parametrize("name", [CANARY, "", "patientId[]", "pt_1", "Smith"])
def test_what_may_be_a_value_in_the_place_of_a_name_is_not_repeated(name: str) -> None:
    (issue,) = refused_query("search", (name, "x")).issues
    assert issue["diagnostics"].startswith("*: unknown parameter")
    assert issue["location"] == ["*"]


@pytest.mark.parametrize("name", ["patientId", "status", "count", "cursor"])
def test_a_parameter_that_is_given_twice_is_refused(name: str) -> None:
    told = refused_query("search", (name, "finished"), (name, "finished"))
    assert told.status == 400
    assert [issue["diagnostics"] for issue in told.issues] == [f"{name}: may be given once"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patientId", ""),
        ("patientId", f"{CANARY}/.."),
        ("status", f"{CANARY}_{CANARY}"),
        ("status", ""),
        ("dateFrom", "2025-02-30"),
        ("dateFrom", CANARY),
        ("dateTo", "2025-6-1"),
        ("dateTo", "2025-06-01T00:00:00Z"),
        ("dateTo", ""),
    ],
)
def test_a_malformed_parameter_is_refused_by_its_name(name: str, value: str) -> None:
    told = refused_query("search", ("sort", "-date"), (name, value))
    assert told.status == 400
    assert [issue["location"] for issue in told.issues] == [[name]]


@pytest.mark.parametrize("value", ["", "-1", "abc", "1e9", CANARY])
def test_nothing_is_wrong_with_any_count_or_cursor(value: str) -> None:
    assert check_parameters("search", (("count", value), ("cursor", value))) == {"count": value, "cursor": value}


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = refused_query("search", ("dateFrom", CANARY), ("patientId", ""), ("dateTo", CANARY))
    assert [issue["location"] for issue in told.issues] == [["dateFrom"], ["patientId"], ["dateTo"]]


# -- bodies -----------------------------------------------------------------------------------------------------------


@given(st.data(), st.sampled_from(list(BODIES)))
def test_a_body_that_the_document_allows_is_taken_as_it_came(data: st.DataObject, operation: str) -> None:
    body = data.draw(allowed(BODIES[operation].schema))
    assert check_body(operation, orjson.dumps(body)) == body


def broken_bodies() -> list[tuple[str, Broken]]:
    # JSON has no other spelling of a number, and a query no type at all.
    return [(operation, found) for operation, taken in BODIES.items() for found in broken(taken.schema)]


@pytest.mark.parametrize(("operation", "wrong"), broken_bodies(), ids=str)
def test_each_rule_of_the_document_that_a_body_breaks_is_told_with_its_field(operation: str, wrong: Broken) -> None:
    told = refused_body(operation, wrong.value)
    assert (told.status, told.code) == (422, "VALIDATION_ERROR")
    assert wrong.location in [issue["location"] for issue in told.issues]


@pytest.mark.parametrize("operation", BODIES)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"{'a': 1}", b'{"a": 1,}', b"\xff", b'{"type": "\xff"}', b'"\\ud800"', b"NaN"]
)
def test_what_is_not_json_is_refused(operation: str, body: bytes) -> None:
    told = refused_body(operation, body)
    assert (told.status, told.code, told.issues) == (400, "INVALID_JSON", [])


@pytest.mark.parametrize("operation", BODIES)
@pytest.mark.parametrize("body", [[], [MINIMAL], CANARY, 7, None, True])
def test_json_that_is_no_object_is_refused(operation: str, body: Any) -> None:
    told = refused_body(operation, body)
    assert (told.status, told.code, told.message) == (422, "VALIDATION_ERROR", "The request body is not valid.")
    assert [issue["diagnostics"] for issue in told.issues] == ["request: must be an object"]


def test_an_unknown_field_is_named_with_the_one_that_may_be_meant() -> None:
    (issue,) = refused_body("create", {**MINIMAL, "lenghtMinutes": 30}).issues
    assert issue["diagnostics"] == "lenghtMinutes: unknown field; did you mean lengthMinutes?"
    (issue,) = refused_body("create", {**MINIMAL, "diagnosis": [{"condition": "I10", "code": CANARY}]}).issues
    assert issue["location"] == ["diagnosis", "0", "code"]
    (issue,) = refused_body("create", {**MINIMAL, f"{CANARY} x": 1}).issues
    assert issue["diagnostics"].startswith("request: unknown field")


@pytest.mark.parametrize(
    "name", ["patientId", "practitionerId", "participants", "appointmentId", "basedOnId", "partOfId", "id"]
)
def test_an_update_does_not_take_what_is_given_on_creation(name: str) -> None:
    (issue,) = refused_body("update", {"status": "finished", name: "pt_1"}).issues
    assert issue["location"] == [name]


def test_an_update_may_change_nothing() -> None:
    assert check_body("update", b"{}") == {}


@pytest.mark.parametrize("operation", BODIES)
def test_null_clears_nothing(operation: str) -> None:
    (issue,) = refused_body(operation, {**({} if operation == "update" else MINIMAL), "type": None}).issues
    assert issue["diagnostics"].startswith("type: must not be null: ")
    assert issue["location"] == ["type"]


@pytest.mark.parametrize(
    ("field", "wrong", "why"),
    [
        ("period", 5, "must be an object"),
        ("period", {"start": 5}, "must be an ISO 8601 string"),
        ("diagnosis", [{"condition": None}], "must not be null: "),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_json(field: str, wrong: Any, why: str) -> None:
    (issue,) = refused_body("create", {**MINIMAL, field: wrong}).issues
    assert issue["diagnostics"].partition(": ")[2].startswith(why)
    (issue,) = refused_query("search", ("dateFrom", CANARY)).issues
    assert issue["diagnostics"] == "dateFrom: must be a date, written YYYY-MM-DD"


def test_other_codes_pass_where_the_service_takes_free_text_and_nobody_is_warned() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_body("create", orjson.dumps({**MINIMAL, "class": "SS"}))["class"] == "SS"
        assert check_parameters("search", (("status", "entered-in-error"),)) == {"status": "entered-in-error"}
    assert refused_body("create", {**MINIMAL, "status": "entered-in-error"}).status == 422


BODIES_OF_ANY_KIND = st.sampled_from(list(BODIES)).flatmap(
    lambda operation: st.tuples(st.just(operation), records(BODIES[operation].model))
)


@given(BODIES_OF_ANY_KIND)
def test_what_the_document_rules_out_is_never_taken(case: tuple[str, dict[str, Any]]) -> None:
    operation, body = case
    try:
        taken = check_body(operation, orjson.dumps(body))
    except Refused:
        return
    assert BODIES[operation].accepts(taken)
