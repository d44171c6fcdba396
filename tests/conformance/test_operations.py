"""The five operations: their statuses, and what each leaves behind."""

from __future__ import annotations

import re

import pytest

from tests.conformance.service import ServiceUnderTest, record_of, simple

WHOLE = {
    "status": "in-progress",
    "class": "AMB",
    "type": "Annual physical",
    "period": {"start": "2025-06-01T09:00:00Z"},
    "lengthMinutes": 30,
    "diagnosis": [{"condition": "I10", "use": "AD", "rank": 1}, {"condition": "E11.9"}],
}


def test_a_create_responds_with_the_stored_encounter(service: ServiceUnderTest) -> None:
    """POST /v1/encounters records an encounter: 201, and the encounter with all that was sent.
    (SDK reference, encounters)
    """
    sent = service.body(**WHOLE)
    answer = service.ask("POST", "/v1/encounters", json=sent)
    assert answer.status_code == 201
    created = simple(record_of(answer))
    assert {name: created.get(name) for name in sent} == sent


def test_an_id_is_made_of_what_an_id_may_have(service: ServiceUnderTest) -> None:
    """The service gives each encounter an id, such as enc_xyz789. (SDK reference, encounters)"""
    ids = {service.create(), service.create()}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,128}", id) for id in ids)


def test_what_is_required_is_enough(service: ServiceUnderTest) -> None:
    """A create needs status, class and patientId, and nothing else. (SDK reference, encounters)"""
    assert service.ask("POST", "/v1/encounters", json=service.body()).status_code == 201


@pytest.mark.parametrize("name", ["status", "class", "patientId"])
def test_what_is_required_is_required(service: ServiceUnderTest, name: str) -> None:
    """A create without status, class or patientId is refused with 422. (SDK reference, encounters)"""
    body = service.body()
    del body[name]
    answer = service.ask("POST", "/v1/encounters", json=body)
    assert answer.status_code == 422
    assert name in answer.text


def test_a_read_responds_with_the_encounter(service: ServiceUnderTest) -> None:
    """GET /v1/encounters/{id} responds with 200 and the encounter. (SDK reference, encounters)"""
    id = service.create(**WHOLE)
    found = service.read(id)
    assert {name: found.get(name) for name in WHOLE} == WHOLE
    assert found["id"] == id


@pytest.mark.parametrize("names", [["patient"], ["patient", "practitioner"]])
def test_a_read_takes_several_includes(service: ServiceUnderTest, names: list[str]) -> None:
    """A read takes _include=Encounter:name, as often as records are wanted along. (SDK reference, encounters)"""
    id = service.create()
    query = "&".join(f"_include=Encounter:{name}" for name in names)
    answer = service.ask("GET", f"/v1/encounters/{id}?{query}")
    assert answer.status_code == 200
    record = answer.json()["data"]
    # A Bundle comes from the index, where a new encounter may still be missing.
    assert record.get("resourceType") == "Bundle" or simple(record)["id"] == id


def test_an_update_responds_with_the_whole_encounter(service: ServiceUnderTest) -> None:
    """PATCH /v1/encounters/{id} responds with 200 and the complete encounter after the change.
    (SDK reference, encounters)
    """
    id = service.create(**WHOLE)
    answer = service.ask("PATCH", f"/v1/encounters/{id}", json={"status": "finished"})
    assert answer.status_code == 200
    changed = simple(record_of(answer))
    assert {name: changed.get(name) for name in WHOLE} == {**WHOLE, "status": "finished"}
    assert changed["id"] == id


def test_an_update_changes_what_is_sent_and_nothing_else(service: ServiceUnderTest) -> None:
    """An update changes the fields that are sent; all others stay as they are. (SDK reference, encounters)"""
    id = service.create(**WHOLE)
    service.ask("PATCH", f"/v1/encounters/{id}", json={"lengthMinutes": 45})
    found = service.read(id)
    assert {name: found.get(name) for name in WHOLE} == {**WHOLE, "lengthMinutes": 45}


def test_an_update_of_the_diagnoses_replaces_them_all(service: ServiceUnderTest) -> None:
    """The diagnosis of an update takes the place of the whole list before. (SDK reference, encounters)"""
    id = service.create(**WHOLE)
    diagnosis = [{"condition": "J06.9", "use": "DD", "rank": 1}]
    service.ask("PATCH", f"/v1/encounters/{id}", json={"diagnosis": diagnosis})
    assert service.read(id)["diagnosis"] == diagnosis


def test_a_delete_has_no_content(service: ServiceUnderTest) -> None:
    """DELETE /v1/encounters/{id} responds with 204, an empty body, and the facts in headers.
    (SDK reference, encounters)
    """
    answer = service.ask("DELETE", f"/v1/encounters/{service.create()}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-request-id"]
    assert answer.headers["x-timestamp"]
    assert int(answer.headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Limit"])


def test_what_refers_to_a_deleted_encounter_goes_on_naming_it(service: ServiceUnderTest) -> None:
    """Records that refer to a deleted encounter keep their reference. (SDK reference, encounters)"""
    parent = service.create()
    child = service.create(partOfId=parent)
    assert service.ask("DELETE", f"/v1/encounters/{parent}").status_code == 204
    assert service.read(child)["partOfId"] == parent


def test_a_search_responds_with_a_page(service: ServiceUnderTest) -> None:
    """GET /v1/encounters responds with 200 and a page: data, hasMore, and perhaps total and cursor.
    (SDK reference, encounters)
    """
    page = service.search()
    assert page.keys() >= {"data", "hasMore"}
    assert page.keys() <= {"data", "hasMore", "total", "cursor"}
    assert isinstance(page["hasMore"], bool)
    assert all(isinstance(row, dict) for row in page["data"])
