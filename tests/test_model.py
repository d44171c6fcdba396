"""Records are read whatever is in them, and nothing of it is lost: not by reading, copying, pickling or writing."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pydantic
import pytest
from hypothesis import given

from clinik_client import (
    ClinikResponseError,
    Diagnosis,
    Encounter,
    EncounterClass,
    EncounterCreateRequest,
    EncounterPage,
    EncounterSearchParams,
    EncounterStatus,
    FhirDateTime,
    Participant,
    Period,
)
from clinik_client._encounters.fhir import ENCOUNTER
from clinik_client._model import Model, schema_of, to_json
from clinik_client.testing import RECORDINGS, load_recording
from tests.strategies import MODELS, SCHEMAS, allowed, models_and_records, records


def json_form(value: Any) -> bytes:
    """What is on the wire: in JSON, unlike in Python, true is not 1."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


# -- reading and writing ----------------------------------------------------------------------------------------------


@given(models_and_records)
def test_reading_never_fails_and_what_is_written_is_what_was_read(case: tuple[type[Model], dict[str, Any]]) -> None:
    model, record = case
    before = copy.deepcopy(record)
    found = model.from_dict(record)
    assert record == before, "from_dict changed its argument"
    if model._other_form is not None and ENCOUNTER.matches(record):
        assert ENCOUNTER.restore(found.to_dict()) == record
    else:
        assert found.to_dict() == record


@pytest.mark.parametrize("record", [None, 5, "pt_canary", [{"id": "enc_1"}], [("id", "enc_1")]])
@pytest.mark.parametrize("model", [Encounter, EncounterCreateRequest])
def test_what_is_no_dict_is_no_record(model: type[Any], record: Any) -> None:
    expected = f"from_dict takes one dict in the API's names, and was given {type(record).__name__}"
    with pytest.raises(TypeError, match=f"^{expected}$"):
        model.from_dict(record)


@given(records(Encounter))
def test_every_value_is_reachable_by_its_name_on_the_wire(record: dict[str, Any]) -> None:
    if ENCOUNTER.matches(record):
        record = ENCOUNTER.simplify(record)
    encounter = Encounter.from_dict(record)
    for name, value in record.items():
        assert name in encounter
        written = encounter[name].to_dict() if isinstance(encounter[name], Model) else encounter[name]
        if not isinstance(written, date | list):
            assert written == value
    assert "no-such-field" not in encounter
    with pytest.raises(KeyError):
        encounter["no-such-field"]


@pytest.mark.parametrize("name", sorted(MODELS.keys() & SCHEMAS.keys()))
def test_a_model_has_the_fields_of_the_document_in_its_order(name: str) -> None:
    schema = SCHEMAS[name]
    entries = schema_of(MODELS[name]).entries
    assert [entry.wire for entry in entries] == list(schema["properties"])
    assert [entry.wire for entry in entries if entry.required] == [
        field for field in schema["properties"] if field in schema.get("required", ())
    ]


@given(allowed(SCHEMAS["Encounter"]))
def test_what_the_document_describes_is_read_into_fields(record: dict[str, Any]) -> None:
    encounter = Encounter.from_dict(record)
    assert encounter.additional_properties == {}
    for entry in schema_of(Encounter).entries:
        assert (getattr(encounter, entry.name) is None) == (entry.wire not in record)
    assert json_form(encounter.to_dict()) == json_form(record)


def test_fields_are_typed() -> None:
    encounter = Encounter.from_dict(
        {
            "id": "enc_1",
            "status": "finished",
            "class": "AMB",
            "period": {"start": "2025-06", "end": "2025-06-01T09:00:00.250+02:00"},
            "lengthMinutes": 22.5,
            "reasonCode": ["Fever", "Cough"],
            "diagnosis": [{"condition": "I10", "rank": 2.0}],
            "participants": [{"practitionerId": "prac_1"}],
        }
    )
    assert encounter.status is EncounterStatus.FINISHED
    assert encounter.class_ is EncounterClass.AMB
    assert isinstance(encounter.period, Period)
    assert encounter.period.start == datetime(2025, 6, 1, tzinfo=UTC)
    assert encounter.period.start.precision == "month"
    assert encounter.period.end is not None
    assert encounter.period.end.text == "2025-06-01T09:00:00.250+02:00"
    assert encounter.length_minutes == 22.5
    assert encounter.reason_code == ["Fever", "Cough"]
    assert encounter.diagnosis == [Diagnosis(condition="I10", rank=2)]
    assert type(encounter.diagnosis[0].rank) is int
    assert encounter.participants == [Participant(practitioner_id="prac_1")]
    assert encounter.patient_id is None


