"""Names of classes, properties and members of enumerations, and the files that are called after them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import in_double_quote_literal, snake_case

from ..document import mapping, sequence
from .context import LintContext
from .rules import LOSSES, Finding
from .stock_run import stock_class_name

CLASS_NAME_TAKEN = LOSSES.breaks(
    "class-name-taken",
    "two schemas get the same class name, made of the name, or of the names of parent and property, or of the "
    "title; the later one and all that use it are left out",
    "a name or title that differs in more than punctuation, or one schema used by $ref in both places",
    ours="what is written inside another schema gets a name that is free",
    says=r"duplicate models with name|conflicting enums named",
)
PROPERTY_NAMES_COLLIDE = LOSSES.breaks(
    "property-names-collide",
    "two properties get the same Python name; the class is left out",
    "names that differ in letters or digits",
    says=r"have the same python_name",
)
OVERWRITTEN_CLASS = LOSSES.breaks(
    "module-overwritten",
    "two schemas get classes of different names in a module of the same name, and one is written over the other",
    "a name that differs in more than capitals",
)
CLASS_RENAMED = LOSSES.drops(
    "class-renamed",
    "a named schema becomes a class of another name: that of its title, or one ending in Type0 where it may be null",
    "no title, or the schema's name as title; a schema that is an object alone, and "
    "`anyOf: [{$ref: ...}, {type: 'null'}]` where null may stand for it",
    ours="titles are left out, so that a class is called like its schema",
)
NOT_PYTHON = LOSSES.breaks(
    "not-python",
    "a file of the output is not valid Python",
    "the name, value or default that the generated file shows in a plainer way",
)
ENUM_MEMBERS = LOSSES.breaks(
    "enum-members-collide",
    "two values of an enumeration get the same member name; one is lost, or the generator crashes",
    "`x-enum-varnames` with one distinct name for each value",
)
TEXT_ALTERED = LOSSES.breaks(
    "name-altered",
    "control and invisible characters are taken out of names and values, so others are sent than the API knows",
    "names and values without such characters",
)


@LOSSES.check
def overwritten(context: LintContext) -> Iterator[Finding]:
    classes: dict[str, str] = {}
    for info in context.stock.class_infos:
        module, name = str(info.module_name), str(info.name)
        if module in classes:
            what = f"{name} and {classes[module]} are both written to models/{module}.py, and one of them is gone"
            yield OVERWRITTEN_CLASS.found(context, context.stock.place_of_class(name), what)
        classes[module] = name


@LOSSES.check
def renamed(context: LintContext) -> Iterator[Finding]:
    for name, made in context.stock.classes.items():
        own = mapping(context.components.get(name))
        if "$ref" in own:
            continue
        expected, path = stock_class_name(name), ("components", "schemas", name)
        if isinstance(made, UnionProperty):
            nullable = own.get("nullable") is True or isinstance(own.get("type"), list) or sequence(own.get("enum"))
            inner = [
                str(part.class_info.name)
                for part in made.inner_properties
                if hasattr(part, "class_info") and str(part.class_info.name).startswith(f"{expected}Type")
            ]
            if inner and nullable:
                what = f"there is no class {expected}, but {', '.join(inner)}"
                yield CLASS_RENAMED.found(context, path, what, compensated=False)
        elif hasattr(made, "class_info") and own.get("title") and str(made.class_info.name) != expected:
            found = str(made.class_info.name)
            yield CLASS_RENAMED.found(context, (*path, "title"), f"there is no class {expected}, but {found}")


@LOSSES.check
def files(context: LintContext) -> Iterator[Finding]:
    shadowed = {made.path for made in context.stock.endpoint_modules if made.shadowing}
    for file in context.stock.files:
        if file.problem and file.path not in shadowed:
            yield NOT_PYTHON.found(context, file.path, f"{file.name} is not valid Python: {file.problem}")


@LOSSES.check
def enum_members(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        values = [value for value in sequence(schema.body.get("enum")) if value is not None]
        if schema.body.get("type") == "boolean" or not all(type(value) is type(values[0]) for value in values):
            continue
        names = sequence(schema.body.get("x-enum-varnames"))
        seen: dict[str, Any] = {}
        for index, value in enumerate(values):
            member = _member(value, index, names if len(names) == len(values) else [])
            if member in seen:
                where = (*schema.path, "enum", _index(schema.body["enum"], value))
                what = f"the values {seen[member]!r} and {value!r} of {schema.name} would both be called {member}"
                yield ENUM_MEMBERS.found(context, where, what)
            seen[member] = value


def _index(values: list[Any], value: Any) -> int:
    return len(values) - 1 - values[::-1].index(value)


def _member(value: Any, index: int, names: list[Any]) -> str:
    if names:
        return snake_case(str(names[index])).upper()
    if isinstance(value, int):
        return f"VALUE_{value}".replace("-", "NEGATIVE_")
    text = str(value)
    return snake_case(text.upper() if text and text[0].isalpha() else f"VALUE_{index}").upper()


@LOSSES.check
def altered(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        for index, value in enumerate(sequence(schema.body.get("enum"))):
            if isinstance(value, str) and not _kept(value):
                where = (*schema.path, "enum", index)
                yield TEXT_ALTERED.found(context, where, f"the value {value!r} of {schema.name} is altered")
        for name in mapping(schema.body.get("properties")):
            if not _kept(name):
                where = (*schema.path, "properties", name)
                yield TEXT_ALTERED.found(context, where, f"the property {name!r} of {schema.name} is altered")
    for parameter in context.written_parameters():
        if not _kept(parameter.name):
            yield TEXT_ALTERED.found(context, parameter.path, f"the {parameter.told!r} is altered")


def _kept(text: str) -> bool:
    return bool(json.loads(f'"{in_double_quote_literal(text)}"') == text)
