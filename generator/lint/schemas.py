"""Silent losses in single schemas: keywords that the generator passes over."""

from __future__ import annotations

from collections.abc import Iterator

from .keywords import ANNOTATIONS, IGNORED, UNIONS, meaningful, parts_of
from .rules import Finding, breaks, check, drops
from .source import sequence
from .subject import Subject

FIXED_VALUE = drops(
    "fixed-value-lost",
    "`enum` and `const` of a boolean, `const: null`, and `const` beside `enum`, `oneOf` or `anyOf` are dropped",
    "const in a schema with one type, and a description",
)
NULL_ENUM = breaks(
    "enum-null",
    "where `type` or `nullable` allows null but `enum` has no null among its values, reading null raises ValueError",
    "null among the values of `enum`",
    ours="a null that is read becomes None whatever the schema says",
)
NULLABLE = drops(
    "nullable-ignored",
    "`nullable` without a type is dropped: reading null raises TypeError",
    "`type: [object, 'null']`, or `nullable: true` beside a type",
)
DEFAULT = drops(
    "default-lost",
    "the default of an array, an object, a file or beside a $ref is dropped",
    "the default in the description; it is the service that applies it",
    ours="no default is ever sent: what is not given is left to the service",
)
DEFAULT_ALTERED = breaks(
    "default-altered",
    "backslashes and quotes in a default are doubled by escaping, and that is what is sent",
    "the default in the description",
    ours="no default is ever sent: what is not given is left to the service",
)
REF_SIBLINGS = drops(
    "reference-siblings",
    "what is written beside a $ref is dropped: descriptions, limits, defaults",
    "the limits in the schema referred to; a description, too, if it must reach the generated code",
    ours="descriptions are kept, and limits beside a $ref to a text, a number or a list; not beside one to an object",
)
KEYWORD = drops(
    "keyword-ignored",
    "the generator does not know this keyword: what it says is neither typed nor checked, and its schemas get no class",
    "plain types and properties, and the condition in words",
)
TUPLE = drops(
    "tuple-positions-lost",
    "`prefixItems` becomes a list in which each element may be any of the alternatives",
    "an object with a property for each position",
)
UNTYPED = drops(
    "untyped",
    "a schema without a type becomes Any: nothing is converted, checked or completed",
    "`type:`, and `items:` or `properties:` with it",
    ours="any JSON value is passed through as it is",
)


@check
def fixed_values(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        body = schema.body
        boolean = body.get("type") == "boolean"
        if boolean and ("enum" in body or "const" in body):
            key = "enum" if "enum" in body else "const"
            yield subject.found(FIXED_VALUE, (*schema.path, key), f"{key} of the boolean {schema.name}")
        elif "const" in body:
            rival = next((key for key in ("enum", *UNIONS) if sequence(body.get(key))), None)
            if rival or body["const"] is None:
                what = f"const of {schema.name}, beside {rival}" if rival else f"const null of {schema.name}"
                yield subject.found(FIXED_VALUE, (*schema.path, "const"), what)


@check
def nulls(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        body = schema.body
        types = body.get("type")
        nullable = body.get("nullable") is True
        values = sequence(body.get("enum"))
        if values and None not in values and (nullable or (isinstance(types, list) and "null" in types)):
            yield subject.found(NULL_ENUM, (*schema.path, "enum"), f"null of {schema.name}")
        elif (
            nullable
            and types is None
            and not parts_of(body)
            and "$ref" not in body
            and meaningful(body) != ["nullable"]
        ):
            yield subject.found(NULLABLE, (*schema.path, "nullable"), f"null of {schema.name}")


@check
def defaults(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        default = schema.body.get("default")
        if default is None or "$ref" in schema.body:
            continue
        types, where = subject.types(schema.body), (*schema.path, "default")
        binary = schema.body.get("format") == "binary"
        if types & {"array", "object"} and isinstance(default, list | dict):
            yield subject.found(DEFAULT, where, f"the default of {schema.name}, {' or '.join(sorted(types))}")
        elif binary:
            yield subject.found(DEFAULT, where, f"the default of the file {schema.name}")
        elif isinstance(default, str) and "string" in types and ('"' in default or "\\" in default):
            yield subject.found(DEFAULT_ALTERED, where, f"the default of {schema.name} is sent with other characters")


@check
def beside_references(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        if "$ref" not in schema.body:
            continue
        siblings = [key for key in schema.body if key not in ("$ref", "$comment") and not key.startswith("x-")]
        if siblings:
            target = subject.source.resolve(schema.body)
            scalar = "properties" not in target and "enum" not in target and "allOf" not in target
            yield subject.found(
                REF_SIBLINGS,
                (*schema.path, siblings[0]),
                f"{', '.join(siblings)} of {schema.name} beside its $ref",
                compensated=scalar or all(key in (*ANNOTATIONS, "default") for key in siblings),
            )


@check
def keywords(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        if "$ref" in schema.body:
            continue
        for key in IGNORED:
            if key in schema.body:
                yield subject.found(KEYWORD, (*schema.path, key), f"{key} of {schema.name}")
        if sequence(schema.body.get("prefixItems")):
            yield subject.found(TUPLE, (*schema.path, "prefixItems"), f"the positions in {schema.name}")


@check
def untyped(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        body = schema.body
        telling = ("type", "$ref", "enum", "properties", "const", "allOf", "oneOf", "anyOf")
        if any(body.get(key) for key in telling) or schema.role in ("allOf", "additionalProperties"):
            continue
        if "const" in body:
            continue
        empty = "the empty schema" if not meaningful(body) else "the schema without a type"
        yield subject.found(UNTYPED, schema.path, f"the type of {schema.name}, for {empty} there")
