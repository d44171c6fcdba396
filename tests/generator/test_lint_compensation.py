"""Where the linter says that our own generator makes up for a loss, it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from generator.lint import Report, lint

from .edited import EditedSdk, make_sdk, write_document

FIELDS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "d": ("property-reserved", {"type": "string"}, "x"),
    "to_dict": ("property-reserved", {"type": "string"}, "x"),
    "visits": ("default-lost", {"type": "array", "items": {"type": "string"}, "default": ["x"]}, ["y"]),
    "motto": ("default-altered", {"type": "string", "default": 'say "a"'}, "b"),
    "rows_item": ("property-tangled", {"type": "string"}, "mine"),
    "rows": ("", {"type": "array", "items": {"$ref": "#/components/schemas/Period"}}, [{"start": "2025-06-01"}]),
    "mood": ("enum-null", {"type": "string", "nullable": True, "enum": ["good"]}, None),
    "nothing": ("", {"type": ["object", "null"], "properties": {"a": {"type": "string"}}}, None),
    "level": ("", {"type": "string", "enum": ["high", None]}, None),
    "page": ("class-name-taken", {"type": "object", "properties": {"number": {"type": "integer"}}}, {"number": 1}),
    "anything": ("untyped", {}, [1, {"a": None}]),
    "notes": ("", {"type": "object", "additionalProperties": {"type": "string"}}, {"a": "b"}),
    "mail": ("format-ignored", {"type": "string", "format": "email"}, "somebody"),
    "pause": (
        "single-reference-siblings",
        {"allOf": [{"$ref": "#/components/schemas/Period"}], "description": "When nothing happened."},
        {"start": "2025-06-01"},
    ),
    "response": ("", {"$ref": "#/components/schemas/Response"}, {"text": "yes"}),
}


def _edit(document: Any) -> None:
    schemas = document["components"]["schemas"]
    schemas["Response"] = {"type": "object", "properties": {"text": {"type": "string"}}}
    for name in ("Encounter", "EncounterCreateRequest"):
        # Copies: ruamel would write one object in two places as an alias.
        schemas[name]["properties"].update({key: {**schema} for key, (_, schema, _) in FIELDS.items()})


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EditedSdk, Report, Report]]:
    folder = tmp_path_factory.mktemp("compensation")
    sdk = make_sdk(_edit, folder, "clinik_compensated")
    document = write_document(_edit, folder / "clinik_compensated.yaml")
    yield sdk, lint(document), lint(document, for_="clinik")
    sdk.unload()


def test_the_losses_are_those_of_the_stock_generator_alone(edited: tuple[EditedSdk, Report, Report]) -> None:
    _, stock, ours = edited
    found = {finding.rule.id for finding in stock.losses}
    # The stock generator makes no class Encounter at all, because of the name of its property `page`.
    assert {rule for rule, *_ in FIELDS.values() if rule} - {"property-reserved", "property-tangled"} <= found
    assert "class-dropped-with-another" in found
    assert [str(finding) for finding in (*ours.stops, *ours.losses)] == []


def test_every_field_is_read_and_written_as_it_is(edited: tuple[EditedSdk, Report, Report]) -> None:
    sdk, _, _ = edited
    responded = {"id": "enc_1", **{key: value for key, (_, _, value) in FIELDS.items()}}
    encounter = sdk.load().Encounter.from_dict(responded)
    assert encounter.to_dict() == responded
    assert type(encounter.page).__name__ == "EncounterPageItem"
    assert type(encounter.response).__name__ == "Response"
    assert type(encounter.pause).__name__ == "Period"
    source = (sdk.package / "_generated" / "models" / "encounter.py").read_text()
    assert "When nothing happened." in source


def test_no_default_is_sent(edited: tuple[EditedSdk, Report, Report]) -> None:
    sdk, _, _ = edited
    request = sdk.load().EncounterCreateRequest(status="planned", class_="VR", patient_id="pt_1")
    assert request.to_dict() == {"status": "planned", "class": "VR", "patientId": "pt_1"}
