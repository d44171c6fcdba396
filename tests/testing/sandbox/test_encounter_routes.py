"""The five operations of a sandbox: what each changes, what it answers, and what searches see of it and when."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Encounter
from clinik_client.testing._sandbox.backend import SandboxBackend
from clinik_client.testing._sandbox.seed import records_of
from tests.canary import CANARY
from tests.strategies import CREATE, DOCUMENT, UPDATE, allowed, broken, is_valid, json_values
from tests.testing.in_memory import MemoryAnswer, ask_memory, sandbox

MINIMAL = {"status": "planned", "class": "VR", "patientId": "pt_1"}
ONE = {"id": "enc_1", **MINIMAL}


def create(backend: SandboxBackend, json: Any = None, **request: Any) -> MemoryAnswer:
    return ask_memory(backend, "POST", "/v1/encounters", json=json or MINIMAL, **request)


def read(backend: SandboxBackend, record_id: str = "enc_1", query: str = "", **request: Any) -> MemoryAnswer:
    return ask_memory(backend, "GET", f"/v1/encounters/{record_id}{query}", **request)


def update(backend: SandboxBackend, json: Any, record_id: str = "enc_1", **request: Any) -> MemoryAnswer:
    return ask_memory(backend, "PATCH", f"/v1/encounters/{record_id}", json=json, **request)


def delete(backend: SandboxBackend, record_id: str = "enc_1", query: str = "", **request: Any) -> MemoryAnswer:
    return ask_memory(backend, "DELETE", f"/v1/encounters/{record_id}{query}", **request)


def search(backend: SandboxBackend, query: str = "", **request: Any) -> MemoryAnswer:
    return ask_memory(backend, "GET", f"/v1/encounters{query}", **request)


def listed(backend: SandboxBackend, query: str = "") -> list[str]:
    """The ids that a search gives, in order."""
    return [row["id"] for row in search(backend, query).data["data"]]


def schema_of_success(path: str, method: str, status: str) -> Any:
    """What the document says of the body of a success."""
    return DOCUMENT["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]


def simple(resource: dict[str, Any]) -> dict[str, Any]:
    """The fields that a resource of FHIR's says."""
    return {name: value for name, value in Encounter.from_dict(resource).to_dict().items() if name != "fhir"}


# -- the five ---------------------------------------------------------------------------------------------------------


@given(allowed(CREATE.schema))
def test_what_is_created_is_told_with_its_id_and_can_be_read_at_once(fields: dict[str, Any]) -> None:
    backend = sandbox()
    made = create(backend, fields)
    assert (made.status, made.applied) == (201, True)
    assert re.fullmatch(r"enc_[a-z0-9]{9}", made.data["id"])
    assert made.data == {"id": made.data["id"], **fields}
    assert read(backend, made.data["id"]).data == made.data
    assert is_valid(schema_of_success("/v1/encounters", "post", "201"), made.json)


def test_two_creates_that_say_the_same_make_two_records() -> None:
    backend = sandbox()
    assert create(backend).data["id"] != create(backend).data["id"]
    assert len(backend.store()) == 2


def test_a_new_record_never_gets_an_id_that_is_taken() -> None:
    first, second = (create(backend := sandbox()).data["id"], create(backend).data["id"])
    taken = sandbox([{"id": first, **MINIMAL}])
    assert create(taken).data["id"] == second
    assert read(taken, first).data["id"] == first


def test_a_read_changes_nothing() -> None:
    answer = read(sandbox([ONE]))
    assert (answer.status, answer.applied, answer.data) == (200, False, ONE)


@given(st.data())
def test_an_update_replaces_the_fields_that_it_names_and_no_others(data: st.DataObject) -> None:
    before = {"id": "enc_1", **data.draw(allowed(CREATE.schema))}
    changes = data.draw(allowed(UPDATE.schema))
    backend = sandbox([before])
    answer = update(backend, changes)
    assert (answer.status, answer.applied) == (200, True)
    assert answer.data == {**before, **changes} == read(backend).data
    assert is_valid(schema_of_success("/v1/encounters/{id}", "patch", "200"), answer.json)


def test_a_list_of_diagnoses_replaces_the_one_before() -> None:
    backend = sandbox([{**ONE, "diagnosis": [{"condition": "I10"}, {"condition": "E11.9"}]}])
    assert update(backend, {"diagnosis": [{"condition": "J06.9"}]}).data["diagnosis"] == [{"condition": "J06.9"}]


