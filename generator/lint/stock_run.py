"""Runs the stock generator on a document, in a folder that is thrown away, and keeps what it makes and says.

This reads the generator's own classes, so it goes with the pinned version. Tests fail when another one differs.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from openapi_python_client import Project
from openapi_python_client import schema as oai
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import ParseError
from openapi_python_client.parser.openapi import Endpoint, EndpointCollection, GeneratorData
from openapi_python_client.parser.properties import (
    Class,
    EnumProperty,
    ModelProperty,
    Parameters,
    Schemas,
    build_parameters,
    build_schemas,
)
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import ClassName, PythonIdentifier
from pydantic import BaseModel, ValidationError

from ..document import METHODS, MISSING, Document, Pointer, mapping, sequence
from .stock_files import StockFile, read_files

# What it puts before a name that Python would not take.
PREFIX = "field_"
# How the document spells what the generator's own form calls otherwise.
SPELLED = {"schema_not": "not", "request_body": "requestBody", "param_schema": "schema", "media_type_schema": "schema"}


@frozen
class EndpointModule:
    """An endpoint module that was made, or would have been."""

    path: Pointer
    tag: str
    module: str
    endpoint: Endpoint | None = field(default=None, repr=False)
    """``None`` if the generator left it out."""

    @property
    def shadowing(self) -> list[Any]:
        """The parameters that have the name of a variable of the generated function."""
        if self.endpoint is None:
            return []
        taken = {
            "params": bool(self.endpoint.query_parameters),
            "headers": bool(self.endpoint.header_parameters or self.endpoint.bodies),
            "cookies": bool(self.endpoint.cookie_parameters),
            "quote": bool(self.endpoint.path_parameters),
            "body": bool(self.endpoint.bodies),
        }
        for parameter in self.endpoint.query_parameters:
            taken.update(dict.fromkeys({f"json_{parameter.python_name}", *helper_variables(parameter)}, True))
        return [one for _, one in self.endpoint.iter_all_parameters() if taken.get(str(one.python_name))]


@define(slots=False)
class StockRun:
    """What the stock generator made of a document, and what it said."""

    source: Document
    document: oai.OpenAPI | None = None
    """The generator's own form of the document; kept, because places go by `id`."""
    refusals: list[tuple[Pointer, str]] = field(factory=list)
    """Where and why the generator refuses the whole document."""
    crash: str = ""
    """The exception that it ends with."""
    errors: list[ParseError] = field(factory=list)
    """Its warnings about schemas and parameters."""
    left_out: list[tuple[Pointer, ParseError]] = field(factory=list)
    """The operations that it leaves out."""
    responses_left_out: list[tuple[Pointer, ParseError]] = field(factory=list)
    bodies_left_out: list[tuple[Pointer, ParseError]] = field(factory=list)
    """Bodies of operations that have another one."""
    lost: list[str] = field(factory=list)
    """The named schemas that it knows no more."""
    models: list[ModelProperty] = field(factory=list)
    enums: list[EnumProperty] = field(factory=list)
    classes: dict[str, Any] = field(factory=dict)
    """What it makes of each named schema."""
    endpoint_modules: list[EndpointModule] = field(factory=list)
    files: list[StockFile] = field(factory=list)
    places: dict[int, Pointer] = field(factory=dict)
    """Where each part of its own form of the document comes from, by `id`."""

    @property
    def class_infos(self) -> list[Class]:
        """Name and module of each class."""
        return [*(model.class_info for model in self.models), *(enum.class_info for enum in self.enums)]

    def place(self, part: Any, otherwise: Pointer = ()) -> Pointer:
        return self.places.get(id(part), otherwise)

    def place_of_class(self, name: str) -> Pointer:
        """Where a class comes from."""
        return self.places_of_classes.get(name, ("components", "schemas"))

    @cached_property
    def places_of_classes(self) -> dict[str, Pointer]:
        found: dict[str, Pointer] = {}
        for model in self.models:
            if id(model.data) in self.places:
                found.setdefault(str(model.class_info.name), self.places[id(model.data)])
        for component, made in self.classes.items():
            if hasattr(made, "class_info"):
                found.setdefault(str(made.class_info.name), ("components", "schemas", component))
        # The generator does not remember where an enumeration inside another schema was written.
        places = list(_enum_places(self.source))
        for enum in self.enums:
            name = str(enum.class_info.name)
            if name not in found:
                fitting = (path for path, names in places if any(name.endswith(end) for end in names))
                found[name] = next(fitting, ("components", "schemas"))
        return found


