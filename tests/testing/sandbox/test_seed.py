"""What a sandbox holds at the beginning: made up, always the same, or out of a file of either shape."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Encounter, EncounterStatus
from clinik_client.testing._sandbox.parameters import check_body
from clinik_client.testing._sandbox.seed import Seed, SeedError, records_of
from tests.canary import CANARY
from tests.strategies import CREATE, SCHEMAS, allowed, is_valid

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
SIMPLE = {"id": "enc_1", "status": "planned", "class": "AMB", "patientId": "pt_1"}
FHIR = {
    "resourceType": "Encounter",
    "id": "enc_2",
    "status": "finished",
    "class": {"code": "IMP", "display": "inpatient"},
    "subject": {"reference": "Patient/pt_2"},
}


# -- made up ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 60))
def test_as_many_are_made_up_as_are_asked_for_and_always_the_same(count: int) -> None:
    records = records_of(count)
    assert [record["id"] for record in records] == [f"enc_seed{number:04}" for number in range(1, count + 1)]
    assert records_of(count) == records


def test_what_is_made_up_is_as_the_document_has_encounters_and_could_have_been_created() -> None:
    for record in records_of(300):
        assert is_valid(SCHEMAS["Encounter"], record)
        created = {name: value for name, value in record.items() if name != "id"}
        assert check_body("create", orjson.dumps(created)) == created


def test_what_is_made_up_is_the_same_with_every_version() -> None:
    records = records_of(12)
    assert records[0] == {
        "id": "enc_seed0001",
        "status": "planned",
        "class": "AMB",
        "patientId": "pt_seed002",
        "practitionerId": "prac_seed2",
        "type": "Follow-up",
        "reasonCode": "Blood pressure",
        "period": {"start": "2024-02-13T09:45:00Z"},
    }
    assert records[3] == {
        "id": "enc_seed0004",
        "status": "in-progress",
        "class": "IMP",
        "patientId": "pt_seed002",
        "practitionerId": "prac_seed5",
        "type": "Admission",
        "reasonCode": "Abdominal pain",
        "period": {"start": "2024-01-02T18:30:00Z"},
        "hospitalization": {"admitSource": "Emergency department"},
    }


def test_what_is_made_up_gives_searches_something_to_find() -> None:
    records = records_of(500)
    for name, fewest in (("status", 5), ("class", 5), ("patientId", 50), ("practitionerId", 5)):
        assert len({record[name] for record in records}) >= fewest, name
    assert {"diagnosis" in record for record in records} == {True, False}
    assert {"hospitalization" in record for record in records} == {True, False}


def test_whoever_changes_what_was_made_up_changes_nobody_elses() -> None:
    records_of(3)[0]["period"].clear()
    assert records_of(3)[0]["period"]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(SeedError, match="is 0 to 100,000"):
        records_of(-1)


# -- given ------------------------------------------------------------------------------------------------------------


def test_records_of_either_shape_are_taken_in_their_order() -> None:
    simple, fhir = records_of([SIMPLE, FHIR])
    assert simple == SIMPLE
    assert {name: fhir[name] for name in ("id", "status", "class", "patientId")} == {
        "id": "enc_2",
        "status": "finished",
        "class": "IMP",
        "patientId": "pt_2",
    }
    assert Encounter.from_dict(fhir).to_fhir() == FHIR


@given(st.lists(allowed(CREATE.schema, plain=True), max_size=3))
def test_simple_records_are_taken_as_they_are_and_get_ids_if_they_have_none(
    given_records: list[dict[str, Any]],
) -> None:
    expected = [{**record, "id": f"enc_seed{number:04}"} for number, record in enumerate(given_records, start=1)]
    assert records_of(given_records) == records_of(iter(given_records)) == expected


def test_a_seed_is_a_copy() -> None:
    given_record: dict[str, Any] = {**SIMPLE, "diagnosis": [{"condition": "I10"}]}
    (record,) = records_of([MappingProxyType(given_record)])
    given_record["diagnosis"][0]["condition"] = "E11.9"
    given_record["status"] = "finished"
    assert (record["diagnosis"], record["status"]) == ([{"condition": "I10"}], "planned")


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (CANARY, "is an object"),
        ([SIMPLE], "is an object"),
        (None, "is an object"),
        ({"resourceType": "Patient", "id": CANARY}, "another resource"),
        ({"resourceType": None, "id": CANARY}, "another resource"),
        ({"id": f"{CANARY}/x"}, "its id"),
        ({"id": ".."}, "its id"),
        ({"id": f"{CANARY}\n"}, "its id"),
        ({"id": ""}, "its id"),
        ({"id": 7}, "its id"),
        ({"id": "enc_9", "type": {CANARY: object()}}, "not JSON"),
        ({"id": "enc_9", CANARY: {1, 2}}, "not JSON"),
        ({"id": "enc_9", "type": f"\ud800{CANARY}"}, "not JSON"),
        ({"id": "enc_9", "more": deep(101)}, "nested too deep"),
        ({**SIMPLE, "type": CANARY}, "was there before"),
        ({"id": "enc_9", "status": None}, "status: Required; class: Required$"),
        (
            {"resourceType": "Encounter", "id": "enc_9", "type": [{"text": CANARY}]},
            "status: Required; class: Required$",
        ),
        (
            {**SIMPLE, "id": "enc_9", "lenghtMinutes": CANARY},
            r"lenghtMinutes: unknown field; did you mean lengthMinutes\?$",
        ),
        ({**SIMPLE, "id": "enc_9", f"{CANARY} {CANARY}": 1}, "unknown field"),
        ({**SIMPLE, "id": "enc_9", "status": CANARY}, "status: must be one of planned, .*, entered-in-error, unknown$"),
        ({**SIMPLE, "id": "enc_9", "status": [CANARY]}, "status: must be one of planned"),
        ({**FHIR, "id": "enc_9", "status": CANARY}, "status: must be one of planned"),
    ],
)
def test_what_cannot_be_an_encounter_is_told_by_its_place_and_not_by_its_value(wrong: Any, why: str) -> None:
    with pytest.raises(SeedError, match=f"^record 2: .*{why}") as caught:
        records_of([SIMPLE, wrong])
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("status", [*EncounterStatus, "entered-in-error", "unknown"])
@pytest.mark.parametrize("record", [SIMPLE, FHIR], ids=["simple", "fhir"])
def test_a_status_is_one_of_the_document_or_of_fhir(record: dict[str, Any], status: str) -> None:
    assert records_of([{**record, "status": status}])[0]["status"] == status


def test_a_resource_may_have_more_than_the_simple_shape_and_what_it_became_can_be_given_again() -> None:
    odd = {"identifier": [{"value": "1"}], "statusHistory": [], "hospitalisation": {}, "meta": {"versionId": "1"}}
    plain = {**FHIR, "id": "enc_3", "class": {"system": ACT_CODE, "code": "AMB"}, "meta": {"versionId": "1"}}
    records = records_of([{**FHIR, **odd}, plain])
    assert records_of(records) == records
    assert [Encounter.from_dict(record).to_fhir() for record in records] == [{**FHIR, **odd}, plain]


@pytest.mark.parametrize("wrong", [None, True, 1.5, SIMPLE, {"data": [SIMPLE]}], ids=str)
def test_a_seed_is_one_of_a_few_things(wrong: Any) -> None:
    with pytest.raises(SeedError, match=r"^a seed is a number of encounters, the path of a file, "):
        records_of(wrong)


# -- files ------------------------------------------------------------------------------------------------------------


def file(folder: Path, content: bytes | Any) -> Path:
    path = folder / "seed.json"
    path.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return path


LINES = orjson.dumps(SIMPLE) + b"\n" + orjson.dumps(FHIR)


@pytest.mark.parametrize(
    "content",
    [
        orjson.dumps([SIMPLE, FHIR]),
        orjson.dumps([SIMPLE, FHIR], option=orjson.OPT_INDENT_2),
        LINES,
        LINES + b"\n",
        b"\n  \n" + LINES.replace(b"\n", b"\r\n\r\n"),
    ],
    ids=["array", "indented array", "lines", "lines that all end", "empty lines in between"],
)
def test_a_file_is_a_json_array_or_has_one_record_a_line(tmp_path: Path, content: bytes) -> None:
    path = file(tmp_path, content)
    assert records_of(path) == records_of(str(path)) == records_of([SIMPLE, FHIR])


@pytest.mark.parametrize("content", [orjson.dumps(SIMPLE), orjson.dumps(SIMPLE, option=orjson.OPT_INDENT_2)])
def test_a_file_may_be_one_record(tmp_path: Path, content: bytes) -> None:
    assert records_of(file(tmp_path, content)) == [SIMPLE]


@pytest.mark.parametrize(
    "around",
    [
        {"data": {"data": [SIMPLE, FHIR], "hasMore": False}, "meta": {"status": 200}},
        {"data": [SIMPLE, FHIR]},
        {"records": [SIMPLE, FHIR]},
    ],
    ids=["envelope", "page", "what the control tells"],
)
def test_a_file_may_be_a_response_with_a_page(tmp_path: Path, around: Any) -> None:
    assert records_of(file(tmp_path, around)) == records_of([SIMPLE, FHIR])


def test_a_file_may_be_a_response_with_one_record(tmp_path: Path) -> None:
    assert records_of(file(tmp_path, {"data": SIMPLE, "meta": {"status": 200}})) == [SIMPLE]


def test_the_warning_at_the_end_of_a_page_is_no_record(tmp_path: Path) -> None:
    warning = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-supported"}]}
    assert records_of(file(tmp_path, {"data": {"data": [SIMPLE, warning], "hasMore": False}})) == [SIMPLE]
    with pytest.raises(SeedError, match="record 2: this is another resource"):
        records_of(file(tmp_path, [SIMPLE, warning]))


@pytest.mark.parametrize("content", [orjson.dumps([SIMPLE, FHIR]), LINES, orjson.dumps({"data": [SIMPLE, FHIR]})])
def test_a_byte_order_mark_is_skipped(tmp_path: Path, content: bytes) -> None:
    assert records_of(file(tmp_path, codecs.BOM_UTF8 + content)) == records_of([SIMPLE, FHIR])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]"])
def test_a_file_may_be_empty(tmp_path: Path, content: bytes) -> None:
    assert records_of(file(tmp_path, content)) == []


@pytest.mark.parametrize(
    ("content", "place", "why"),
    [
        (LINES + b"\n\n{'" + CANARY.encode(), ": line 4", "not JSON"),
        (LINES + b"\n[]", ": line 3", "is an object"),
        (orjson.dumps([SIMPLE, {**SIMPLE, "type": CANARY}]), ": record 2", "was there before"),
        (orjson.dumps({"resourceType": "Bundle", "entry": []}), "", "another resource"),
        (orjson.dumps(CANARY), "", "is an object"),
        (b"\xff\xfe" + CANARY.encode(), ": line 1", "not JSON"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_by_its_place(tmp_path: Path, content: bytes, place: str, why: str) -> None:
    path = file(tmp_path, content)
    with pytest.raises(SeedError, match=why) as caught:
        records_of(path)
    assert str(caught.value).startswith(f"{path}{place}: ")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("seed", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, seed: str) -> None:
    path: Seed = tmp_path / seed
    with pytest.raises(SeedError, match=f"^{re.escape(str(path))}: "):
        records_of(path)