@pytest.mark.parametrize(
    ("merge", "left"),
    [
        (False, {"dischargeDisposition": "Home"}),
        (True, {"admitSource": "Emergency department", "dischargeDisposition": "Home"}),
    ],
)
def test_a_hospitalization_is_replaced_or_merged(merge: bool, left: dict[str, str]) -> None:
    stays = {"hospitalization": {"admitSource": "Emergency department", "dischargeDisposition": "Hospice"}}
    backend = sandbox([{**ONE, **stays}, {**ONE, "id": "enc_2"}], merge_hospitalization=merge)
    changes = {"hospitalization": {"dischargeDisposition": "Home"}}
    assert update(backend, changes).data["hospitalization"] == left
    assert update(backend, changes, "enc_2").data["hospitalization"] == {"dischargeDisposition": "Home"}
    assert update(backend, {"status": "finished"}).data["hospitalization"] == left


def test_a_deleted_record_is_gone_at_once() -> None:
    backend = sandbox([ONE, {**ONE, "id": "enc_2", "partOfId": "enc_1"}])
    answer = delete(backend)
    assert (answer.status, answer.applied, answer.body) == (204, True, b"")
    for again in (read(backend), update(backend, {"status": "finished"}), delete(backend)):
        assert (again.status, again.code, again.applied) == (404, "NOT_FOUND", False)
    # What refers to it goes on naming it.
    assert read(backend, "enc_2").data["partOfId"] == "enc_1"


def test_a_search_gives_a_page() -> None:
    answer = search(sandbox(records_of(50)), "?count=7&sort=-date")
    assert (answer.status, answer.applied) == (200, False)
    assert answer.data.keys() == {"data", "hasMore", "cursor", "total"}
    assert len(answer.data["data"]) == 7
    assert (answer.data["hasMore"], answer.data["cursor"], answer.data["total"]) == (True, "7", 50)
    assert is_valid(schema_of_success("/v1/encounters", "get", "200"), answer.json)


@given(st.integers(0, 45), st.integers(1, 20), st.booleans(), st.booleans())
def test_a_walk_over_the_pages_gives_each_record_once(records: int, count: int, total: bool, phantom: bool) -> None:
    backend = sandbox(records_of(records), total=total, phantom=phantom)
    found: list[str] = []
    query = f"?count={count}"
    while True:
        page = search(backend, query).data
        rows = [row for row in page["data"] if row.get("resourceType") != "OperationOutcome"]
        assert len(page["data"]) - len(rows) == phantom
        assert page.get("total") == (records if total else None)
        assert page["hasMore"] == ("cursor" in page) == (len(rows) == count and len(found) + count < records)
        found += [row["id"] for row in rows]
        if not page["hasMore"]:
            break
        query = f"?count={count}&cursor={page['cursor']}"
    assert found == [record["id"] for record in records_of(records)]


def test_a_row_that_is_no_encounter_has_no_id() -> None:
    (row,) = search(sandbox(phantom=True)).data["data"]
    assert row["resourceType"] == "OperationOutcome"
    assert "id" not in row


# -- what searches see ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 10, 12.5])
def test_searches_see_a_write_after_the_lag_and_not_a_moment_before(lag: float) -> None:
    backend = sandbox([ONE], lag=lag)
    made = create(backend).data["id"]
    changed = update(backend, {"status": "finished"}, made)
    assert changed.status == 200
    delete(backend)
    if lag:
        backend.clock.advance(lag - 0.001)
        assert listed(backend) == ["enc_1"]
        backend.clock.advance(0.001)
    assert listed(backend) == [made]
    assert listed(backend, "?status=planned") == []
    assert listed(backend, "?status=finished") == [made]


def test_the_lag_may_be_changed_and_holds_for_the_writes_that_come() -> None:
    backend = sandbox(lag=10)
    slow = create(backend).data["id"]
    backend.settings.lag = 0
    fast = create(backend).data["id"]
    assert listed(backend) == [fast]
    backend.clock.advance(10)
    assert listed(backend) == [fast, slow]


# -- shapes -----------------------------------------------------------------------------------------------------------


@given(allowed(CREATE.schema, plain=True), allowed(UPDATE.schema, plain=True))
def test_in_fhirs_shape_every_answer_says_the_same(fields: dict[str, Any], changes: dict[str, Any]) -> None:
    # In FHIR's form the first practitioner is the responsible one.
    fields = {"practitionerId": "prac_1", **fields}
    backend = sandbox(shape="fhir", lag=0)
    made = create(backend, fields)
    record_id = made.data["id"]
    assert made.data["resourceType"] == "Encounter"
    assert simple(made.data) == {"id": record_id, **fields}
    assert read(backend, record_id).data == made.data
    changed = update(backend, changes, record_id)
    assert simple(changed.data) == {"id": record_id, **fields, **changes}
    assert search(backend).data["data"] == [changed.data]
    for answer, path, method in ((made, "/v1/encounters", "post"), (changed, "/v1/encounters/{id}", "patch")):
        assert is_valid(schema_of_success(path, method, str(answer.status)), answer.json)