def helper_variables(member: Any) -> set[str]:
    """The variables that the generated code uses for the parts of a property or parameter."""
    if isinstance(member, ListProperty):
        inner = member.inner_property
        if hasattr(inner, "class_info") or isinstance(inner, ListProperty | UnionProperty):
            name = str(inner.python_name)
            return {name, f"{name}_data", *helper_variables(inner)}
    if isinstance(member, UnionProperty):
        return {name for inner in member.inner_properties for name in helper_variables(inner)}
    return set()


def stock_class_name(name: str) -> str:
    """The class name that the stock generator makes of a name."""
    return str(ClassName(name, PREFIX))


def run(source: Document) -> StockRun:
    """Have the stock generator work on a document, and note what it does."""
    stock = StockRun(source)
    with tempfile.TemporaryDirectory(prefix="clinik-lint-") as folder:
        config = Config.from_sources(
            ConfigFile(post_hooks=[]),
            meta_type=MetaType.NONE,
            document_source=Path(source.file),
            file_encoding="utf-8",
            overwrite=True,
            output_path=Path(folder) / "made",
        )
        try:
            data = _parse(source, config, stock)
            if data is not None:
                with contextlib.redirect_stdout(io.StringIO()):
                    Project(openapi=data, config=config).build()
                stock.files = list(read_files(Path(folder) / "made", _origins(stock)))
        except Exception as error:  # noqa: BLE001 - the generator ends with any exception there is
            stock.crash = f"{type(error).__name__}: {str(error) or 'without a text'}".splitlines()[0]
    return stock


def _parse(source: Document, config: Config, stock: StockRun) -> GeneratorData | None:
    # What GeneratorData.from_dict does, with the results in between.
    try:
        document = oai.OpenAPI.model_validate(source.raw)
    except ValidationError as error:
        stock.refusals = list(_refusals(source, error))
        return None
    stock.document = document
    _note_places(document, stock.places)
    components = document.components
    named = (components and components.schemas) or {}
    schemas = build_schemas(components=named, schemas=Schemas(), config=config) if named else Schemas()
    parameters = Parameters()
    if components and components.parameters:
        parameters = build_parameters(components=components.parameters, parameters=parameters, config=config)
    stock.classes = {
        ref.get_untrusted_value().rpartition("/")[2]: made for ref, made in schemas.classes_by_reference.items()
    }
    collections, schemas, parameters = EndpointCollection.from_data(
        data=document.paths,
        schemas=schemas,
        parameters=parameters,
        request_bodies=(components and components.requestBodies) or {},
        responses=(components and components.responses) or {},
        config=config,
    )
    classes = schemas.classes_by_name.values()
    # One that is known by its reference may still have lost its class: to another of the same name that was dropped.
    stock.lost = [
        name
        for key in named
        if (name := key.get_untrusted_value()) not in stock.classes
        or getattr(getattr(stock.classes[name], "class_info", None), "name", None)
        not in (None, *schemas.classes_by_name)
    ]
    stock.models = [made for made in classes if isinstance(made, ModelProperty)]
    stock.enums = [made for made in classes if isinstance(made, EnumProperty)]
    stock.errors = [*schemas.errors, *parameters.errors]
    _take_apart(document, collections, stock)
    return GeneratorData(
        title=document.info.title,
        description=document.info.description,
        version=document.info.version,
        endpoint_collections_by_tag=collections,
        models=stock.models,
        errors=stock.errors,
        enums=list(stock.enums),
    )


