"""From a schema of the document to Python: the codec that reads and writes its values, and their types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from keyword import iskeyword
from typing import Any

from attrs import evolve, frozen
from openapi_python_client import strings

from .document import Document, DocumentError, Pointer, plain

DATE_TIME_FORMATS = {"date-time", "fhir-date-time"}

# Keywords beside a $ref that change nothing about the values.
_TEXTS = ("description", "title", "summary", "example", "examples", "deprecated", "readOnly", "writeOnly", "default")

# Characters of a limit that is told wherever it holds.
_SHORT = 40

READ_AS = "x-read-as"
"""Beside the properties of an object of a request, added by the generator: the object that responses hold instead."""

# Names that the generated classes and their base classes use themselves.
_TAKEN = {
    *("str", "int", "float", "bool", "list", "dict", "wire", "date_time"),
    *("from_dict", "to_dict", "from_fhir", "to_fhir", "additional_properties"),
}

# Constants that the generated modules have themselves.
_TAKEN_CONSTANTS = {"OPERATION", "TYPE_CHECKING"}


def class_name(schema_name: str) -> str:
    """The class that the generator makes of a schema's name."""
    return str(strings.ClassName(schema_name, "Model"))


def constant_name(schema_name: str) -> str:
    """The constant that holds the codec of a named scalar.

    >>> [constant_name(name) for name in ("RecordId", "Operation")]
    ['RECORD_ID', 'OPERATION_']
    """
    name = str(strings.snake_case(class_name(schema_name))).upper()
    return f"{name}_" if name in _TAKEN_CONSTANTS else name


def module_name(schema_name: str) -> str:
    """The module that the generator puts that class in."""
    return str(strings.PythonIdentifier(class_name(schema_name), "model_"))


def python_name(wire_name: str) -> str:
    """The attribute and keyword for a name on the wire.

    >>> [python_name(name) for name in ("patientId", "class", "_include", "type", "list")]
    ['patient_id', 'class_', 'include', 'type', 'list_']
    """
    name = strings.snake_case(wire_name.lstrip("_"))
    if not name.isidentifier():
        name = f"field_{name}"
    return f"{name}_" if iskeyword(name) or name in _TAKEN else name


@frozen
class CodecSource:
    """What the generated code says about the values of one schema."""

    code: str
    """The expression for the codec, `Text(max_length=200)`."""
    type: str
    """The type of what is read."""
    input: str
    """The type of what may be given."""
    names: frozenset[str] = frozenset()
    """The generated classes that the types mention."""
    scalars: frozenset[str] = frozenset()
    """The named scalars that the expression mentions."""
    nullable: bool = False
    limits: str = ""
    """The limits in words, for docstrings."""
    bounds: frozenset[tuple[str, Any]] = frozenset()
    """The limits as the document has them, `("maxLength", 200)`; those of a list's items as `items.maxLength`."""
    converter: str | None = None


