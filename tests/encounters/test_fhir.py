"""A FHIR Encounter reads as the simplified record, says the same, and comes back whole."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Encounter
from clinik_client._encounters.fhir import ENCOUNTER

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

# Realistic resources

ids = st.text("abcXYZ019._-", min_size=1, max_size=8)
names = st.text(min_size=1, max_size=12)
partial_dates = st.sampled_from(
    ["2025", "2025-06", "2025-06-01", "2025-06-01T09:00:00.000Z", "2025-06-01T09:00:00+02:00"]
)
periods = st.fixed_dictionaries({}, optional={"start": partial_dates, "end": partial_dates})
extensions = st.lists(st.fixed_dictionaries({"url": names, "valueString": names}), min_size=1, max_size=2)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name.rstrip("_"): value for name, value in optional.items()})


def addresses(kind: str) -> st.SearchStrategy[str]:
    local = ids.map(f"{kind}/{{}}".format)
    return (
        local
        | local.map("https://fhir.example.org/r4/{}".format)
        | local.map("{}/_history/2".format)
        | st.uuids().map("urn:uuid:{}".format)
        | ids.map("#{}".format)
    )


def references(*kinds: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(kinds).flatmap(
        lambda kind: some(
            reference=addresses(kind), type=st.just(kind), display=names, identifier=some(system=names, value=names)
        )
    )


codings = some(system=names, code=names, display=names, version=names, userSelected=st.booleans())
concepts = some(text=names, coding=st.lists(codings, max_size=3))
types_of_participation = st.lists(
    concepts | st.just({"coding": [{"code": "PPRF"}]}) | st.just({"coding": [{"code": "ATND"}]}), max_size=3
)
durations = some(
    value=st.integers(0, 20_000) | st.floats(0, 1e6),
    unit=st.sampled_from(["min", "Minutes", "hour", "h", "days", "weeks", "s", "ms", "fortnight"]),
    system=st.just("http://unitsofmeasure.org"),
    code=st.sampled_from(["min", "h", "d", "wk", "s", "ms", "mo", "a"]),
    comparator=st.sampled_from(["<", ">="]),
)
elements: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "meta": some(versionId=names, lastUpdated=partial_dates),
    "text": some(status=st.just("generated"), div=names),
    "extension": extensions,
    "identifier": st.lists(some(system=names, value=names), max_size=2),
    "status": st.sampled_from(["planned", "finished", "entered-in-error"]),
    "statusHistory": st.lists(some(status=names, period=periods), max_size=2),
    "class": codings,
    "type": st.lists(concepts, max_size=3),
    "serviceType": concepts,
    "priority": concepts,
    "subject": references("Patient", "Group"),
    "episodeOfCare": st.lists(references("EpisodeOfCare"), max_size=2),
    "basedOn": st.lists(references("ServiceRequest"), max_size=2),
    "participant": st.lists(
        some(
            type=types_of_participation,
            period=periods,
            individual=references("Practitioner", "PractitionerRole", "RelatedPerson", "Patient"),
        ),
        max_size=4,
    ),
    "appointment": st.lists(references("Appointment"), max_size=2),
    "period": periods,
    "length": durations,
    "reasonCode": st.lists(concepts, max_size=3),
    "diagnosis": st.lists(
        some(
            condition=references("Condition", "Procedure"),
            use=concepts | st.sampled_from(["AD", "DD"]).map(lambda code: {"coding": [{"code": code}]}),
            rank=st.integers(1, 9),
            extension=extensions,
        ),
        max_size=3,
    ),
    "account": st.lists(references("Account"), max_size=1),
    "hospitalization": some(
        preAdmissionIdentifier=some(value=names),
        origin=references("Location"),
        admitSource=concepts,
        reAdmission=concepts,
        dietPreference=st.lists(concepts, max_size=2),
        specialArrangement=st.lists(concepts, max_size=2),
        destination=references("Organization"),
        dischargeDisposition=concepts,
    ),
    "location": st.lists(
        some(
            location=references("Location"),
            status=st.sampled_from(["planned", "active", "completed"]),
            period=periods,
        ),
        max_size=3,
    ),
    "serviceProvider": references("Organization"),
    "partOf": references("Encounter"),
}
realistic = st.fixed_dictionaries({"resourceType": st.just("Encounter")}, optional=elements)

# Simplified records: every field of its documented type

strings = st.lists(names, max_size=3)
fields: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "status": st.sampled_from(["planned", "finished", "unknown"]),
    "class": names,
    "patientId": ids,
    "type": names,
    "serviceType": names,
    "priority": names,
    "reasonCode": names | st.lists(names, min_size=2, max_size=4),
    "period": periods,
    "lengthMinutes": st.integers(0, 10_080) | st.floats(0, 1e6),
    "location": names,
    "serviceProvider": names,
    "diagnosis": st.lists(
        st.fixed_dictionaries(
            {"condition": ids | names},
            optional={"use": st.sampled_from(["AD", "DD", "billing"]) | names, "rank": st.integers(1, 9)},
        ),
        max_size=3,
    ),
    "appointmentId": ids,
    "basedOnId": ids,
    "partOfId": ids,
    "hospitalization": some(
        admitSource=names,
        dischargeDisposition=names,
        reAdmission=names,
        destination=names,
        origin=names,
        dietPreference=strings,
        specialArrangement=strings,
    ),
    "somethingNew": names,
}
participants = st.lists(st.fixed_dictionaries({"practitionerId": ids}, optional={"role": names}), max_size=3)
practitioners: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {"practitionerId": ids}, optional={"participants": participants}
)
simplified = st.builds(dict.__or__, st.fixed_dictionaries({}, optional=fields), practitioners)

# Hostile input: any JSON under known names, at every depth, and both forms mixed

nested_names = {
    *("individual", "reference", "display", "identifier", "role", "condition", "use", "rank"),
    *("coding", "code", "text", "value", "unit", "status"),
}
known_names = st.sampled_from(
    sorted({*elements, *fields, *nested_names, "fhir", "resourceType", "practitionerId", "participants"})
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["Encounter", "AMB", "Patient/pt_1", "Practitioner/prac_1", "urn:x", "#c", "//", "?", "min", 10**400]
    )
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(known_names | st.text(max_size=4), inner, max_size=4),
    max_leaves=15,
)
hostile = st.fixed_dictionaries(
    {},
    optional={
        **{name: values | json_values | fields.get(name, json_values) for name, values in elements.items()},
        **{name: values | json_values for name, values in fields.items() if name not in elements},
        "resourceType": st.just("Encounter") | json_values,
        "practitionerId": ids | json_values,
        "participants": participants | json_values,
        "fhir": json_values | st.dictionaries(known_names, json_values, max_size=3),
    },
)


# What always holds


@given(realistic | hostile)
def test_every_fhir_encounter_comes_back_whole(resource: dict[str, Any]) -> None:
    record = ENCOUNTER.simplify(resource)
    assert ENCOUNTER.restore(record) == resource
    assert ENCOUNTER.restore(copy.deepcopy(record)) == resource
    assert not ENCOUNTER.matches(record)


@given(realistic)
def test_the_simplified_form_is_json_and_survives_it(resource: dict[str, Any]) -> None:
    assert ENCOUNTER.restore(json.loads(json.dumps(ENCOUNTER.simplify(resource)))) == resource


@given(realistic | hostile)
def test_simplifying_and_rebuilding_change_nothing_that_they_were_given(resource: dict[str, Any]) -> None:
    before = copy.deepcopy(resource)
    record = ENCOUNTER.simplify(resource)
    assert resource == before
    before = copy.deepcopy(record)
    ENCOUNTER.restore(record)
    assert record == before


@given(hostile | st.dictionaries(known_names | st.text(), json_values))
def test_no_json_object_is_too_strange(record: dict[str, Any]) -> None:
    assert ENCOUNTER.matches(record) in (True, False)
    assert isinstance(ENCOUNTER.simplify(record), dict)
    assert isinstance(ENCOUNTER.restore(record), dict)


@given(simplified)
def test_a_clean_simplified_record_comes_back_from_fhir_as_it_was(record: dict[str, Any]) -> None:
    resource = ENCOUNTER.restore(record)
    assert ENCOUNTER.matches(resource)
    assert ENCOUNTER.simplify(resource) == record


@given(realistic, simplified)
def test_a_field_that_was_changed_is_never_overruled_by_an_old_detail(
    resource: dict[str, Any], changes: dict[str, Any]
) -> None:
    changed = {**ENCOUNTER.simplify(resource), **changes}
    if "practitionerId" in changes and "participants" not in changes:
        changed.pop("participants", None)
    again = ENCOUNTER.simplify(ENCOUNTER.restore(changed))
    assert {name: again.get(name) for name in changes} == changes


@given(realistic, st.sampled_from(sorted({*fields, "practitionerId", "participants"} - {"period"})))
def test_a_field_that_was_removed_does_not_come_back(resource: dict[str, Any], name: str) -> None:
    record = ENCOUNTER.simplify(resource)
    record.pop(name, None)
    if name == "practitionerId":  # without it, the first of the others would take its place
        record.pop("participants", None)
    again = ENCOUNTER.simplify(ENCOUNTER.restore(record))
    assert name not in again


@given(realistic)
def test_a_detail_is_kept_exactly_where_the_field_says_less_than_its_element(resource: dict[str, Any]) -> None:
    record = ENCOUNTER.simplify(resource)
    details = record.pop("fhir", {})
    rebuilt = ENCOUNTER.restore(record)
    assert {name: value for name, value in resource.items() if rebuilt.get(name) != value} == details


@given(realistic)
def test_what_has_no_simplified_name_stays_under_its_own(resource: dict[str, Any]) -> None:
    record = ENCOUNTER.simplify(resource)
    for name in ("id", "meta", "text", "extension", "identifier", "status", "statusHistory", "period", "account"):
        assert record.get(name) == resource.get(name)
        assert name not in record.get("fhir", {})


# Which shape is which


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"resourceType": "Encounter"}, True),
        ({"class": {"code": "AMB"}}, True),
        ({"subject": {}}, True),
        ({"resourceType": None, "subject": {}}, True),
        ({}, False),
        ({"class": "AMB", "patientId": "pt_1"}, False),
        ({"subject": "Patient/pt_1"}, False),
        ({"resourceType": "OperationOutcome"}, False),
        ({"resourceType": "Procedure", "subject": {"reference": "Patient/pt_1"}}, False),
        ({"resourceType": ["Encounter"], "class": {}}, False),
    ],
)
def test_the_shape_is_told_by_resource_type_else_by_class_or_subject(record: dict[str, Any], expected: bool) -> None:
    assert ENCOUNTER.matches(record) is expected


# What each element means


def read(**items: Any) -> dict[str, Any]:
    """The fields alone, details left out."""
    record = ENCOUNTER.simplify(
        {"resourceType": "Encounter", **{name.rstrip("_"): value for name, value in items.items()}}
    )
    record.pop("fhir", None)
    return record


def test_a_whole_encounter_as_a_fhir_server_sends_it() -> None:
    resource = {
        "resourceType": "Encounter",
        "id": "enc_1",
        "meta": {"versionId": "3"},
        "status": "finished",
        "class": {"system": ACT_CODE, "code": "IMP", "display": "inpatient encounter"},
        "type": [{"text": "Admission"}, {"text": "Surgery"}],
        "serviceType": {"coding": [{"code": "394609007", "display": "General surgery"}]},
        "priority": {"coding": [{"code": "EM"}]},
        "subject": {"reference": "Patient/pt_1", "display": "A. Person"},
        "participant": [
            {"individual": {"reference": "RelatedPerson/rp_1"}},
            {"individual": {"reference": "Practitioner/prac_2"}, "type": [{"text": "assistant"}]},
            {"individual": {"reference": "Practitioner/prac_1"}, "type": [{"coding": [{"code": "PPRF"}]}]},
        ],
        "appointment": [{"reference": "Appointment/apt_1"}],
        "basedOn": [{"reference": "ServiceRequest/sr_1"}],
        "partOf": {"reference": "Encounter/enc_0"},
        "period": {"start": "2025-06-01", "end": "2025-06"},
        "length": {"value": 2, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"},
        "reasonCode": [{"text": "Pain"}, {"coding": [{"code": "R50.9"}]}],
        "diagnosis": [{"condition": {"reference": "Condition/cond_1"}, "use": {"coding": [{"code": "AD"}]}, "rank": 1}],
        "hospitalization": {
            "admitSource": {"text": "Emergency"},
            "dietPreference": [{"text": "vegan"}, {"coding": [{"display": "halal"}]}],
            "destination": {"reference": "Organization/org_2"},
            "preAdmissionIdentifier": {"value": "77"},
        },
        "location": [
            {"location": {"display": "Waiting room"}, "status": "completed"},
            {"location": {"display": "Ward 3"}, "status": "active"},
        ],
        "serviceProvider": {"reference": "Organization/org_1", "display": "City Hospital"},
    }
    record = ENCOUNTER.simplify(resource)
    details = record.pop("fhir")
    assert record == {
        "id": "enc_1",
        "meta": {"versionId": "3"},
        "status": "finished",
        "class": "IMP",
        "type": "Admission",
        "serviceType": "General surgery",
        "priority": "EM",
        "patientId": "pt_1",
        "practitionerId": "prac_1",
        "participants": [{"practitionerId": "prac_2", "role": "assistant"}],
        "appointmentId": "apt_1",
        "basedOnId": "sr_1",
        "partOfId": "enc_0",
        "period": {"start": "2025-06-01", "end": "2025-06"},
        "lengthMinutes": 2880,
        "reasonCode": ["Pain", "R50.9"],
        "diagnosis": [{"condition": "cond_1", "use": "AD", "rank": 1}],
        "hospitalization": {
            "admitSource": "Emergency",
            "dietPreference": ["vegan", "halal"],
            "destination": "org_2",
            "preAdmissionIdentifier": {"value": "77"},
        },
        "location": "Ward 3",
        "serviceProvider": "City Hospital",
    }
    exact = {"resourceType", "id", "meta", "status", "period", "appointment", "basedOn", "partOf"}
    assert details == {name: value for name, value in resource.items() if name not in exact}


def test_a_record_without_details_becomes_plain_fhir() -> None:
    assert ENCOUNTER.restore(
        {
            "status": "planned",
            "class": "VR",
            "patientId": "pt_1",
            "practitionerId": "prac_1",
            "participants": [{"practitionerId": "prac_2", "role": "nurse"}],
            "type": "Check-up",
            "reasonCode": "Cough",
            "lengthMinutes": 20,
            "location": "Room 1",
            "diagnosis": [{"condition": "cond_1", "use": "DD", "rank": 1}, {"condition": "broken arm", "use": "other"}],
            "appointmentId": "apt_1",
        }
    ) == {
        "resourceType": "Encounter",
        "status": "planned",
        "class": {"system": ACT_CODE, "code": "VR"},
        "subject": {"reference": "Patient/pt_1"},
        "participant": [
            {
                "type": [
                    {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                                "code": "PPRF",
                            }
                        ]
                    }
                ],
                "individual": {"reference": "Practitioner/prac_1"},
            },
            {"type": [{"text": "nurse"}], "individual": {"reference": "Practitioner/prac_2"}},
        ],
        "type": [{"text": "Check-up"}],
        "reasonCode": [{"text": "Cough"}],
        "length": {"value": 20, "unit": "min", "system": "http://unitsofmeasure.org", "code": "min"},
        "location": [{"location": {"display": "Room 1"}}],
        "diagnosis": [
            {
                "condition": {"reference": "Condition/cond_1"},
                "use": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/diagnosis-role", "code": "DD"}]},
                "rank": 1,
            },
            {"condition": {"display": "broken arm"}, "use": {"text": "other"}},
        ],
        "appointment": [{"reference": "Appointment/apt_1"}],
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Patient/pt_1", "pt_1"),
        ("https://h/fhir/Patient/pt_1", "pt_1"),
        ("Patient/pt_1/_history/2", "pt_1"),
        ("https://h/fhir/Patient/pt_1/_history/2", "pt_1"),
        ("pt_1", "pt_1"),
        ("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"),
        ("#contained", "#contained"),
        ("urn:example:a/b?c", "urn:example:a/b?c"),
        ("Patient?identifier=https://h/mrn|1", None),
        ("Patient/", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_the_id_in_a_reference(address: Any, expected: str | None) -> None:
    assert read(subject={"reference": address}).get("patientId") == expected


def test_a_reference_without_an_address_gives_no_id() -> None:
    resource = {"resourceType": "Encounter", "subject": {"identifier": {"value": "1"}, "display": "A. Person"}}
    assert ENCOUNTER.simplify(resource) == {"fhir": {"subject": resource["subject"]}}


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ({"subject": {"reference": "Group/g1"}}, "patientId"),
        ({"subject": {"reference": "g1", "type": "Group"}}, "patientId"),
        ({"subject": {"reference": "https://h/fhir/Group/g1"}}, "patientId"),
        ({"basedOn": [{"reference": "CarePlan/c1"}]}, "basedOnId"),
        ({"participant": [{"individual": {"reference": "PractitionerRole/r1"}}]}, "practitionerId"),
    ],
)
def test_a_reference_to_another_type_is_not_mapped_and_stays_whole(items: dict[str, Any], field: str) -> None:
    resource = {"resourceType": "Encounter", "id": "enc_1", **items}
    record = ENCOUNTER.simplify(resource)
    assert field not in record
    assert record["fhir"] == items
    assert ENCOUNTER.restore(record) == resource


def test_the_first_reference_to_the_right_type_counts() -> None:
    links = [{"reference": "CarePlan/c1"}, {"reference": "ServiceRequest/s1"}]
    assert read(basedOn=links) == {"basedOnId": "s1"}


@pytest.mark.parametrize(
    ("individual", "counts"),
    [
        ({"reference": "Practitioner/x"}, True),
        ({"reference": "https://h/fhir/Practitioner/x/_history/1"}, True),
        ({"reference": "PractitionerRole/x"}, False),
        ({"reference": "urn:uuid:x", "type": "Practitioner"}, True),
        ({"reference": "x", "type": "Practitioner"}, True),
        ({"reference": "urn:uuid:x"}, False),
        ({"reference": "RelatedPerson/x"}, False),
        ({"reference": "Patient/x"}, False),
        ({"display": "Dr. X", "type": "Practitioner"}, False),
        (None, False),
    ],
)
def test_only_practitioners_are_practitioners(individual: Any, counts: bool) -> None:
    assert ("practitionerId" in read(participant=[{"individual": individual}])) is counts


def test_a_practitioner_known_by_a_urn_stays_one() -> None:
    record = {"practitionerId": "urn:uuid:1", "participants": [{"practitionerId": "urn:uuid:2"}]}
    assert ENCOUNTER.simplify(ENCOUNTER.restore(record)) == record


def test_a_further_participant_keeps_what_else_is_known_of_it() -> None:
    first, second = ({"individual": {"reference": f"Practitioner/prac_{number}"}} for number in (1, 2))
    assert read(participant=[first, {**second, "period": {"start": "2025"}}])["participants"] == [
        {"practitionerId": "prac_2", "period": {"start": "2025"}}
    ]


def test_without_a_primary_performer_the_first_practitioner_is_the_one() -> None:
    entries = [{"individual": {"reference": f"Practitioner/prac_{number}"}} for number in (1, 2, 3)]
    assert read(participant=entries) == {
        "practitionerId": "prac_1",
        "participants": [{"practitionerId": "prac_2"}, {"practitionerId": "prac_3"}],
    }


@pytest.mark.parametrize(
    ("concept", "expected"),
    [
        ({"text": "a", "coding": [{"display": "b", "code": "c"}]}, "a"),
        ({"coding": [{"display": "b", "code": "c"}]}, "b"),
        ({"coding": [{"code": "c"}, {"display": "d"}]}, "c"),
        ({"text": "", "coding": [{"display": "", "code": "c"}]}, "c"),
        ({"coding": []}, None),
        ({"coding": {"code": "c"}}, None),
        ({}, None),
    ],
)
def test_the_text_of_a_concept(concept: dict[str, Any], expected: str | None) -> None:
    assert read(priority=concept).get("priority") == expected
    assert read(type=[concept]).get("type") == expected
    assert read(reasonCode=[concept]).get("reasonCode") == expected
    assert read(hospitalization={"reAdmission": concept})["hospitalization"].get("reAdmission") == expected


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [
        ({"value": 45, "code": "min"}, 45),
        ({"value": 45.0, "unit": "min"}, 45),
        ({"value": 1.5, "code": "h"}, 90),
        ({"value": 4.1, "unit": "Hours"}, 246),
        ({"value": 1, "unit": "hr"}, 60),
        ({"value": 2, "unit": "Mins"}, 2),
        ({"value": 2, "unit": "ms"}, 2 / 60_000),
        ({"value": 2, "unit": "days"}, 2880),
        ({"value": 1, "code": "wk", "unit": "Wochen"}, 10080),
        ({"value": 90, "code": "s"}, 1.5),
        ({"value": 30_000, "unit": "milliseconds"}, 0.5),
        ({"value": 3, "code": "??", "unit": "minute"}, 3),
        ({"value": 3, "code": "mo"}, None),
        ({"value": 3}, None),
        ({"value": True, "code": "min"}, None),
        ({"value": "3", "code": "min"}, None),
        ({"value": 10**400, "code": "min"}, None),
        ({"value": float("nan"), "code": "min"}, None),
        ({"value": 3, "code": "min", "comparator": "<"}, None),
    ],
)
def test_a_length_in_minutes(duration: dict[str, Any], minutes: float | None) -> None:
    found = read(length=duration).get("lengthMinutes")
    assert (found, type(found)) == (minutes, type(minutes))


def test_the_place_is_the_active_location_by_name_else_by_id() -> None:
    first, second = {"location": {"reference": "Location/loc_1"}}, {"location": {"display": "Ward 3"}}
    assert read(location=[first, second])["location"] == "loc_1"
    assert read(location=[first, {**second, "status": "active"}])["location"] == "Ward 3"
    assert read(location=[{"status": "active"}, first])["location"] == "loc_1"
    assert read(serviceProvider={"reference": "Organization/org_1"})["serviceProvider"] == "org_1"


def test_a_diagnosis_is_named_by_id_else_by_display_and_used_by_code_else_by_text() -> None:
    assert read(
        diagnosis=[
            {
                "condition": {"reference": "Condition/cond_1", "display": "Flu"},
                "use": {"text": "x", "coding": [{"code": "AD"}]},
            },
            {"condition": {"display": "Flu"}, "use": {"text": "x"}, "rank": 2},
            {"condition": {}, "use": {}},
        ]
    ) == {"diagnosis": [{"condition": "cond_1", "use": "AD"}, {"condition": "Flu", "use": "x", "rank": 2}, {}]}


@pytest.mark.parametrize("use", ["AD", "DD", "CC", "CM", "pre-op", "post-op", "billing"])
def test_the_use_of_a_diagnosis_is_written_as_the_code_that_fhir_has_for_it(use: str) -> None:
    written = Encounter.from_dict({"id": "enc-1", "status": "planned", "diagnosis": [{"use": use}]}).to_fhir()
    system = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
    assert written["diagnosis"][0]["use"] == {"coding": [{"system": system, "code": use}]}


def test_what_is_simplified_already_or_of_the_wrong_type_stays_as_it_is() -> None:
    strange = {
        "class": "AMB",
        "subject": "Patient/pt_1",
        "participant": "nobody",
        "type": {"text": "a"},
        "serviceType": ["a"],
        "reasonCode": ["a"],
        "length": 45,
        "location": "Ward 3",
        "serviceProvider": None,
        "diagnosis": [{"condition": "I10", "use": "AD"}, None],
        "partOf": [],
        "hospitalization": {"admitSource": "a", "dietPreference": ["b"], "origin": 5},
    }
    assert read(**strange) == strange


def test_a_change_within_the_hospitalization_leaves_its_other_details_alone() -> None:
    full = {"admitSource": {"coding": [{"code": "emd"}]}, "reAdmission": {"text": "R", "coding": [{"code": "R"}]}}
    record = ENCOUNTER.simplify({"resourceType": "Encounter", "hospitalization": full})
    record["hospitalization"] = {**record["hospitalization"], "admitSource": "Transfer"}
    assert ENCOUNTER.restore(record)["hospitalization"] == {**full, "admitSource": {"text": "Transfer"}}


def test_a_patient_that_was_named_twice_is_taken_from_the_subject_and_both_come_back() -> None:
    resource = {"resourceType": "Encounter", "subject": {"reference": "Patient/pt_1"}, "patientId": "pt_9"}
    record = ENCOUNTER.simplify(resource)
    assert record["patientId"] == "pt_1"
    assert ENCOUNTER.restore(record) == resource
    assert ENCOUNTER.restore({**record, "patientId": "pt_2"})["subject"] == {"reference": "Patient/pt_2"}