def test_what_is_not_as_described_is_kept_as_it_came() -> None:
    record = {
        "id": "enc_1",
        "status": "entered-in-error",
        "class": "OBSENC",
        "type": None,
        "period": "all summer",
        "lengthMinutes": "long",
        "diagnosis": [None, {"condition": None, "stage": {"grade": 3}}, "I10"],
        "isolation": True,
    }
    encounter = Encounter.from_dict(record)
    assert (encounter.status, encounter.class_) == ("entered-in-error", "OBSENC")
    assert type(encounter.status) is str
    assert (encounter.type, encounter.period, encounter.length_minutes) == (None, None, None)
    assert encounter.additional_properties == {
        "type": None,
        "period": "all summer",
        "lengthMinutes": "long",
        "isolation": True,
    }
    assert encounter.diagnosis is not None
    assert encounter.diagnosis[1].additional_properties == {"condition": None, "stage": {"grade": 3}}
    assert encounter["isolation"] is True
    assert encounter.to_dict() == record


def nested(levels: int, kind: str) -> Any:
    value: Any = [] if kind == "lists" else {}
    for _ in range(levels - 1):
        value = [value] if kind == "lists" else {"a": value}
    return value


HOLDERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "unknown field": lambda value: {"id": "enc_1", "image": value},
    "known field": lambda value: {"id": "enc_1", "status": value},
    "nested object": lambda value: {"id": "enc_1", "period": {"image": value}},
    "item of a list": lambda value: {"id": "enc_1", "diagnosis": [{"condition": "I10", "image": value}]},
    "misfit in a list": lambda value: {"id": "enc_1", "diagnosis": [value, "x"]},
    "one of two kinds": lambda value: {"id": "enc_1", "reasonCode": value},
    "fhir": lambda value: {"resourceType": "Encounter", "id": "enc_1", "contained": value},
    "fhir element": lambda value: {"resourceType": "Encounter", "id": "enc_1", "class": value, "type": [value]},
}


@pytest.mark.parametrize("kind", ["lists", "dicts"])
@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("levels", [1, 50, 90, 110, 600, 100_000])
def test_what_is_read_can_be_copied_compared_and_pickled_however_deep_it_is_nested(
    holder: str, kind: str, levels: int
) -> None:
    data = HOLDERS[holder](nested(levels, kind))
    if levels > 100:
        with pytest.raises(ClinikResponseError, match="nested deeper than 100 levels"):
            Encounter.from_dict(data)
        return
    encounter = Encounter.from_dict(data)
    again = copy.deepcopy(encounter)
    assert again == encounter == pickle.loads(pickle.dumps(encounter))
    assert again.to_dict() == encounter.to_dict()
    assert repr(again).startswith("<Encounter")


def test_what_is_written_shares_nothing_with_the_model() -> None:
    encounter = Encounter.from_dict({"id": "enc_1", "note": {"lines": ["a"]}, "reasonCode": ["Fever"]})
    written = encounter.to_dict()
    written["note"]["lines"].append("b")
    written["reasonCode"].append("Cough")
    assert encounter.to_dict() == {"id": "enc_1", "note": {"lines": ["a"]}, "reasonCode": ["Fever"]}