def test_mixed_shows_each_record_always_in_the_same_shape() -> None:
    backend = sandbox(records_of(40), shape="mixed")
    rows = search(backend, "?count=40").data["data"]
    assert {"resourceType" in row for row in rows} == {True, False}
    assert [read(backend, row["id"]).data for row in rows] == rows


def test_a_change_of_the_shape_holds_at_once() -> None:
    backend = sandbox([ONE])
    assert read(backend).data == ONE
    backend.settings.shape = "fhir"
    assert read(backend).data["class"]["code"] == "VR"
    assert search(backend).data["data"][0]["resourceType"] == "Encounter"


# -- include ----------------------------------------------------------------------------------------------------------

LINKED = {
    **ONE,
    "practitionerId": "prac_1",
    "participants": [{"practitionerId": "prac_2"}, {"practitionerId": "prac_1"}],
    "appointmentId": "appt_1",
    "basedOnId": "sr_1",
    "partOfId": "enc_0",
    "diagnosis": [{"condition": "cond_1"}],
    "location": "Room 12",
}


def including(*names: str) -> str:
    return "?" + "&".join(f"_include=Encounter%3A{name}" for name in names)


def test_an_include_may_be_answered_with_the_record_alone() -> None:
    assert read(sandbox([LINKED]), query=including("patient", "practitioner")).data == LINKED


@pytest.mark.parametrize(
    ("names", "came_along"),
    [
        (["patient"], ["Patient/pt_1"]),
        (["subject"], ["Patient/pt_1"]),
        (["patient", "subject", "patient"], ["Patient/pt_1"]),
        (["practitioner"], ["Practitioner/prac_1", "Practitioner/prac_2"]),
        (["participant"], ["Practitioner/prac_1", "Practitioner/prac_2"]),
        (["part-of", "patient"], ["Encounter/enc_0", "Patient/pt_1"]),
        (["appointment", "based-on"], ["Appointment/appt_1", "ServiceRequest/sr_1"]),
        (["diagnosis"], ["Condition/cond_1"]),
        (["location"], []),
        (["service-provider"], []),
    ],
)
def test_an_include_may_be_answered_with_a_bundle(names: list[str], came_along: list[str]) -> None:
    answer = read(sandbox([LINKED, {**ONE, "id": "enc_0"}], include="bundle"), query=including(*names))
    bundle = answer.data
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 1)
    match, *others = bundle["entry"]
    assert simple(match["resource"]) == LINKED
    assert match["search"] == {"mode": "match"}
    assert [f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in others] == came_along
    assert [entry["fullUrl"].partition("/fhir/")[2] for entry in others] == came_along
    assert all(entry["search"] == {"mode": "include"} for entry in others)
    assert is_valid(schema_of_success("/v1/encounters/{id}", "get", "200"), answer.json)


def test_another_encounter_comes_along_if_searches_see_it() -> None:
    backend = sandbox([LINKED], include="bundle", lag=10)
    assert len(read(backend, query=including("part-of")).data["entry"]) == 1
    backend.seed([LINKED, {**ONE, "id": "enc_0", "type": "Admission"}])
    _, parent = read(backend, query=including("part-of")).data["entry"]
    assert simple(parent["resource"]) == {**ONE, "id": "enc_0", "type": "Admission"}


def test_without_an_include_there_is_no_bundle() -> None:
    assert read(sandbox([LINKED], include="bundle")).data == LINKED


def test_a_bundle_is_as_far_behind_as_a_search() -> None:
    backend = sandbox([ONE], include="bundle", lag=10)
    made = create(backend).data["id"]
    update(backend, {"status": "finished"})
    assert read(backend, made, including("patient")).data["entry"] == []
    assert read(backend, made, including("patient")).data["total"] == 0
    assert read(backend, query=including("patient")).data["entry"][0]["resource"]["status"] == "planned"
    backend.clock.advance(10)
    assert read(backend, made, including("patient")).data["total"] == 1
    assert read(backend, query=including("patient")).data["entry"][0]["resource"]["status"] == "finished"


