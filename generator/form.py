"""Whether a document has the form of OpenAPI 3.1: each problem where it is written, and one for one damage.

The meta-schemas of OpenAPI 3.1 and of JSON Schema 2020-12 say what may stand where. Added to them are the extensions
that the generator reads, and that a keyword which nobody knows is a problem in a schema, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any
from urllib.parse import urljoin

from attrs import frozen
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # it has no annotations
from openapi_spec_validator.schemas import schema_v31
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Pointer = tuple[str | int, ...]

_TEXT = {"type": "string", "minLength": 1}
_FLAG = {"type": "boolean"}

EXTENSIONS: Mapping[str, Mapping[str, Any]] = {
    "schema": {
        "x-enumDescriptions": {"type": "object", "additionalProperties": {"type": "string"}},
        "x-fhir-resource": _TEXT,
        "x-other-codes": _FLAG,
        "x-pattern-text": _TEXT,
        "x-prefix": _TEXT,
    },
    "operation": {"x-parameters-schema": {**_TEXT, "pattern": "^[A-Z][A-Za-z0-9]*$"}},
}
"""The extensions that the generator reads, by the object of OpenAPI that they stand in, each with its own schema."""

# Of schemas, besides those of JSON Schema. `nullable` is how OpenAPI 3.0 says null.
_OF_SCHEMAS: Mapping[str, Any] = {
    "discriminator": {
        "type": "object",
        "properties": {"propertyName": {"type": "string"}, "mapping": {"type": "object"}},
        "required": ["propertyName"],
    },
    "example": True,
    "externalDocs": {"type": "object", "required": ["url"]},
    "nullable": _FLAG,
    "xml": {"type": "object"},
}
_OPEN_OR_CLOSED = ("additionalProperties", "unevaluatedProperties", "unevaluatedItems")
_LIMITS = [(f"min{of}", f"max{of}") for of in ("imum", "Length", "Items", "Properties")]
FORMATS = (
    *("date", "date-time", "fhir-date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri"),
    *("uri-reference", "uri-template", "uuid", "regex", "json-pointer", "int32", "int64", "float", "double", "byte"),
    *("binary", "password"),
)
TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


@frozen
class Problem:
    """One place that has not the form it should have."""

    path: Pointer
    text: str
    unknown: bool
    """Whether it is a key that nobody knows."""


def problems(root: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the form of a document; what is most likely the cause of the rest comes first."""
    found = [_as_problem(error) for error in _deepest(_validator().iter_errors(root)) if not _is_closing(error)]
    # A misspelt key is missing under its right name, too; and what is wrong within a part spoils the whole.
    return sorted(found, key=lambda problem: (not problem.unknown, -len(problem.path)))


def _is_closing(error: ValidationError) -> bool:
    # Where nothing else may stand, true and false have a sense.
    return error.validator == "written" and error.absolute_path[-1] in _OPEN_OR_CLOSED


def _as_problem(error: ValidationError) -> Problem:
    path = tuple(error.absolute_path)
    return Problem(path, _told(error), error.validator == "unevaluatedProperties")


