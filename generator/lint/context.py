"""What rules can ask about a document: its operations, parameters and schemas, and what the stock generator does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from attrs import define, frozen

from ..document import METHODS, Document, Pointer, mapping, sequence
from .stock_run import StockRun, run


@frozen
class DocumentedSchema:
    """A schema that the generator looks at, and where it stands."""

    path: Pointer
    body: Mapping[str, Any]
    role: str
    """`component`, `properties`, `allOf`, ...: what it is to its parent."""

    @property
    def name(self) -> str:
        """How people would call it."""
        return told(self.path)

    @property
    def owner(self) -> Pointer:
        """The component or operation that it is part of."""
        return self.path[:3]


@frozen
class DocumentedOperation:
    """An operation, and where it stands."""

    url: str
    method: str
    body: Mapping[str, Any]
    item: Mapping[str, Any]

    @property
    def path(self) -> Pointer:
        return ("paths", self.url, self.method)

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.url}"


@frozen
class Parameter:
    """A parameter of an operation, a path or the components; the one that a reference means."""

    path: Pointer
    """Where it is used."""
    body: Mapping[str, Any]
    referred: bool

    @property
    def name(self) -> str:
        return str(self.body.get("name"))

    @property
    def place(self) -> str:
        return str(self.body.get("in"))

    @property
    def told(self) -> str:
        return f"{self.place} parameter {self.name}"


@frozen
class Media:
    """One media type of a request or a response."""

    path: Pointer
    type: str
    body: Mapping[str, Any]

    @property
    def plain(self) -> str:
        """The type without its parameters."""
        return self.type.partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        return self.plain == "application/json" or self.plain.endswith("+json")


@define(slots=False)
class LintContext:
    """A document and all that the rules ask about it."""

    document: Document

    @cached_property
    def stock(self) -> StockRun:
        """What the stock generator makes of it."""
        return run(self.document)

    @cached_property
    def components(self) -> Mapping[str, Any]:
        return mapping(mapping(self.document.root.get("components")).get("schemas"))

    @cached_property
    def schemas(self) -> list[DocumentedSchema]:
        """Every schema that the generator looks at, parents first; references are not followed."""
        return list(self._all_schemas())

    @cached_property
    def operations(self) -> list[DocumentedOperation]:
        """The operations, in the order in which the generator takes them."""
        return [DocumentedOperation(*one) for one in self.document.operations()]

    def parameters(self, operation: DocumentedOperation) -> Iterator[Parameter]:
        """The parameters of an operation; those of its path after its own, unless it has the same one."""
        seen: set[tuple[str, str]] = set()
        for where, owner in ((operation.path, operation.body), (operation.path[:2], operation.item)):
            for index, raw in enumerate(sequence(owner.get("parameters"))):
                body = self.document.resolve(raw)
                key = (str(body.get("name")), str(body.get("in")))
                if body and key not in seen:
                    seen.add(key)
                    yield Parameter((*where, "parameters", index), body, "$ref" in mapping(raw))

    def written_parameters(self) -> Iterator[Parameter]:
        """Each parameter once, where it is written."""
        for name, body in mapping(mapping(self.document.root.get("components")).get("parameters")).items():
            if isinstance(body, Mapping) and "$ref" not in body:
                yield Parameter(("components", "parameters", name), body, False)
        seen: set[Pointer] = set()
        for operation in self.operations:
            for parameter in self.parameters(operation):
                if not parameter.referred and parameter.path not in seen:
                    seen.add(parameter.path)
                    yield parameter

    def bodies(self, operation: DocumentedOperation) -> list[Media]:
        """The media types in which an operation's request may be sent."""
        body = self.document.resolve(operation.body.get("requestBody"))
        where = (*operation.path, "requestBody", "content")
        return [Media((*where, type_), type_, mapping(entry)) for type_, entry in mapping(body.get("content")).items()]

    def responses(
        self, operation: DocumentedOperation
    ) -> Iterator[tuple[str, Pointer, Mapping[str, Any], list[Media]]]:
        """Status, place, response and media types of each response of an operation."""
        for status, raw in mapping(operation.body.get("responses")).items():
            response, where = self.document.resolve(raw), (*operation.path, "responses", status)
            content = mapping(response.get("content")).items()
            yield (
                status,
                where,
                response,
                [Media((*where, "content", type_), type_, mapping(entry)) for type_, entry in content],
            )

    def types(self, schema: Any) -> set[str]:
        """The JSON types that a schema names, references and unions followed; empty if it names none."""
        return self._types(schema, 0)

    def _types(self, schema: Any, depth: int) -> set[str]:
        body = self.document.resolve(schema)
        if depth > 10:
            return set()
        named = body.get("type")
        types = {str(name) for name in (named if isinstance(named, list) else [named]) if name is not None}
        if body.get("nullable") is True:
            types.add("null")
        if not types and "properties" in body:
            types = {"object"}
        for key in ("allOf", "anyOf", "oneOf"):
            for part in sequence(body.get(key)):
                types |= self._types(part, depth + 1)
        if not types:
            for value in [*sequence(body.get("enum")), *([body["const"]] if "const" in body else [])]:
                types.add({str: "string", bool: "boolean", int: "integer", float: "number"}.get(type(value), "null"))
        return types

    def _all_schemas(self) -> Iterator[DocumentedSchema]:
        for name, body in self.components.items():
            yield from self._schema(("components", "schemas", name), body, "component")
        components = mapping(self.document.root.get("components"))
        for kind, walk in (
            ("parameters", self._of_parameter),
            ("requestBodies", self._of_content),
            ("responses", self._of_content),
        ):
            for name, body in mapping(components.get(kind)).items():
                yield from walk(("components", kind, name), body)
        for url, item in mapping(self.document.root.get("paths")).items():
            yield from self._of_parameters(("paths", url), item)
        for operation in self.operations:
            yield from self._of_parameters(operation.path, operation.body)
            yield from self._of_content((*operation.path, "requestBody"), operation.body.get("requestBody"))
            for status, response in mapping(operation.body.get("responses")).items():
                yield from self._of_content((*operation.path, "responses", status), response)

    def _of_parameters(self, where: Pointer, owner: Any) -> Iterator[DocumentedSchema]:
        for index, body in enumerate(sequence(mapping(owner).get("parameters"))):
            yield from self._of_parameter((*where, "parameters", index), body)

    def _of_parameter(self, where: Pointer, body: Any) -> Iterator[DocumentedSchema]:
        if "schema" in mapping(body):
            yield from self._schema((*where, "schema"), body["schema"], "parameter")

    def _of_content(self, where: Pointer, body: Any) -> Iterator[DocumentedSchema]:
        for type_, entry in mapping(mapping(body).get("content")).items():
            if "schema" in mapping(entry):
                yield from self._schema((*where, "content", type_, "schema"), entry["schema"], "content")

    def _schema(self, path: Pointer, body: Any, role: str) -> Iterator[DocumentedSchema]:
        if not isinstance(body, Mapping):
            return
        yield DocumentedSchema(path, body, role)
        if "$ref" in body:
            return
        for name, child in mapping(body.get("properties")).items():
            yield from self._schema((*path, "properties", name), child, "properties")
        for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
            for index, child in enumerate(sequence(body.get(key))):
                yield from self._schema((*path, key, index), child, key)
        for key in ("items", "additionalProperties"):
            yield from self._schema((*path, key), body.get(key), key)


def told(path: Pointer) -> str:
    """A path in words: `Encounter.period.start`, `GET /v1/encounters status`."""
    steps = [str(step) for step in path]
    if steps[:2] == ["components", "schemas"]:
        steps = steps[2:]
    elif steps[:1] == ["components"]:
        steps = [f"components {steps[1]} {steps[2]}", *steps[3:]] if len(steps) > 2 else steps
    elif steps[:1] == ["paths"]:
        verb = [steps[2].upper()] if len(steps) > 2 and steps[2] in METHODS else []
        steps = [" ".join([*verb, *steps[1:2]]), *steps[2 + len(verb) :]]
    return ".".join(step for step in steps if step not in ("properties", "schema", "content"))


def and_more(places: list[Pointer]) -> str:
    """The first of several places in words, and how many more there are."""
    more = len(places) - 1
    return told(places[0]) + (f", and {more} more place{'s' if more > 1 else ''}" if more else "")
