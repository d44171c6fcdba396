"""What the OpenAPI document says, as test data: values that it allows, and values that break one of its rules.

Nothing of the API is typed here a second time: names, limits and enumerations are read from ``openapi/clinik.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from attrs import field, frozen
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from ruamel.yaml import YAML

import clinik_client
from clinik_client import Issue
from clinik_client._codecs import Array
from clinik_client._model import Model, Wire, schema_of
from clinik_client._objects import Object

ROOT = Path(__file__).parents[1]
DOCUMENT: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "openapi" / "clinik.yaml")

Schema = Mapping[str, Any]

# -- the document -----------------------------------------------------------------------------------------------------


def resolve(node: Schema) -> dict[str, Any]:
    """A node without its reference; what stands beside the reference counts."""
    if "$ref" not in node:
        return dict(node)
    target: Any = DOCUMENT
    for name in node["$ref"].removeprefix("#/").split("/"):
        target = target[name]
    return {**resolve(target), **{key: value for key, value in node.items() if key != "$ref"}}


_URI = "urn:clinik"
_REGISTRY: Registry[Any] = Registry().with_resource(_URI, DRAFT202012.create_resource(DOCUMENT))


def _absolute(node: Any) -> Any:
    if isinstance(node, Mapping):
        if node.get("x-other-codes"):
            # A validator knows nothing of this: whatever has the form of a code may be sent.
            return {"type": "string", "pattern": r"\A[A-Za-z0-9-]{1,64}\Z"}
        return {key: _URI + value if key == "$ref" else _absolute(value) for key, value in node.items()}
    return [_absolute(item) for item in node] if isinstance(node, list) else node


@frozen
class Input:
    """What one operation takes: its fields as a schema of the document, and the model that was generated of it."""

    operation_id: str
    schema: dict[str, Any] = field(repr=False)
    model: type[Model] = field(repr=False)
    refuses_none: bool = False

    def accepts(self, value: Any) -> bool:
        """Whether the document does, according to a JSON Schema validator."""
        return bool(self._validator.is_valid(value))

    @property
    def _validator(self) -> Any:
        return OAS31Validator(_absolute(self.schema), registry=_REGISTRY, format_checker=oas31_format_checker)


def _inputs() -> Iterator[Input]:
    for item in DOCUMENT["paths"].values():
        for method, operation in item.items():
            if "requestBody" in operation:
                ref = operation["requestBody"]["content"]["application/json"]["schema"]
                model = getattr(clinik_client, ref["$ref"].rpartition("/")[2])
                yield Input(operation["operationId"], resolve(ref), model, refuses_none=method == "patch")
            elif "x-parameters-schema" in operation:
                found = [resolve(parameter) for parameter in operation["parameters"]]
                query = {parameter["name"]: parameter["schema"] for parameter in found if parameter["in"] == "query"}
                model = getattr(clinik_client, operation["x-parameters-schema"])
                yield Input(operation["operationId"], {"type": "object", "properties": query}, model)


INPUTS = {given.operation_id: given for given in _inputs()}
CREATE, UPDATE = INPUTS["createEncounter"], INPUTS["updateEncounter"]
SEARCH, READ = INPUTS["searchEncounters"], INPUTS["readEncounter"]

MODELS: dict[str, type[Model]] = {
    name: model
    for name in vars(clinik_client)["__all__"]
    if isinstance(model := getattr(clinik_client, name), type) and issubclass(model, Model)
}

# -- any JSON ---------------------------------------------------------------------------------------------------------

json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["2025", "2025-06-01", "2025-06-01T09:00:00.250+02:00", "2025-13", "12", "", "null"])
)
ISSUE: Issue = {
    "severity": "error",
    "code": "invalid",
    "diagnostics": "diagnosis[0].rank: must be at least 1",
    "location": ["diagnosis", "0", "rank"],
}
"""A problem as the API tells it, with all that it may tell."""

json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
"""Anything that a response can hold."""


class Odd:
    """Compares like an array of numpy: with a result of which nobody can say whether it is true."""

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment] # as for everything that can be changed

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__


not_json = st.one_of(
    st.binary(max_size=4),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 10**400, -(10**400), 2**53 + 1, object(), 1j, print]),
    st.sampled_from(["\ud800", "a\udfffb", "x" * 501]),
    st.sets(st.integers(), max_size=2),
    st.decimals(),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.dictionaries(st.integers(), st.text(), min_size=1, max_size=2),
)
"""What a program may hand over by mistake."""

anything = st.recursive(
    json_scalars | not_json,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)

# -- what the document allows -----------------------------------------------------------------------------------------

_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
fhir_date_times = (
    st.dates().map(lambda day: day.isoformat()[:4])
    | st.dates().map(lambda day: day.isoformat()[:7])
    | st.dates().map(lambda day: day.isoformat())
    | st.datetimes(timezones=_OFFSETS).map(lambda moment: moment.isoformat())
    | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
)
"""Points in time as FHIR writes them, of every exactness."""


def allowed(schema: Schema, *, plain: bool = False) -> st.SearchStrategy[Any]:
    """Values that a schema of the document allows, in wire form.

    Args:
        schema: the schema.
        plain: give only texts that the FHIR form can carry too (none of them empty).
    """
    schema = resolve(schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema:
        return st.one_of(*(allowed(branch, plain=plain) for branch in schema["oneOf"]))
    match schema["type"]:
        case "string":
            return _texts(schema, plain)
        case "integer":
            return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
        case "number" if schema.get("multipleOf") == 1:
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            return st.integers(0, 10**6) | st.floats(0, 1e6)
        case "boolean":
            return st.booleans()
        case "array":
            items = allowed(schema["items"], plain=plain)
            return st.lists(items, min_size=2 * plain, max_size=min(schema.get("maxItems", 3), 3))
        case "object":
            fields = {name: allowed(value, plain=plain) for name, value in schema["properties"].items()}
            required = schema.get("required", ())
            return st.fixed_dictionaries(
                {name: values for name, values in fields.items() if name in required},
                optional={name: values for name, values in fields.items() if name not in required},
            )
    raise AssertionError(f"no strategy for {schema['type']}")


def _texts(schema: Schema, plain: bool) -> st.SearchStrategy[str]:
    if schema.get("format") == "fhir-date-time":
        return fhir_date_times
    if schema.get("format") == "date":
        return st.dates().map(lambda day: day.isoformat())
    if "pattern" in schema:
        # `$` would let a final line break through in Python, not in JSON Schema.
        return st.from_regex(re.compile(re.sub(r"\$", r"\\Z", schema["pattern"]), re.ASCII), fullmatch=True)
    longest = schema.get("maxLength", 40)
    return st.text(min_size=max(schema.get("minLength", 0), int(plain)), max_size=min(longest, 40)) | st.just(
        "é" * longest
    )


def least(schema: Schema) -> Any:
    """A small value that a schema allows: an object with its required fields only."""
    schema = resolve(schema)
    if schema.get("type") == "object":
        return {name: least(schema["properties"][name]) for name in schema.get("required", ())}
    return schema["enum"][0] if "enum" in schema else schema["examples"][0]


def at_the_limits(schema: Schema) -> Iterator[tuple[str, Any]]:
    """For each limit of a schema and of the schemas in it: where it is, and a value that just keeps to it."""
    schema = resolve(schema)
    for branch in schema.get("oneOf", ()):
        yield from at_the_limits(branch)
    for rule, limit in schema.items():
        match rule:
            case "minLength" | "maxLength":
                yield rule, "z" * limit
            case "minimum" | "maximum":
                yield rule, limit
            case "maxItems":
                yield rule, [least(schema["items"])] * limit
            case "items":
                yield from ((f"0.{where}", [value]) for where, value in at_the_limits(limit))
            case "properties":
                for name, values in limit.items():
                    for where, value in at_the_limits(values):
                        yield f"{name}.{where}", {**least(schema), name: value}


# -- what the document rules out --------------------------------------------------------------------------------------

_WORDS = {
    "string": "must be a string",
    "integer": "must be a whole number",
    "number": "must be a whole number",
    "array": "must be a list",
    "object": "must be a dict",
}


@frozen
class Broken:
    """A value that breaks one rule of a schema.

    Attributes:
        rule: the keyword of the rule.
        path: where, in wire names.
        value: a value for the whole schema, all right but for that.
        culprit: the part of it that is wrong.
        told: texts that the problem has to mention: the limit.
    """

    rule: str
    path: tuple[str | int, ...]
    value: Any
    culprit: Any
    told: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}-{self.rule}"

    @property
    def location(self) -> list[str]:
        return [str(step) for step in self.path]


def broken(schema: Schema) -> Iterator[Broken]:
    """One value for each rule that a schema and the schemas in it have."""
    schema = resolve(schema)
    if "enum" in schema:
        yield _wrong("enum", "no such value", *map(str, schema["enum"]))
    elif "oneOf" in schema:
        branches = [resolve(branch) for branch in schema["oneOf"]]
        yield _wrong("type", 77.5, *(_WORDS[branch["type"]].removeprefix("must be ") for branch in branches))
        for branch in branches:
            yield from (found for found in broken(branch) if found.rule != "type" or found.path)
    else:
        yield from _broken_of_type(schema)


def _wrong(rule: str, value: Any, *told: str) -> Broken:
    return Broken(rule, (), value, value, told)


def _broken_of_type(schema: Schema) -> Iterator[Broken]:
    type_ = schema["type"]
    match schema.get("format"):
        case "date":
            for text in ("2025-02-30", "01.02.2025", "2025-2-3", "2025-06-01T00:00:00Z", "20250601", ""):
                yield _wrong(f"format-{text}", text, "YYYY-MM-DD")
            return
        case "fhir-date-time":
            yield _wrong("offset", "2025-06-01T09:10:11", "without an offset")
            yield _wrong("day", "2025-02-30", "no such date")
            yield _wrong("form", "june 2025", "YYYY-MM-DD")
            yield _wrong("type", 20250601, "ISO 8601")
            return
    yield _wrong("type", 77.5 if type_ != "array" else "77.5", _WORDS[type_])
    for rule, limit in schema.items():
        match rule:
            case "maxLength":
                yield _wrong(rule, "z" * (limit + 1), f"at most {limit} characters")
            case "minLength":
                yield _wrong(rule, "z" * (limit - 1), f"at least {limit} character")
            case "pattern":
                for text in ("..", "a/../b", "a\r\nb: c", "é", "a b", "a?b", "a%2Fb", "a\n", "٣"):
                    yield _wrong(f"pattern-{text!r}", text, schema["x-pattern-text"])
            case "minimum":
                yield _wrong(rule, limit - 1, f"at least {limit}")
            case "maximum":
                yield _wrong(rule, limit + 1, f"at most {limit}")
            case "maxItems":
                items = [least(schema["items"])] * (limit + 1)
                yield Broken(rule, (), items, None, (f"at most {limit} items",))
            case "items":
                for inner in broken(limit):
                    yield Broken(inner.rule, (0, *inner.path), [inner.value], inner.culprit, inner.told)
            case "required":
                for name in limit:
                    rest = {other: least(schema["properties"][other]) for other in limit if other != name}
                    yield Broken(rule, (name,), rest, None, ("Required",))
            case "properties":
                for name, values in limit.items():
                    for inner in broken(values):
                        value = {**least(schema), name: inner.value}
                        yield Broken(inner.rule, (name, *inner.path), value, inner.culprit, inner.told)


# -- the three ways to write a request --------------------------------------------------------------------------------


def in_python_names(model: type[Model], value: Any) -> Any:
    """A value in wire names as keyword arguments have it, nested ones too. Names that nobody knows stay."""
    if not isinstance(value, Mapping):
        return value
    entries = {entry.wire: entry for entry in schema_of(model).entries}
    return {
        entries[name].name if name in entries else name: _nested(entries.get(name), item, in_python_names)
        for name, item in value.items()
    }


def as_model(model: type[Model], value: Any) -> Any:
    """A value in wire names as an instance of its model, nested ones too, made as a program would."""
    if not isinstance(value, Mapping):
        return value
    entries = {entry.wire: entry for entry in schema_of(model).entries}
    fields: dict[str, Any] = {entry.name: None for entry in entries.values() if entry.required}
    fields |= {
        entries[name].name: _nested(entries[name], item, as_model) for name, item in value.items() if name in entries
    }
    made: Any = model
    return made(**fields, additional_properties={name: value[name] for name in value if name not in entries})


def _nested(entry: Wire | None, value: Any, convert: Any) -> Any:
    if entry is not None and isinstance(entry.codec, Object):
        return convert(entry.codec.model, value)
    if entry is not None and isinstance(entry.codec, Array) and isinstance(entry.codec.item, Object):
        model = entry.codec.item.model
        return [convert(model, item) for item in value] if isinstance(value, list) else value
    return value
