"""Schemas: null in enumerations, defaults, and schemas without a type."""

from __future__ import annotations

from collections.abc import Iterator

from ...document import sequence
from ..context import LintContext
from ..keywords import meaningful
from ..rules import STOCK, Finding

ENUM_TYPE = STOCK.breaks(
    "enum-type",
    "only enumerations of text or of whole numbers become a class; what uses another one is left out",
    "values of one type, text or whole numbers; for others `const` in a `oneOf`, or no enum",
    ours="an enumeration of anything else is refused with the line of the value",
    says=r"Enum values must all be the same type|Unsupported enum type|Got \{<class",
)
NULL_ENUM = STOCK.breaks(
    "enum-null",
    "where `type` or `nullable` allows null but `enum` has no null among its values, reading null raises ValueError",
    "null among the values of `enum`",
    ours="a null that is read becomes None whatever the schema says",
)
DEFAULT = STOCK.drops(
    "default-lost",
    "the default of an array, an object, a file or beside a $ref is dropped",
    "the default in the description; it is the service that applies it",
    ours="no default is ever sent: what is not given is left to the service",
)
DEFAULT_ALTERED = STOCK.breaks(
    "default-altered",
    "backslashes and quotes in a default are doubled by escaping, and that is what is sent",
    "the default in the description",
    ours="no default is ever sent: what is not given is left to the service",
)
UNTYPED = STOCK.drops(
    "untyped",
    "a schema without a type becomes Any: nothing is converted, checked or completed",
    "`type:`, and `items:` or `properties:` with it",
    ours="any JSON value is passed through as it is",
)


@STOCK.check
def nulls(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        body = schema.body
        types, values = body.get("type"), sequence(body.get("enum"))
        nullable = body.get("nullable") is True or (isinstance(types, list) and "null" in types)
        if nullable and values and None not in values:
            yield NULL_ENUM.found(context, (*schema.path, "enum"), f"null of {schema.name}")


@STOCK.check
def defaults(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        default = schema.body.get("default")
        if default is None or "$ref" in schema.body:
            continue
        types, where = context.types(schema.body), (*schema.path, "default")
        binary = schema.body.get("format") == "binary"
        if types & {"array", "object"} and isinstance(default, list | dict):
            yield DEFAULT.found(context, where, f"the default of {schema.name}, {' or '.join(sorted(types))}")
        elif binary:
            yield DEFAULT.found(context, where, f"the default of the file {schema.name}")
        elif isinstance(default, str) and "string" in types and ('"' in default or "\\" in default):
            yield DEFAULT_ALTERED.found(context, where, f"the default of {schema.name} is sent with other characters")


@STOCK.check
def untyped(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        body = schema.body
        telling = ("type", "$ref", "enum", "properties", "const", "allOf", "oneOf", "anyOf")
        if any(body.get(key) for key in telling) or schema.role in ("allOf", "additionalProperties"):
            continue
        if "const" in body:
            continue
        empty = "the empty schema" if not meaningful(body) else "the schema without a type"
        yield UNTYPED.found(context, schema.path, f"the type of {schema.name}, for {empty} there")
