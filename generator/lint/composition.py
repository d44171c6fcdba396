"""Schemas that are put together of others: allOf, oneOf, anyOf, and what is required of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import mapping, sequence
from .context import DocumentedSchema, LintContext
from .keywords import HARMLESS, IGNORED, LIMIT_WORDS, UNIONS, is_alias, meaningful, parts_of
from .rules import LOSSES, Finding

ALLOF_NO_OBJECT = LOSSES.breaks(
    "allof-no-object",
    "an `allOf` of a schema that is no object costs the class",
    "a plain $ref, or the keywords written out",
    says=r"Cannot take allOf a non-object",
)
ALLOF_CONFLICT = LOSSES.breaks(
    "allof-conflict",
    "two parts of an allOf define the same property in ways that the generator cannot join; the class is left out",
    "the property once, with the narrower type",
    says=r"can't be merged|can't redefine|can't combine|can't merge",
)
UNION_BRANCH = LOSSES.breaks(
    "union-branch",
    "one alternative of a oneOf or anyOf cannot be used, and the generator gives the whole union up",
    "an alternative that could stand alone (each of its own faults is a loss by another rule)",
    ours="not lost where the classes of all alternatives are not",
    says=r"Invalid property in union",
)
ALIAS = LOSSES.breaks(
    "single-reference-siblings",
    "an `allOf`, `oneOf` or `anyOf` of one $ref alone stands for that $ref: what is written beside it is dropped, and "
    "so is the class",
    "for a description a plain $ref; for more properties all of them written out, or an allOf with a second part",
    ours="the allOf of a named schema is joined with what is beside it, and a property keeps its description",
)
UNION_SIBLINGS = LOSSES.drops(
    "union-siblings",
    "of a schema with `oneOf` or `anyOf` the generator makes a union of the alternatives and drops the rest",
    "the keywords inside each alternative; one of oneOf and anyOf",
)
ALLOF_PART = LOSSES.drops(
    "allof-part-ignored",
    "of the parts of an allOf the generator takes properties and required, and drops everything else",
    "the rest beside the allOf, in a schema that the part refers to, or written out",
)
ALLOF_SCALAR = LOSSES.breaks(
    "allof-without-properties",
    "an allOf without a $ref, without properties and without a type beside it becomes a class without fields, which "
    "no text or number can be read into",
    "the keywords in one schema, without allOf",
)
DISCRIMINATOR = LOSSES.drops(
    "discriminator-ignored",
    "the discriminator is dropped: the alternatives are tried in their order",
    "a `const` in each alternative that makes it the only one that fits, and no discriminator",
)
FIRST_WINS = LOSSES.drops(
    "union-first-wins",
    "alternatives are tried in their order, and an object without required properties takes every object: those after "
    "it are never read",
    "`required` in each alternative, the narrowest one first",
)
REQUIRED_UNKNOWN = LOSSES.drops(
    "required-undefined",
    "a name in `required` that is no property is dropped: nothing asks for it",
    "the property itself, or the name corrected",
)


@LOSSES.check
def aliases(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if not is_alias(schema.body):
            continue
        [(key, _)] = parts_of(schema.body)
        siblings = [name for name in meaningful(schema.body) if name not in (*HARMLESS, key, "default", *IGNORED)]
        named = ["description"] if schema.role != "component" and schema.body.get("description") else []
        if siblings or named:
            lost = f"the class {schema.name} and its" if schema.role == "component" else "the"
            yield ALIAS.found(
                context,
                (*schema.path, (siblings or named)[0]),
                f"{lost} {', '.join(siblings + named)} of {schema.name} beside the one $ref",
                # prepare() joins the parts of a named schema; a description is taken from the property.
                compensated=not siblings or (schema.role == "component" and key == "allOf"),
            )


@LOSSES.check
def unions(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        body = schema.body
        given = [key for key in UNIONS if sequence(body.get(key))]
        if not given or "$ref" in body or is_alias(body):
            continue
        siblings = [key for key in meaningful(body) if key not in (*HARMLESS, *given, "default", "enum", *IGNORED)]
        siblings = [key for key in siblings if key not in LIMIT_WORDS and key != "const"]
        if len(given) > 1:
            siblings.append("the difference of oneOf and anyOf")
        if siblings:
            where = (*schema.path, siblings[0]) if siblings[0] in body else schema.path
            yield UNION_SIBLINGS.found(context, where, f"{', '.join(siblings)} of {schema.name}, beside {given[0]}")


@LOSSES.check
def all_of(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if not sequence(schema.body.get("allOf")) or is_alias(schema.body):
            continue
        parts = [mapping(part) for part in schema.body["allOf"]]
        for index, part in enumerate(parts):
            extra = [key for key in meaningful(part) if key not in ("properties", "required", "type", "$ref", *IGNORED)]
            if "properties" not in part and all(key in LIMIT_WORDS for key in extra):
                extra = []
            if extra:
                path = (*schema.path, "allOf", index)
                yield ALLOF_PART.found(context, (*path, extra[0]), f"{', '.join(extra)} in a part of {schema.name}")
            target = context.document.resolve(part) if "$ref" in part else {}
            if "additionalProperties" in target and "additionalProperties" not in schema.body:
                what = f"additionalProperties of {str(part['$ref']).rpartition('/')[2]}, a part of {schema.name}"
                instead = "additionalProperties beside the allOf"
                yield ALLOF_PART.found(context, (*schema.path, "allOf", index), what, instead)
        own = "properties" in schema.body or isinstance(schema.body.get("type"), str)
        if not own and not any("$ref" in part or "properties" in part for part in parts):
            types = context.types(schema.body)
            if types != {"object"}:
                yield ALLOF_SCALAR.found(context, schema.path, f"the values of {schema.name}, for a class of no fields")


@LOSSES.check
def alternatives(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if "discriminator" in schema.body:
            yield DISCRIMINATOR.found(context, (*schema.path, "discriminator"), f"the discriminator of {schema.name}")
        for key in UNIONS:
            yield from _first_wins(context, schema, key)


def _first_wins(context: LintContext, schema: DocumentedSchema, key: str) -> Iterator[Finding]:
    parts = sequence(schema.body.get(key))
    objects = [index for index, part in enumerate(parts) if context.types(part) == {"object"}]
    for index in objects[:-1]:
        if not _required(context, parts[index], 0):
            hidden = "the alternative" if index == objects[-2] else "the alternatives"
            what = f"{hidden} after number {index + 1} of {schema.name}, which takes every object"
            yield FIRST_WINS.found(context, (*schema.path, key, index), what)
            return


def _required(context: LintContext, part: Any, depth: int) -> bool:
    body = context.document.resolve(part)
    if body.get("required") or depth > 10:
        return True
    properties = mapping(body.get("properties")).values()
    consts = any("const" in mapping(child) or "enum" in mapping(child) for child in properties)
    return consts or any(_required(context, child, depth + 1) for _, child in parts_of(body))


@LOSSES.check
def required(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if schema.role == "allOf":
            continue
        known = set(_known(context, schema.body, 0))
        if any("$ref" in mapping(part) and not context.document.resolve(part) for _, part in parts_of(schema.body)):
            continue
        for index, name in enumerate(sequence(schema.body.get("required"))):
            if str(name) not in known:
                where = (*schema.path, "required", index)
                yield REQUIRED_UNKNOWN.found(context, where, f"that {name} of {schema.name} is required")


def _known(context: LintContext, node: Any, depth: int) -> Iterator[str]:
    body = context.document.resolve(node)
    yield from mapping(body.get("properties"))
    if depth < 10:
        for _, part in parts_of(body):
            yield from _known(context, part, depth + 1)
