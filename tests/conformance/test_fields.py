"""The fields that may be written, each at its limit and one step beyond it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.service import ServiceUnderTest, issues_of, record_of, simple

STATUSES = ["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled"]
CLASSES = ["AMB", "IMP", "EMER", "HH", "VR"]

# Field, a value that just keeps to its limit, one that just does not.
LIMITS: list[tuple[str, Any, Any]] = [
    ("type", "k" * 200, "k" * 201),
    ("serviceType", "k" * 200, "k" * 201),
    ("priority", "k" * 50, "k" * 51),
    ("location", "k" * 200, "k" * 201),
    ("serviceProvider", "k" * 200, "k" * 201),
    ("reasonCode", "k" * 500, "k" * 501),
    ("reasonCode", ["k" * 500, "k"], ["k", "k" * 501]),
    ("lengthMinutes", 0, -1),
    ("lengthMinutes", 10080, 10081),
    ("diagnosis", [{"condition": "kkkk"}] * 20, [{"condition": "kkkk"}] * 21),
    ("diagnosis", [{"condition": "kkkk", "rank": 1}], [{"condition": "kkkk", "rank": 0}]),
    ("diagnosis", [{"condition": "kkkk", "use": "AD"}], [{"use": "kkkk"}]),
    ("period", {"start": "2025-06-01T09:00:00Z"}, {"start": "kkkk"}),
]
LIMIT_IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(LIMITS)]
CREATE_ONLY: list[tuple[str, Any, Any]] = [
    ("participants", [{"practitionerId": "prac_1", "role": "kkkk"}], [{"role": "kkkk"}]),
    ("status", "planned", "kkkk"),
    ("patientId", "pt_abc123", 7777),
    ("hospitalization", {"dietPreference": ["Vegetarian"]}, {"dietPreference": "kkkk"}),
]

EVERY_FIELD: dict[str, Any] = {
    "practitionerId": "prac_def456",
    "participants": [{"practitionerId": "prac_ghi012", "role": "Attending surgeon"}],
    "type": "Annual physical",
    "serviceType": "General practice",
    "priority": "urgent",
    "reasonCode": ["Abdominal pain", "Fever"],
    "period": {"start": "2025-06-01T09:00:00Z", "end": "2025-06-01T09:30:00Z"},
    "lengthMinutes": 30,
    "location": "Ward 4B",
    "serviceProvider": "Northside Hospital",
    "diagnosis": [{"condition": "I10", "use": "AD", "rank": 1}],
    "appointmentId": "appt_mno345",
    "basedOnId": "sr_1",
    "partOfId": "enc_parent",
    "hospitalization": {
        "admitSource": "Emergency department",
        "dischargeDisposition": "Home",
        "reAdmission": "Within 30 days",
        "destination": "Home",
        "origin": "Northside Emergency Department",
        "dietPreference": ["Vegetarian"],
        "specialArrangement": ["Wheelchair"],
    },
}
NEVER_CHANGED = ("practitionerId", "participants", "appointmentId", "basedOnId", "partOfId")


def check_refusal(answer: Any, name: str) -> None:
    assert answer.status_code == 422, answer.text
    told = issues_of(answer)
    assert told
    assert any(name in issue.get("diagnostics", "") or name in issue.get("location", []) for issue in told)
    assert "kkkk" not in answer.text
    assert "7777" not in answer.text


@pytest.mark.parametrize("name", EVERY_FIELD)
def test_a_create_takes_every_field(service: ServiceUnderTest, name: str) -> None:
    """A create takes the documented fields besides those that are required. (SDK reference, encounters)"""
    answer = service.ask("POST", "/v1/encounters", json=service.body(**{name: EVERY_FIELD[name]}))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("name", [name for name in EVERY_FIELD if name not in NEVER_CHANGED])
def test_an_update_takes_every_field_that_can_be_changed(service: ServiceUnderTest, name: str) -> None:
    """An update takes any part of the fields that can be changed. (SDK reference, encounters)"""
    value = EVERY_FIELD[name]
    if name == "hospitalization":
        value = {part: value[part] for part in value if part != "origin"}
    answer = service.ask("PATCH", f"/v1/encounters/{service.create()}", json={name: value})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_can_be_written(service: ServiceUnderTest, status: str) -> None:
    """status is one of planned, arrived, triaged, in-progress, onleave, finished and cancelled.
    (SDK reference, encounters)
    """
    assert service.read(service.create(status=status))["status"] == status


@pytest.mark.parametrize("class_", CLASSES)
def test_every_class_can_be_written(service: ServiceUnderTest, class_: str) -> None:
    """class is one of AMB, IMP, EMER, HH and VR. (SDK reference, encounters)"""
    answer = service.ask("POST", "/v1/encounters", json=service.body(**{"class": class_}))
    assert simple(record_of(answer))["class"] == class_


@pytest.mark.parametrize(("name", "within", "beyond"), LIMITS, ids=LIMIT_IDS)
def test_a_create_takes_a_value_at_its_limit_and_none_beyond(
    service: ServiceUnderTest, name: str, within: Any, beyond: Any
) -> None:
    """A field beyond its limit is refused with 422; the issues name the field and never the value.
    (API reference, encounters)
    """
    assert service.ask("POST", "/v1/encounters", json=service.body(**{name: within})).status_code == 201
    check_refusal(service.ask("POST", "/v1/encounters", json=service.body(**{name: beyond})), name)


@pytest.mark.parametrize(("name", "within", "beyond"), LIMITS, ids=LIMIT_IDS)
def test_an_update_takes_a_value_at_its_limit_and_none_beyond(
    service: ServiceUnderTest, name: str, within: Any, beyond: Any
) -> None:
    """An update has the limits of a create, and one that is refused changes nothing. (API reference, encounters)"""
    id = service.create()
    assert service.ask("PATCH", f"/v1/encounters/{id}", json={name: within}).status_code == 200
    before = service.read(id)
    check_refusal(service.ask("PATCH", f"/v1/encounters/{id}", json={name: beyond, "status": "finished"}), name)
    assert service.read(id) == before


@pytest.mark.parametrize(("name", "right", "wrong"), CREATE_ONLY, ids=[name for name, _, _ in CREATE_ONLY])
def test_a_create_refuses_what_is_of_another_kind(service: ServiceUnderTest, name: str, right: Any, wrong: Any) -> None:
    """A value of another kind than the documented one is refused with 422, and not repeated. (Errors)"""
    value = service.address.patient if name == "patientId" else right
    assert service.ask("POST", "/v1/encounters", json=service.body(**{name: value})).status_code == 201
    check_refusal(service.ask("POST", "/v1/encounters", json=service.body(**{name: wrong})), name)
