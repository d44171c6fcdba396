"""Silent losses by name: files that overwrite each other, and names that the generated code uses itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import in_double_quote_literal, snake_case

from ..document import Path_
from .naming import class_name, names_in_templates
from .rules import Finding, breaks, check, drops
from .source import mapping, sequence
from .subject import Subject, told

OVERWRITTEN_OPERATION = breaks(
    "operation-overwritten",
    "two operations of one tag get the same module (made of the operationId, or of method and path where there is "
    "none), and the later one is written over the earlier one",
    "an operationId that differs in more than capitals and punctuation",
)
OVERWRITTEN_CLASS = breaks(
    "module-overwritten",
    "two schemas get classes of different names in a module of the same name, and one is written over the other",
    "a name that differs in more than capitals",
)
CLASS_RENAMED = drops(
    "class-renamed",
    "a named schema becomes a class of another name: that of its title, or one ending in Type0 where it may be null",
    "no title, or the schema's name as title; a schema that is an object alone, with null allowed where it is used",
    ours="titles are left out, so that a class is called like its schema",
)
RESERVED = breaks(
    "property-reserved",
    "the model's own methods and variables are called so, and reading or writing the model fails or goes wrong",
    "another name, if the API allows it",
    ours="models only declare fields, under a name with an underscore where the base class has it",
)
TANGLED = breaks(
    "property-tangled",
    "a helper variable for the elements of one property has the name of another property and changes what is sent",
    "another name, or the properties in another order",
    ours="models only declare fields",
)
SHADOWED = breaks(
    "parameter-shadows",
    "the generated function uses a variable of this name itself: it does not compile, fails or sends something else",
    "another name, if the API allows it",
    ours="query parameters are fields of a model, and requests are built by handwritten code",
)
CLASS_SHADOWS = breaks(
    "class-shadows",
    "a class has the name of something that a module which uses it also imports, and hides it",
    "a more telling name, such as `ServiceResponse` for `Response`",
    ours="our templates import other names, which have a rule of their own",
)
NOT_PYTHON = breaks(
    "not-python",
    "a file of the output is not valid Python",
    "the name, value or default that the generated file shows in a plainer way",
)
ENUM_MEMBERS = breaks(
    "enum-members-collide",
    "two values of an enumeration get the same member name; one is lost, or the generator crashes",
    "`x-enum-varnames` with one distinct name for each value",
)
TEXT_ALTERED = breaks(
    "name-altered",
    "control and invisible characters are taken out of names and values, so others are sent than the API knows",
    "names and values without such characters",
)

METHODS_OF_MODELS = {"to_dict", "from_dict", "additional_properties", "additional_keys", "to_multipart"}
LOCALS_OF_MODELS = {"d", "cls", "field_dict", "cast", "prop_name", "prop", "prop_dict", "files"}
LOCALS_OF_ENDPOINTS = {"params", "headers", "cookies", "quote", "body"}


@check
def overwritten(subject: Subject) -> Iterator[Finding]:
    operations: dict[tuple[str, str], Path_] = {}
    for made in subject.outcome.made:
        if made.endpoint is None:
            continue
        key = (made.tag, made.module)
        if key in operations:
            yield subject.found(
                OVERWRITTEN_OPERATION,
                (*operations[key], "operationId"),
                f"{told(operations[key])} has no function: {told(made.path)} is called {made.module} too and is "
                f"written over it",
            )
        operations[key] = made.path
    classes: dict[str, str] = {}
    for info in subject.outcome.class_infos:
        module, name = str(info.module_name), str(info.name)
        if module in classes:
            yield subject.found(
                OVERWRITTEN_CLASS,
                subject.outcome.place_of_class(name),
                f"{name} and {classes[module]} are both written to models/{module}.py, and one of them is gone",
            )
        classes[module] = name


@check
def renamed(subject: Subject) -> Iterator[Finding]:
    for name, made in subject.outcome.classes.items():
        own = mapping(subject.components.get(name))
        if "$ref" in own:
            continue
        expected, path = class_name(name), ("components", "schemas", name)
        if isinstance(made, UnionProperty):
            nullable = own.get("nullable") is True or isinstance(own.get("type"), list) or sequence(own.get("enum"))
            inner = [
                str(part.class_info.name)
                for part in made.inner_properties
                if hasattr(part, "class_info") and str(part.class_info.name).startswith(f"{expected}Type")
            ]
            if inner and nullable:
                what = f"there is no class {expected}, but {', '.join(inner)}"
                yield subject.found(CLASS_RENAMED, path, what, compensated=False)
        elif hasattr(made, "class_info") and own.get("title") and str(made.class_info.name) != expected:
            found = str(made.class_info.name)
            yield subject.found(CLASS_RENAMED, (*path, "title"), f"there is no class {expected}, but {found}")


@check
def properties(subject: Subject) -> Iterator[Finding]:
    for model in subject.outcome.models:
        members = [*(model.required_properties or []), *(model.optional_properties or [])]
        where = subject.outcome.place_of_class(str(model.class_info.name))
        reserved = set(METHODS_OF_MODELS | LOCALS_OF_MODELS)
        if not model.is_multipart_body:
            reserved -= {"to_multipart", "files"}
        if not model.additional_properties:
            reserved -= {"additional_keys"}
        for index, member in enumerate(members):
            name, wire = str(member.python_name), member.name.get_untrusted_value()
            if name in reserved and _harms(name, index, members, model):
                yield subject.found(
                    RESERVED,
                    (*where, "properties", wire),
                    f"the property {wire} breaks the class {model.class_info.name}, which uses {name} itself",
                )
            helpers = _helpers(member)
            for other in members[:index]:
                if str(other.python_name) in helpers:
                    spoilt = other.name.get_untrusted_value()
                    yield subject.found(
                        TANGLED,
                        (*where, "properties", spoilt),
                        f"{model.class_info.name}.{spoilt} is sent with a value out of {wire}",
                    )


def _harms(name: str, index: int, members: list[Any], model: ModelProperty) -> bool:
    if name == "d":
        # What is taken out of the dict after it, and what is left over, is taken out of its value.
        return index < len(members) - 1 or bool(model.additional_properties)
    if name == "cast":
        return any(isinstance(member, ListProperty | UnionProperty) for member in members)
    if name in ("prop_name", "prop", "prop_dict"):
        return getattr(model.additional_properties, "template", "any_property.py.jinja") != "any_property.py.jinja"
    return name != "files"


def _helpers(member: Any) -> set[str]:
    """The variables that the generated code uses for the parts of a property."""
    if isinstance(member, ListProperty):
        inner = member.inner_property
        if hasattr(inner, "class_info") or isinstance(inner, ListProperty | UnionProperty):
            name = str(inner.python_name)
            return {name, f"{name}_data", *_helpers(inner)}
    if isinstance(member, UnionProperty):
        return {name for inner in member.inner_properties for name in _helpers(inner)}
    return set()


@check
def parameters(subject: Subject) -> Iterator[Finding]:
    for made in subject.outcome.made:
        if made.endpoint is None:
            continue
        taken = {
            "params": bool(made.endpoint.query_parameters),
            "headers": bool(made.endpoint.header_parameters or made.endpoint.bodies),
            "cookies": bool(made.endpoint.cookie_parameters),
            "quote": bool(made.endpoint.path_parameters),
            "body": bool(made.endpoint.bodies),
        }
        names = {str(part.python_name) for _, part in made.endpoint.iter_all_parameters()}
        for part in made.endpoint.query_parameters:
            helpers = {f"json_{part.python_name}", *_helpers(part)}
            taken.update(dict.fromkeys(helpers & names, True))
        for _, part in made.endpoint.iter_all_parameters():
            name = str(part.python_name)
            if taken.get(name):
                yield subject.found(
                    SHADOWED,
                    _parameter(subject, made.path, part.name.get_untrusted_value()),
                    f"the parameter {part.name.get_untrusted_value()} of {told(made.path)} breaks the function, which "
                    f"uses {name} itself",
                )


def _parameter(subject: Subject, path: Path_, name: str) -> Path_:
    for operation in subject.operations:
        if operation.path == path:
            for parameter in subject.parameters(operation):
                if parameter.name == name:
                    return parameter.path
    return path


@check
def files(subject: Subject) -> Iterator[Finding]:
    shadowed = {finding.path[:3] for finding in parameters(subject)}
    for file in subject.outcome.files:
        if file.problem:
            if file.path[:3] not in shadowed:
                yield subject.found(NOT_PYTHON, file.path, f"{file.name} is not valid Python: {file.problem}")
            continue
        for name in file.hidden:
            yield subject.found(
                CLASS_SHADOWS,
                subject.outcome.place_of_class(name),
                f"the class {name} hides the {name} that {file.name} imports",
                compensated=name not in names_in_templates(),
            )


@check
def enum_members(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        values = [value for value in sequence(schema.body.get("enum")) if value is not None]
        if schema.body.get("type") == "boolean" or not all(type(value) is type(values[0]) for value in values):
            continue
        names = sequence(schema.body.get("x-enum-varnames"))
        seen: dict[str, Any] = {}
        for index, value in enumerate(values):
            member = _member(value, index, names if len(names) == len(values) else [])
            if member in seen:
                yield subject.found(
                    ENUM_MEMBERS,
                    (*schema.path, "enum", _index(schema.body["enum"], value)),
                    f"the values {seen[member]!r} and {value!r} of {schema.name} would both be called {member}",
                )
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


@check
def altered(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        for index, value in enumerate(sequence(schema.body.get("enum"))):
            if isinstance(value, str) and not _kept(value):
                yield subject.found(
                    TEXT_ALTERED, (*schema.path, "enum", index), f"the value {value!r} of {schema.name} is altered"
                )
        for name in mapping(schema.body.get("properties")):
            if not _kept(name):
                path = (*schema.path, "properties", name)
                yield subject.found(TEXT_ALTERED, path, f"the property {name!r} of {schema.name} is altered")
    for parameter in subject.written_parameters():
        if not _kept(parameter.name):
            yield subject.found(TEXT_ALTERED, parameter.path, f"the {parameter.told!r} is altered")


def _kept(text: str) -> bool:
    return bool(json.loads(f'"{in_double_quote_literal(text)}"') == text)
