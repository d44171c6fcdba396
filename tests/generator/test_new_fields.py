"""A field of any kind is one edit in the document: the tests follow it, and find it checked."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from .edited import write_document
from .test_regenerating import copy_repository, succeeds


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


# Each kind of schema, with an example.
KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "isUrgent": ({"type": "boolean"}, [True]),
    "score": ({"type": "number"}, [1.5]),
    "ratio": ({"type": "number", "minimum": 0, "maximum": 1}, [0.5]),
    "openRatio": ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10}, [0.5]),
    "quarters": ({"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 10}, [0.5]),
    "bedCount": ({"type": "integer"}, [3]),
    "floor": ({"type": "integer", "minimum": -2, "maximum": 40}, [3]),
    "step": ({"type": "integer", "multipleOf": 5}, [10]),
    "nick": ({"type": "string", "maxLength": 40, "minLength": 2}, ["ab"]),
    "freeText": ({"type": "string"}, ["ab"]),
    "bedCode": (
        {"type": "string", "pattern": "^B[0-9]{1,3}$", "x-pattern-text": "a B and one to three digits"},
        ["B12"],
    ),
    "plainPattern": ({"type": "string", "pattern": "^[A-Z]{2}$"}, ["AB"]),
    "unanchored": ({"type": "string", "pattern": "[0-9]+-x", "maxLength": 30}, ["1-x"]),
    "dueDate": ({"type": "string", "format": "date"}, ["2025-06-01"]),
    "triagedAt": ({"type": "string", "format": "date-time"}, ["2025-06-01T09:00:00Z"]),
    "fhirWhen": ({"type": "string", "format": "fhir-date-time"}, ["2025-06"]),
    "labels": ({"type": "array", "items": {"type": "string", "maxLength": 20}}, [["a"]]),
    "someLabels": (
        {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "uniqueItems": True,
            "items": {"type": "string", "maxLength": 20, "minLength": 1},
        },
        [["a"]],
    ),
    "flags": ({"type": "array", "items": {"type": "boolean"}}, [[True]]),
    "moods": ({"type": "array", "items": ref("Mood")}, [["calm"]]),
    "mood": (ref("Mood"), ["calm"]),
    "level": (ref("Level"), [1]),
    "billing": (ref("Billing"), [{"payerId": "org_1"}]),
    "billings": ({"type": "array", "items": ref("Billing")}, [[{"payerId": "org_1"}]]),
    "oneText": (
        {
            "oneOf": [
                {"type": "string", "maxLength": 30},
                {"type": "array", "items": {"type": "string", "maxLength": 30}},
            ]
        },
        ["a"],
    ),
    "oneNumber": ({"oneOf": [{"type": "integer", "minimum": 0}, {"type": "boolean"}]}, [1]),
    "oneObject": ({"oneOf": [{"type": "string", "maxLength": 9}, ref("Billing")]}, ["a"]),
    "anyText": ({"anyOf": [{"type": "string", "maxLength": 5}, {"type": "integer"}]}, ["a"]),
    "maybe": ({"type": ["string", "null"], "maxLength": 10}, ["a"]),
    "maybeNumber": ({"type": ["number", "null"]}, [1.5]),
    "maybeDate": ({"type": ["string", "null"], "format": "date"}, ["2025-06-01"]),
    "maybeBilling": ({"anyOf": [ref("Billing"), {"type": "null"}]}, [{"payerId": "org_1"}]),
    "free": ({"type": "object", "additionalProperties": True}, [{"a": 1}]),
    "freeTexts": ({"type": "object", "additionalProperties": {"type": "string"}}, [{"a": "b"}]),
    "fixed": ({"const": "Encounter"}, ["Encounter"]),
    "whatever": ({}, [1]),
    "org": ({"type": "string", "x-prefix": "org_", "maxLength": 30}, ["org_1"]),
}

# Those that a query has no form for.
IN_BODIES = {"billing", "billings", "oneObject", "free", "freeTexts", "maybeBilling", "whatever"}
IN_BODIES |= {name for name in KINDS if name.startswith("maybe")}


def add_every_kind(document: Any) -> None:
    schemas = document["components"]["schemas"]
    schemas["Mood"] = {
        "type": "string",
        "enum": ["calm", "tense"],
        "description": "A mood.",
        "x-enumDescriptions": {"calm": "Calm.", "tense": "Tense."},
        "examples": ["calm"],
    }
    schemas["Level"] = {
        "type": "integer",
        "enum": [1, 2],
        "description": "A level.",
        "x-enumDescriptions": {1: "One.", 2: "Two."},
        "examples": [1],
    }
    schemas["Billing"] = {
        "type": "object",
        "description": "Who pays.",
        "required": ["payerId"],
        "properties": {
            "payerId": {**ref("RecordId"), "description": "The payer."},
            "share": {"type": "number", "minimum": 0, "maximum": 1, "description": "How much.", "examples": [0.5]},
            "covered": {"type": "boolean", "description": "Whether it is.", "examples": [True]},
        },
        "examples": [{"payerId": "org_1"}],
    }
    search = document["paths"]["/v1/encounters"]["get"]["parameters"]
    for name, (schema, examples) in KINDS.items():
        told = {**deepcopy(schema), "description": f"What {name} is.", "examples": examples}
        for owner in ("EncounterCreateRequest", "EncounterUpdateRequest", "Encounter"):
            schemas[owner]["properties"][name] = deepcopy(told)
        if name not in IN_BODIES:
            search.append(
                {"name": name, "in": "query", "required": False, "description": "A filter.", "schema": deepcopy(told)}
            )


@pytest.mark.long
def test_a_field_of_any_kind_is_followed_by_the_tests_that_read_the_document(tmp_path: Path) -> None:
    root = copy_repository(tmp_path)
    write_document(add_every_kind, root / "openapi" / "clinik.yaml")
    names = ("operation", "objects", "model", "vocabulary", "fhir_record", "session", "log", "reading")
    concerned = [f"tests/test_{name}.py" for name in names]
    # Each broken rule is looked at in one form of a request.
    chosen = "not (one_broken_rule and (keywords or model)) and not just_keeps"
    for arguments in (
        ["generator"],
        ["pytest", "-q", "-p", "no:xdist", "--collect-only", "tests"],
        ["pytest", "-q", "-p", "no:xdist", "-k", chosen, *concerned],
    ):
        succeeds(root, *arguments)
