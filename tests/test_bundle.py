"""A read that is answered with a FHIR Bundle gives the record that was asked for, and what came along."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given

from clinik_client import Clinik, ClinikNotFoundError, ClinikResponseError
from clinik_client._bundle import is_bundle, open_bundle
from tests.inside import on_virtual_time
from tests.servers import Connect, Serve, ok, record, refuse, respond
from tests.strategies import json_values

FHIR_ENCOUNTER = {"resourceType": "Encounter", "class": {"code": "AMB"}, "subject": {"reference": "Patient/pt_7"}}
PATIENT = {"resourceType": "Patient", "id": "pt_7", "birthDate": "1970-02-03"}
PARENT = {"resourceType": "Encounter", "id": "enc_9", "status": "finished"}


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


@pytest.mark.parametrize("shape", [FHIR_ENCOUNTER, {"class": "AMB", "patientId": "pt_7"}], ids=["fhir", "simplified"])
@pytest.mark.parametrize("in_envelope", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_the_record_asked_for_is_the_data_and_the_others_are_reachable_by_type_and_id(
    serve: Serve, connect: Connect, shape: dict[str, Any], in_envelope: bool, first: bool
) -> None:
    asked, others = record("enc_1", **shape), [PATIENT, PARENT]
    sent = bundle(*([asked, *others] if first else [*others, asked]))
    clinik = connect(serve(ok(sent) if in_envelope else respond(200, sent)))
    response = clinik.encounters.read("enc_1", include=["patient", "partOf"])
    assert (response.data.id, response.data.class_, response.data.patient_id) == ("enc_1", "AMB", "pt_7")
    assert response.meta.included == {"Patient": {"pt_7": PATIENT}, "Encounter": {"enc_9": PARENT}}
    assert response.included is response.meta.included


def test_a_record_alone_has_nothing_included(serve: Serve, connect: Connect) -> None:
    encounter, meta = connect(serve(ok(record()))).encounters.read("enc_1", include=["patient"])
    assert (encounter.id, meta.included) == ("enc_1", {})


def test_the_metadata_of_a_bundles_envelope_counts_and_that_of_the_bundle_does_not(
    serve: Serve, connect: Connect
) -> None:
    sent = bundle(record(), meta={"lastUpdated": "2025-01-01T00:00:00Z", "requestId": "req_x"})
    assert connect(serve(ok(sent, meta={"requestId": "req_1"}))).encounters.read("enc_1").meta.request_id == "req_1"


@pytest.mark.parametrize("others", [(), (PATIENT,), (PARENT,), ({"resourceType": "OperationOutcome", "issue": []},)])
def test_a_bundle_without_the_record_says_that_searches_are_behind_and_not_that_there_is_none(
    serve: Serve, connect: Connect, others: tuple[Any, ...]
) -> None:
    clinik = connect(serve(ok(bundle(*others))))
    on_virtual_time(clinik)
    with pytest.raises(ClinikResponseError, match=r"without the record.* 10 seconds later") as raised:
        clinik.encounters.read("enc_1", include=["patient"])
    assert not isinstance(raised.value, ClinikNotFoundError)
    assert raised.value.attempts == 3
    assert not any(text in f"{raised.value} {vars(raised.value)}" for text in ("enc_1", "enc_9", "pt_7", "1970"))


def test_a_record_that_a_search_finds_at_last_is_read(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(ok(bundle()), ok(bundle(record(), PATIENT))))
    on_virtual_time(clinik)
    response = clinik.encounters.read("enc_1", include=["patient"])
    assert (response.data.id, response.meta.attempts, list(response.included)) == ("enc_1", 2, ["Patient"])


def test_another_records_error_stays_what_it_is(serve: Serve, connect: Connect) -> None:
    with pytest.raises(ClinikNotFoundError):
        connect(serve(refuse(404, "NOT_FOUND"))).encounters.read("enc_1", include=["patient"])


def update(clinik: Clinik) -> object:
    return clinik.encounters.update("enc_1", status="finished")


def create(clinik: Clinik) -> object:
    return clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_7")


@pytest.mark.parametrize("write", [update, create])
def test_a_write_is_not_confirmed_by_a_bundle(serve: Serve, connect: Connect, write: Any) -> None:
    with pytest.raises(ClinikResponseError, match="not a record of the kind"):
        write(connect(serve(ok(bundle(record()), 200))))


def test_no_repr_shows_what_came_along(serve: Serve, connect: Connect) -> None:
    response = connect(serve(ok(bundle(record(), PATIENT)))).encounters.read("enc_1")
    assert not any(text in f"{response} {response!r} {response.meta!r}" for text in ("1970", "pt_7"))


def test_a_response_with_included_records_is_copied_and_pickled(serve: Serve, connect: Connect) -> None:
    response = connect(serve(ok(bundle(record(), PATIENT)))).encounters.read("enc_1")
    for again in (copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        assert again == response
        assert again.included == {"Patient": {"pt_7": PATIENT}}


def test_a_record_without_type_or_id_is_known_by_its_address() -> None:
    entries = [
        {"fullUrl": "https://fhir.example/Patient/pt_1", "resource": {"birthDate": "1970"}},
        {"fullUrl": "https://fhir.example/Patient/pt_2", "resource": {"id": "pt_3"}},
        {"fullUrl": "urn:uuid:8f3a", "resource": {"resourceType": "Location", "id": "loc_1"}},
        {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
        {"fullUrl": "https://fhir.example/Location/loc_2"},
    ]
    _, others = open_bundle({"entry": entries}, lambda found: False)
    assert {kind: list(found) for kind, found in others.items()} == {"Patient": ["pt_1", "pt_3"], "Location": ["loc_1"]}


@given(json_values, json_values)
def test_nonsense_in_a_bundle_is_passed_over(entry: Any, entries: Any) -> None:
    for sent in ({"entry": [entry]}, {"entry": entries}, {"entry": [{"resource": entry, "fullUrl": entries}]}):
        record, others = open_bundle(sent, lambda found: False)
        assert record is None
        assert all(isinstance(one, dict) for found in others.values() for one in found.values())
    assert not is_bundle(entry) or entry["resourceType"] == "Bundle"


def test_a_bundle_that_is_nested_too_deep_is_refused(serve: Serve, connect: Connect) -> None:
    nested: Any = 1
    for _ in range(150):
        nested = [nested]
    clinik = connect(serve(ok(bundle(record(), {**PATIENT, "extension": nested}))), retries=0)
    with pytest.raises(ClinikResponseError, match="deeper than 100"):
        clinik.encounters.read("enc_1", include=["patient"])