def _deepest(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    for error in errors:
        # What none of several alternatives takes is told of the one that it comes closest to.
        inner = list(_deepest(error.context or ()))
        closest = max(inner, key=lambda one: (len(one.absolute_path), one.validator != "type"), default=error)
        yield closest if len(closest.absolute_path) > len(error.absolute_path) else error


def _told(error: ValidationError) -> str:
    given, asked = _shown(error.instance), _copy(error.validator_value)
    match error.validator:
        case "required":
            return f"{error.message.partition(' is a required')[0]} is missing"
        case "type":
            return f"{given} is not of type {asked if isinstance(asked, str) else ' or '.join(asked)}"
        case "enum":
            return f"{given} is none of {', '.join(map(str, asked))}{meant(error.instance, asked)}"
        case "format":
            return f"{given} is no {asked}"
        case "anyOf" if "type" in [*error.absolute_path][-1:]:
            return f"{given} is no type; write {', '.join(TYPES)}, or a list of them{meant(error.instance, TYPES)}"
        case "anyOf" | "oneOf" if all("required" in option for option in asked):
            return f"it needs {' or '.join(name for option in asked for name in option['required'])}, and one alone"
    return error.message[:300]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def meant(given: Any, known: Iterable[Any], cutoff: float = 0.6) -> str:
    """The question whether something else was meant; empty if nothing known is close to it."""
    close = get_close_matches(str(given), [str(one) for one in known], 1, cutoff)
    return f"; did you mean {close[0]}?" if close else ""


@cache
def known_keys(kind: str) -> frozenset[str]:
    """The keys that OpenAPI 3.1 and JSON Schema know in an object of this kind, as the meta-schema calls it."""
    parts = _validator().schema["$defs"]
    return frozenset(_known(parts[kind], parts)[0])


# The validator


@cache
def _validator() -> Any:
    schema = _copy(schema_v31)
    parts = schema["$defs"]
    whole = Draft202012Validator.META_SCHEMA
    # Each names its own dialect, which would bring the stock keywords back.
    vocabulary = [
        {key: value for key, value in part.items() if key != "$schema"}
        for part in (whole, *(REGISTRY.contents(urljoin(whole["$id"], part["$ref"])) for part in whole["allOf"]))
    ]
    keywords = [name for part in vocabulary for name in part["properties"]]
    parts["schema"] = {
        "$dynamicAnchor": "meta",
        "type": ["object", "boolean"],
        "$ref": whole["$id"],
        "properties": {**dict.fromkeys(keywords, True), **_OF_SCHEMAS, "format": {"near": FORMATS}},
        "written": True,
        "alike": True,
        "typed": True,
        "possible": _LIMITS,
        "patternProperties": {"^x-": True},
        "unevaluatedProperties": False,
    }
    parts["parameter"]["properties"]["name"] = parts["operation"]["properties"]["operationId"] = _TEXT
    parts["content"]["propertyNames"] = {"pattern": "^[a-z*]+/[^/]+$"}
    for place, extensions in EXTENSIONS.items():
        parts[place]["properties"].update(extensions)

    def unknown(validator: Validator, value: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
        names, patterns = _known(part, parts)
        for key in instance if isinstance(instance, Mapping) else ():
            fits = any(re.search(pattern, key) for pattern in patterns)
            if key not in names and (not fits or (key.startswith("x-") and _is_meant_as_ours(key))):
                yield ValidationError(f"{key} is not known here{_instead(key, names)}", path=[key])

    own = {
        "unevaluatedProperties": unknown,
        "propertyNames": _names,
        "near": _near,
        "written": _written,
        "alike": _alike,
        "typed": _typed,
        "possible": _possible,
    }
    kind: Any = extend(Draft202012Validator, own)  # type: ignore[no-untyped-call]  # types-jsonschema leaves it out
    resources = [(part["$id"], DRAFT202012.create_resource(part)) for part in vocabulary]
    return kind(
        schema, registry=Registry().with_resources(resources), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def _names(validator: Any, value: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
    # As the stock keyword, but each problem is at its key.
    for key in instance if isinstance(instance, Mapping) else ():
        yield from validator.descend(instance=key, schema=value, path=key)


def _near(validator: Validator, value: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and instance not in value and (other := meant(instance, value, 0.75)):
        yield ValidationError(f"{instance!r} is not known here{other}")


def _written(validator: Validator, value: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
    if isinstance(instance, bool):
        yield ValidationError("a schema that is true or false is not supported; write {} for anything")


def _alike(validator: Validator, value: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
    values = instance.get("enum") if isinstance(instance, Mapping) else None
    if not isinstance(values, list) or not values:
        return
    whole = instance.get("type") == "integer" or (type(values[0]) is int and instance.get("type") != "string")
    for index, one in enumerate(values):
        if one is not None and type(one) is not (int if whole else str):
            noun = "whole number" if whole else "text"
            text = f"{_shown(one)} is no {noun}, as a value of this enumeration has to be"
            yield ValidationError(text, path=["enum", index])
        elif one in values[:index]:
            yield ValidationError(f"{one} is there twice; leave one of them out", path=["enum", index])


def _typed(validator: Validator, value: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
    kind = instance.get("type") if isinstance(instance, Mapping) else None
    if kind in TYPES and "const" in instance and not validator.is_type(instance["const"], kind):
        text = f"{_shown(instance['const'])} is not of type {kind}, as the schema says beside it"
        yield ValidationError(text, path=["const"])


def _possible(validator: Validator, value: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
    given = instance if isinstance(instance, Mapping) else {}
    for least, most in value:
        low, high = given.get(least), given.get(most)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield ValidationError(f"{least} is {low} and {most} {high}: nothing can be both", path=[most])


def _is_meant_as_ours(key: str) -> bool:
    return bool(get_close_matches(key, _OURS, 1, 0.8))


def _instead(key: str, names: Iterable[str]) -> str:
    if key in _OURS:
        places = [place for place, extensions in EXTENSIONS.items() if key in extensions]
        return f"; it belongs into a {places[0]}"
    return meant(key, [*names, "$ref"])


_OURS = [name for extensions in EXTENSIONS.values() for name in extensions]


def _known(part: Any, parts: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The names that a part of the meta-schema knows, and patterns for others, wherever in it they are written."""
    names: set[str] = set()
    patterns: set[str] = set()
    stack = [part]
    while stack:
        node = stack.pop()
        if not isinstance(node, Mapping):
            continue
        names.update(node.get("properties", ()))
        patterns.update(node.get("patternProperties", ()))
        steps = str(node.get("$ref", "")).partition("#/$defs/")[2].split("/")
        stack += [*node.get("allOf", ()), node.get("then"), *node.get("dependentSchemas", {}).values()]
        if steps[0]:
            target: Any = parts
            for step in steps:
                target = target[step]
            stack.append(target)
    return names, patterns


def _copy(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _copy(value) for key, value in node.items()}
    return [_copy(value) for value in node] if isinstance(node, list) else node
