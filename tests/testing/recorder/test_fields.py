"""The allow-list of the recorder is the document: a name that it does not know is not written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clinik_client.testing._recorder import fields
from tests.strategies import DOCUMENT, resolve


def properties(node: Any) -> Iterator[tuple[str, Any]]:
    """Each field that the document describes, with its schema."""
    if isinstance(node, dict):
        described = node.get("properties")
        if isinstance(described, dict):
            yield from described.items()
        yield from (pair for name, inner in node.items() if name != "examples" for pair in properties(inner))
    elif isinstance(node, list):
        yield from (pair for inner in node for pair in properties(inner))


DESCRIBED = list(properties(DOCUMENT["components"]["schemas"]))
OPERATIONS = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]


def test_every_field_of_the_document_is_in_the_list_or_named_as_left_out_and_no_other_is() -> None:
    assert {name for name, _ in DESCRIBED} == fields.FIELDS | fields.UNTOLD_FIELDS
    assert fields.FIELDS.isdisjoint(fields.UNTOLD_FIELDS)


PARAMETERS = [resolve(one) for operation in OPERATIONS for one in operation.get("parameters", [])]


def test_every_parameter_and_every_header_of_the_document_is_in_the_list_and_no_other_is() -> None:
    assert {one["name"] for one in PARAMETERS if one["in"] == "query"} == fields.PARAMETERS
    responses = [resolve(one) for operation in OPERATIONS for one in operation["responses"].values()]
    headers = {name.lower() for response in responses for name in response.get("headers", {})}
    assert headers | {"content-type"} == fields.RESPONSE_HEADERS
    assert "x-api-key" not in fields.REQUEST_HEADERS


def kinds(schema: Any) -> set[str]:
    """Types and formats of a value, or of those in a list."""
    schema = resolve(schema)
    inner = [one for union in ("anyOf", "oneOf") for one in schema.get(union, [])]
    inner += [schema["items"]] if "items" in schema else []
    types = schema.get("type", [])
    here = {*([types] if isinstance(types, str) else types), str(schema.get("format"))}
    return here.union(*(kinds(one) for one in inner))


def test_what_the_document_calls_a_number_or_a_point_in_time_is_listed_as_one() -> None:
    asked = [(one["name"], one["schema"]) for one in PARAMETERS if one["in"] == "query"]
    found = [(name, kinds(schema)) for name, schema in [*DESCRIBED, *asked]]
    assert {name for name, kind in found if kind & {"number", "integer"}} == fields.NUMBER_FIELDS
    moments = {name for name, kind in found if any(form.endswith(("date", "date-time")) for form in kind)}
    assert moments == fields.DATE_FIELDS | {"timestamp"}


def test_a_field_that_holds_the_id_of_a_record_is_listed_as_one() -> None:
    ids = {name for name, schema in DESCRIBED if "RecordId" in str(schema.get("$ref"))}
    assert ids <= fields.ID_FIELDS


def test_every_enumerated_value_of_the_document_is_a_code_that_may_stay() -> None:
    listed = {
        str(value)
        for schema in [*DOCUMENT["components"]["schemas"].values(), *(schema for _, schema in DESCRIBED)]
        for value in [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    }
    assert "in-progress" in listed
    assert listed <= fields.CODES


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("AMB", True),
        ("diagnosis[0].rank", True),
        ("encounters", True),
        ("Jane", False),
        ("pt_abc123", False),
        ("", False),
    ],
)
def test_a_code_or_the_way_to_a_field_tells_nothing_of_anybody(text: str, told: bool) -> None:
    assert fields.is_told(text) is told