def test_a_deleted_record_is_not_found_with_an_include_either() -> None:
    backend = sandbox([ONE], include="bundle", lag=10)
    delete(backend)
    assert read(backend, query=including("patient")).status == 404


@pytest.mark.parametrize(
    "query",
    [
        "?_include=patient",
        "?_include=",
        "?_include=Encounter:",
        "?_include=Encounter:nothing",
        "?_include=Patient:patient",
        f"?_include=Encounter:{CANARY}",
        "?_include=Encounter:patient,Encounter:practitioner",
        f"?_include=Encounter:patient&fields={CANARY}",
        f"?{CANARY}=x",
        "?include=Encounter:patient",
    ],
)
def test_an_unknown_include_and_an_unknown_parameter_are_refused(query: str) -> None:
    answer = read(sandbox([ONE]), query=query)
    assert (answer.status, answer.code) == (400, None)
    assert "Encounter:part-of" in answer.json["message"]
    assert CANARY.encode() not in answer.body


# -- what is not there ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record_id",
    ["enc_2", "ENC_1", "enc_1%2F", "a" * 129, "..", "%2e%2e", "enc_1%0A", "enc_1%00", "%FF", "enc%201", "%"],
)
def test_an_id_that_there_is_not_or_cannot_be_is_not_found(record_id: str) -> None:
    backend = sandbox([ONE])
    for answer in (read(backend, record_id), update(backend, {"type": "x"}, record_id), delete(backend, record_id)):
        assert (answer.status, answer.code, answer.applied) == (404, "NOT_FOUND", False)
    assert len(backend.store()) == 1


def test_an_id_may_be_percent_encoded_and_128_characters_long() -> None:
    long = "a.b-c_" + "d" * 122
    backend = sandbox([ONE, {**ONE, "id": long}])
    assert read(backend, "%65nc%5F1").data == ONE
    assert read(backend, long).data["id"] == long


def test_what_is_wrong_is_told_before_anything_is_done() -> None:
    backend = sandbox([ONE])
    refusals = [
        create(backend, {**MINIMAL, "status": "done"}),
        ask_memory(backend, "POST", "/v1/encounters?dryRun=1", json=MINIMAL),
        update(backend, {"lengthMinutes": 10_081}),
        ask_memory(backend, "PATCH", "/v1/encounters/enc_1?dryRun=1", json={"status": "finished"}),
        delete(backend, query="?cascade=1"),
    ]
    assert [answer.status for answer in refusals] == [422, 400, 422, 400, 400]
    assert not any(answer.applied for answer in refusals)
    assert [stored.record for stored in backend.store()] == [ONE]


def test_a_record_that_is_not_there_is_told_before_its_body_is_looked_at() -> None:
    assert update(sandbox(), {"status": "done"}).status == 404


@pytest.mark.parametrize(
    "query", ["?status=finished&status=finished", "?patient=x", "?dateFrom=yesterday", "?sort=name", "?count=1&count=2"]
)
def test_a_search_that_cannot_be_understood_is_refused(query: str) -> None:
    assert search(sandbox([ONE]), query).status == 400


@given(
    st.sampled_from(["create", "update"]),
    st.dictionaries(st.sampled_from([*CREATE.schema["properties"], f"{CANARY} field"]), json_values),
)
def test_no_value_of_a_body_comes_back_in_an_error(operation: str, body: dict[str, Any]) -> None:
    def with_canary(value: Any) -> Any:
        """The same with every text, and every name of its own, turned into one that is told nowhere."""
        match value:
            case str():
                return f"{CANARY}{value}"
            case list():
                return [with_canary(item) for item in value]
            case dict():
                return {f"{CANARY} {name}": with_canary(item) for name, item in value.items()}
            case _:
                return value

    sent = {name: with_canary(value) for name, value in body.items()}
    backend = sandbox([ONE])
    answer = create(backend, sent) if operation == "create" and sent else update(backend, sent)
    if answer.status != 200:
        assert answer.status in (201, 422)
    if answer.status == 422:
        assert CANARY.encode() not in answer.body
        assert answer.json["issues"]


@pytest.mark.parametrize("wrong", [*broken(CREATE.schema)], ids=str)
def test_each_rule_that_a_body_breaks_is_told_in_either_form(wrong: Any) -> None:
    backend = sandbox()
    told = create(backend, wrong.value)
    backend.settings.errors = "fhir"
    outcome = create(backend, wrong.value)
    assert told.status == outcome.status == 422
    assert told.json["issues"] == outcome.json["issue"]
    assert outcome.json["resourceType"] == "OperationOutcome"
    assert outcome.headers["content-type"] == "application/fhir+json"
