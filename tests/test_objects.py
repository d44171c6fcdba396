"""Names in a request: whose spelling counts where, and what is said of one that the API does not have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import (
    ClinikValidationError,
    Diagnosis,
    Encounter,
    EncounterCreateRequest,
    EncounterSearchParams,
    EncounterUpdateRequest,
    FhirDateTime,
    Hospitalization,
    Participant,
    Period,
)
from clinik_client._codecs import Array, InputOptions, Issues, Location, OneOf, Text
from clinik_client._model import Model, schema_of, wire
from clinik_client._objects import Object, encode_object
from tests.strategies import CREATE, allowed, in_python_names

REQUIRED = {"status": "planned", "class": "VR", "patientId": "pt_1"}
REQUIRED_KEYWORDS = {"status": "planned", "class_": "VR", "patient_id": "pt_1"}


def encode(given_value: Any, *, keywords: bool = False, model: type[Model] = EncounterCreateRequest) -> Any:
    problems = Issues()
    encoded = encode_object(model, given_value, Location(), InputOptions(keywords=keywords), problems)
    if problems:
        raise problems.error()
    return encoded


def told(given_value: Any, *, keywords: bool = False, model: type[Model] = EncounterCreateRequest) -> list[str]:
    with pytest.raises(ClinikValidationError) as caught:
        encode(given_value, keywords=keywords, model=model)
    assert str(caught.value).startswith("VALIDATION_ERROR: The request is not valid; nothing was sent.")
    return [issue["diagnostics"] for issue in caught.value.issues]


# -- did you mean -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("patientId", None),  # see below: that is a wire name among keywords
        ("practitionerID", "practitioner_id"),
        ("practioner_id", "practitioner_id"),
        ("service", "service_type"),
        ("klass", "class_"),
        ("reason_codes", "reason_code"),
        ("lenght_minutes", "length_minutes"),
        ("xyzzy", None),
    ],
)
def test_an_unknown_keyword_is_told_with_the_nearest_one(name: str, guess: str | None) -> None:
    given_value = {key: value for key, value in REQUIRED_KEYWORDS.items() if name != "patientId" or key != "patient_id"}
    (text,) = told({**given_value, name: "x"}, keywords=True)
    if name == "patientId":
        guess = "patient_id"
    assert text == f"{name}: unknown keyword" + (f"; did you mean {guess}?" if guess else "")


@pytest.mark.parametrize(
    ("name", "guess"),
    [("class_", "class"), ("practitioner_id", "practitionerId"), ("lengthMinute", "lengthMinutes"), ("xyzzy", None)],
)
def test_an_unknown_field_is_told_with_the_nearest_one(name: str, guess: str | None) -> None:
    (text,) = told({**REQUIRED, name: "x"})
    assert text == f"{name}: unknown field" + (f"; did you mean {guess}?" if guess else "")


@pytest.mark.parametrize(
    "name", ["", "a b", "x" * 41, "pt-1", "pt_1", "Smith", "Jos\u00e9", "a\nb", 5, None, ("class",), b"class", "\ud800"]
)
def test_a_name_that_may_be_a_value_is_not_repeated(name: Any) -> None:
    (text,) = told({**REQUIRED, name: "x"})
    assert text == "request: unknown field (its name is not one that the API could have)"


@given(st.dictionaries(st.text(max_size=70) | st.integers() | st.none(), st.integers(), max_size=3), st.booleans())
def test_no_name_makes_it_fail_otherwise(given_value: Mapping[Any, Any], keywords: bool) -> None:
    problems = Issues()
    encode_object(EncounterCreateRequest, given_value, Location(), InputOptions(keywords=keywords), problems)
    assert problems


def test_an_unknown_name_is_told_at_its_place() -> None:
    given_value = {**REQUIRED, "diagnosis": [{"condition": "I10"}, {"condition": "I11", "ranking": 1}]}
    assert told(given_value) == ["diagnosis[1].ranking: unknown field; did you mean rank?"]


# -- one spelling in one request --------------------------------------------------------------------------------------


def test_keywords_are_python_names_all_the_way_down() -> None:
    keywords = {
        **REQUIRED_KEYWORDS,
        "participants": [{"practitioner_id": "prac_1"}],
        "hospitalization": {"re_admission": "No"},
    }
    assert encode(keywords, keywords=True) == {
        **REQUIRED,
        "participants": [{"practitionerId": "prac_1"}],
        "hospitalization": {"reAdmission": "No"},
    }
    assert told({**REQUIRED_KEYWORDS, "participants": [{"practitionerId": "prac_1"}]}, keywords=True) == [
        "participants[0].practitionerId: unknown keyword; did you mean practitioner_id?"
    ]


def test_a_dict_is_in_wire_names_all_the_way_down() -> None:
    assert told({**REQUIRED, "participants": [{"practitioner_id": "prac_1"}]}) == [
        "participants[0].practitioner_id: unknown field; did you mean practitionerId?",
        "participants[0].practitionerId: Required",
    ]


@given(allowed(CREATE.schema), st.data())
def test_a_single_name_in_the_other_spelling_is_found(value: dict[str, Any], data: st.DataObject) -> None:
    entries = [e for e in schema_of(CREATE.model).entries if e.name != e.wire and e.wire in value]
    entry = data.draw(st.sampled_from(entries))
    keywords = in_python_names(CREATE.model, value)
    keywords[entry.wire] = keywords.pop(entry.name)
    with pytest.raises(ClinikValidationError, match=f"{entry.wire}: unknown keyword; did you mean {entry.name}"):
        encode(keywords, keywords=True)
    value[entry.name] = value.pop(entry.wire)
    with pytest.raises(ClinikValidationError, match=f"{entry.name}: unknown field; did you mean {entry.wire}"):
        encode(value)


# -- models in requests -----------------------------------------------------------------------------------------------


def test_a_nested_model_stands_wherever_a_dict_does() -> None:
    nested = {"period": Period(start=FhirDateTime.parse("2025-06")), "diagnosis": (Diagnosis(condition="I10"),)}
    wire_form = {**REQUIRED, "period": {"start": "2025-06"}, "diagnosis": [{"condition": "I10"}]}
    assert encode({**REQUIRED_KEYWORDS, **nested}, keywords=True) == wire_form
    assert encode({**REQUIRED, **nested}) == wire_form


def test_a_model_may_hold_dicts_in_wire_names() -> None:
    participants: Any = [Participant(practitioner_id="prac_1", role=None), {"practitionerId": "prac_2"}]
    request = EncounterCreateRequest(status="planned", class_="VR", patient_id="pt_1", participants=participants)
    assert encode(request) == {**REQUIRED, "participants": [{"practitionerId": "prac_1"}, {"practitionerId": "prac_2"}]}


def test_what_is_wrong_in_a_model_is_told_in_wire_names() -> None:
    period = Period(start="soon")
    request = EncounterCreateRequest(status="done", class_="VR", patient_id="pt_1", period=period)
    status, start = told(request)
    assert status.startswith("status: must be one of planned, ")
    assert start.startswith("period.start: not a date")


def test_a_model_among_keywords_is_told_of_in_wire_names_from_there_on() -> None:
    diagnosis = Diagnosis(condition="I10", rank=0)
    assert told({**REQUIRED_KEYWORDS, "diagnosis": [diagnosis]}, keywords=True) == [
        "diagnosis[0].rank: must be at least 1"
    ]
    participant = Participant(practitioner_id="..")
    (text,) = told({**REQUIRED_KEYWORDS, "participants": [participant]}, keywords=True)
    assert text.startswith("participants[0].practitionerId: must be 1 to 128 letters")


def test_a_model_of_another_kind_is_refused() -> None:
    assert told({**REQUIRED, "period": Diagnosis(condition="I10")}) == ["period: must be a dict or Period"]
    assert told(Encounter(id="enc_1")) == ["request: must be a dict or EncounterCreateRequest"]


def test_a_stay_in_hospital_is_sent_as_it_was_read_but_for_what_cannot_be_changed() -> None:
    stay = Hospitalization.from_dict({"admitSource": "Home", "dietPreference": ["Vegan"]})
    for keywords in (False, True):
        assert encode({"hospitalization": stay}, keywords=keywords, model=EncounterUpdateRequest) == {
            "hospitalization": {"admitSource": "Home", "dietPreference": ["Vegan"]}
        }
    assert encode(EncounterUpdateRequest(hospitalization=stay), model=EncounterUpdateRequest) == {
        "hospitalization": stay.to_dict()
    }
    stay.origin = "Northside"
    assert told({"hospitalization": stay}, keywords=True, model=EncounterUpdateRequest) == [
        "hospitalization.origin: unknown field"
    ]
    assert told({"hospitalization": Period()}, model=EncounterUpdateRequest) == [
        "hospitalization: must be a dict or HospitalizationUpdate"
    ]


def test_what_a_read_record_has_beyond_the_request_is_refused_by_name() -> None:
    diagnosis = Diagnosis.from_dict({"condition": "I10", "stage": 3})
    assert told({**REQUIRED, "diagnosis": [diagnosis]}) == ["diagnosis[0].stage: unknown field"]


def test_what_did_not_fit_when_it_was_read_is_refused_when_it_is_sent() -> None:
    request = EncounterCreateRequest.from_dict({**REQUIRED, "status": 5, "lengthMinutes": "long"})
    assert [text.partition(":")[0] for text in told(request)] == ["status", "lengthMinutes"]
    assert request.additional_properties == {"status": 5, "lengthMinutes": "long"}


# -- mappings of other kinds ------------------------------------------------------------------------------------------


def test_any_mapping_will_do() -> None:
    assert encode(MappingProxyType({**REQUIRED, "period": MappingProxyType({})})) == {**REQUIRED, "period": {}}


@define(kw_only=True, repr=False)
class OpenNote(Model):
    """A model of a document that allows further fields."""

    text: str | None = field(default=None, metadata=wire("noteText", Text(), nullable=True))
    additional_properties: dict[str, Any] = field(factory=dict)

    _open = True


def test_a_request_that_may_have_further_fields_takes_any_json_under_them() -> None:
    assert encode({"noteText": None, "x-tags": ["a", {"b": 1}]}, model=OpenNote) == {
        "noteText": None,
        "x-tags": ["a", {"b": 1}],
    }
    assert told({"tags": [float("nan"), {1}]}, model=OpenNote) == [
        "tags[0]: must be a finite number",
        "tags[1]: must be a JSON value",
    ]
    assert told({"tags": {"Jane Doe": {1}, "tag": {1}}, "pt_1": {1}}, model=OpenNote) == [
        "tags.*: must be a JSON value",
        "tags.tag: must be a JSON value",
        "*: must be a JSON value",
    ]
    assert told({5: "x"}, model=OpenNote) == ["request: unknown field (its name is not one that the API could have)"]


def test_a_null_that_the_document_allows_is_sent() -> None:
    assert encode({"text": None}, keywords=True, model=OpenNote) == {"noteText": None}
    assert encode(OpenNote(text=None), model=OpenNote) == {}
    assert encode(OpenNote.from_dict({"noteText": None}), model=OpenNote) == {"noteText": None}


@given(allowed(CREATE.schema))
def test_reading_what_was_written_gives_the_model_that_writes_the_same(value: dict[str, Any]) -> None:
    assert encode(EncounterCreateRequest.from_dict(value)) == value
    assert encode(EncounterSearchParams.from_dict({"cursor": "20"}), model=EncounterSearchParams) == {"cursor": "20"}


def test_a_field_that_may_be_an_object_or_a_list_says_both_when_it_is_neither() -> None:
    problems = Issues()
    codec = OneOf((Object("Period"), Array(Text())))
    codec.bind(lambda name: Period)
    codec.encode(7, Location(Location(), "when"), InputOptions(), problems)
    assert [issue["diagnostics"] for issue in problems] == ["when: must be a dict or Period or a list"]
