"""Every recorded story, told through the public API over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from clinik_client import (
    Clinik,
    ClinikApiError,
    ClinikAuthError,
    ClinikConflictError,
    ClinikNotFoundError,
    ClinikPermissionError,
    ClinikQuotaError,
    ClinikRateLimitError,
    ClinikServerError,
    ClinikValidationError,
    ClinikWarning,
    Diagnosis,
    Encounter,
    EncounterClass,
    EncounterCreateRequest,
    EncounterSearchParams,
    EncounterStatus,
    EncounterUpdateRequest,
    FhirDateTime,
    Period,
)
from clinik_client._generated.api.encounters import create_encounter, search_encounters, update_encounter
from clinik_client.testing import RECORDINGS, Exchange, FixtureServer, Recording, Sandbox, load_recording
from clinik_client.testing._har import KEY_FORMAT
from tests.inside import on_virtual_time
from tests.strategies import CREATE, READ, SEARCH, UPDATE, broken, in_python_names

ID = "enc_xyz789"


def last_body(server: FixtureServer) -> Any:
    return server.requests[-1].json


# -- the life of an encounter -----------------------------------------------------------------------------------------

VISIT = {
    "status": "in-progress",
    "class": "AMB",
    "patientId": "pt_abc123",
    "practitionerId": "prac_def456",
    "type": "Annual physical",
    "period": {"start": "2025-06-01T09:00:00Z"},
    "diagnosis": [{"condition": "I10", "use": "AD", "rank": 1}],
}


@pytest.mark.clinik_recording("life-of-an-encounter", use_all=True)
def test_the_life_of_an_encounter(clinik: Clinik, clinik_server: FixtureServer) -> None:
    encounter, meta = clinik.encounters.create(
        status="in-progress",
        class_="AMB",
        patient_id="pt_abc123",
        practitioner_id="prac_def456",
        type="Annual physical",
        period={"start": "2025-06-01T09:00:00Z"},
        diagnosis=[{"condition": "I10", "use": "AD", "rank": 1}],
    )
    assert encounter.to_dict() == {"id": ID, **VISIT}
    assert (meta.status, meta.request_id, meta.attempts) == (201, "req_107025ca", 1)
    assert (meta.rate_limit_total, meta.rate_limit_remaining, meta.rate_limit_reset) == (500, 499, 60)
    assert meta.timestamp == datetime(2025, 6, 1, 9, 0, 1, 204000, tzinfo=UTC)

    encounter, _ = clinik.encounters.read(ID, include=["patient"])
    assert encounter.status is EncounterStatus.IN_PROGRESS
    assert clinik_server.requests[-1].query == (("_include", "Encounter:patient"),)
    assert clinik_server.requests[-1].body == b""

    encounter, _ = clinik.encounters.update(
        ID,
        status=EncounterStatus.FINISHED,
        period={"start": "2025-06-01T09:00:00Z", "end": "2025-06-01T09:30:00Z"},
        length_minutes=30,
    )
    assert (encounter.status, encounter.length_minutes) == (EncounterStatus.FINISHED, 30)
    assert last_body(clinik_server).keys() == {"status", "period", "lengthMinutes"}

    page, _ = clinik.encounters.search(patient_id="pt_abc123", status="finished", sort="-date", count=25)
    assert [found.id for found in page.data] == [ID, "enc_uvw456", "enc_opq890"]
    assert (page.total, page.has_more, page.cursor) == (3, False, None)

    walk = clinik.encounters.search_all(patient_id="pt_abc123", count=2)
    assert [found.id for found in walk] == ["enc_lmn567", ID, "enc_uvw456", "enc_rst123", "enc_opq890"]
    assert walk.total == 5

    nothing, meta = clinik.encounters.delete(ID)
    assert nothing is None
    assert (meta.status, meta.request_id, meta.already_deleted) == (204, "req_03ef02fc", False)
    assert (meta.rate_limit_remaining, meta.timestamp) == (492, FhirDateTime.parse("2025-06-01T09:32:00.000Z"))

    with pytest.raises(ClinikNotFoundError) as caught:
        clinik.encounters.read(ID)
    assert (caught.value.code, caught.value.request_id, caught.value.attempts) == ("NOT_FOUND", "req_91e8113d", 1)


@pytest.mark.clinik_recording("life-of-an-encounter")
def test_what_goes_over_the_wire(clinik: Clinik, clinik_server: FixtureServer) -> None:
    clinik.encounters.create(VISIT)
    clinik.encounters.read(ID, include=["patient"])
    clinik.encounters.delete(ID)
    create, read, delete = clinik_server.requests
    for request in (create, read, delete):
        assert request.header_values("x-api-key") == ["clk_test_fixture"]
        assert request.header_values("accept") == ["application/json"]
        assert request.header_values("user-agent")[0].startswith("clinik-client/")
    assert create.header_values("content-type") == ["application/json"]
    assert [read.header_values("content-type"), delete.header_values("content-type")] == [[], []]
    assert (create.method, create.path) == ("POST", "/v1/encounters")
    assert (delete.method, delete.path, delete.body) == ("DELETE", f"/v1/encounters/{ID}", b"")


CREATE_FORMS = {
    "keywords": lambda clinik: clinik.encounters.create(**in_python_names(CREATE.model, VISIT)),
    "dict": lambda clinik: clinik.encounters.create(VISIT),
    "model": lambda clinik: clinik.encounters.create(EncounterCreateRequest.from_dict(VISIT)),
    "mixed values": lambda clinik: clinik.encounters.create(
        status=EncounterStatus.IN_PROGRESS,
        class_=EncounterClass.AMB,
        patient_id="pt_abc123",
        practitioner_id="prac_def456",
        participants=None,
        type="Annual physical",
        period=Period(start=FhirDateTime.parse("2025-06-01T09:00:00Z")),
        diagnosis=(Diagnosis(condition="I10", use="AD", rank=1),),
    ),
}


@pytest.mark.parametrize("create", CREATE_FORMS.values(), ids=CREATE_FORMS)
@pytest.mark.clinik_recording("life-of-an-encounter")
def test_every_form_of_a_create_is_the_same_request(create: Any, clinik: Clinik, clinik_server: FixtureServer) -> None:
    assert create(clinik).data.id == ID
    assert last_body(clinik_server) == VISIT


@pytest.mark.clinik_recording("life-of-an-encounter")
def test_update_and_search_take_a_dict_or_a_model_too(clinik: Clinik) -> None:
    change = {
        "status": "finished",
        "period": {"start": "2025-06-01T09:00:00Z", "end": "2025-06-01T09:30:00Z"},
        "lengthMinutes": 30,
    }
    assert clinik.encounters.update(ID, EncounterUpdateRequest.from_dict(change)).data.id == ID
    filters = {"patientId": "pt_abc123", "status": "finished", "sort": "-date", "count": 25}
    assert clinik.encounters.search(EncounterSearchParams.from_dict(filters)).data.total == 3
    walk = clinik.encounters.search_all({"patientId": "pt_abc123", "count": 2}, limit=3)
    assert [found.id for found in walk] == ["enc_lmn567", ID, "enc_uvw456"]


# -- the other stories ------------------------------------------------------------------------------------------------


@pytest.mark.clinik_recording("inpatient-admission", use_all=True)
def test_an_admission_with_an_operation_and_a_discharge(clinik: Clinik, clinik_server: FixtureServer) -> None:
    stay, _ = clinik.encounters.create(
        status="arrived",
        class_="IMP",
        patient_id="pt_adm001",
        practitioner_id="prac_def456",
        participants=[
            {"practitioner_id": "prac_ghi012", "role": "Attending surgeon"},
            {"practitioner_id": "prac_jkl345"},
        ],
        type="Inpatient stay",
        service_type="General surgery",
        priority="urgent",
        reason_code=["Abdominal pain", "Fever"],
        period={"start": "2025-03-10T07:40:00Z"},
        location="Ward 4B",
        service_provider="Northside Hospital",
        diagnosis=[{"condition": "R10.3", "use": "AD", "rank": 1}],
        based_on_id="sr_pqr678",
        hospitalization={
            "admit_source": "Emergency department",
            "origin": "Northside Emergency Department",
            "re_admission": "No",
            "diet_preference": ["Vegetarian", "No nuts"],
            "special_arrangement": ["Wheelchair"],
        },
    )
    assert stay.hospitalization is not None
    assert stay.hospitalization.diet_preference == ["Vegetarian", "No nuts"]
    assert stay.participants is not None
    assert [other.role for other in stay.participants] == ["Attending surgeon", None]

    operation, _ = clinik.encounters.create(
        status="in-progress",
        class_="IMP",
        patient_id="pt_adm001",
        practitioner_id="prac_ghi012",
        type="Appendectomy",
        period={"start": "2025-03-10T11:05:00Z"},
        location="Operating theatre 2",
        part_of_id=stay.id,
    )
    assert operation.part_of_id == stay.id
    clinik.encounters.update(
        operation.id,
        status="finished",
        period={"start": "2025-03-10T11:05:00Z", "end": "2025-03-10T12:20:00Z"},
        length_minutes=75,
    )
    clinik.encounters.update(stay.id, status="in-progress")
    discharged, _ = clinik.encounters.update(
        stay.id,
        status="finished",
        period={"start": "2025-03-10T07:40:00Z", "end": "2025-03-13T10:15:00Z"},
        length_minutes=4475,
        diagnosis=[
            {"condition": "R10.3", "use": "AD", "rank": 1},
            {"condition": "K35.80", "use": "DD", "rank": 1},
        ],
        hospitalization={
            "admit_source": "Emergency department",
            "discharge_disposition": "Home",
            "destination": "Home",
            "re_admission": "No",
            "diet_preference": ["Vegetarian", "No nuts"],
            "special_arrangement": ["Wheelchair"],
        },
    )
    assert discharged.diagnosis is not None
    assert [diagnosis.condition for diagnosis in discharged.diagnosis] == ["R10.3", "K35.80"]
    assert discharged.hospitalization is not None
    assert discharged.hospitalization.origin == "Northside Emergency Department"

    clinik.encounters.read(stay.id, include=["patient", "practitioner"])
    assert clinik_server.requests[-1].query == (
        ("_include", "Encounter:patient"),
        ("_include", "Encounter:practitioner"),
    )
    page, _ = clinik.encounters.search(
        patient_id="pt_adm001", date_from=date(2025, 3, 10), date_to="2025-03-13", sort="-period.start"
    )
    assert [found.id for found in page.data] == ["enc_oper002", "enc_stay001"]


@pytest.mark.clinik_recording("telehealth-visit", use_all=True)
def test_a_video_call(clinik: Clinik) -> None:
    planned, _ = clinik.encounters.create(
        status="planned",
        class_="VR",
        patient_id="pt_tel002",
        practitioner_id="prac_def456",
        service_type="General practice",
        reason_code="Follow-up of blood pressure",
        period={"start": "2025-06-03T14:30:00+02:00"},
        appointment_id="appt_mno345",
    )
    clinik.encounters.update(planned.id, status="in-progress")
    finished, _ = clinik.encounters.update(
        planned.id,
        status="finished",
        period={"start": "2025-06-03T14:31:00.5+02:00", "end": "2025-06-03T14:47:30+02:00"},
        length_minutes=17,
    )
    again, _ = clinik.encounters.read(planned.id)
    assert again == finished
    assert again.period is not None
    assert again.period.start is not None
    assert (again.period.start.text, again.period.start.precision) == ("2025-06-03T14:31:00.5+02:00", "fraction")


@pytest.mark.clinik_recording("paged-search", use_all=True)
def test_all_pages_without_the_row_that_is_no_encounter(clinik: Clinik) -> None:
    walk = clinik.encounters.search_all(patient_id="pt_paged1", status="finished", sort="-date", count=4)
    found = list(walk)
    recorded = [row["id"] for row in recorded_rows("paged-search") if "id" in row]
    assert [encounter.id for encounter in found] == list(dict.fromkeys(recorded))
    assert walk.total == 10
    assert all(isinstance(encounter, Encounter) for encounter in found)


@pytest.mark.clinik_recording("paged-search", use_all=True)
def test_the_row_that_is_no_encounter_stays_reachable_on_its_page(clinik: Clinik) -> None:
    walk = clinik.encounters.search_all(patient_id="pt_paged1", status="finished", sort="-date", count=4)
    pages = [page for page, meta in walk.pages() if meta.status == 200]
    (phantom,) = [row for row in recorded_rows("paged-search") if "id" not in row]
    others = [page["otherRows"] for page in pages if "otherRows" in page]
    assert others == [[phantom]]


def recorded_rows(story: str) -> Iterator[dict[str, Any]]:
    for exchange in load_recording(RECORDINGS / f"{story}.har").exchanges:
        yield from orjson.loads(exchange.response_body)["data"]["data"]


@pytest.mark.clinik_recording("empty-search", use_all=True)
def test_nothing_found(clinik: Clinik, clinik_server: FixtureServer) -> None:
    page, _ = clinik.encounters.search(patient_id="pt_nobody")
    assert (page.data, page.total, page.has_more, page.cursor) == ([], 0, False, None)
    page, _ = clinik.encounters.search(
        patient_id="pt_nobody",
        status="onleave",
        date_from="2025-01-01",
        date_to=date(2025, 1, 31),
        sort="date",
        count=100,
        cursor="100",
    )
    assert page.data == []
    page, _ = clinik.encounters.search()
    assert (page.data, page.total) == ([], None)
    assert clinik_server.requests[-1].query == ()
    assert clinik.encounters.search_all(patient_id="pt_nobody").first() is None


@pytest.mark.clinik_recording("empty-search")
def test_a_walk_over_nothing_ends_at_once(clinik: Clinik, clinik_server: FixtureServer) -> None:
    assert list(clinik.encounters.search_all(patient_id="pt_nobody")) == []
    assert len(clinik_server.requests) == 1


@pytest.mark.clinik_recording("fhir-shaped", use_all=True)
def test_records_in_the_form_of_fhir(clinik: Clinik) -> None:
    stay, _ = clinik.encounters.read("enc_fhir01")
    assert (stay.status, stay.class_, stay.patient_id) == ("finished", "IMP", "pt_adm001")
    wrong, _ = clinik.encounters.read("enc_fhir02")
    assert wrong.status == "entered-in-error"
    assert wrong.period is not None
    assert wrong.period.end is not None
    assert (wrong.period.end.text, wrong.period.end.precision) == ("2024-11", "month")
    page, _ = clinik.encounters.search(patient_id="pt_adm001", count=100)
    assert page.data[0] == stay


@pytest.mark.clinik_recording("quota-and-rate-limit")
def test_a_view_with_other_limits_does_the_same_within_them(clinik: Clinik, clinik_server: FixtureServer) -> None:
    with clinik.with_options(retries=0) as quick:
        assert quick.encounters.read("enc_quota1").data.id == "enc_quota1"
        with pytest.raises(ClinikRateLimitError) as caught:
            quick.encounters.read("enc_busy")
    assert (caught.value.attempts, caught.value.retry_after) == (1, 1)
    assert clinik.encounters.read("enc_busy").data.id == "enc_busy"
    assert len(clinik_server.requests) == 3


@pytest.mark.clinik_recording("quota-and-rate-limit", use_all=True)
def test_what_the_service_says_of_limits(clinik: Clinik) -> None:
    _, meta = clinik.encounters.read("enc_quota1")
    quota = meta.quota
    assert (meta.rate_limit_total, meta.rate_limit_remaining, meta.rate_limit_reset) == (100, 99, 60)
    assert (quota.limit, quota.used, quota.remaining, quota.billable, quota.overage) == (100000, 100250, 0, True, 250)
    assert quota.reset == datetime(2025, 7, 1, tzinfo=UTC)
    assert (quota.sandbox_limit, quota.sandbox_used, quota.sandbox_remaining) == (None, None, None)
    _, meta = clinik.encounters.search(patient_id="pt_quota1")
    quota = meta.quota
    # A request with a test key moves the other pool.
    assert (quota.used, quota.billable) == (100250, False)
    assert (quota.sandbox_limit, quota.sandbox_used, quota.sandbox_remaining) == (1000, 120, 880)
    clock = on_virtual_time(clinik)
    encounter, meta = clinik.encounters.read("enc_busy")
    assert (encounter.id, meta.attempts, clock.waits) == ("enc_busy", 2, [1])
    _, meta = clinik.encounters.delete("enc_quota1")
    assert (meta.status, meta.quota.overage, meta.rate_limit_remaining) == (204, 252, 98)


# -- errors -----------------------------------------------------------------------------------------------------------

CLASSES = {
    400: ClinikApiError,
    401: ClinikAuthError,
    403: ClinikPermissionError,
    404: ClinikNotFoundError,
    409: ClinikConflictError,
    413: ClinikApiError,
    422: ClinikValidationError,
    429: ClinikRateLimitError,
    500: ClinikServerError,
    502: ClinikServerError,
    503: ClinikServerError,
}
ERRORS = load_recording(RECORDINGS / "errors.har").exchanges


def can_be_sent(exchange: Exchange) -> bool:
    """Whether the SDK can make the request at all.

    It never sends bad JSON, a malformed key, an odd header or a media type that is not documented.
    """
    well_formed_key = exchange.api_key is None or KEY_FORMAT.fullmatch(exchange.api_key) is not None
    try:
        orjson.loads(exchange.request_body or b"null")
    except orjson.JSONDecodeError:
        return False
    is_usual = exchange.status != 415 and exchange.request_header("x-http-method-override") is None
    return well_formed_key and is_usual


def ask_for(clinik: Clinik, exchange: Exchange) -> object:
    id = exchange.path.rpartition("/")[2]
    body = orjson.loads(exchange.request_body or b"null")
    match exchange.method:
        case "GET":
            return clinik.encounters.read(id)
        case "PATCH":
            return clinik.encounters.update(id, body)
        case "DELETE":
            return clinik.encounters.delete(id)
    return clinik.encounters.create(body)


@pytest.mark.clinik_recording("errors")
def test_every_error_is_typed_and_says_what_the_service_said(clinik_server: FixtureServer) -> None:
    sendable = [exchange for exchange in ERRORS if can_be_sent(exchange)]
    for exchange in sendable:
        key = exchange.api_key or "clk_test_fixture"
        with (
            Clinik(key, base_url=clinik_server.url, trust_env=False, retries=0) as clinik,
            pytest.raises(ClinikApiError) as caught,
        ):
            ask_for(clinik, exchange)
        error = caught.value
        is_json = exchange.response_body.startswith(b"{")
        told = orjson.loads(exchange.response_body) if is_json else {}
        issues = told.get("issues") or told.get("issue") or []
        expected = ClinikQuotaError if "QUOTA" in told.get("code", "") else CLASSES[exchange.status]
        assert type(error) is expected
        assert error.status == exchange.status
        assert error.code == (told.get("code") or (issues[0]["code"] if issues else None))
        assert error.request_id == (told.get("requestId") or exchange.response_header("x-request-id"))
        if is_json:
            assert error.message == (told.get("message") or issues[0]["diagnostics"])
        else:
            assert error.message.startswith(f"Status {exchange.status} came in a form that is not the service's")
        assert error.issues == issues
        assert error.attempts == 1
        assert error.outcome == ("rejected" if exchange.status < 500 else "unknown")
        route = "/v1/encounters" if exchange.method == "POST" else "/v1/encounters/{id}"
        assert error.operation == f"{exchange.method} {route}"
        for text in (str(error), repr(error)):
            assert "html" not in text
            assert "enc_" not in text
        if isinstance(error, ClinikRateLimitError) and not isinstance(error, ClinikQuotaError):
            assert error.retry_after == 2
    assert {exchange.status for exchange in sendable} == CLASSES.keys()
    assert {id(exchange) for exchange in clinik_server.unused()}.isdisjoint(map(id, sendable))
    assert [ex.path for ex in clinik_server.unused()] == [ex.path for ex in ERRORS if not can_be_sent(ex)]


# -- codes that are not documented ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["entered-in-error", "unknown", "X-9"])
def test_an_update_and_a_search_send_a_code_that_is_not_documented_and_warn(code: str) -> None:
    for request in (
        lambda: update_encounter.request("enc_1", status=code).body,
        lambda: update_encounter.request("enc_1", {"status": code}).body,
        lambda: dict(search_encounters.request(status=code).query),
    ):
        with pytest.warns(ClinikWarning, match="^status: sent, ") as caught:
            assert request() == {"status": code}
        assert code not in str(caught[0].message)
        assert caught[0].filename == __file__


@pytest.mark.parametrize("class_", ["OBSENC", "ACUTE", "SS"])
def test_any_class_that_has_the_form_of_a_code_is_sent(class_: str) -> None:
    with pytest.warns(ClinikWarning, match=r"^class \(class_\): sent, "):
        request = create_encounter.request(status="planned", class_=class_, patient_id="pt_1")
    assert request.body["class"] == class_


@pytest.mark.parametrize("value", ["entered in error", "", "planned\n", "é", 5, True, None])
def test_what_has_no_form_of_a_code_is_refused(value: Any) -> None:
    with pytest.raises(ClinikValidationError):
        update_encounter.request("enc_1", status=value)


def test_the_status_of_a_create_is_one_of_those_documented() -> None:
    with pytest.raises(ClinikValidationError, match="must be one of planned"):
        create_encounter.request(status="unknown", class_="AMB", patient_id="pt_1")  # type: ignore[arg-type]  # a wrong one is the point


def test_minutes_are_whole_and_may_come_as_they_were_read() -> None:
    assert update_encounter.request("enc_1", length_minutes=30.0).content == b'{"lengthMinutes":30}'
    with pytest.raises(ClinikValidationError, match="must be a whole number"):
        update_encounter.request("enc_1", length_minutes=30.5)


# -- what is refused --------------------------------------------------------------------------------------------------


def test_nothing_is_sent_when_a_request_is_refused(clinik: Clinik, clinik_sandbox: Sandbox) -> None:
    encounters: Any = clinik.encounters
    calls = [(encounters.create, CREATE), (encounters.search, SEARCH), (encounters.search_all, SEARCH)]
    refused = 0
    for method, taken in [*calls, (lambda *given, **fields: encounters.update(ID, *given, **fields), UPDATE)]:
        for wrong in broken(taken.schema):
            with pytest.raises(ClinikValidationError):
                method(wrong.value)
            if wrong.path:
                with pytest.raises(ClinikValidationError):
                    method(**in_python_names(taken.model, wrong.value))
            refused += 1
    for wrong in broken(READ.schema):
        if wrong.path:
            with pytest.raises(ClinikValidationError):
                encounters.read(ID, include=wrong.value["_include"])
    for bad_id in ("..", "a/b", "a\r\nx: y", "é", "a" * 129, "", None):
        for method in (encounters.read, encounters.update, encounters.delete):
            with pytest.raises(ClinikValidationError):
                method(bad_id)
    with pytest.raises(ClinikValidationError):
        encounters.search_all(limit=-1)
    assert refused > 100
    assert clinik_sandbox.ledger.received() == 0


def test_an_unexpected_argument_is_an_error(clinik: Clinik, clinik_sandbox: Sandbox) -> None:
    encounters: Any = clinik.encounters
    with pytest.raises(TypeError):
        encounters.read(ID, includes=["patient"])
    with pytest.raises(TypeError):
        encounters.delete(ID, status="finished")
    with pytest.raises(ClinikValidationError, match="did you mean patient_id"):
        encounters.search(pateint_id="pt_1")
    with pytest.raises(ClinikValidationError, match="did you mean length_minutes"):
        encounters.update(ID, lengthMinutes=5)
    assert clinik_sandbox.ledger.received() == 0


# -- responses of other forms -----------------------------------------------------------------------------------------


def test_what_include_adds_stays_reachable() -> None:
    patient = {"resourceType": "Patient", "id": "pt_1"}
    record = {"id": "enc_1", "status": "finished", "included": [patient]}
    exchange = Exchange.of(
        "GET", "/v1/encounters/enc_1?_include=Encounter:patient", response={"data": record, "meta": {}}
    )
    with (
        FixtureServer([Recording("made-up", [exchange])]) as server,
        Clinik("clk_test_fixture", base_url=server.url, trust_env=False) as clinik,
    ):
        encounter, meta = clinik.encounters.read("enc_1", include=["Encounter:patient"])
    assert encounter["included"] == [patient]
    assert (meta.status, meta.request_id, meta.rate_limit_total, meta.quota.limit) == (200, None, None, None)


def test_a_page_may_mix_both_forms_and_lack_what_is_optional() -> None:
    fhir = {"resourceType": "Encounter", "id": "enc_2", "status": "finished", "class": {"code": "AMB"}}
    rows = [{"id": "enc_1", "class": "AMB"}, fhir, {"resourceType": "Patient", "id": "pt_1"}, {"id": ""}, None, "row"]
    exchange = Exchange.of("GET", "/v1/encounters", response={"data": {"data": rows, "hasMore": False}})
    with (
        FixtureServer([Recording("made-up", [exchange])]) as server,
        Clinik("clk_test_fixture", base_url=server.url, trust_env=False) as clinik,
    ):
        page, _ = clinik.encounters.search()
    assert [(found.id, found.class_) for found in page.data] == [("enc_1", "AMB"), ("enc_2", "AMB")]
    assert page["otherRows"] == rows[2:]