def test_changes_are_written() -> None:
    encounter = Encounter.from_dict(
        {"id": "enc_1", "status": "planned", "period": {"start": "2025"}, "x": 1, "type": None}
    )
    encounter.status = EncounterStatus.ARRIVED
    encounter.type = "Home visit"
    assert encounter.period is not None
    encounter.period.end = datetime(2025, 6, 1, 9, tzinfo=UTC)  # type: ignore[assignment]  # converted on assignment
    encounter.additional_properties["x"] = date(2025, 6, 1)
    assert encounter.to_dict() == {
        "id": "enc_1",
        "status": "arrived",
        "type": "Home visit",
        "period": {"start": "2025", "end": "2025-06-01T09:00:00+00:00"},
        "x": "2025-06-01",
    }
    encounter.status = None
    assert "status" not in encounter.to_dict()


def test_a_moment_is_converted_when_it_is_set_and_kept_when_it_cannot_be() -> None:
    assert isinstance(Period(start=date(2025, 6, 1)).start, FhirDateTime)
    naive = datetime(2025, 6, 1, 9)
    assert Period(start=naive).start is naive


def test_a_page_holds_records() -> None:
    page = EncounterPage.from_dict(
        {"data": [{"id": "enc_1"}], "hasMore": True, "cursor": "20", "total": 1.0, "next": 2}
    )
    assert (page.data, page.has_more, page.cursor, page.total) == ([Encounter(id="enc_1")], True, "20", 1)
    assert page["next"] == 2


def test_a_day_reads_as_a_date() -> None:
    params = EncounterSearchParams.from_dict({"dateFrom": "2025-06-01", "dateTo": "2025-06-31"})
    assert params.date_from == date(2025, 6, 1)
    assert params.date_to is None
    assert params.to_dict() == {"dateFrom": "2025-06-01", "dateTo": "2025-06-31"}


# -- both shapes ------------------------------------------------------------------------------------------------------


@given(allowed(SCHEMAS["Encounter"], plain=True))
def test_both_shapes_of_a_record_read_the_same(record: dict[str, Any]) -> None:
    if "participants" in record:
        record.setdefault("practitionerId", "prac_1")  # in FHIR the first of all participants is this one
    resource = ENCOUNTER.restore(record)
    assert ENCOUNTER.matches(resource)
    one, other = Encounter.from_dict(record), Encounter.from_dict(resource)
    for entry in schema_of(Encounter).entries:
        assert getattr(one, entry.name) == getattr(other, entry.name), entry.name


def test_a_recorded_fhir_record_reads_into_the_same_fields() -> None:
    exchange = load_recording(RECORDINGS / "fhir-shaped.har").exchanges[0]
    resource = orjson.loads(exchange.response_body)["data"]
    encounter = Encounter.from_dict(resource)
    assert encounter.status is EncounterStatus.FINISHED
    assert encounter.class_ is EncounterClass.IMP
    assert (encounter.patient_id, encounter.practitioner_id) == ("pt_adm001", "prac_def456")
    assert encounter.participants is not None
    assert [(other.practitioner_id, other.role) for other in encounter.participants] == [
        ("prac_ghi012", "Attending surgeon")
    ]
    assert (encounter.type, encounter.service_type, encounter.priority) == ("Inpatient stay", "Surgery - General", "UR")
    assert encounter.reason_code == ["Abdominal pain", "Fever"]
    assert encounter.period is not None
    assert encounter.period.end is not None
    assert encounter.period.end.text == "2025-03-13T11:10:00.25+01:00"
    assert encounter.length_minutes == 4470
    assert encounter.diagnosis is not None
    assert [(found.condition, found.use, found.rank) for found in encounter.diagnosis] == [
        ("cond_aa1", "AD", 1),
        ("cond_bb2", "DD", 1),
    ]
    assert (encounter.appointment_id, encounter.based_on_id) == ("appt_stu901", "sr_pqr678")
    # What the simplified form has no place for.
    assert encounter["identifier"][0]["value"] == "2025-000123"
    assert encounter["fhir"]["class"]["display"] == "inpatient encounter"
    assert ENCOUNTER.restore(encounter.to_dict()) == resource


# -- copies -----------------------------------------------------------------------------------------------------------


