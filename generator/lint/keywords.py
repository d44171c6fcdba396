"""The keywords of schemas, by what the stock generator does with them."""

from __future__ import annotations

from typing import Any

from ..document import mapping, sequence

# Not known to it at all.
IGNORED = (
    *("not", "if", "then", "else", "patternProperties", "propertyNames", "contains", "minContains", "maxContains"),
    *("dependentSchemas", "dependentRequired", "dependencies", "unevaluatedProperties", "unevaluatedItems"),
    *("additionalItems", "contentMediaType", "contentEncoding", "contentSchema", "$defs", "definitions", "$id"),
    *("$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"),
)
# For people.
ANNOTATIONS = {
    *("description", "summary", "title", "example", "examples", "deprecated", "readOnly", "writeOnly"),
    *("externalDocs", "xml", "$comment", "$schema"),
}
# Read, and then not used.
LIMIT_WORDS = (
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "format"),
)
UNIONS = ("oneOf", "anyOf")
# What loses nothing beside a union or beside one $ref: its type, what has a rule of its own, and texts.
HARMLESS = {"type", "nullable", "discriminator", *ANNOTATIONS}


def meaningful(body: Any) -> list[str]:
    """The keywords of a schema that are no annotations, extensions apart."""
    return [key for key in mapping(body) if key not in ANNOTATIONS and not key.startswith("x-")]


def parts_of(body: Any) -> list[tuple[str, Any]]:
    """The parts and alternatives that a schema is put together from, each with its keyword."""
    return [(key, part) for key in ("allOf", *UNIONS) for part in sequence(mapping(body).get(key))]


def is_alias(body: Any) -> bool:
    """Whether the generator takes a schema for the one $ref in its allOf, oneOf or anyOf."""
    parts = parts_of(body)
    return len(parts) == 1 and "$ref" in mapping(parts[0][1]) and mapping(body).get("nullable") is not True