def _take_apart(
    document: oai.OpenAPI, collections: Mapping[PythonIdentifier, EndpointCollection], stock: StockRun
) -> None:
    # Each list holds its operations in the document's order, without those that were left out.
    endpoints = {tag: iter(collection.endpoints) for tag, collection in collections.items()}
    errors: dict[str, list[ParseError]] = {}
    for collection in collections.values():
        for error in collection.parse_errors:
            errors.setdefault(error.header, []).append(error)
    for url, item in document.paths.items():
        for method in METHODS:
            operation: oai.Operation | None = getattr(item, method)
            if operation is None:
                continue
            tag = PythonIdentifier(value=(operation.tags or [UntrustedString("default")])[0], prefix="tag")
            path: Pointer = ("paths", url.get_untrusted_value(), method)
            header = f"WARNING parsing {method.upper()} {url.get_untrusted_value()} within {tag}."
            left_out = errors.get(f"{header} Endpoint will not be generated.", [])
            stock.left_out += [(path, error) for error in left_out]
            endpoint = None if left_out else next(endpoints[tag])
            module = str(PythonIdentifier(endpoint.name, PREFIX)) if endpoint is not None else ""
            stock.endpoint_modules.append(EndpointModule(path, str(tag), module, endpoint))
            if endpoint is not None:
                _take_errors_apart(path, operation, endpoint, stock)


def _take_errors_apart(path: Pointer, operation: oai.Operation, endpoint: Endpoint, stock: StockRun) -> None:
    # The errors do not say which responds they mean, but come in the order of those that are missing.
    read = {response.status_code.pattern for response in endpoint.responses}
    statuses = [status.get_untrusted_value() for status in operation.responses]
    missing = iter([status for status in statuses if status not in read])
    for error in endpoint.errors:
        if re.match("Cannot parse response|Invalid response status", error.detail or ""):
            stock.responses_left_out.append(((*path, "responses", next(missing)), error))
        else:
            stock.bodies_left_out.append((path, error))


def _refusals(source: Document, error: ValidationError) -> Iterator[tuple[Pointer, str]]:
    seen = set()
    for problem in error.errors(include_url=False, include_context=False):
        path: list[str | int] = []
        # Pydantic's path also names the alternatives that it tried: those are no steps of the document.
        for step in problem["loc"]:
            if source.at((*path, step)) is not MISSING:
                path.append(step)
        key = problem["loc"][-2] if problem["loc"][-1:] == ("[key]",) else None
        text = f"{problem['msg']}: {key}, written without quotes" if key is not None else problem["msg"]
        if problem["type"] == "missing":
            text = f"{problem['loc'][-1]} is missing"
        if (where := (tuple(path), text)) not in seen:
            seen.add(where)
            yield where


def _note_places(document: oai.OpenAPI, places: dict[int, Pointer]) -> None:
    stack: list[tuple[Pointer, Any]] = [((), document)]
    while stack:
        path, part = stack.pop()
        if isinstance(part, BaseModel):
            places.setdefault(id(part), path)
            for name in type(part).model_fields:
                stack.append(((*path, SPELLED.get(name, name)), getattr(part, name)))
        elif isinstance(part, dict):
            stack += [((*path, str(getattr(key, "_value", key))), value) for key, value in part.items()]
        elif isinstance(part, list):
            stack += [((*path, index), value) for index, value in enumerate(part)]


def _origins(stock: StockRun) -> dict[str, Pointer]:
    origins: dict[str, Pointer] = {}
    for info in stock.class_infos:
        origins[f"models/{info.module_name}.py"] = stock.place_of_class(str(info.name))
    for operation in stock.endpoint_modules:
        if operation.endpoint is not None:
            origins[f"api/{operation.tag}/{operation.module}.py"] = operation.path
    return origins


def _enum_places(source: Document) -> Iterator[tuple[Pointer, list[str]]]:
    """Where enumerations are written, and the names of which one is the end of the class name."""
    stack: list[tuple[Pointer, Any]] = [(("components", "schemas"), source.at(("components", "schemas")))]
    stack.append((("paths",), source.at(("paths",))))
    while stack:
        path, node = stack.pop()
        if sequence(mapping(node).get("enum")):
            words = [str(node.get("title") or ""), *(str(step) for step in reversed(path))]
            yield path, [stock_class_name(word) for word in words[:3] if word]
        children = node.items() if isinstance(node, Mapping) else enumerate(sequence(node))
        stack += [((*path, key), value) for key, value in children if isinstance(value, dict | list)]
