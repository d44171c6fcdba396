"""What the OpenAPI document says, as test data: values that it allows, and values that break one of its rules.

Nothing of the API is typed here a second time: names, limits and enumerations are read from ``openapi/clinik.yaml``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson
from attrs import field, frozen
from hypothesis import find, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from ruamel.yaml import YAML

import clinik_client
from clinik_client import Issue
from clinik_client._codecs import Array, Codec, Map, OneOf
from clinik_client._model import Model, schema_of
from clinik_client._objects import Object

ROOT = Path(__file__).parents[1]
DOCUMENT: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "openapi" / "clinik.yaml")
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

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


def is_valid(schema: Schema, value: Any) -> bool:
    """Whether a schema of the document allows a value, according to a JSON Schema validator."""
    validator = OAS31Validator(_absolute(schema), registry=_REGISTRY, format_checker=oas31_format_checker)
    return bool(validator.is_valid(value))


@frozen
class Input:
    """What one operation takes: its fields as a schema of the document, and the model that was generated of it."""

    operation_id: str
    schema: dict[str, Any] = field(repr=False)
    model: type[Model] = field(repr=False)
    refuses_none: bool = False

    def accepts(self, value: Any) -> bool:
        """Whether the document does, according to a JSON Schema validator."""
        return is_valid(self.schema, value)


def _inputs() -> Iterator[Input]:
    for item in DOCUMENT["paths"].values():
        for method, operation in item.items():
            if "requestBody" in operation:
                ref = operation["requestBody"]["content"]["application/json"]["schema"]
                model = getattr(clinik_client, ref["$ref"].rpartition("/")[2])
                yield Input(operation["operationId"], resolve(ref), model, refuses_none=method == "patch")
            elif "x-parameters-schema" in operation:
                found = [resolve(parameter) for parameter in operation["parameters"]]
                query = {parameter["name"]: parameter for parameter in found if parameter["in"] == "query"}
                fields = {name: parameter["schema"] for name, parameter in query.items()}
                required = [name for name, parameter in query.items() if parameter.get("required")]
                schema = {"type": "object", "properties": fields, "required": required}
                yield Input(operation["operationId"], schema, getattr(clinik_client, operation["x-parameters-schema"]))


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


def branches(schema: Schema) -> list[dict[str, Any]]:
    """What a value may be: schemas of one type each. ``null`` is left out: each form of a request spells it its way."""
    schema = resolve(schema)
    for union in ("oneOf", "anyOf", "allOf"):
        if union in schema:
            return [branch for given in schema[union] for branch in branches(given)]
    types = schema.get("type")
    if isinstance(types, list):
        return [{**schema, "type": name} for name in types if name != "null"]
    return [] if types == "null" else [schema]


_sendable_json = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


def allowed(schema: Schema, *, plain: bool = False) -> st.SearchStrategy[Any]:
    """Values that a schema of the document allows, in wire form.

    Args:
        schema: the schema.
        plain: give only texts that the FHIR form can carry too (none of them empty).
    """
    if "$ref" in schema and resolve(schema).get("type") == "object":
        return _objects(schema["$ref"], plain)
    return st.one_of(*(_of_one_type(branch, plain) for branch in branches(schema)))


@cache
def _objects(reference: str, plain: bool) -> st.SearchStrategy[Any]:
    # One for each schema, made when it is needed: an object may hold others of its own kind.
    return st.deferred(lambda: _of_one_type(resolve({"$ref": reference}), plain))


def _of_one_type(schema: Schema, plain: bool) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    match schema.get("type"):
        case None:
            return _sendable_json
        case "string":
            return _texts(schema, plain)
        case "integer" | "number":
            return _numbers(schema)
        case "boolean":
            return st.booleans()
        case "array":
            items = allowed(schema["items"], plain=plain)
            fewest = max(schema.get("minItems", 0), 2 * plain)
            most = max(min(schema.get("maxItems", 3), 3), fewest)
            unique = orjson.dumps if schema.get("uniqueItems") else None
            return st.lists(items, min_size=fewest, max_size=most, unique_by=unique)
        case "object" if "properties" not in schema:
            values = schema.get("additionalProperties")
            return st.dictionaries(
                st.text(max_size=8),
                allowed(values, plain=plain) if isinstance(values, Mapping) else _sendable_json,
                max_size=3,
            )
        case "object":
            fields = {name: allowed(value, plain=plain) for name, value in schema["properties"].items()}
            required = schema.get("required", ())
            return st.fixed_dictionaries(
                {name: values for name, values in fields.items() if name in required},
                optional={name: values for name, values in fields.items() if name not in required},
            )
    raise AssertionError(f"no strategy for {schema['type']}")


def _texts(schema: Schema, plain: bool) -> st.SearchStrategy[str]:
    match schema.get("format"):
        case "fhir-date-time":
            return fhir_date_times
        case "date-time":
            return st.datetimes(timezones=_OFFSETS).map(lambda moment: moment.isoformat())
        case "date":
            return st.dates().map(lambda day: day.isoformat())
    fewest, longest = schema.get("minLength", 0), schema.get("maxLength", 40)
    if "pattern" in schema:
        found = st.from_regex(_compiled(schema["pattern"]), alphabet=st.characters(exclude_categories=["Cs"]))
        return found.filter(lambda text: fewest <= len(text) <= schema.get("maxLength", len(text)))
    prefix = schema.get("x-prefix", "")
    room = longest - len(prefix)
    texts = st.text(min_size=max(fewest - len(prefix), int(plain), 0), max_size=min(room, 40))
    return (texts | st.just("é" * room)).map(lambda text: prefix + text)


def _compiled(pattern: str) -> re.Pattern[str]:
    # `$` would let a final line break through in Python, not in JSON Schema.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), re.ASCII)


def _numbers(schema: Schema) -> st.SearchStrategy[Any]:
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    low = schema.get("minimum", -(2**53) if above is None else above)
    high = schema.get("maximum", 2**53 if below is None else below)
    step = schema.get("multipleOf", 1)
    steps = range(math.ceil(low / step) + (above == low), math.floor(high / step) + (below != high))
    numbers: st.SearchStrategy[Any] = st.nothing()
    if steps:
        numbers = st.integers(steps[0], steps[-1]).map(lambda number: number * step)
    if schema["type"] == "number" and "multipleOf" not in schema:
        numbers |= st.floats(low, high, exclude_min=above == low, exclude_max=below == high)
    return numbers


def least(schema: Schema) -> Any:
    """A small value that a schema allows: an object with its required fields only."""
    schema = branches(schema)[0]
    if schema.get("type") == "object":
        return {name: least(schema["properties"][name]) for name in schema.get("required", ())}
    if "enum" in schema:
        return schema["enum"][0]
    return schema["examples"][0] if "examples" in schema else find(allowed(schema), lambda _: True, settings=_REPEATED)


_REPEATED = settings(database=None, derandomize=True)


def _several(items: Schema, count: int) -> list[Any]:
    """Different values where an array may be asked to have such, as far as there are any."""
    [branch] = branches(items)[:1]
    if "enum" in branch:
        return list(islice(cycle(branch["enum"]), count))
    if branch.get("type") == "string" and not branch.keys() & {"pattern", "format", "x-prefix"}:
        return [f"z{n}".ljust(branch.get("minLength", 0), "z") for n in range(count)]
    return [least(items)] * count


def _filled(schema: Schema, length: int) -> str:
    return str(schema.get("x-prefix", "")).ljust(length, "z")[:length]


def at_the_limits(schema: Schema) -> Iterator[tuple[str, Any]]:
    """For each limit of a schema and of the schemas in it: where it is, and a value that just keeps to it."""
    for branch in branches(schema):
        for where, value in _at_the_limits(branch):
            # Two limits of one value may leave no place for the value that keeps to the first of them.
            if is_valid(branch, value):
                yield where, value


def _at_the_limits(schema: Schema) -> Iterator[tuple[str, Any]]:
    for rule, limit in schema.items():
        match rule:
            case "minLength" | "maxLength":
                yield rule, _filled(schema, limit)
            case "minimum" | "maximum":
                yield rule, limit
            case "exclusiveMinimum":
                yield rule, limit + schema.get("multipleOf", 1)
            case "exclusiveMaximum":
                yield rule, limit - schema.get("multipleOf", 1)
            case "minItems" | "maxItems":
                yield rule, _several(schema["items"], limit)
            case "items":
                rest = _several(limit, schema.get("minItems", 1))[1:]
                yield from ((f"0.{where}", [value, *rest]) for where, value in at_the_limits(limit))
            case "properties":
                for name, values in limit.items():
                    for where, value in at_the_limits(values):
                        yield f"{name}.{where}", {**least(schema), name: value}


# -- what the document rules out --------------------------------------------------------------------------------------

_WORDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "number",
    "boolean": "True or False",
    "array": "a list",
    "object": "a dict",
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
    may_be = branches(schema)
    for branch in may_be:
        for found in _broken(branch):
            # A value that breaks the rule of one branch may be just what another one allows.
            if (found.path or found.rule != "type") and not any(is_valid(other, found.value) for other in may_be):
                yield found
    types = {branch.get("type") for branch in may_be}
    if None in types or any(branch.keys() & {"enum", "const"} for branch in may_be):
        return
    if not any(str(branch.get("format")).endswith(("date", "date-time")) for branch in may_be):
        [*others] = (value for type_, value in (("number", 77.5), ("string", "77.5")) if type_ not in types)
        for value in [*others, [77.5]][:1]:
            yield _wrong("type", value, *(_WORDS[str(type_)] for type_ in types))


def _wrong(rule: str, value: Any, *told: str) -> Broken:
    return Broken(rule, (), value, value, told)


def _broken(schema: Schema) -> Iterator[Broken]:
    """The broken rules of a schema of one type."""
    if "enum" in schema:
        yield _wrong("enum", "no such value", *map(str, schema["enum"]))
        return
    match schema.get("format"):
        case "date":
            for text in ("2025-02-30", "01.02.2025", "2025-2-3", "2025-06-01T00:00:00Z", "20250601", ""):
                yield _wrong(f"format-{text}", text, "YYYY-MM-DD")
            return
        case "fhir-date-time" | "date-time":
            yield _wrong("offset", "2025-06-01T09:10:11", "without an offset")
            yield _wrong("day", "2025-02-30", "no such date")
            yield _wrong("form", "june 2025", "YYYY-MM-DD")
            yield _wrong("kind", 20250601, "ISO 8601")
            return
    for rule, limit in schema.items():
        match rule:
            case "const":
                yield _wrong(rule, "no such value", repr(limit))
            case "maxLength":
                yield _wrong(rule, _filled(schema, limit + 1), f"at most {limit} character")
            case "minLength":
                yield _wrong(rule, _filled(schema, limit - 1), f"at least {limit} character")
            case "pattern":
                for text in ("..", "a/../b", "a\r\nb: c", "é", "a b", "a?b", "a%2Fb", "a\n", "٣"):
                    told = schema.get("x-pattern-text", limit)
                    if not _compiled(limit).search(text) and is_valid({**schema, "pattern": ""}, text):
                        yield _wrong(f"pattern-{text!r}", text, told)
            case "minimum":
                yield _wrong(rule, limit - schema.get("multipleOf", 1), f"at least {limit}")
            case "maximum":
                yield _wrong(rule, limit + schema.get("multipleOf", 1), f"at most {limit}")
            case "exclusiveMinimum":
                yield _wrong(rule, limit, f"above {limit}")
            case "exclusiveMaximum":
                yield _wrong(rule, limit, f"below {limit}")
            case "multipleOf" if limit != 1:
                first = math.ceil(schema.get("minimum", 0) / limit) * limit
                between = first + (1 if schema["type"] == "integer" else limit / 2)
                yield _wrong(rule, between, f"multiple of {limit}")
            case "minItems":
                yield Broken(rule, (), _several(schema["items"], limit - 1), None, (f"at least {limit} item",))
            case "maxItems":
                yield Broken(rule, (), _several(schema["items"], limit + 1), None, (f"at most {limit} item",))
            case "uniqueItems" if limit:
                yield Broken(rule, (), [least(schema["items"])] * 2, None, ("the same item twice",))
            case "items":
                rest = _several(limit, schema.get("minItems", 1))[1:]
                for inner in broken(limit):
                    yield Broken(inner.rule, (0, *inner.path), [inner.value, *rest], inner.culprit, inner.told)
            case "required":
                for name in limit:
                    others = {other: least(schema["properties"][other]) for other in limit if other != name}
                    yield Broken(rule, (name,), others, None, ("Required",))
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
        entry.name if (entry := entries.get(name)) else name: (
            _nested(entry.codec, item, in_python_names) if entry else item
        )
        for name, item in value.items()
    }


def as_model(model: type[Model], value: Any) -> Any:
    """A value in wire names as an instance of its model, nested ones too, made as a program would."""
    if not isinstance(value, Mapping):
        return value
    entries = {entry.wire: entry for entry in schema_of(model).entries}
    fields: dict[str, Any] = {entry.name: None for entry in entries.values() if entry.required}
    fields |= {
        entries[name].name: _nested(entries[name].codec, item, as_model)
        for name, item in value.items()
        if name in entries
    }
    made: Any = model
    return made(**fields, additional_properties={name: value[name] for name in value if name not in entries})


def _nested(codec: Codec, value: Any, convert: Any) -> Any:
    match codec:
        case Object():
            return convert(codec.model, value)
        case Array() if isinstance(value, list):
            return [_nested(codec.item, item, convert) for item in value]
        case Map() if isinstance(value, Mapping):
            return {name: _nested(codec.item, item, convert) for name, item in value.items()}
        case OneOf():
            # Of several, one is for lists and one for objects at most.
            kind = Array if isinstance(value, list) else Object
            return next((_nested(one, value, convert) for one in codec.codecs if isinstance(one, kind)), value)
    return value


# -- what is read ------------------------------------------------------------------------------------------------------


def records(model: type[Model]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the model's names and others; under each what the document says, or anything."""
    described = SCHEMAS.get(model.__name__, {}).get("properties", {})
    known = {
        entry.wire: (allowed(described[entry.wire]) if entry.wire in described else json_values) | json_values
        for entry in schema_of(model).entries
    }
    unknown = st.dictionaries(
        st.text(max_size=6) | st.sampled_from(["additional_properties", "id", "self"]), json_values
    )
    return st.builds(lambda rest, fields: {**rest, **fields}, unknown, st.fixed_dictionaries({}, optional=known))


models_and_records = st.sampled_from(list(MODELS.values())).flatmap(
    lambda model: st.tuples(st.just(model), records(model))
)
