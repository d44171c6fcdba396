"""A vendor's document: 62 resources, more than 10,000 lines, and most of what a generator trips over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def response(schema: Any = None, type_: str = "application/json") -> Json:
    return {"description": "Done.", "content": {type_: {} if schema is None else {"schema": schema}}}


def vendor(resources: int = 62) -> Json:
    """The document; each tenth resource or so has another oddity."""
    paths: Json = {}
    schemas: Json = {"Problem": {"type": "object", "properties": {"code": {"type": "string"}}}}
    for number in range(resources):
        name = f"Resource{number:02d}"
        schemas[name] = _record(number)
        schemas[f"{name}Page"] = {
            "type": "object",
            "required": ["rows"],
            "properties": {"rows": {"type": "array", "items": ref(name)}, "next": {"type": "string"}},
        }
        paths.update(_paths(name))
        _spoil(number % len(ODDITIES), name, paths, schemas)
    key = {"type": "apiKey", "in": "header", "name": "x-token"}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Vendor", "version": "2"},
        "servers": [{"url": "https://vendor.test"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": key}},
    }


def _record(number: int) -> Json:
    fields: Json = {
        f"field{index}": {"type": "string", "description": f"The field {index} of {number}.", "maxLength": 100}
        for index in range(16)
    }
    fields["address"] = {
        "type": "object",
        "properties": {"street": {"type": "string"}, "lines": {"type": "array", "items": {}}},
    }
    fields["state"] = {"type": "string", "enum": ["open", "closed"]}
    return {"type": "object", "required": ["field0"], "properties": fields}


def _paths(name: str) -> Json:
    url, tag = f"/{name.lower()}", [name]
    one = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    errors = {"400": response(ref("Problem")), "500": {"description": "Broken."}}
    return {
        url: {
            "get": {
                "operationId": f"list{name}",
                "tags": tag,
                "parameters": [
                    {"name": key, "in": "query", "description": f"The {key}.", "schema": {"type": "string"}}
                    for key in ("filter", "sort", "page")
                ],
                "responses": {"200": response(ref(f"{name}Page")), **errors},
            },
            "post": {
                "operationId": f"create{name}",
                "tags": tag,
                "requestBody": {"required": True, "content": {"application/json": {"schema": ref(name)}}},
                "responses": {
                    "201": response({"type": "object", "properties": {"data": ref(name), "meta": {"type": "object"}}}),
                    **errors,
                },
            },
        },
        f"{url}/{{id}}": {
            "parameters": [one],
            "get": {"operationId": f"read{name}", "tags": tag, "responses": {"200": response(ref(name)), **errors}},
            "delete": {"operationId": f"delete{name}", "tags": tag, "responses": {"200": response(), **errors}},
        },
    }


def _parameter(place: str, name: str, schema: Json, **more: Any) -> Json:
    return {"name": name, "in": place, "schema": schema, **more}


# What is wrong with a resource: the place that is changed, and what is written there.
ODDITIES: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("", (), None),
    ("array-without-items", ("schemas", "{name}", "properties", "tags"), {"type": "array"}),
    ("class-name-taken", ("schemas", "{name}Address"), {"type": "object", "properties": {"a": {"type": "string"}}}),
    ("enum-type", ("schemas", "{name}", "properties", "level"), {"enum": [1, "two"]}),
    ("reference-not-found", ("schemas", "{name}", "properties", "more"), {"$ref": "other.yaml#/More"}),
    ("default-invalid", ("schemas", "{name}", "properties", "count"), {"type": "integer", "default": "many"}),
    (
        "property-names-collide",
        ("schemas", "{name}", "properties", "votes"),
        {"type": "object", "properties": {"+1": {"type": "integer"}, "-1": {"type": "integer"}}},
    ),
    (
        "union-branch",
        ("schemas", "{name}", "properties", "either"),
        {"oneOf": [{"type": "string"}, {"type": "array"}]},
    ),
    (
        "single-reference-siblings",
        ("schemas", "{name}Special"),
        {"allOf": [{"$ref": "#/components/schemas/Problem"}], "properties": {"own": {"type": "string"}}},
    ),
    (
        "allof-no-object",
        ("schemas", "{name}Tagged"),
        {"allOf": [{"$ref": "#/components/schemas/{name}Id"}, {"properties": {"a": {"type": "string"}}}]},
    ),
    ("enum-members-collide", ("schemas", "{name}", "properties", "mode"), {"type": "string", "enum": ["a-b", "a.b"]}),
    ("property-reserved", ("schemas", "{name}", "properties", "to_dict"), {"type": "string"}),
    (
        "parameter-type",
        ("paths", "/{lower}", "get", "parameters"),
        [_parameter("header", "since", {"type": "string", "format": "date-time"})],
    ),
    ("path-parameters", ("paths", "/{lower}/{{id}}", "parameters"), [_parameter("query", "x", {"type": "string"})]),
    (
        "parameter-content",
        ("paths", "/{lower}", "get", "parameters"),
        [{"name": "where", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}],
    ),
    ("response-media-type", ("paths", "/{lower}", "get", "responses", "200"), response({"type": "string"}, "*/*")),
    ("response-without-schema", ("paths", "/{lower}", "get", "responses", "200"), response()),
    ("status-pattern", ("paths", "/{lower}", "get", "responses", "4xx"), response({"type": "string"})),
    (
        "body-media-type",
        ("paths", "/{lower}", "post", "requestBody"),
        {"content": {"application/xml": {"schema": {"type": "string"}}}},
    ),
    ("body-without-schema", ("paths", "/{lower}", "post", "requestBody"), {"content": {"application/json": {}}}),
    ("operation-overwritten", ("paths", "/{lower}", "post", "operationId"), "List_{name}"),
    ("tags-dropped", ("paths", "/{lower}", "get", "tags"), ["Vendor", "{name}"]),
    ("class-renamed", ("schemas", "{name}Null"), {"type": "object", "nullable": True, "properties": {"a": {}}}),
    ("class-renamed", ("schemas", "{name}Titled"), {"title": "Title {name}", "properties": {"a": {"type": "string"}}}),
)


def _spoil(which: int, name: str, paths: Json, schemas: Json) -> None:
    rule, where, what = ODDITIES[which]
    if rule == "allof-no-object":
        schemas[f"{name}Id"] = {"type": "string"}
    if where:
        *parents, last = (_filled(step, name) for step in where)
        node: Any = {"paths": paths, "schemas": schemas}
        for step in parents:
            node = node[step]
        node[last] = json.loads(_filled(json.dumps(what).replace("{name}", "\0"), name).replace("\0", name))


def _filled(text: str, name: str) -> str:
    if text.startswith(("/", "{name}")):
        return text.replace("{name}", name).replace("{lower}", name.lower()).replace("{{id}}", "{id}")
    return text


# A loss is told where the later of two rivals, or the operation as a whole, is.
ELSEWHERE = {
    "class-name-taken": ("schemas", "{name}", "properties", "address"),
    "path-parameters": ("paths", "/{lower}/{{id}}"),
    "operation-overwritten": ("paths", "/{lower}", "get", "operationId"),
    "parameter-type": ("paths", "/{lower}", "get"),
    "body-media-type": ("paths", "/{lower}", "post"),
    "body-without-schema": ("paths", "/{lower}", "post"),
}


def foreseen(resources: int = 62) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rules that must speak, and at or beneath which part of the document."""
    for number in range(resources):
        name = f"Resource{number:02d}"
        rule, where, _ = ODDITIES[number % len(ODDITIES)]
        if rule:
            place = tuple(_filled(step, name) for step in ELSEWHERE.get(rule, where))
            yield rule, ("components", *place) if place[0] == "schemas" else place


def yaml(node: Any, indent: str = "") -> str:
    """A document as people write it: a line for each key."""
    lines = []
    if isinstance(node, dict):
        for key, value in node.items():
            lines.append(f"{indent}{json.dumps(key)}:{_value(value, indent)}")
    else:
        lines += [f"{indent}-{_value(value, indent)}" for value in node]
    return "\n".join(lines)


def _value(value: Any, indent: str) -> str:
    return f"\n{yaml(value, indent + '  ')}" if isinstance(value, dict | list) and value else f" {json.dumps(value)}"
