"""One edit in the document, one run of the generator: the SDK follows. Nothing else is touched."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from clinik_client.testing import WireRequest, WireResponse, WireServer

from .edited import Edit, EditedSdk, make_sdk

KEY = "clk_test_edits"


def schema(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]


def both_requests(document: Any) -> list[Any]:
    return [schema(document, "EncounterCreateRequest"), schema(document, "EncounterUpdateRequest")]


TOGETHER: list[Edit] = []


def together(edit: Edit) -> Edit:
    """An edit that lives in one document with others: generating for each alone would take long and show no more."""
    TOGETHER.append(edit)
    return edit


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EditedSdk]:
    """A copy of the SDK that follows all of them."""

    def edit_all(document: Any) -> None:
        for edit in TOGETHER:
            edit(document)

    made = make_sdk(edit_all, tmp_path_factory.mktemp("together"), "clinik_edited")
    yield made
    made.unload()


@pytest.fixture
def edited(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., EditedSdk]]:
    made: list[EditedSdk] = []

    def make(edit: Edit, *add: Callable[[Path], object]) -> EditedSdk:
        made.append(make_sdk(edit, tmp_path, f"clinik_edit_{request.node.name}_{len(made)}", *add))
        return made[-1]

    yield make
    for sdk in made:
        sdk.unload()


def _query(request: WireRequest) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(urlsplit(request.target).query))


def _path(request: WireRequest) -> str:
    return urlsplit(request.target).path


class Asked(list[WireRequest]):
    """What a server was asked."""


@pytest.fixture
def talk() -> Iterator[Callable[..., tuple[Any, Asked]]]:
    """Connect a copy's client to a server that gives each request the same response."""
    running: list[Any] = []

    def connect(sdk: EditedSdk, response: bytes, status: int = 200) -> tuple[Any, Asked]:
        seen = Asked()

        def handle(request: WireRequest) -> WireResponse:
            seen.append(request)
            return WireResponse(status, (("content-type", "application/json"),), response)

        server = WireServer(handle)
        server.start()
        client = sdk.load().Clinik(KEY, base_url=server.url, trust_env=False, retries=0)
        running.append((client, server))
        return client, seen

    yield connect
    for client, server in running:
        client.close()
        server.stop()


MINIMAL = {"status": "planned", "class_": "VR", "patient_id": "pt_1"}
RESPONSE = b'{"data": {"id": "enc_1"}, "meta": {}}'
PAGE = b'{"data": {"data": [], "hasMore": false}, "meta": {}}'


def refused(sdk: EditedSdk, call: Callable[[], object]) -> list[str]:
    """The diagnostics with which a call is refused."""
    with pytest.raises(sdk.load().ClinikValidationError) as caught:
        call()
    return [issue["diagnostics"] for issue in caught.value.issues]


@together
def edit_a_new_text_field_is_a_keyword_with_its_limit_and_is_read(document: Any) -> None:
    for owner in both_requests(document):
        owner["properties"]["triageNote"] = {"type": "string", "maxLength": 5, "description": "What triage wrote."}
    schema(document, "Encounter")["properties"]["triageNote"] = {"type": "string", "description": "The same."}


def test_a_new_text_field_is_a_keyword_with_its_limit_and_is_read(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, b'{"data": {"id": "enc_1", "triageNote": "calm"}, "meta": {}}')
    encounter, _ = client.encounters.create(**MINIMAL, triage_note="calm")
    assert encounter.triage_note == "calm"
    assert b'"triageNote":"calm"' in seen[0].body
    assert refused(sdk, lambda: client.encounters.update("enc_1", triage_note="louder")) == [
        "triageNote (triage_note): must have at most 5 characters"
    ]
    assert "triage_note (str | None): What triage wrote. (at most 5" in sdk.load().EncounterCreateRequest.__doc__
    assert inspect.signature(client.encounters.update).parameters["triage_note"].annotation == "str"


