"""Schemas: types, arrays, enumerations, constants, null, defaults and keywords."""

from __future__ import annotations

from collections.abc import Iterator

from ..document import sequence
from .context import LintContext
from .keywords import IGNORED, UNIONS, meaningful, parts_of
from .rules import LOSSES, Finding

ARRAY_WITHOUT_ITEMS = LOSSES.breaks(
    "array-without-items",
    "what uses an array without items is left out",
    "`items:` with the schema of the elements, `items: {}` if they may be anything",
    says=r"type array must have items",
)
DEFAULT_INVALID = LOSSES.breaks(
    "default-invalid",
    "a default that the generator cannot write as Python costs whatever has it: the class or the operation",
    "a default of the schema's own type (dates in quotes), or none",
    says=r"[Ii]nvalid (?!property in|response|content).*(value|datetime|date)\b|"
    r"Cannot convert|is not valid|Invalid default|a default value",
)
TUPLE = LOSSES.drops(
    "tuple-positions-lost",
    "`prefixItems` becomes a list in which each element may be any of the alternatives",
    "an object with a property for each position",
)
FIXED_VALUE = LOSSES.drops(
    "fixed-value-lost",
    "`enum` and `const` of a boolean, `const: null`, and `const` beside `enum`, `oneOf` or `anyOf` are dropped",
    "const in a schema with one type, and a description",
)
NULLABLE = LOSSES.drops(
    "nullable-ignored",
    "`nullable` without a type is dropped: reading null raises TypeError",
    "`type: [object, 'null']`, or `nullable: true` beside a type",
)
KEYWORD = LOSSES.drops(
    "keyword-ignored",
    "the generator does not know this keyword: what it says is neither typed nor checked, and its schemas get no class",
    "plain types and properties, and the condition in words",
)


@LOSSES.check
def fixed_values(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        body = schema.body
        boolean = body.get("type") == "boolean"
        if boolean and ("enum" in body or "const" in body):
            key = "enum" if "enum" in body else "const"
            what = f"{key} of the boolean {schema.name}"
            yield FIXED_VALUE.found(context, (*schema.path, key), what, f"no {key}, and a description of the one value")
        elif "const" in body:
            rival = next((key for key in ("enum", *UNIONS) if sequence(body.get(key))), None)
            if rival or body["const"] is None:
                what = f"const of {schema.name}, beside {rival}" if rival else f"const null of {schema.name}"
                yield FIXED_VALUE.found(context, (*schema.path, "const"), what)


@LOSSES.check
def nulls(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        body = schema.body
        values = sequence(body.get("enum"))
        if (
            body.get("nullable") is True
            and body.get("type") is None
            and (not values or None in values)
            and not parts_of(body)
            and "$ref" not in body
            and meaningful(body) != ["nullable"]
        ):
            yield NULLABLE.found(context, (*schema.path, "nullable"), f"null of {schema.name}")


@LOSSES.check
def keywords(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if "$ref" in schema.body:
            continue
        for key in IGNORED:
            if key in schema.body:
                yield KEYWORD.found(context, (*schema.path, key), f"{key} of {schema.name}")
        if sequence(schema.body.get("prefixItems")):
            yield TUPLE.found(context, (*schema.path, "prefixItems"), f"the positions in {schema.name}")