@given(models_and_records)
def test_a_record_survives_copying_and_pickling(case: tuple[type[Model], dict[str, Any]]) -> None:
    model, record = case
    found = model.from_dict(record)
    protocols = range(pickle.HIGHEST_PROTOCOL + 1)
    copies = [copy.copy(found), copy.deepcopy(found), *(pickle.loads(pickle.dumps(found, p)) for p in protocols)]
    for other in copies:
        assert type(other) is model
        assert other == found
        assert json_form(other.to_dict()) == json_form(found.to_dict())
        assert repr(other) == repr(found)


def test_a_deep_copy_is_independent_and_keeps_members() -> None:
    encounter = Encounter.from_dict({"id": "enc_1", "status": "finished", "period": {"start": "2025-06"}, "x": []})
    other = copy.deepcopy(encounter)
    assert other.period is not None
    other.period.start = None
    other.additional_properties["x"].append(1)
    assert encounter.to_dict() == {"id": "enc_1", "status": "finished", "period": {"start": "2025-06"}, "x": []}
    assert other.status is EncounterStatus.FINISHED


# -- showing ----------------------------------------------------------------------------------------------------------


def test_a_record_shows_its_type_id_and_status_only() -> None:
    record = {
        "id": "enc_1",
        "status": "finished",
        "class": "AMB",
        "patientId": "pt_1",
        "diagnosis": [{"condition": "I10"}],
    }
    encounter = Encounter.from_dict(record)
    assert repr(encounter) == "<Encounter id='enc_1' status='finished'>"
    assert str(encounter) == repr(encounter)
    assert repr(encounter.diagnosis) == "[<Diagnosis>]"
    request = EncounterCreateRequest(status=EncounterStatus.PLANNED, class_="VR", patient_id="pt_1")
    assert repr(request) == "<EncounterCreateRequest status='planned'>"


@given(records(Encounter))
def test_no_other_value_is_shown(record: dict[str, Any]) -> None:
    record = {**record, "type": "canary-7Q", "extra": ["canary-7Q"]}
    assert "canary" not in repr(Encounter.from_dict(record))
    assert "canary" not in f"{Encounter.from_dict(record)}"


def test_a_page_shows_how_much_it_has_and_nothing_of_it() -> None:
    page = EncounterPage.from_dict({"data": [{"id": "enc_canary"}] * 2, "total": 150, "hasMore": True, "cursor": "2"})
    assert repr(page) == "<EncounterPage of 2 total=150 has_more=True>"
    assert repr(EncounterPage.from_dict({"data": [], "hasMore": False})) == "<EncounterPage of 0 has_more=False>"


# -- what other libraries do with it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_has_no_dict_behind_its_slots(model: type[Model]) -> None:
    made = model.from_dict({"id": "x"})
    with pytest.raises(TypeError):
        vars(made)
    with pytest.raises(AttributeError):
        made.stauts = "finished"  # type: ignore[attr-defined]  # it is misspelt


ROW = {"id": "enc_1", "class": "AMB", "period": {"start": "2025-06"}, "new": [None], "reasonCode": None}


def test_json_and_orjson_write_a_model_in_its_wire_form() -> None:
    record = Encounter.from_dict(ROW)
    assert json.loads(json.dumps([record], default=to_json)) == [ROW]
    assert orjson.loads(orjson.dumps({"a": record}, default=to_json)) == {"a": ROW}
    with pytest.raises(TypeError):
        json.dumps({"a": object()}, default=to_json)


def test_pydantic_reads_and_writes_a_model_in_its_wire_form() -> None:
    class WardRound(pydantic.BaseModel):
        visits: list[Encounter]
        last: Encounter | None = None

    ward = WardRound.model_validate({"visits": [ROW], "last": Encounter.from_dict(ROW)})
    assert ward.visits[0] == Encounter.from_dict(ROW)
    assert ward.model_dump() == {"visits": [ROW], "last": ROW}
    assert json.loads(ward.model_dump_json()) == {"visits": [ROW], "last": ROW}
    assert WardRound.model_json_schema()["properties"]["visits"]["items"] == {"title": "Encounter", "type": "object"}
    with pytest.raises(pydantic.ValidationError, match="must be Encounter or its dict"):
        WardRound.model_validate({"visits": ["enc_1"]})
