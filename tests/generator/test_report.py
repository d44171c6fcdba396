"""The change report speaks of the API, and marks what breaks programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from generator.prepare import prepare
from generator.report import Change, changes, report
from generator.sources import Prepared

from .edited import edited_document
from .test_following_edits import add_beds


def prepared(edit: Callable[[Any], None]) -> Prepared:
    return prepare(edited_document(edit))


@pytest.fixture(scope="module")
def committed() -> Prepared:
    return prepared(lambda document: None)


def properties(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]["properties"]


def add_field(document: Any) -> None:
    properties(document, "EncounterCreateRequest")["note"] = {"type": "string", "description": "A note."}


def add_required_field(document: Any) -> None:
    add_field(document)
    document["components"]["schemas"]["EncounterCreateRequest"]["required"].append("note")


def remove_field(document: Any) -> None:
    del properties(document, "Encounter")["location"]


def add_value(document: Any) -> None:
    document["components"]["schemas"]["EncounterStatus"]["enum"].append("on-hold")


def remove_value(document: Any) -> None:
    document["components"]["schemas"]["EncounterStatus"]["enum"].remove("onleave")


def remove_parameter(document: Any) -> None:
    parameters = document["paths"]["/v1/encounters"]["get"]["parameters"]
    parameters[:] = [parameter for parameter in parameters if parameter["name"] != "sort"]


def add_parameter(document: Any) -> None:
    parameters = document["paths"]["/v1/encounters"]["get"]["parameters"]
    parameters.append({"name": "ward", "in": "query", "schema": {"type": "string"}})


def tighten(document: Any) -> None:
    properties(document, "EncounterUpdateRequest")["location"]["maxLength"] = 100


def loosen(document: Any) -> None:
    properties(document, "EncounterUpdateRequest")["location"]["maxLength"] = 300


def lower_minimum_to_nothing(document: Any) -> None:
    del properties(document, "EncounterUpdateRequest")["lengthMinutes"]["minimum"]


def change_type(document: Any) -> None:
    properties(document, "Encounter")["location"]["type"] = "integer"


def make_optional(document: Any) -> None:
    document["components"]["schemas"]["EncounterCreateRequest"]["required"].remove("class")


def make_required(document: Any) -> None:
    document["components"]["schemas"]["EncounterCreateRequest"]["required"].append("period")


def make_the_id_of_a_response_optional(document: Any) -> None:
    document["components"]["schemas"]["Encounter"]["required"].remove("id")


def remove_operation(document: Any) -> None:
    del document["paths"]["/v1/encounters/{id}"]["delete"]


def move(document: Any) -> None:
    document["paths"]["/v2/encounters"] = document["paths"].pop("/v1/encounters")


def reword(document: Any) -> None:
    properties(document, "Period")["start"]["description"] = "The first moment."


def move_the_service(document: Any) -> None:
    document["servers"][0]["url"] = "https://api.example"


def rename_the_header_of_the_key(document: Any) -> None:
    document["components"]["securitySchemes"]["apiKey"]["name"] = "x-key"


def put_another_prefix(document: Any) -> None:
    parameters = document["paths"]["/v1/encounters/{id}"]["get"]["parameters"]
    parameters[1]["schema"]["items"]["x-prefix"] = "Visit:"


@pytest.mark.parametrize(
    ("edit", "text", "breaking"),
    [
        (add_field, "field note added to EncounterCreateRequest: str", False),
        (add_required_field, "field note added to EncounterCreateRequest, required", True),
        (remove_field, "field location removed from Encounter", True),
        (add_value, "value on-hold added to EncounterStatus", False),
        (remove_value, "value onleave removed from EncounterStatus", True),
        (remove_parameter, "parameter sort removed from EncounterSearchParams", True),
        (add_parameter, "parameter ward added to EncounterSearchParams: str", False),
        (tighten, "field location of EncounterUpdateRequest: maxLength is now 100, was 200", True),
        (loosen, "field location of EncounterUpdateRequest: maxLength is now 300, was 200", False),
        (
            lower_minimum_to_nothing,
            "field lengthMinutes of EncounterUpdateRequest: minimum is now without limit, was 0",
            False,
        ),
        (change_type, "field location of Encounter is now int, was str", True),
        (make_required, "field period of EncounterCreateRequest became required", True),
        (make_the_id_of_a_response_optional, "field id of Encounter became optional", True),
        (make_optional, "field class of EncounterCreateRequest became optional", False),
        (remove_operation, "operation deleteEncounter removed", True),
        (
            move_the_service,
            "servers.0.url is now https://api.example, was https://api.clinikapi.com; it is written by hand: see "
            "BASE_URL in clinik_client",
            False,
        ),
        (
            rename_the_header_of_the_key,
            "components.securitySchemes.apiKey.name is now x-key, was x-api-key; it is written by hand: see "
            "KEY_HEADER in clinik_client",
            False,
        ),
        (
            put_another_prefix,
            "parameter _include of EncounterReadParams: items.x-prefix is now Visit:, was Encounter:",
            False,
        ),
        (reword, "field start of Period: description changed", False),
    ],
)
def test_each_change_is_told_in_the_terms_of_the_api_and_marked_when_it_breaks(
    committed: Prepared, edit: Callable[[Any], None], text: str, breaking: bool
) -> None:
    found = changes(committed, prepared(edit))
    assert [(change.text, bool(change.breaks)) for change in found] == [(text, breaking)]


def test_a_moved_path_is_told_for_each_operation(committed: Prepared) -> None:
    found = changes(committed, prepared(move))
    assert {change.text for change in found} == {
        "operation createEncounter moved from POST /v1/encounters to POST /v2/encounters",
        "operation searchEncounters moved from GET /v1/encounters to GET /v2/encounters",
    }


def test_a_limit_of_a_named_scalar_is_told_for_each_field_that_has_it(committed: Prepared) -> None:
    def shorten(document: Any) -> None:
        document["components"]["schemas"]["RecordId"]["maxLength"] = 64

    # Other resources have ids as well.
    found = [
        change
        for change in changes(committed, prepared(shorten))
        if re.search(r" of (Participant|Encounter\w*):", change.text)
    ]
    assert len(found) == len({change.text for change in found}) == 13
    assert {change.text.partition(": ")[2] for change in found} == {"maxLength is now 64, was 128"}
    assert {change.text.partition(":")[0] for change in found if change.breaks} == {
        "parameter patientId of EncounterSearchParams",
        "field practitionerId of Participant",
        *(
            f"field {name} of EncounterCreateRequest"
            for name in ("patientId", "practitionerId", "appointmentId", "basedOnId", "partOfId")
        ),
    }


def test_a_new_resource_is_told_and_breaks_nothing(committed: Prepared) -> None:
    found = changes(committed, prepared(add_beds))
    assert "operation createBed added: POST /v1/beds" in [change.text for change in found]
    assert not any(change.breaks for change in found)
    back = changes(prepared(add_beds), committed)
    assert all(change.breaks for change in back if "removed" in change.text)


def test_no_change_is_told_as_such(committed: Prepared) -> None:
    assert report(changes(committed, committed)) == "No change of the API since the committed version."


def test_the_report_counts_and_marks() -> None:
    text = report([Change("field a added to B"), Change("field c removed from B", "c is gone")])
    assert text.splitlines() == [
        "2 changes of the API since the committed version, 1 of them breaking:",
        "            field a added to B",
        "  BREAKING  field c removed from B (c is gone)",
    ]


def test_other_media_types_are_told(committed: Prepared) -> None:
    def edit(document: Any) -> None:
        del document["paths"]["/v1/encounters"]["post"]["requestBody"]["content"]["application/fhir+json"]

    [told] = changes(committed, prepared(edit))
    assert told.text.endswith("its media types are now application/json, were application/json, application/fhir+json")
    assert not told.breaks