def test_a_search_may_have_a_required_filter_smaller_pages_and_no_total(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        filters = {entry["name"]: entry for entry in document["paths"]["/v1/encounters"]["get"]["parameters"]}
        filters["patientId"]["required"] = True
        filters["count"]["schema"]["maximum"] = 50
        del schema(document, "EncounterPage")["properties"]["total"]
        del schema(document, "FhirEncounterPage")["properties"]["total"]

    sdk = edited(edit)
    client, seen = talk(
        sdk, b'{"data": {"data": [{"id": "enc_1", "patientId": "pt_1"}], "hasMore": false}, "meta": {}}'
    )
    walk = client.encounters.search_all(patient_id="pt_1")
    assert ([encounter.id for encounter in walk], walk.total) == (["enc_1"], None)
    found = client.encounters.find_created(since=datetime(2025, 6, 1, 9, tzinfo=UTC), **MINIMAL)
    assert [encounter.id for encounter in found.matches] == ["enc_1"]
    assert _query(seen[1]) == (("patientId", "pt_1"), ("count", "50"))


def test_a_new_required_field_is_asked_for(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        create = schema(document, "EncounterCreateRequest")
        create["properties"]["facilityId"] = {"$ref": "#/components/schemas/RecordId", "description": "Where."}
        create["required"].append("facilityId")

    sdk = edited(edit)
    client, _ = talk(sdk, RESPONSE)
    assert refused(sdk, lambda: client.encounters.create(**MINIMAL)) == ["facilityId (facility_id): Required"]


@together
def edit_a_new_nested_object_takes_dicts_models_and_wire_names(document: Any) -> None:
    document["components"]["schemas"]["Billing"] = {
        "type": "object",
        "description": "Who pays.",
        "required": ["payerId"],
        "properties": {
            "payerId": {"$ref": "#/components/schemas/RecordId", "description": "The payer."},
            "coverageShare": {"type": "number", "minimum": 0, "maximum": 1, "description": "How much."},
        },
    }
    for owner in (*both_requests(document), schema(document, "Encounter")):
        owner["properties"]["billing"] = {"$ref": "#/components/schemas/Billing", "description": "Who pays."}


def test_a_new_nested_object_takes_dicts_models_and_wire_names(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, b'{"data": {"id": "enc_1", "billing": {"payerId": "org_1"}}, "meta": {}}')
    encounter, _ = client.encounters.create(**MINIMAL, billing={"payer_id": "org_1", "coverage_share": 0.5})
    client.encounters.update("enc_1", billing=sdk.load().Billing(payer_id="org_1", coverage_share=0.5))
    client.encounters.update("enc_1", {"billing": {"payerId": "org_1", "coverageShare": 0.5}})
    assert encounter.billing.payer_id == "org_1"
    assert all(b'{"payerId":"org_1","coverageShare":0.5}' in request.body for request in seen)
    assert refused(sdk, lambda: client.encounters.update("enc_1", billing={"coverage_share": 2})) == [
        "billing.coverageShare (billing.coverage_share): must be at most 1",
        "billing.payerId (billing.payer_id): Required",
    ]


@together
def edit_an_object_may_hold_others_of_its_own_kind(document: Any) -> None:
    document["components"]["schemas"]["Referral"] = {
        "type": "object",
        "description": "Who sent the patient.",
        "properties": {
            "senderId": {"$ref": "#/components/schemas/RecordId", "description": "The sender."},
            "before": {"$ref": "#/components/schemas/Referral", "description": "The one before."},
        },
    }
    for owner in (*both_requests(document), schema(document, "Encounter")):
        owner["properties"]["referral"] = {"$ref": "#/components/schemas/Referral", "description": "Who sent them."}


def test_an_object_may_hold_others_of_its_own_kind(sdk: EditedSdk, talk: Any) -> None:
    body = b'{"senderId":"prac_1","before":{"senderId":"prac_2"}}'
    client, seen = talk(sdk, b'{"data": {"id": "enc_1", "referral": %b}, "meta": {}}' % body)
    encounter, _ = client.encounters.update(
        "enc_1", referral={"sender_id": "prac_1", "before": {"sender_id": "prac_2"}}
    )
    assert encounter.referral.before.sender_id == "prac_2"
    assert seen[0].body == b'{"referral":%b}' % body
    source = (sdk.package / "_generated" / "models" / "referral.py").read_text()
    assert "import Referral" not in source  # a module that imports itself is an error for type checkers


@together
def edit_a_name_may_hold_anything_that_json_can_hold(document: Any) -> None:
    for owner in (schema(document, "EncounterUpdateRequest"), schema(document, "Encounter")):
        owner["properties"]['bed "A" \\ side'] = {"type": "string", "description": "A side."}


def test_a_name_may_hold_anything_that_json_can_hold(sdk: EditedSdk, talk: Any) -> None:
    body = b'{"bed \\"A\\" \\\\ side":"left"}'
    client, seen = talk(sdk, b'{"data": %b, "meta": {}}' % body.replace(b"{", b'{"id": "enc_1", '))
    assert client.encounters.update("enc_1", bed_a_side="left").data.bed_a_side == "left"
    assert seen[0].body == body


@together
def edit_an_object_written_inline_becomes_a_class_too(document: Any) -> None:
    inline = {"type": "object", "properties": {"bedNumber": {"type": "integer"}}}
    for owner in (*both_requests(document), schema(document, "Encounter")):
        owner["properties"]["bed"] = {**inline}


def test_an_object_written_inline_becomes_a_class_too(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, b'{"data": {"id": "enc_1", "bed": {"bedNumber": 7}}, "meta": {}}')
    encounter, _ = client.encounters.create(**MINIMAL, bed={"bed_number": 7})
    assert encounter.bed.bed_number == 7
    client.encounters.update("enc_1", bed=encounter.bed)
    assert all(b'"bed":{"bedNumber":7}' in request.body for request in seen)


@together
def edit_a_new_enum_value_is_accepted_and_read_as_a_member(document: Any) -> None:
    schema(document, "EncounterStatus")["enum"].append("on-hold")
    schema(document, "EncounterStatus")["x-enumDescriptions"]["on-hold"] = "Paused by the practice."


def test_a_new_enum_value_is_accepted_and_read_as_a_member(sdk: EditedSdk, talk: Any) -> None:
    client, _ = talk(sdk, b'{"data": {"id": "enc_1", "status": "on-hold"}, "meta": {}}')
    encounter, _ = client.encounters.update("enc_1", status="on-hold")
    assert encounter.status is sdk.load().EncounterStatus.ON_HOLD
    assert "ON_HOLD: Paused by the practice." in sdk.load().EncounterStatus.__doc__


def test_a_removed_enum_value_is_refused_and_still_read(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        schema(document, "EncounterStatus")["enum"].remove("onleave")
        del schema(document, "EncounterStatus")["x-enumDescriptions"]["onleave"]

    sdk = edited(edit)
    client, _ = talk(sdk, b'{"data": {"id": "enc_1", "status": "onleave"}, "meta": {}}')
    assert client.encounters.read("enc_1").data.status == "onleave"
    assert refused(sdk, lambda: client.encounters.create(status="onleave", class_="AMB", patient_id="pt_1")) == [
        "status: must be one of planned, arrived, triaged, in-progress, finished, cancelled"
    ]


@together
def edit_a_new_enumeration_with_numbers_works_too(document: Any) -> None:
    document["components"]["schemas"]["TriageLevel"] = {
        "type": "integer",
        "enum": [1, 2, 3],
        "description": "How urgent.",
        "x-enumDescriptions": {1: "Now.", 2: "Soon.", 3: "Later."},
    }
    for owner in (*both_requests(document), schema(document, "Encounter")):
        owner["properties"]["triageLevel"] = {"$ref": "#/components/schemas/TriageLevel", "description": "Urgency."}


def test_a_new_enumeration_with_numbers_works_too(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, b'{"data": {"id": "enc_1", "triageLevel": 2}, "meta": {}}')
    encounter, _ = client.encounters.update("enc_1", triage_level=2)
    assert encounter.triage_level == 2
    assert type(encounter.triage_level).__name__ == "TriageLevel"
    assert b'"triageLevel":2' in seen[0].body
    assert refused(sdk, lambda: client.encounters.update("enc_1", triage_level=4)) == [
        "triageLevel (triage_level): must be one of 1, 2, 3"
    ]


@together
def edit_limits_of_texts(document: Any) -> None:
    update = schema(document, "EncounterUpdateRequest")["properties"]
    update["type"]["maxLength"] = 3
    update["serviceType"]["minLength"] = 6
    update["priority"]["pattern"] = "^[A-Z]+$"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("type", "long", "type: must have at most 3 characters"),
        ("service_type", "short", "serviceType (service_type): must have at least 6 characters"),
        ("priority", "lower", "priority: must match ^[A-Z]+$"),
    ],
)
def test_a_changed_limit_of_a_text_is_checked(sdk: EditedSdk, talk: Any, name: str, value: str, told: str) -> None:
    client, seen = talk(sdk, RESPONSE)
    assert refused(sdk, lambda: client.encounters.update("enc_1", **{name: value})) == [told]
    assert seen == []


@together
def edit_a_changed_range_and_a_changed_count_are_checked(document: Any) -> None:
    update = schema(document, "EncounterUpdateRequest")["properties"]
    update["lengthMinutes"].update(minimum=5, maximum=10)
    update["diagnosis"]["maxItems"] = 1


def test_a_changed_range_and_a_changed_count_are_checked(sdk: EditedSdk, talk: Any) -> None:
    client, _ = talk(sdk, RESPONSE)
    assert refused(
        sdk,
        lambda: client.encounters.update(
            "enc_1", length_minutes=11, diagnosis=[{"condition": "a"}, {"condition": "b"}]
        ),
    ) == ["lengthMinutes (length_minutes): must be at most 10", "diagnosis: must have at most 1 item"]
    assert "at least 5" in refused(sdk, lambda: client.encounters.update("enc_1", length_minutes=4))[0]


@together
def edit_a_new_search_parameter_works_in_search_and_search_all(document: Any) -> None:
    document["paths"]["/v1/encounters"]["get"]["parameters"].append(
        {
            "name": "practitionerId",
            "in": "query",
            "description": "Only encounters of this practitioner.",
            "schema": {"$ref": "#/components/schemas/RecordId"},
        }
    )


def test_a_new_search_parameter_works_in_search_and_search_all(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, PAGE)
    client.encounters.search(practitioner_id="prac_1")
    list(client.encounters.search_all(practitioner_id="prac_1", count=5))
    assert [_query(request) for request in seen] == [
        (("practitionerId", "prac_1"),),
        (("practitionerId", "prac_1"), ("count", "5")),
    ]


@together
def edit_a_new_search_parameter_with_several_values_is_sent_value_by_value(document: Any) -> None:
    document["paths"]["/v1/encounters"]["get"]["parameters"].append(
        {
            "name": "class",
            "in": "query",
            "schema": {"type": "array", "items": {"$ref": "#/components/schemas/EncounterClass"}},
        }
    )


def test_a_new_search_parameter_with_several_values_is_sent_value_by_value(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, PAGE)
    client.encounters.search(class_=["AMB", "VR"])
    assert _query(seen[0]) == (("class", "AMB"), ("class", "VR"))


@together
def edit_a_search_parameter_called_limit_does_not_collide_with_that_of_search_all(document: Any) -> None:
    document["paths"]["/v1/encounters"]["get"]["parameters"].append(
        {"name": "limit", "in": "query", "description": "Another name for count.", "schema": {"type": "integer"}}
    )


def test_a_search_parameter_called_limit_does_not_collide_with_that_of_search_all(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, PAGE)
    list(client.encounters.search_all(limit_=5, limit=3))
    assert _query(seen[0]) == (("limit", "5"), ("count", "100"))


def test_a_renamed_field_is_renamed_everywhere(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        for owner in (*both_requests(document), schema(document, "Encounter")):
            owner["properties"]["site"] = owner["properties"].pop("location")

    sdk = edited(edit)
    client, seen = talk(sdk, b'{"data": {"id": "enc_1", "site": "Room 1", "location": "kept"}, "meta": {}}')
    encounter, _ = client.encounters.update("enc_1", site="Room 1")
    assert encounter.site == "Room 1"
    assert encounter.additional_properties["location"] == "kept"
    assert seen[0].body == b'{"site":"Room 1"}'
    assert refused(sdk, lambda: client.encounters.update("enc_1", location="Room 1"))[0].startswith("location: unknown")


@together
def edit_new_date_and_timestamp_fields_take_dates_and_are_read(document: Any) -> None:
    for owner in (*both_requests(document), schema(document, "Encounter")):
        owner["properties"]["dueDate"] = {"type": "string", "format": "date"}
        owner["properties"]["triagedAt"] = {"type": "string", "format": "date-time"}


def test_new_date_and_timestamp_fields_take_dates_and_are_read(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(
        sdk, b'{"data": {"id": "enc_1", "dueDate": "2025-06-01", "triagedAt": "2025-06-01T09:00:00Z"}, "meta": {}}'
    )
    when = datetime(2025, 6, 1, 9, tzinfo=UTC)
    encounter, _ = client.encounters.update("enc_1", due_date=date(2025, 6, 1), triaged_at=when)
    assert (encounter.due_date, encounter.triaged_at) == (date(2025, 6, 1), when)
    assert encounter.triaged_at.text == "2025-06-01T09:00:00Z"
    assert seen[0].body == b'{"dueDate":"2025-06-01","triagedAt":"2025-06-01T09:00:00+00:00"}'
    assert refused(sdk, lambda: client.encounters.update("enc_1", due_date="2025-02-30")) == [
        "dueDate (due_date): must be a datetime.date or a valid YYYY-MM-DD string"
    ]


@together
def edit_a_nullable_field_can_be_cleared_by_an_update(document: Any) -> None:
    schema(document, "EncounterUpdateRequest")["properties"]["location"]["type"] = ["string", "null"]


def test_a_nullable_field_can_be_cleared_by_an_update(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, RESPONSE)
    client.encounters.update("enc_1", location=None)
    assert seen[0].body == b'{"location":null}'


def test_a_named_scalar_is_written_once_and_used_by_its_name(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        schemas = document["components"]["schemas"]
        schemas["BedNumber"] = {
            "type": "string",
            "maxLength": 4,
            "pattern": "^B[0-9]{1,3}$",
            "x-pattern-text": "a B and one to three digits, as it is written on the door of the room",
            "description": "A bed.",
        }
        schemas["OtherBed"] = {"$ref": "#/components/schemas/BedNumber", "description": "Another bed."}
        schemas["Never"] = {"type": "string", "maxLength": 9, "description": "Used by nothing."}
        for owner in both_requests(document):
            owner["properties"]["bed"] = {"$ref": "#/components/schemas/BedNumber", "description": "The bed."}
            owner["properties"]["oldBeds"] = {"type": "array", "items": {"$ref": "#/components/schemas/OtherBed"}}

    sdk = edited(edit)
    client, seen = talk(sdk, b'{"data": {"id": "enc_1"}, "meta": {}}')
    client.encounters.update("enc_1", bed="B12", old_beds=["B1"])
    assert seen[0].body == b'{"bed":"B12","oldBeds":["B1"]}'
    told = "must be a B and one to three digits, as it is written on the door of the room"
    assert refused(sdk, lambda: client.encounters.update("enc_1", bed="12", old_beds=["x"])) == [
        f"bed: {told}",
        f"oldBeds[0] (old_beds[0]): {told}",
    ]
    sources = [path.read_text(encoding="utf-8") for path in (sdk.package / "_generated").rglob("*.py")]
    assert sum(source.count("on the door") for source in sources) == 2  # the check, and what is said of it
    assert not any("NEVER" in source for source in sources)


SCALARS = {
    "BedCount": {"type": "integer", "minimum": 1, "maximum": 8191, "description": "A number of beds."},
    "WardId": {"$ref": "#/components/schemas/RecordId", "description": "The id of a ward."},
    "OldWardId": {"allOf": [{"$ref": "#/components/schemas/WardId"}], "description": "The ward of before."},
    "ShortWardId": {"$ref": "#/components/schemas/RecordId", "maxLength": 4, "description": "The id on the door."},
    "PayerId": {"type": "string", "x-prefix": "org_", "maxLength": 9, "description": "Who pays."},
    "BirthDate": {"type": ["string", "null"], "format": "date", "description": "A day of birth."},
    "Operation": {"type": "string", "maxLength": 3, "description": "Called like what a module has already."},
}


@together
def edit_scalars_of_every_kind_are_used_by_name(document: Any) -> None:
    document["components"]["schemas"].update(SCALARS)
    update = schema(document, "EncounterUpdateRequest")["properties"]
    for name in SCALARS:
        update[name[0].lower() + name[1:]] = {"$ref": f"#/components/schemas/{name}", "description": "Its own text."}
    update["bedCounts"] = {"type": "array", "items": {"$ref": "#/components/schemas/BedCount"}}
    update["nextBed"] = {"$ref": "#/components/schemas/BedCount", "maximum": 50, "description": "Other limits."}
    update["pager"] = {"anyOf": [{"$ref": "#/components/schemas/BedCount"}, {"type": "null"}]}
    document["paths"]["/v1/encounters/{id}"]["delete"]["parameters"][0] = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"$ref": "#/components/schemas/Operation"},
    }


def test_a_named_scalar_is_one_constant_for_fields_items_and_paths(sdk: EditedSdk) -> None:
    generated = sdk.package / "_generated"
    source = {file.relative_to(generated).as_posix(): file.read_text() for file in generated.rglob("*.py")}
    for said_once in ("maximum=8191", '"org_"', "A number of beds.", "letters, digits", "Called like what"):
        assert [name for name, text in source.items() if said_once in text] == ["types.py"], said_once
    update = source["models/encounter_update_request.py"]
    assert 'bed_count: int | None = _field(default=None, metadata=wire("bedCount", BED_COUNT))' in update
    assert 'wire("bedCounts", Array(BED_COUNT))' in update
    assert 'wire("oldWardId", RECORD_ID)' in update
    assert 'wire("nextBed", Integer(minimum=1, maximum=50))' in update
    assert '"""Other limits. (1 to 50)"""' in update
    assert 'path_parameters=(("id", OPERATION_),)' in source["api/encounters/delete_encounter.py"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("bed_count", 8192, "bedCount (bed_count): must be at most 8191"),
        ("bed_counts", [1, 0], "bedCounts[1] (bed_counts[1]): must be at least 1"),
        ("next_bed", 51, "nextBed (next_bed): must be at most 50"),
        ("pager", 8192, "pager: must be at most 8191"),
        ("ward_id", "..", "wardId (ward_id): must be 1 to 128 letters"),
        ("old_ward_id", "..", "oldWardId (old_ward_id): must be 1 to 128 letters"),
        ("short_ward_id", "ward5", "shortWardId (short_ward_id): must have at most 4 characters"),
        ("payer_id", "123456", "payerId (payer_id): must have at most 9 characters"),
        ("birth_date", "1970", "birthDate (birth_date): must be a datetime.date"),
        ("operation", "long", "operation: must have at most 3 characters"),
    ],
)
def test_the_limit_of_a_named_scalar_is_checked_wherever_it_is_used(
    sdk: EditedSdk, talk: Any, name: str, value: Any, told: str
) -> None:
    client, seen = talk(sdk, RESPONSE)
    [found] = refused(sdk, lambda: client.encounters.update("enc_1", **{name: value}))
    assert found.startswith(told)
    assert seen == []


def test_a_named_scalar_may_have_a_prefix_be_null_and_limit_a_path(sdk: EditedSdk, talk: Any) -> None:
    client, seen = talk(sdk, RESPONSE)
    client.encounters.update("enc_1", payer_id="1", birth_date=None, pager=None)
    assert seen[0].body == b'{"payerId":"org_1","birthDate":null,"pager":null}'
    assert refused(sdk, lambda: client.encounters.delete("long")) == ["id: must have at most 3 characters"]


@together
def edit_what_docstrings_say(document: Any) -> None:
    update = schema(document, "EncounterUpdateRequest")["properties"]
    long = "A description that is so long that it has to be broken just where a word with hyphens begins: it is "
    update["longText"] = {"type": "string", "maxLength": 7, "description": f"{long}entered-in-error on YYYY-MM-DD."}
    update["day"] = {"type": "string", "format": "date", "description": "A day, written YYYY-MM-DD."}
    update["codes"] = {"type": "array", "items": {"type": "string", "maxLength": 6}, "description": "Codes."}
    one_or_more = [{"type": "string", "maxLength": 8}, {"type": "array", "items": {"type": "string", "maxLength": 8}}]
    update["notes"] = {"oneOf": one_or_more, "description": "Notes."}


def test_a_docstring_breaks_no_value_and_says_each_limit_once(sdk: EditedSdk) -> None:
    source = (sdk.package / "_generated" / "models" / "encounter_update_request.py").read_text()
    assert re.search(r"it is\n    entered-in-error on YYYY-MM-DD. \(at most 7 characters\)", source)
    for text in (
        "A day, written YYYY-MM-DD.",
        "Codes. (each at most 6 characters)",
        "Notes. (at most 8 characters each)",
    ):
        assert source.count(f'"""{text}"""') == 2, text
    assert "What the API sent" not in source


def test_dicts_and_literals_have_public_types(sdk: EditedSdk) -> None:
    public = sdk.load("_generated.models")
    files = (sdk.package / "_generated" / "models").glob("*.py")
    defined = re.findall(r"^(?:class )?([A-Z]\w+)(?:\(| =)", "\n".join(map(Path.read_text, files)), re.MULTILINE)
    assert {"Billing", "BillingFields", "TriageLevel", "TriageLevelLiteral"} <= set(defined)
    assert sorted(public.__all__) == sorted(defined)
    assert all(hasattr(public, name) for name in defined)


def test_media_types_are_sent_in_the_documents_order(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        content = document["paths"]["/v1/encounters/{id}"]["patch"]["requestBody"]["content"]
        body = content["application/json"]
        content.clear()
        content.update({"application/merge-patch+json": body, "application/json": body})

    client, seen = talk(edited(edit), b'{"data": {"id": "enc_1"}, "meta": {}}')
    client.encounters.update("enc_1", type="Annual physical")
    assert seen[0].header_values("content-type") == ["application/merge-patch+json"]


def test_a_moved_path_is_followed(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        document["paths"]["/v2/encounters"] = document["paths"].pop("/v1/encounters")

    sdk = edited(edit)
    client, seen = talk(sdk, PAGE)
    client.encounters.search()
    assert _path(seen[0]) == "/v2/encounters"


FACADE = """
from collections.abc import Mapping
from typing import Any, Unpack, overload

from .._generated.api.beds import create_bed, list_beds, update_bed
from .._generated.models import Bed, BedCreateRequest, BedPage, BedSearchParams, BedUpdateRequest
from .._generated.models.bed_create_request import BedCreateRequestFields
from .._generated.models.bed_search_params import BedSearchParamsFields
from .._generated.models.bed_update_request import BedUpdateRequestFields
from .._pagination import Pager
from .._resource import Resource
from .._response import ApiResponse


class Beds(Resource):
    __slots__ = ()

    @overload
    def create(self, /, **fields: Unpack[BedCreateRequestFields]) -> ApiResponse[Bed]: ...
    @overload
    def create(self, given: BedCreateRequest | Mapping[str, Any], /) -> ApiResponse[Bed]: ...
    def create(self, given: Any = None, /, **fields: Any) -> ApiResponse[Bed]:
        return self._call(create_bed.request(given, **fields))

    @overload
    def update(self, id: str, /, **fields: Unpack[BedUpdateRequestFields]) -> ApiResponse[Bed]: ...
    @overload
    def update(self, id: str, given: BedUpdateRequest | Mapping[str, Any], /) -> ApiResponse[Bed]: ...
    def update(self, id: str, given: Any = None, /, **fields: Any) -> ApiResponse[Bed]:
        return self._call(update_bed.request(id, given, **fields))

    def search_all(self, *, limit: int | None = None, **filters: Unpack[BedSearchParamsFields]) -> Pager[Bed, BedPage]:
        return self._walk(list_beds.request, None, filters, limit)
"""


def add_beds(document: Any) -> None:
    """A resource of its own: create, update, page, enumeration, nested object."""
    schemas = document["components"]["schemas"]
    meta = {"$ref": "#/components/schemas/ResponseMetadata"}

    def ref(name: str) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{name}"}

    schemas["BedState"] = {"type": "string", "enum": ["free", "taken"], "description": "Whether somebody lies in it."}
    schemas["BedPlace"] = {
        "type": "object",
        "description": "Where it stands.",
        "required": ["ward"],
        "properties": {"ward": {"type": "string", "maxLength": 10}, "roomNumber": {"type": "integer", "minimum": 1}},
    }
    fields = {"state": ref("BedState"), "place": ref("BedPlace")}
    schemas["Bed"] = {"type": "object", "required": ["id"], "properties": {"id": ref("RecordId"), **fields}}
    schemas["BedCreateRequest"] = {"type": "object", "required": ["state"], "properties": {**fields}}
    schemas["BedUpdateRequest"] = {"type": "object", "properties": {**fields}}
    schemas["BedPage"] = {
        "type": "object",
        "required": ["data", "hasMore"],
        "properties": {
            "data": {"type": "array", "items": ref("Bed")},
            "total": {"type": "integer"},
            "cursor": {"type": "string"},
            "hasMore": {"type": "boolean"},
        },
    }
    for name in ("Bed", "BedPage"):
        schemas[f"{name}Response"] = {"type": "object", "properties": {"data": ref(name), "meta": {**meta}}}

    def operation(name: str, response: str, body: str | None = None, **more: Any) -> dict[str, Any]:
        content = {"application/json": {"schema": ref(response)}}
        made: dict[str, Any] = {
            "operationId": name,
            "tags": ["beds"],
            "security": [{"apiKey": []}],
            "responses": {"200": {"description": "Done.", "content": content}},
            **more,
        }
        if body:
            made["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
        return made

    document["paths"]["/v1/beds"] = {
        "post": operation("createBed", "BedResponse", "BedCreateRequest"),
        "get": operation(
            "listBeds",
            "BedPageResponse",
            parameters=[
                {"name": "state", "in": "query", "schema": ref("BedState")},
                {"name": "cursor", "in": "query", "schema": {"type": "string"}},
            ],
            **{"x-parameters-schema": "BedSearchParams"},
        ),
    }
    document["paths"]["/v1/beds/{id}"] = {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": ref("RecordId")}],
        "patch": operation("updateBed", "BedResponse", "BedUpdateRequest"),
    }


FHIR = """
from typing import Final

from .._fhir_form import FhirForm, same_name
from .._fhir_types import for_text, text_of

LOCATION: Final = FhirForm(
    "Location",
    (same_name("state", dict, lambda c: text_of(c.get("code")), for_text(lambda code: {"code": code})),),
    marks=("state",),
)
"""


def add_room(package: Path) -> None:
    """What a maintainer writes: a room with the facade class and FHIR's form, and one line that registers it."""
    room = package / "_beds"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "facade.py").write_text(FACADE)
    (room / "fhir.py").write_text(FHIR)
    client = package / "_client.py"
    line = "        self.encounters = Encounters(session)\n"
    source = client.read_text()
    assert source.count(line) == 1
    source = source.replace(line, f"{line}        self.beds = Beds(session)\n")
    client.write_text(source.replace("from ._encounters", "from ._beds.facade import Beds\nfrom ._encounters", 1))


def test_a_new_resource_is_the_document_and_one_room(edited: Any, talk: Any) -> None:
    def edit(document: Any) -> None:
        add_beds(document)
        document["components"]["schemas"]["BedPlace"]["title"] = "Where a bed stands"
        document["components"]["schemas"]["Bed"]["x-fhir-resource"] = "Location"

    sdk = edited(edit, add_room)
    client, seen = talk(sdk, b'{"data": {"id": "bed_1", "state": "taken", "place": {"ward": "4B"}}, "meta": {}}', 201)
    bed, meta = client.beds.create(state="free", place={"ward": "4B", "room_number": 2})
    assert (bed.id, bed.state, bed.place.ward, meta.status) == ("bed_1", sdk.load().BedState.TAKEN, "4B", 201)
    assert seen[0].body == b'{"state":"free","place":{"ward":"4B","roomNumber":2}}'
    assert {"state", "place"} <= inspect.signature(client.beds.create).parameters.keys()
    client.beds.update("bed_1", {"place": {"ward": "4C"}})
    assert (seen[1].method, _path(seen[1])) == ("PATCH", "/v1/beds/bed_1")
    assert refused(sdk, lambda: client.beds.create(state="dirty", place={"ward": "4B", "room_number": 0})) == [
        "state: must be one of free, taken",
        "place.roomNumber (place.room_number): must be at least 1",
    ]
    client, seen = talk(sdk, b'{"data": {"data": [{"id": "bed_1"}], "hasMore": false}, "meta": {}}')
    assert [bed.id for bed in client.beds.search_all(state="free")] == ["bed_1"]
    assert _query(seen[0]) == (("state", "free"),)
    client, _ = talk(sdk, b'{"resourceType": "Location", "id": "bed_1", "state": {"code": "taken"}}')
    bed, _ = client.beds.update("bed_1", state="taken")
    assert (bed.state, bed.to_dict()) == ("taken", {"id": "bed_1", "state": "taken"})


TYPED = """
from datetime import date
from typing import assert_type
from {name} import Billing, Clinik, Encounter, TriageLevel

clinik = Clinik("clk_test_typed")
encounter, _ = clinik.encounters.create(
    status="on-hold", class_="AMB", patient_id="pt_1", triage_note="calm", billing={{"payer_id": "org_1"}},
    triage_level=2, due_date=date(2025, 6, 1), triaged_at="2025-06-01T09:00:00Z",
)
assert_type(encounter, Encounter)
assert_type(encounter.triage_note, str | None)
assert_type(encounter.billing, Billing | None)
assert_type(encounter.due_date, date | None)
assert_type(encounter.triage_level, TriageLevel | int | None)
clinik.encounters.update("enc_1", billing=Billing(payer_id="org_1"), location=None)
clinik.encounters.search(practitioner_id="prac_1", class_=["AMB"])
clinik.encounters.search_all(practitioner_id="prac_1", limit=3)
if encounter.bed is not None:
    clinik.encounters.update("enc_1", bed=encounter.bed)
clinik.encounters.update("enc_1", triage_note=5)  # refused: wrong type
clinik.encounters.update("enc_1", triage_notes="calm")  # refused: misspelt
clinik.encounters.create(status="on-hol", class_="AMB", patient_id="pt_1")  # refused: wrong literal
clinik.encounters.update("enc_1", triage_level=4)  # refused: wrong number
clinik.encounters.update("enc_1", billing={{"payer": "org_1"}})  # refused: misspelt inside
clinik.encounters.search(practitionerId="prac_1")  # refused: the API's name as a keyword
clinik.encounters.search_all(practitioner_id=1)  # refused: wrong type
"""


@pytest.mark.long
def test_a_type_checker_follows_the_edits(sdk: EditedSdk) -> None:
    script = sdk.folder / "typed.py"
    script.write_text(TYPED.format(name=sdk.name), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--no-error-summary", "typed.py"],
        cwd=sdk.folder,
        env={**os.environ, "MYPYPATH": str(sdk.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    refused_lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    lines = script.read_text(encoding="utf-8").splitlines()
    expected = {number for number, line in enumerate(lines, 1) if "# refused" in line}
    assert refused_lines == expected, done.stdout + done.stderr
