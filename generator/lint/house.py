"""The house rules: how our own document is written, so that people and the generated code get all there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .naming import class_name, names_in_templates
from .rules import Finding, house, house_check
from .source import mapping, sequence
from .subject import Schema, Subject

SECURITY = house("house-security", "every operation says how it is secured", "`security: [{apiKey: []}]`")
OPERATION_ID = house(
    "house-operation-id", "every operation has an id in lowerCamelCase", "`operationId: readEncounter`"
)
ONE_TAG = house("house-one-tag", "every operation has one tag: its module", "`tags: [encounters]`")
TEXTS = house(
    "house-operation-texts", "every operation has a summary and a description: the docstring", "the one that is missing"
)
INLINE = house(
    "house-inline",
    "objects and enumerations have a name of their own in components/schemas: the class's name",
    "`$ref: '#/components/schemas/Name'`",
)
ALL_OF = house("house-allof", "no allOf: a reader sees all properties in one place", "the properties written out")
QUERY_DEFAULT = house(
    "house-query-default",
    "no default on a query parameter: the service applies it, and it may change",
    "the default in the description",
)
DESCRIPTION = house(
    "house-description", "every schema, property and parameter has a description: the docstring", "`description:`"
)
EXAMPLE = house(
    "house-example",
    "every schema, property and parameter has an example, its own, that of the schema it refers to, or that of the "
    "object it is in",
    "`examples: [...]`",
)
ENUM_TEXT = house(
    "house-enum-description",
    "every value of an enumeration is described, and nothing else is",
    "a line for each value in `x-enum-descriptions`",
)
NAME_TAKEN = house(
    "house-name-taken",
    "our templates import something of this name, which the schema's class would hide; nothing is generated",
    "a more telling name, such as `LabRequest` for `Request`",
    stops=True,
)
SCHEMA_NAME = house(
    "house-schema-name", "schemas are named in PascalCase, as their classes are", "a name like `Period`"
)


@house_check
def operations(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations:
        body, path, name = operation.body, operation.path, operation.name
        if "security" not in body:
            yield subject.found(SECURITY, path, f"{name} has no security")
        if not re.fullmatch("[a-z][a-zA-Z0-9]*", str(body.get("operationId", ""))):
            given = body.get("operationId")
            where = (*path, "operationId") if given else path
            yield subject.found(OPERATION_ID, where, f"{name} has {f'the operationId {given}' if given else 'none'}")
        if len(sequence(body.get("tags"))) != 1:
            where = (*path, "tags") if "tags" in body else path
            yield subject.found(ONE_TAG, where, f"{name} has {len(sequence(body.get('tags'))) or 'no'} tags")
        for key in ("summary", "description"):
            if not body.get(key):
                yield subject.found(TEXTS, path, f"{name} has no {key}", f"`{key}:`")
    for parameter in subject.written_parameters():
        if parameter.place == "query" and "default" in subject.source.resolve(parameter.body.get("schema")):
            yield subject.found(QUERY_DEFAULT, parameter.path, f"the {parameter.told} has a default")


@house_check
def names(subject: Subject) -> Iterator[Finding]:
    for name, body in subject.components.items():
        if not re.fullmatch("[A-Z][a-zA-Z0-9]*", name):
            yield subject.found(SCHEMA_NAME, ("components", "schemas", name), f"{name} is not in PascalCase")
        becomes_class = any(key in mapping(body) for key in ("properties", "allOf", "enum"))
        if becomes_class and class_name(name) in names_in_templates():
            yield subject.found(NAME_TAKEN, ("components", "schemas", name), f"{name} cannot be a class")


@house_check
def forms(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        body, path = schema.body, schema.path
        if sequence(body.get("allOf")):
            yield subject.found(ALL_OF, (*path, "allOf"), f"{schema.name} is an allOf")
        if schema.role not in ("component", "allOf") and ("properties" in body or sequence(body.get("enum"))):
            kind = "an enumeration" if sequence(body.get("enum")) else "an object"
            yield subject.found(INLINE, path, f"{schema.name} is {kind} without a name")
        values = [str(value) for value in sequence(body.get("enum")) if value is not None]
        texts = mapping(body.get("x-enum-descriptions"))
        for value in values:
            if not texts.get(value):
                yield subject.found(ENUM_TEXT, (*path, "enum"), f"the value {value} of {schema.name} is not described")
        for value in texts:
            if value not in values:
                where = (*path, "x-enum-descriptions", value)
                what = f"{value} is described, and is no value of {schema.name}"
                yield subject.found(ENUM_TEXT, where, what, "the value as it is in `enum`, or nothing")


@house_check
def texts(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        if schema.role not in ("component", "properties"):
            continue
        if not schema.body.get("description"):
            yield subject.found(DESCRIPTION, schema.path, f"{schema.name} has no description")
        if not _has_example(subject, schema.body) and not _owner_shows(subject, schema):
            yield subject.found(EXAMPLE, schema.path, f"{schema.name} has no example")
    for parameter in subject.written_parameters():
        body = parameter.body
        if not body.get("description"):
            yield subject.found(DESCRIPTION, parameter.path, f"the {parameter.told} has no description")
        if not _has_example(subject, body) and not _has_example(subject, mapping(body.get("schema"))):
            yield subject.found(EXAMPLE, parameter.path, f"the {parameter.told} has no example")


def _has_example(subject: Subject, body: Mapping[str, Any]) -> bool:
    given = [body, subject.source.resolve(body)]
    return any("example" in one or one.get("examples") for one in given)


def _owner_shows(subject: Subject, schema: Schema) -> bool:
    if schema.role != "properties":
        return False
    owner, name = mapping(subject.source.at(schema.path[:-2])), schema.path[-1]
    shown = [owner.get("example"), *sequence(owner.get("examples"))]
    return any(name in mapping(example) for example in shown)
