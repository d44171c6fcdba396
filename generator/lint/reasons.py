"""What the generator says when it leaves something out, and the rules that this belongs to."""

from __future__ import annotations

import re

from openapi_python_client.parser.errors import ParseError

from .rules import Rule, breaks

REFUSED = breaks(
    "document-refused",
    "the generator refuses the whole document because of one part, and does not say in which line",
    "what OpenAPI asks for at this place",
)
CRASHED = breaks(
    "generator-crash",
    "the generator ends with a Python exception that does not say where",
    "the part that the exception is about in a plainer way, and run the linter again",
)
OTHER = breaks(
    "generator-warning",
    "the generator leaves something out for a reason that no other rule knows",
    "the part in a plainer way",
)
WITH_ANOTHER = breaks(
    "class-dropped-with-another",
    "a class is left out because it uses one that is left out, or shares its name with one",
    "the other schema as its own finding says",
    ours="not lost where the other one is not",
)

# What the generator says, and the rule that it belongs to; the first that fits counts.
REASONS: list[tuple[str, Rule]] = [
    (
        r"type array must have items",
        breaks(
            "array-without-items",
            "what uses an array without items is left out",
            "`items:` with the schema of the elements, `items: {}` if they may be anything",
        ),
    ),
    (
        r"duplicate models with name|conflicting enums named",
        breaks(
            "class-name-taken",
            "two schemas get the same class name, made of the name, or of the names of parent and property, or of the "
            "title; the later one and all that use it are left out",
            "a name or title that differs in more than punctuation, or one schema used by $ref in both places",
            ours="what is written inside another schema gets a name that is free",
        ),
    ),
    (
        r"Enum values must all be the same type|Unsupported enum type|Got \{<class",
        breaks(
            "enum-type",
            "only enumerations of text or of whole numbers become a class; what uses another one is left out",
            "values of one type, text or whole numbers; for others `const` in a `oneOf`, or no enum",
        ),
    ),
    (
        r"Circular schema references|Recursive and circular|Recursive allOf",
        breaks(
            "reference-circle",
            "a schema that leads to itself by references, items or allOf alone is left out",
            "an object with a property that refers back",
        ),
    ),
    (
        r"Cannot take allOf a non-object",
        breaks(
            "allof-no-object",
            "an `allOf` of a schema that is no object costs the class",
            "a plain $ref, or the keywords written out",
        ),
    ),
    (
        r"can't be merged|can't redefine|can't combine|can't merge",
        breaks(
            "allof-conflict",
            "two parts of an allOf define the same property in ways that the generator cannot join; the class is "
            "left out",
            "the property once, with the narrower type",
        ),
    ),
    (
        r"have the same python_name",
        breaks(
            "property-names-collide",
            "two properties get the same Python name; the class is left out",
            "names that differ in letters or digits",
        ),
    ),
    (
        r"Parameters MUST NOT contain duplicates|Parameters with same Python identifier",
        breaks(
            "parameter-names-collide",
            "two parameters get the same Python name; the operation is left out",
            "names that differ in letters or digits, each once for each place",
        ),
    ),
    (
        r"is not allowed in|Path parameter must be required",
        breaks(
            "parameter-type",
            "a type that cannot stand at this place of a request (a date, time, list, object, constant or file in a "
            "header; None in a path; an optional path parameter) costs the whole operation",
            "`type: string` with a description of the form; `required: true` in a path",
        ),
    ),
    (
        r"Incorrect path templating",
        breaks(
            "path-parameters",
            "the operation is left out because the names in braces are not those of its path parameters; only "
            "letters, digits, - and _ count",
            "one parameter with `in: path` for each name in braces",
        ),
    ),
    (
        r"Parameter has no schema|Reference parameters are not supported|Reference `.*` not found",
        breaks(
            "parameter-reference",
            "a named parameter without `schema` (with `content`), or one that is a $ref itself, is left out, and so "
            "is every operation that uses it",
            "a named parameter with `schema`, referred to directly",
        ),
    ),
    (
        r"Invalid response status code pattern",
        breaks(
            "status-pattern",
            "a response is left out whose status is neither a number, nor 1XX to 5XX, nor default",
            "three digits, `4XX` in capitals, or `default`",
            ours="errors are read by handwritten code, whatever the document says of them",
        ),
    ),
    (
        r"Unsupported content_type",
        breaks(
            "response-media-type",
            "a response is left out that has none of the media types that the generator reads: JSON, text/*, "
            "application/octet-stream",
            "`application/json` with a schema; `application/octet-stream` with `format: binary` for files",
            ours="errors are read by handwritten code, whatever the document says of them",
        ),
    ),
    (
        r"not allowed in responses|Could not find reference:|Top-level \$ref inside components/responses",
        breaks(
            "response-reference",
            "a response is left out whose $ref is not to one written in components/responses",
            "`$ref: '#/components/responses/Name'`, where Name is not a reference itself",
            ours="errors are read by handwritten code, whatever the document says of them",
        ),
    ),
    (
        r"Unsupported content type|Invalid content type",
        breaks(
            "body-media-type",
            "a request body is left out whose media type the generator cannot send; if there is no other, so is the "
            "operation",
            "JSON, `application/x-www-form-urlencoded`, `multipart/form-data` or `application/octet-stream`",
        ),
    ),
    (
        r"Missing schema",
        breaks(
            "body-without-schema",
            "a request body without schema is left out; if there is no other, so is the operation",
            "`schema:` in the media type; `schema: {}` if it may be anything",
        ),
    ),
    (
        r"\$ref in request body|in request body$",
        breaks(
            "body-reference",
            "the operation is left out because its request body is a $ref that leads nowhere in "
            "components/requestBodies",
            "`$ref: '#/components/requestBodies/Name'`",
        ),
    ),
    (
        r"Invalid property in union",
        breaks(
            "union-branch",
            "one alternative of a oneOf or anyOf cannot be used, and the generator gives the whole union up",
            "an alternative that could stand alone (each of its own faults is a loss by another rule)",
        ),
    ),
    (
        r"Could not find ref|Remote references|Reference .* not found|Referent schema not found|was not processed",
        breaks(
            "reference-not-found",
            "what uses a $ref is left out because there is no class for it: it leads out of components/schemas, to "
            "another file, to nothing, or to a schema that is left out itself",
            "`$ref: '#/components/schemas/Name'`, and see the findings of Name",
            ours="not lost where what it refers to is not",
        ),
    ),
    (
        r"[Ii]nvalid .*(value|datetime|date)\b|Cannot convert|is not valid|Invalid default|a default value",
        breaks(
            "default-invalid",
            "a default that the generator cannot write as Python costs whatever has it: the class or the operation",
            "a default of the schema's own type (dates in quotes), or none",
        ),
    ),
]


def reason(error: ParseError) -> Rule:
    """The rule for a warning of the generator."""
    said = f"{error.header} {error.detail or ''}"
    return next((rule for pattern, rule in REASONS if re.search(pattern, said)), OTHER)
