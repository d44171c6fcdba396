"""From a schema of the document to Python: the kind that reads and writes its values, and their types."""

from __future__ import annotations

from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from attrs import evolve, frozen
from openapi_python_client import strings

from .document import Document, DocumentError, Pointer, plain

DATE_TIME_FORMATS = {"date-time", "fhir-date-time"}

# Names that the generated annotations and the base class use themselves.
_TAKEN = {"str", "int", "float", "bool", "list", "dict", "from_dict", "to_dict", "additional_properties"}


def class_name(schema_name: str) -> str:
    """The class that the generator makes of a schema's name."""
    return str(strings.ClassName(schema_name, "Model"))


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
class Kind:
    """What the generated code says about the values of one schema."""

    code: str
    """The expression for the kind, `Text(max_length=200)`."""
    type: str
    """The type of what is read."""
    input: str
    """The type of what may be given."""
    names: frozenset[str] = frozenset()
    """The generated classes that the types mention."""
    nullable: bool = False
    limits: str = ""
    """The limits in words, for docstrings."""
    bounds: frozenset[tuple[str, Any]] = frozenset()
    """The limits as the document has them, `("maxLength", 200)`; those of a list's items as `items.maxLength`."""
    converter: str | None = None


def kind_of(document: Document, schema: Mapping[str, Any], path: Pointer) -> Kind:
    """The kind for a schema.

    Args:
        document: where references lead.
        schema: the schema, or a reference to one.
        path: where it stands, for messages.
    """
    if "$ref" in schema:
        target = document.resolve(schema)
        name = str(schema["$ref"]).rpartition("/")[2]
        if "enum" in target:
            return _enumeration(name, target)
        if is_object(target):
            cls = class_name(name)
            return Kind(f'Object("{cls}")', cls, f"{cls} | {cls}Fields", frozenset({name}))
        return kind_of(document, {**target, **{k: v for k, v in schema.items() if k != "$ref"}}, path)
    if len(schema.get("allOf", ())) == 1 and "properties" not in schema:
        return kind_of(document, schema["allOf"][0], path)
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return _union(document, schema[union], (*path, union))
    kinds = schema.get("type")
    types = [kinds] if isinstance(kinds, str) else list(kinds or ())
    nullable = "null" in types or bool(schema.get("nullable"))
    types = [name for name in types if name != "null"]
    if "const" in schema:
        return evolve(_constant(schema["const"]), nullable=nullable)
    if len(types) > 1:
        return evolve(_union(document, [{**schema, "type": name} for name in types], path), nullable=nullable)
    if not types:
        return Kind("Json()", "Any", "Any", nullable=nullable)
    return evolve(_simple(document, types[0], schema, path), nullable=nullable)


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema becomes a class of its own."""
    return bool(schema.get("properties")) or "allOf" in schema


def _enumeration(name: str, schema: Mapping[str, Any]) -> Kind:
    cls = class_name(name)
    base = "int" if all(isinstance(value, int) for value in schema["enum"]) else "str"
    return Kind(f'Enumeration("{cls}")', f"{cls} | {base}", f"{cls} | {cls}Literal", frozenset({name}))


def _constant(value: Any) -> Kind:
    return Kind(f"Constant({value!r})", type(value).__name__, f"Literal[{value!r}]")


def _union(document: Document, schemas: list[Any], path: Pointer) -> Kind:
    given = [kind_of(document, schema, (*path, index)) for index, schema in enumerate(schemas)]
    kinds = [kind for schema, kind in zip(schemas, given, strict=True) if schema.get("type") != "null"]
    nullable = len(kinds) < len(given) or any(kind.nullable for kind in kinds)
    if len(kinds) == 1:
        return evolve(kinds[0], nullable=nullable)
    return Kind(
        code=f"OneOf(({', '.join(kind.code for kind in kinds)},))",
        type=_either(kind.type for kind in kinds),
        input=_either(kind.input for kind in kinds),
        names=frozenset().union(*(kind.names for kind in kinds)),
        nullable=nullable,
        limits="; or ".join(dict.fromkeys(kind.limits for kind in kinds if kind.limits)),
        bounds=frozenset().union(*(kind.bounds for kind in kinds)),
    )


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


def _simple(document: Document, type_: str, schema: Mapping[str, Any], path: Pointer) -> Kind:
    match type_:
        case "string" if schema.get("format") in DATE_TIME_FORMATS:
            return Kind("DateTime()", "FhirDateTime", "_date | str", converter="date_time")
        case "string" if schema.get("format") == "date":
            return Kind("Date()", "_date", "_date | str", limits="YYYY-MM-DD")
        case "string":
            return _text(schema)
        case "integer" | "number":
            return _number("int" if type_ == "integer" else "float", schema)
        case "boolean":
            return Kind("Boolean()", "bool", "bool")
        case "array":
            return _array(document, schema, path)
        case "object":
            return Kind("Json()", "dict[str, Any]", "Mapping[str, Any]")
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


def _text(schema: Mapping[str, Any]) -> Kind:
    names = {
        "minLength": "min_length",
        "maxLength": "max_length",
        "pattern": "pattern",
        "x-pattern-text": "pattern_text",
        "x-prefix": "prefix",
    }
    limits = schema.get("x-pattern-text") or _range(schema.get("minLength"), schema.get("maxLength"), "characters")
    return Kind(f"Text({_arguments(schema, names)})", "str", "str", limits=str(limits), bounds=_bounds(schema))


def _number(type_: str, schema: Mapping[str, Any]) -> Kind:
    names = {
        "minimum": "minimum",
        "maximum": "maximum",
        "exclusiveMinimum": "above",
        "exclusiveMaximum": "below",
        "multipleOf": "multiple_of",
    }
    code = f"{'Integer' if type_ == 'int' else 'Number'}({_arguments(schema, names)})"
    limits = _range(schema.get("minimum"), schema.get("maximum"))
    return Kind(code, type_, type_, limits=limits, bounds=_bounds(schema))


def _array(document: Document, schema: Mapping[str, Any], path: Pointer) -> Kind:
    item = kind_of(document, schema.get("items", {}), (*path, "items"))
    names = {"minItems": "min_items", "maxItems": "max_items", "uniqueItems": "unique"}
    arguments = ", ".join(filter(None, (item.code, _arguments(schema, names))))
    limits = [_range(schema.get("minItems"), schema.get("maxItems"), "items")]
    if item.limits:
        limits.append(f"each {item.limits}")
    return Kind(
        code=f"Array({arguments})",
        type=f"list[{item.type}]",
        input=f"Sequence[{item.input}]",
        names=item.names,
        limits="; ".join(filter(None, limits)),
        bounds=_bounds(schema) | {(f"items.{name}", value) for name, value in item.bounds},
    )


_BOUNDS = (
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minItems", "maxItems", "uniqueItems"),
)


def _bounds(schema: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    given = ((name, plain(schema.get(name))) for name in _BOUNDS)
    return frozenset((name, value) for name, value in given if value is not None and value is not False)


def unsupported(document: Document, path: Pointer, what: str, instead: str) -> DocumentError:
    """The error for a feature that the SDK does not have."""
    return document.error(path, f"{what} is not supported; {instead}")
