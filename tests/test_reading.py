"""What comes back is read: records, pages and errors of either form, or refused when it proves nothing."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import Any, NoReturn

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Clinik, ClinikQuotaError, ClinikResponseError, Encounter, _reading
from clinik_client._errors import DOCUMENTED_CODES, ISSUE_TYPES, SEVERITIES, error_class
from clinik_client._generated.api.encounters import delete_encounter, read_encounter, search_encounters
from clinik_client._operation import Request
from clinik_client._privacy import REDACTED, Redactor
from clinik_client._reading import ErrorReport, InvalidResponse, read_error, read_response
from clinik_client._transport import HttpResponse
from tests.calls import CALLS
from tests.inside import on_virtual_time
from tests.servers import Connect, Serve, ok, record, respond
from tests.strategies import ISSUE, json_values

# -- another record's response ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["read", "update"])
@pytest.mark.parametrize("shape", [{}, {"resourceType": "Encounter", "class": {"code": "AMB"}}])
def test_another_records_response_is_never_handed_out(
    serve: Serve, connect: Connect, name: str, shape: dict[str, Any]
) -> None:
    service = serve(ok(record("enc_2", **shape)))
    clinik = connect(service)
    on_virtual_time(clinik)
    with pytest.raises(ClinikResponseError, match="another record") as raised:
        CALLS[name](clinik)
    assert raised.value.attempts == len(service.ledger) == (3 if name == "read" else 1)
    # It proves nothing about the record that was asked for.
    assert raised.value.outcome == "unknown"
    assert "enc_2" not in f"{raised.value} {vars(raised.value)}"


def as_fhir(name: str, patient: str | None, parent: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceType": "Encounter", "id": name, "status": "planned", "class": {"code": "AMB"}}
    found |= {} if patient is None else {"subject": {"reference": f"Patient/{patient}"}}
    return found if parent is None else {**found, "partOf": {"reference": f"Encounter/{parent}"}}


def as_simple(name: str, patient: str | None, parent: str | None = None) -> dict[str, Any]:
    found = {"id": name, "status": "planned", "class": "AMB", "patientId": patient, "partOfId": parent}
    return {key: value for key, value in found.items() if value is not None}


Shape = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("shape", [as_simple, as_fhir])
@pytest.mark.parametrize(("patient", "parent"), [("pt_2", None), ("pt_1", "enc_8"), ("pt_2", "enc_8"), ("pt_", None)])
def test_a_response_to_a_create_that_names_another_patient_or_parent_is_never_handed_out(
    serve: Serve, connect: Connect, shape: Shape, patient: str, parent: str | None
) -> None:
    service = serve(ok(shape("enc_5", patient, parent), 201))
    with pytest.raises(ClinikResponseError, match="names another") as raised:
        connect(service).encounters.create(status="planned", class_="AMB", patient_id="pt_1", part_of_id="enc_7")
    assert (raised.value.outcome, raised.value.attempts, len(service.ledger)) == ("unknown", 1, 1)
    assert patient not in f"{raised.value} {vars(raised.value)}" or patient == "pt_"


@pytest.mark.parametrize("shape", [as_simple, as_fhir])
@pytest.mark.parametrize(
    ("patient", "parent"), [("pt_1", "enc_7"), ("pt_1", None), (None, None), ("Patient/pt_1", "enc_7")]
)
def test_what_a_response_does_not_tell_or_tells_as_a_reference_speaks_against_nothing(
    serve: Serve, connect: Connect, shape: Shape, patient: str | None, parent: str | None
) -> None:
    if shape is as_fhir and patient is not None:
        patient = patient.removeprefix("Patient/")
    clinik = connect(serve(ok(shape("enc_5", patient, parent), 201)))
    created = clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1", part_of_id="enc_7")
    assert created.data.id == "enc_5"


@pytest.mark.parametrize("shape", [as_simple, as_fhir])
@pytest.mark.parametrize(
    "search",
    [
        lambda clinik: clinik.encounters.search(patient_id="pt_1"),
        lambda clinik: next(clinik.encounters.search_all(patient_id="pt_1")),
    ],
)
def test_a_page_with_a_row_of_another_patient_than_was_asked_for_is_never_handed_out(
    serve: Serve, connect: Connect, shape: Shape, search: Callable[[Clinik], object]
) -> None:
    rows = [shape("enc_1", "pt_1"), shape("enc_2", None), shape("enc_3", "pt_2")]
    service = serve(ok({"data": rows, "hasMore": False}))
    clinik = connect(service, retries=0)
    with pytest.raises(ClinikResponseError, match="names another patientId"):
        search(clinik)
    assert len(clinik.encounters.search(status="planned").data.data) == 3


@pytest.mark.parametrize("problem", [MemoryError(), SystemError("returned NULL without setting an exception")])
@pytest.mark.parametrize("name", CALLS)
def test_a_response_that_memory_does_not_suffice_for_is_a_typed_error(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str, problem: Exception
) -> None:
    def fail(body: bytes) -> NoReturn:
        raise problem

    clinik = connect(serve(ok(record(), 201)), retries=0)
    monkeypatch.setattr(_reading, "is_interruption", lambda error: False)  # its frames are this file's
    monkeypatch.setattr(orjson, "loads", fail)
    with pytest.raises(ClinikResponseError, match="not enough memory") as raised:
        CALLS[name](clinik)
    assert raised.value.outcome == "applied"
    assert raised.value.__context__ is None


# -- reading responses ------------------------------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SHARED_NAMES = ("id", "status", "class", "period", "diagnosis", "type", "serviceType", "location", "resourceType")
FHIR_NAMES = ("subject", "participant", "length", "reasonCode", "partOf", "basedOn", "appointment", "hospitalization")
OTHER_NAMES = ("patientId", "participants", "lengthMinutes", "data", "meta", "cursor", "hasMore", "total", "code")
WIRE_NAMES = st.sampled_from((*SHARED_NAMES, *FHIR_NAMES, *OTHER_NAMES))
RECORDS = st.dictionaries(WIRE_NAMES, JSON, max_size=6).map(lambda found: {"id": "enc_1", **found})
RESPONSES = st.one_of(
    JSON,
    RECORDS,
    RECORDS.map(lambda data: {**data, "resourceType": "Encounter", "id": "enc_1"}),
    st.lists(RECORDS, max_size=3).map(lambda rows: {"data": rows, "hasMore": False}),
)


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"id": "enc_1"}, "meta": {"requestId": "req_1"}},
        {"data": {"id": "enc_1"}, "meta": None},
        {"data": {"id": "enc_1"}, "links": {"self": "/v1/encounters/enc_1"}},
        {"id": "enc_1"},
        {"resourceType": "Encounter", "id": "enc_1", "meta": {"lastUpdated": "2025-06-01T09:00:00Z"}},
    ],
    ids=["envelope", "no meta", "something beside it", "the record alone", "FHIR alone"],
)
def test_a_record_is_read_in_an_envelope_and_without(body: dict[str, Any]) -> None:
    response = read_response(read_encounter.request("enc_1"), HttpResponse(200, {}, orjson.dumps(body)), 1, False)
    assert response.data.id == "enc_1"


@pytest.mark.parametrize("enveloped", [True, False])
def test_a_page_is_read_in_an_envelope_and_without(enveloped: bool) -> None:
    page = {"data": [{"id": "enc_1"}], "hasMore": False}
    body = orjson.dumps({"data": page, "meta": {}} if enveloped else page)
    response = read_response(search_encounters.request(), HttpResponse(200, {}, body), 1, False)
    assert [encounter.id for encounter in response.data.data] == ["enc_1"]


@given(response=RESPONSES, enveloped=st.booleans(), operation=st.sampled_from(["read", "search", "delete", "other"]))
def test_whatever_a_service_sends_it_is_read_or_refused(response: Any, enveloped: bool, operation: str) -> None:
    requests = {
        "read": read_encounter.request("enc_1", include=None),
        "search": search_encounters.request(),
        "delete": delete_encounter.request("enc_1"),
        "other": Request(method="GET", route="(request)", path="/v1/x"),
    }
    try:
        body = orjson.dumps({"data": response, "meta": {}} if enveloped else response)
    except orjson.JSONEncodeError:  # an integer beyond 64 bits or a lone surrogate
        return
    try:
        found = read_response(requests[operation], HttpResponse(200, {}, body), 1, False)
    except InvalidResponse:
        assert operation != "other"
        return
    if operation == "read":
        assert isinstance(found.data, Encounter)
        assert found.data.id == "enc_1"
        repr(found.data)


def test_a_record_of_another_kind_is_not_the_one_that_was_asked_for() -> None:
    body = orjson.dumps({"data": record("enc_1", resourceType="Patient")})
    with pytest.raises(InvalidResponse, match="Encounter"):
        read_response(read_encounter.request("enc_1", include=None), HttpResponse(200, {}, body), 1, False)


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
def test_nothing_of_a_response_that_is_no_error_body_is_repeated(body: bytes) -> None:
    told = read_error(HttpResponse(502, {}, body), NOTHING)
    assert (told.message, told.code, told.issues) == (
        "Status 502 came in a form that is not the service's: from a gateway on the way, perhaps.",
        None,
        [],
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("body", [b"", b"<html>canary</html>"])
def test_a_redirect_is_called_one_with_what_to_do(status: int, body: bytes) -> None:
    told = read_error(HttpResponse(status, {"location": "https://canary.example/canary"}, body), NOTHING)
    assert told.message == (
        f"Status {status} is a redirect: from a gateway on the way, perhaps. "
        "Redirects are not followed. Check base_url."
    )


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


def test_an_index_in_a_location_is_no_value() -> None:
    places = ["47", "diagnosis", "47", 47, "1047"]
    told = told_by({"issues": [{"location": places}]}, "47", "1047")
    assert told.issues == [{"location": [REDACTED, "diagnosis", "47", "47", REDACTED]}]


def test_a_quota_is_seen_whatever_the_request_carried() -> None:
    told = told_by({"code": "MONTHLY_QUOTA_EXCEEDED"}, "MONTHLY_QUOTA_EXCEEDED", "x" * 1_000_000)
    assert error_class(429, told.code) is ClinikQuotaError


def test_of_a_response_to_a_large_request_no_word_is_repeated() -> None:
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


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"data": 5}, 5),
        ({"data": 5, "meta": {}}, 5),
        ({"data": 5, "meta": {"requestId": "req_1"}, "links": []}, 5),
        ({"data": 5, "links": []}, {"data": 5, "links": []}),
        ({"resourceType": "Binary", "data": "AA=="}, {"resourceType": "Binary", "data": "AA=="}),
        ({"resourceType": "Binary", "data": "AA==", "meta": {"versionId": "1"}}, None),
        ([1], [1]),
    ],
    ids=str,
)
def test_what_is_not_modelled_is_taken_out_of_its_envelope_if_it_has_one(
    serve: Serve, connect: Connect, body: Any, data: Any
) -> None:
    assert connect(serve(respond(200, body))).request("GET", "/v1/x").data == (body if data is None else data)
