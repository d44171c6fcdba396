"""The house rules: how our own document is written, so that people and the generated code get all there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..codecs import class_name
from ..document import Pointer, mapping, sequence
from ..form import meant
from ..handwritten import constants, facts
from .context import DocumentedSchema, LintContext, told
from .rules import HOUSE, Finding

TEMPLATES = Path(__file__).parents[1] / "templates"

SECURITY = HOUSE.asks("house-security", "every operation says how it is secured", "`security: [{apiKey: []}]`")
OPERATION_ID = HOUSE.asks(
    "house-operation-id", "every operation has an id in lowerCamelCase", "`operationId: readEncounter`"
)
ONE_TAG = HOUSE.asks("house-one-tag", "every operation has one tag: its module", "`tags: [encounters]`")
TEXTS = HOUSE.asks(
    "house-operation-texts", "every operation has a summary and a description: the docstring", "the one that is missing"
)
INLINE = HOUSE.asks(
    "house-inline",
    "objects and enumerations have a name of their own in components/schemas: the class's name",
    "`$ref: '#/components/schemas/Name'`",
)
ALL_OF = HOUSE.asks("house-allof", "no allOf: a reader sees all properties in one place", "the properties written out")
QUERY_DEFAULT = HOUSE.asks(
    "house-query-default",
    "no default on a query parameter: the service applies it, and it may change",
    "the default in the description",
)
DESCRIPTION = HOUSE.asks(
    "house-description", "every schema, property and parameter has a description: the docstring", "`description:`"
)
EXAMPLE = HOUSE.asks(
    "house-example",
    "every schema, property and parameter has an example, its own, that of the schema it refers to, or that of the "
    "object it is in",
    "`examples: [...]`",
)
ENUM_TEXT = HOUSE.asks(
    "house-enum-description",
    "every value of an enumeration is described, and nothing else is",
    "a line for each value in `x-enumDescriptions`",
)
NAME_TAKEN = HOUSE.asks(
    "house-name-taken",
    "our templates import something of this name, which the schema's class would hide; nothing is generated",
    "a more telling name, such as `LabRequest` for `Request`",
    stops=True,
)
CONTENT = HOUSE.asks(
    "house-success-content",
    "a successful response has a body, unless it is a 204 or that of a DELETE: nothing is read where none is described",
    "`content:` with the schema, or the status 204",
    stops=True,
)
HANDWRITTEN = HOUSE.asks(
    "house-handwritten",
    "the address of the service and the header of the key are written by hand in clinik_client, and both say the same",
    "the same in both",
)
KNOWN_SCHEME = HOUSE.asks(
    "house-security-scheme",
    "`security` names schemes of components/securitySchemes",
    "the name as it is there",
    stops=True,
)
KNOWN_TAG = HOUSE.asks(
    "house-tag-listed",
    "where the document lists its tags, operations have one of these: another one is another module",
    "the tag as it is in the list, or one more entry there",
)
SCHEMA_NAME = HOUSE.asks(
    "house-schema-name", "schemas are named in PascalCase, as their classes are", "a name like `Period`"
)


@HOUSE.check
def operations(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        body, path, name = operation.body, operation.path, operation.name
        if "security" not in body:
            yield SECURITY.found(context, path, f"{name} has no security")
        if not re.fullmatch("[a-z][a-zA-Z0-9]*", str(body.get("operationId", ""))):
            given = body.get("operationId")
            where = (*path, "operationId") if given else path
            yield OPERATION_ID.found(context, where, f"{name} has {f'the operationId {given}' if given else 'none'}")
        if len(sequence(body.get("tags"))) != 1:
            where = (*path, "tags") if "tags" in body else path
            yield ONE_TAG.found(context, where, f"{name} has {len(sequence(body.get('tags'))) or 'no'} tags")
        for key in ("summary", "description"):
            if not body.get(key):
                yield TEXTS.found(context, path, f"{name} has no {key}", f"`{key}:`")
    for parameter in context.written_parameters():
        if parameter.place == "query" and "default" in context.document.resolve(parameter.body.get("schema")):
            yield QUERY_DEFAULT.found(context, parameter.path, f"the {parameter.told} has a default")


@HOUSE.check
def answers(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        for status, path, _, media in context.responses(operation):
            if status.startswith("2") and status not in ("204", "205") and operation.method != "delete" and not media:
                yield CONTENT.found(context, path, f"the response {status} of {operation.name} has no content")


@HOUSE.check
def handwritten(context: LintContext) -> Iterator[Finding]:
    written = constants()
    for path, name, said in facts(context.document):
        module, value = written[name]
        if said != value:
            what = f"{told(path)} is {said}, but {name} in {module} is {value}"
            yield HANDWRITTEN.found(context, path, what, f"{value} here, or {said} there")


@HOUSE.check
def listed(context: LintContext) -> Iterator[Finding]:
    root = context.document.root
    schemes = mapping(mapping(root.get("components")).get("securitySchemes"))
    tags = [mapping(tag).get("name") for tag in sequence(root.get("tags"))]
    places: list[tuple[Pointer, Mapping[str, Any]]] = [((), root)]
    places += [(operation.path, operation.body) for operation in context.operations]
    for path, body in places:
        for index, asked in enumerate(sequence(body.get("security"))):
            for name in mapping(asked):
                if name not in schemes:
                    where = (*path, "security", index, name)
                    yield KNOWN_SCHEME.found(context, where, f"there is no scheme {name}{meant(name, schemes)}")
        for index, tag in enumerate(sequence(body.get("tags")) if path and tags else ()):
            if tag not in tags:
                what = f"the tag {tag} is not in the list of tags{meant(tag, tags)}"
                yield KNOWN_TAG.found(context, (*path, "tags", index), what)


@HOUSE.check
def names(context: LintContext) -> Iterator[Finding]:
    for name, body in context.components.items():
        if not re.fullmatch("[A-Z][a-zA-Z0-9]*", name):
            yield SCHEMA_NAME.found(context, ("components", "schemas", name), f"{name} is not in PascalCase")
        becomes_class = any(key in mapping(body) for key in ("properties", "allOf", "enum"))
        if becomes_class and class_name(name) in _names_in_templates():
            yield NAME_TAKEN.found(context, ("components", "schemas", name), f"{name} cannot be a class")


@HOUSE.check
def forms(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        body, path = schema.body, schema.path
        if sequence(body.get("allOf")):
            yield ALL_OF.found(context, (*path, "allOf"), f"{schema.name} is an allOf")
        if schema.role not in ("component", "allOf") and ("properties" in body or sequence(body.get("enum"))):
            kind = "an enumeration" if sequence(body.get("enum")) else "an object"
            yield INLINE.found(context, path, f"{schema.name} is {kind} without a name")
        values = [str(value) for value in sequence(body.get("enum")) if value is not None]
        texts = mapping(body.get("x-enumDescriptions"))
        for value in values:
            if not texts.get(value):
                yield ENUM_TEXT.found(context, (*path, "enum"), f"the value {value} of {schema.name} is not described")
        for value in texts:
            if value not in values:
                where = (*path, "x-enumDescriptions", value)
                what = f"{value} is described, and is no value of {schema.name}"
                yield ENUM_TEXT.found(context, where, what, "the value as it is in `enum`, or nothing")


@HOUSE.check
def texts(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if schema.role not in ("component", "properties"):
            continue
        if not schema.body.get("description"):
            yield DESCRIPTION.found(context, schema.path, f"{schema.name} has no description")
        if not _has_example(context, schema.body) and not _owner_shows(context, schema):
            yield EXAMPLE.found(context, schema.path, f"{schema.name} has no example")
    for parameter in context.written_parameters():
        body = parameter.body
        if not body.get("description"):
            yield DESCRIPTION.found(context, parameter.path, f"the {parameter.told} has no description")
        if not _has_example(context, body) and not _has_example(context, mapping(body.get("schema"))):
            yield EXAMPLE.found(context, parameter.path, f"the {parameter.told} has no example")


def _has_example(context: LintContext, body: Mapping[str, Any]) -> bool:
    given = [body, context.document.resolve(body)]
    return any("example" in one or one.get("examples") for one in given)


def _owner_shows(context: LintContext, schema: DocumentedSchema) -> bool:
    if schema.role != "properties":
        return False
    owner, name = mapping(context.document.at(schema.path[:-2])), schema.path[-1]
    shown = [owner.get("example"), *sequence(owner.get("examples"))]
    return any(name in mapping(example) for example in shown)


@cache
def _names_in_templates() -> frozenset[str]:
    found: set[str] = set()
    for file in sorted(TEMPLATES.glob("*.jinja")):
        for line in re.findall(r"^from [\w.]+ import ([\w, ]+)$", file.read_text(encoding="utf-8"), re.MULTILINE):
            found.update(name.split(" as ")[-1].strip() for name in line.split(","))
    return frozenset(found)