def codec_of(document: Document, schema: Mapping[str, Any], path: Pointer) -> CodecSource:
    """The codec for a schema.

    Args:
        document: where references lead.
        schema: the schema, or a reference to one.
        path: where it stands, for messages.
    """
    if "$ref" in schema:
        target = document.resolve(schema)
        name = str(schema["$ref"]).rpartition("/")[2]
        if "enum" in target:
            return _enumeration(name, target, is_open=schema.get("x-other-codes") is True)
        if is_object(target):
            return _object(name, target.get(READ_AS))
        if schema["$ref"] == f"#/components/schemas/{name}" and not schema.keys() - {"$ref", *_TEXTS}:
            return _named_scalar(document, name, path)
        return codec_of(document, {**target, **{k: v for k, v in schema.items() if k != "$ref"}}, path)
    if len(schema.get("allOf", ())) == 1 and "properties" not in schema:
        return codec_of(document, schema["allOf"][0], path)
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return _union(document, schema[union], (*path, union))
    kinds = schema.get("type")
    types = [kinds] if isinstance(kinds, str) else list(kinds or ())
    nullable = "null" in types or bool(schema.get("nullable"))
    types = [name for name in types if name != "null"]
    if "const" in schema:
        return evolve(_constant(document, schema["const"], (*path, "const")), nullable=nullable)
    if len(types) > 1:
        return evolve(_union(document, [{**schema, "type": name} for name in types], path), nullable=nullable)
    if not types:
        return CodecSource("Json()", "Any", "Any", nullable=nullable)
    return evolve(_simple(document, types[0], schema, path), nullable=nullable)


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema becomes a class of its own."""
    return bool(schema.get("properties")) or "allOf" in schema


def named_scalar(document: Document, name: str) -> CodecSource:
    """The codec of a component that becomes no class; written out."""
    return codec_of(document, document.root["components"]["schemas"][name], ("components", "schemas", name))


def _named_scalar(document: Document, name: str, path: Pointer) -> CodecSource:
    codec = named_scalar(document, name)
    if codec.code.endswith("()") or codec.code.isidentifier():
        # It says no more than its type, or another name.
        return codec
    # A long sentence is told once, with the constant.
    limits = codec.limits if len(codec.limits) <= _SHORT else f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
    return evolve(codec, code=constant_name(name), scalars=frozenset({name}), limits=limits)


def _object(name: str, read_as: str | None) -> CodecSource:
    cls = class_name(name)
    if read_as is None:
        return CodecSource(f'Object("{cls}")', cls, f"{cls} | {cls}Fields", frozenset({name}))
    other = class_name(read_as)
    either = f"{cls} | {other}"
    return CodecSource(
        f'Object("{cls}", "{other}")', either, f"{cls} | {cls}Fields | {other}", frozenset({name, read_as})
    )


def _enumeration(name: str, schema: Mapping[str, Any], *, is_open: bool) -> CodecSource:
    cls = class_name(name)
    base = "int" if all(isinstance(value, int) for value in schema["enum"]) else "str"
    code = f'Enumeration("{cls}", is_open=True)' if is_open else f'Enumeration("{cls}")'
    given = f"{cls} | {cls}Literal | {base}" if is_open else f"{cls} | {cls}Literal"
    return CodecSource(code, f"{cls} | {base}", given, frozenset({name}))


def _constant(document: Document, value: Any, path: Pointer) -> CodecSource:
    if not isinstance(value, str | int):
        raise unsupported(document, path, f"const {value!r}", "write a text, a whole number, true or false")
    return CodecSource(f"Constant({value!r})", type(value).__name__, f"Literal[{value!r}]")


def _union(document: Document, schemas: list[Any], path: Pointer) -> CodecSource:
    given = [codec_of(document, schema, (*path, index)) for index, schema in enumerate(schemas)]
    codecs = [codec for schema, codec in zip(schemas, given, strict=True) if schema.get("type") != "null"]
    nullable = len(codecs) < len(given) or any(codec.nullable for codec in codecs)
    if len(codecs) == 1:
        return evolve(codecs[0], nullable=nullable)
    return CodecSource(
        code=f"OneOf(({', '.join(codec.code for codec in codecs)}))",
        type=_either(codec.type for codec in codecs),
        input=_either(codec.input for codec in codecs),
        names=frozenset().union(*(codec.names for codec in codecs)),
        scalars=frozenset().union(*(codec.scalars for codec in codecs)),
        nullable=nullable,
        limits=_either_limit(codec.limits for codec in codecs),
        bounds=frozenset().union(*(codec.bounds for codec in codecs)),
    )


def _either_limit(limits: Iterable[str]) -> str:
    """The limits of a union, each told once.

    >>> _either_limit(["at most 5 characters", "each at most 5 characters", ""])
    'at most 5 characters each'
    """
    told = list(dict.fromkeys(filter(None, limits)))
    once = [limit for limit in told if not limit.startswith("each ") or limit.removeprefix("each ") not in told]
    return "; or ".join(f"{limit} each" if f"each {limit}" in told else limit for limit in once)


def _either(types: Any) -> str:
    members = dict.fromkeys(member for text in types for member in _members(text))
    return " | ".join(members)


def _members(text: str) -> list[str]:
    # Only the bars outside brackets separate members of a union.
    members, depth = [""], 0
    for character in text:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "|" and depth == 0:
            members.append("")
        else:
            members[-1] += character
    return [member.strip() for member in members]


def _simple(document: Document, type_: str, schema: Mapping[str, Any], path: Pointer) -> CodecSource:
    match type_:
        case "string" if schema.get("format") in DATE_TIME_FORMATS:
            return CodecSource("DateTime()", "FhirDateTime", "_date | str", converter="date_time")
        case "string" if schema.get("format") == "date":
            return CodecSource("Date()", "_date", "_date | str", limits="YYYY-MM-DD")
        case "string":
            return _text(schema)
        case "integer" | "number":
            return _number("int" if type_ == "integer" else "float", schema)
        case "boolean":
            return CodecSource("Boolean()", "bool", "bool")
        case "array":
            return _array(document, schema, path)
        case "object":
            return _map(document, schema, path)
    raise document.error(path, f"a schema of type {type_} is not supported")


def _arguments(schema: Mapping[str, Any], names: Mapping[str, str]) -> str:
    given = ((argument, plain(schema.get(name))) for name, argument in names.items())
    return ", ".join(f"{argument}={value!r}" for argument, value in given if value is not None and value is not False)


def _range(low: Any, high: Any, noun: str = "") -> str:
    noun = f" {noun}" if noun else ""
    if low is not None and high is not None:
        return f"{low} to {high}{noun}"
    if low is not None:
        return f"at least {low}{noun}"
    return f"at most {high}{noun}" if high is not None else ""


def _text(schema: Mapping[str, Any]) -> CodecSource:
    names = {
        "minLength": "min_length",
        "maxLength": "max_length",
        "pattern": "pattern",
        "x-pattern-text": "pattern_text",
        "x-prefix": "prefix",
    }
    limits = schema.get("x-pattern-text") or _range(schema.get("minLength"), schema.get("maxLength"), "characters")
    return CodecSource(f"Text({_arguments(schema, names)})", "str", "str", limits=str(limits), bounds=_bounds(schema))


def _number(type_: str, schema: Mapping[str, Any]) -> CodecSource:
    names = {
        "minimum": "minimum",
        "maximum": "maximum",
        "exclusiveMinimum": "above",
        "exclusiveMaximum": "below",
        "multipleOf": "multiple_of",
    }
    # A number in whole steps may be given as 30.0, as it may be read, and is sent as 30.
    whole = type_ == "int" or schema.get("multipleOf") == 1
    if whole:
        names.pop("multipleOf" if schema.get("multipleOf") == 1 else "", None)
    code = f"{'Integer' if whole else 'Number'}({_arguments(schema, names)})"
    limits = _range(schema.get("minimum"), schema.get("maximum"))
    return CodecSource(code, type_, type_, limits=limits, bounds=_bounds(schema))


def _array(document: Document, schema: Mapping[str, Any], path: Pointer) -> CodecSource:
    item = codec_of(document, schema.get("items", {}), (*path, "items"))
    names = {"minItems": "min_items", "maxItems": "max_items", "uniqueItems": "unique"}
    arguments = ", ".join(filter(None, (item.code, _arguments(schema, names))))
    limits = [_range(schema.get("minItems"), schema.get("maxItems"), "items")]
    if item.limits:
        limits.append(f"each {item.limits}")
    return CodecSource(
        code=f"Array({arguments})",
        type=f"list[{item.type}]",
        input=f"Sequence[{item.input}]",
        names=item.names,
        scalars=item.scalars,
        limits="; ".join(filter(None, limits)),
        bounds=_bounds(schema) | {(f"items.{name}", value) for name, value in item.bounds},
    )


def _map(document: Document, schema: Mapping[str, Any], path: Pointer) -> CodecSource:
    values = schema.get("additionalProperties", {})
    item = codec_of(document, values if isinstance(values, Mapping) else {}, (*path, "additionalProperties"))
    code = "" if item.code == "Json()" else item.code
    # Values are read as they come: an object of this kind is the caller's own, as a rule.
    return evolve(
        item,
        code=f"Map({code})",
        type="dict[str, Any]",
        input=f"Mapping[str, {item.input}]",
        nullable=False,
        limits=f"each {item.limits}" if item.limits else "",
        converter=None,
    )


_BOUNDS = (
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minItems", "maxItems", "uniqueItems", "x-prefix"),
)


def _bounds(schema: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    given = ((name, plain(schema.get(name))) for name in _BOUNDS)
    return frozenset((name, value) for name, value in given if value is not None and value is not False)


def unsupported(document: Document, path: Pointer, what: str, instead: str) -> DocumentError:
    """The error for a feature that the SDK does not have."""
    return document.error(path, f"{what} is not supported; {instead}")
