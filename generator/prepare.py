"""From the document to what the templates need: which models, fields, enumerations and operations there are.

openapi-python-client parses a derived document, made here: each operation's query parameters are one model, a response
is the ``data`` of its envelope, and only schemas that an operation uses are left. What the parser loses on the way
(limits, descriptions beside a ``$ref``, what each enumeration value means) goes to the templates directly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openapi_python_client import strings

from .codecs import (
    READ_AS,
    CodecSource,
    class_name,
    codec_of,
    constant_name,
    is_object,
    named_scalar,
    python_name,
    unsupported,
)
from .document import Document, Pointer, mapping, plain, sequence
from .fhir import SDK, FhirName, known_forms
from .handwritten import facts, public_names
from .sources import EndpointSource, EnumSource, FieldSource, Member, ModelSource, Prepared, ScalarSource


def prepare(document: Document, sdk: Path = SDK) -> Prepared:
    """Derive everything from the document.

    Args:
        document: the document.
        sdk: the package that the output is for.

    Raises:
        DocumentError: it uses something that the SDK does not support.
    """
    return _Preparation(document, known_forms(sdk), public_names(sdk)).run()


# What is left of a name without a letter or digit.
_NOTHING = "field_"
# What generated functions and methods call their own arguments.
_NAMES_OF_REQUEST = {_NOTHING, "given", "fields"}
_NAMES_OF_MODELS = {_NOTHING, "self", "given"}


class _Preparation:
    def __init__(self, document: Document, forms: Mapping[str, FhirName], public: frozenset[str]) -> None:
        self.source = document
        self.forms = forms
        self.public = public
        self.document = Document(document.file, plain(document.root))
        self.schemas: dict[str, Any] = self.document.root.setdefault("components", {}).setdefault("schemas", {})
        self.inputs: set[str] = set()
        self.outputs: set[str] = set()
        self.refusing_none: set[str] = set()
        self.used: dict[str, None] = {}
        self.taken: set[tuple[str, str]] = set()
        """Parameters whose name a facade's method has for something else."""
        self.places: dict[str, Pointer] = {}
        """Where the schemas are written that have no name in the document."""
        self.parameters: dict[tuple[str, str], Pointer] = {}
        """Where the parameters are written that became properties of a model, by its name and theirs."""
        self.operations: dict[str, EndpointSource] = {}

    def run(self) -> Prepared:
        for name in list(self.schemas):
            reference = _as_reference(self.schemas[name])
            if "$ref" in reference and not is_object(self.document.resolve(reference)):
                self.schemas[name] = reference
            self._name_inline(name, self.schemas[name], self._place(name))
            self._merge(name)
        paths: dict[str, dict[str, Any]] = {}
        for path, method, operation, item in self.source.operations():
            paths.setdefault(path, {})[method] = self._operation(path, method, operation, item)
        kept = {name: schema for name, schema in self.schemas.items() if name in self.used}
        prepared = Prepared(
            {
                "openapi": self.document.root["openapi"],
                "info": {name: self.document.root["info"][name] for name in ("title", "version")},
                "paths": paths,
                # A title would take the place of the name that the templates know a class by.
                "components": {"schemas": {name: _without_maps(_untitled(schema)) for name, schema in kept.items()}},
            }
        )
        prepared.operations = self.operations
        for place, constant, said in facts(self.document):
            prepared.handwritten[".".join(map(str, place))] = constant, said
        for name, schema in kept.items():
            if not strings.pascal_case(name).isidentifier():
                raise self.source.error(self._place(name), f"a schema cannot be called {name} in Python; rename it")
            if "enum" in schema:
                prepared.enums[class_name(name)] = self._enum(name, schema)
            elif is_object(schema):
                prepared.models[class_name(name)] = self._model(name, schema)
        self._check_names([*prepared.models.values(), *prepared.enums.values()])
        for model in prepared.models.values():
            for entry in model.fields:
                self._add_scalars(prepared, entry.codec)
        for endpoint in self.operations.values():
            for _, _, codec, _ in endpoint.path_parameters:
                self._add_scalars(prepared, codec)
        return prepared

    def _check_names(self, made: Sequence[ModelSource | EnumSource]) -> None:
        seen: set[str] = set()
        for name in (name for source in made for name in source.public):
            where = ("components", "schemas", name)
            if name in self.public:
                text = f"{name} is a name that {SDK.name} has for something else; rename the schema"
                raise self.source.error(where, text)
            if name in seen:
                raise self.source.error(where, f"two types would be called {name}; rename one of them")
            seen.add(name)

    def _add_scalars(self, prepared: Prepared, codec: CodecSource) -> None:
        for name in sorted(codec.scalars):
            inner, constant = named_scalar(self.document, name), constant_name(name)
            self._add_scalars(prepared, inner)
            description = _sentence(self.schemas[name].get("description") or name)
            source = prepared.scalars.setdefault(constant, ScalarSource(name, inner, description))
            if source.name != name:
                where = ("components", "schemas", name)
                raise self.source.error(where, f"{name} and {source.name} would both be called {constant}")

    # Schemas

    def _name_inline(self, owner: str, schema: Any, where: Pointer) -> None:
        """Give every object and enumeration inside a schema a name, so that it becomes a class."""
        for key, child in list(schema.get("properties", {}).items()):
            schema["properties"][key] = self._named(owner, key, child, (*where, "properties", key))
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                schema[key] = self._named(owner, key, schema[key], (*where, key))
        for key in ("oneOf", "anyOf"):
            if key in schema:
                parts = enumerate(schema[key])
                schema[key] = [self._named(owner, str(index), child, (*where, key, index)) for index, child in parts]

    def _named(self, owner: str, key: str, schema: dict[str, Any], where: Pointer) -> dict[str, Any]:
        name = owner if key in ("items", "additionalProperties") else f"{owner}{strings.pascal_case(key)}"
        schema = _as_reference(schema)
        if "$ref" in schema:
            return schema
        if is_object(schema) or "enum" in schema:
            name = name if name not in self.schemas else f"{name}Item"
            self.places[name] = where
            self.schemas[name], nullable = _without_null(schema)
            self._name_inline(name, self.schemas[name], where)
            self._merge(name)
            reference = {"$ref": f"#/components/schemas/{name}", "description": schema.get("description", "")}
            if not nullable:
                return reference
            return {"anyOf": [reference, {"type": "null"}], "description": reference["description"]}
        self._name_inline(name, schema, where)
        return schema

    def _place(self, name: str, key: str | None = None) -> Pointer:
        """Where a schema is written, or one of its properties."""
        if key is None:
            return self.places.get(name, ("components", "schemas", name))
        return self.parameters.get((name, key)) or (*self._place(name), "properties", key)

    def _merge(self, name: str) -> None:
        """Put the parts of an ``allOf`` together: what the parser would drop or refuse."""
        schema = self.schemas[name]
        if "allOf" not in schema or "enum" in schema:
            return
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in (*schema["allOf"], {"properties": schema.get("properties", {})}):
            target = self.document.resolve(part)
            if "allOf" in target:
                raise unsupported(self.source, self._place(name), "allOf inside allOf", "write the properties out")
            merged["properties"] = {**merged.get("properties", {}), **target.get("properties", {})}
            merged["required"] = list(dict.fromkeys([*merged.get("required", ()), *target.get("required", ())]))
        self.schemas[name] = merged

    def _use(self, name: str, *, given: bool) -> None:
        """Keep a schema and all that it refers to; ``given``: it is part of a request."""
        roles = self.inputs if given else self.outputs
        if name in roles:
            return
        self.used[name] = None
        roles.add(name)
        stack: list[Any] = [self.schemas[name]]
        while stack:
            node = stack.pop()
            if isinstance(node, Mapping):
                if isinstance(reference := node.get("$ref"), str):
                    self._use(reference.rpartition("/")[2], given=given)
                stack.extend(value for key, value in node.items() if key not in ("example", "examples"))
            elif isinstance(node, list):
                stack.extend(node)

    def _model(self, name: str, schema: Mapping[str, Any]) -> ModelSource:
        where = self._place(name)
        fields = []
        for key, child in schema["properties"].items():
            place = self._place(name, key)
            codec = codec_of(self.document, child, (*place, "schema") if (name, key) in self.parameters else place)
            if python_name(key) in _NAMES_OF_MODELS:
                raise self.source.error(place, f"a field cannot be called {key} in Python; rename it")
            described = child.get("description") or self.document.resolve(child).get("description") or ""
            fields.append(
                FieldSource(
                    wire=key,
                    python=f"{python_name(key)}_" if (name, key) in self.taken else python_name(key),
                    codec=codec,
                    required=key in schema.get("required", ()),
                    description=_sentence(described),
                    none=name not in self.refusing_none,
                )
            )
        seen: dict[str, str] = {}
        for entry in fields:
            if entry.python in seen:
                raise self.source.error(
                    self._place(name, entry.wire),
                    f"{entry.wire} and {seen[entry.python]} would both be called {entry.python}; rename one of them",
                )
            seen[entry.python] = entry.wire
        return ModelSource(
            name=class_name(name),
            description=_sentence(schema.get("description") or name),
            fields=tuple(fields),
            is_input=name in self.inputs,
            is_output=name in self.outputs,
            is_open=bool(schema.get("additionalProperties")),
            other_form=self._other_form(where, schema),
        )

    def _other_form(self, where: Pointer, schema: Mapping[str, Any]) -> FhirName | None:
        resource_type = schema.get("x-fhir-resource")
        if resource_type is None:
            return None
        if resource_type not in self.forms:
            raise self.source.error(
                (*where, "x-fhir-resource"),
                f"x-fhir-resource: {resource_type} cannot be read: no fhir.py in clinik_client has a FhirForm for it "
                f"(there is one for {', '.join(sorted(self.forms))}); write one, or leave the mark out",
            )
        return self.forms[resource_type]

    def _enum(self, name: str, schema: Mapping[str, Any]) -> EnumSource:
        meanings = schema.get("x-enumDescriptions", {})
        values = [value for value in schema["enum"] if value is not None]
        members = {value: Member(value, _sentence(meanings.get(str(value), ""))) for value in values}
        return EnumSource(class_name(name), _sentence(schema.get("description") or name), members)

    # Operations

    def _operation(
        self, path: str, method: str, operation: Mapping[str, Any], item: Mapping[str, Any]
    ) -> dict[str, Any]:
        where: Pointer = ("paths", path, method)
        if "operationId" not in operation:
            raise self.source.error(where, "an operation without operationId; give it one, such as readEncounter")
        id_ = str(operation["operationId"])
        module = str(strings.PythonIdentifier(id_, "operation_"))
        if module != strings.snake_case(id_):
            # What would be another word in Python, templates and parser do not call the same.
            text = f"an operation cannot be called {id_} in Python; rename it"
            raise self.source.error((*where, "operationId"), text)
        if module in self.operations:
            text = f"{id_} and {self.operations[module].id} would both be called {module}; rename one of them"
            raise self.source.error((*where, "operationId"), text)
        parameters = self._parameters(path, where)
        params = self._params(id_, operation, [one for one in parameters if one[1]["in"] == "query"], where)
        body = self._body(operation, where)
        if params and body:
            raise unsupported(self.source, where, "a body together with query parameters", "put all into the body")
        if body and method == "patch":
            self.refusing_none.add(body)
        response = self._response(operation, where)
        if body and response:
            self._mark_read_as(body, response)
        paths = [one for one in parameters if one[1]["in"] == "path"]
        paths.sort(key=lambda one: path.index(f"{{{one[1]['name']}}}"))
        self.operations[module] = EndpointSource(
            id=id_,
            method=method.upper(),
            path=path,
            summary=_sentence(operation.get("summary") or id_),
            description=_sentence(operation.get("description") or ""),
            path_parameters=tuple(
                (
                    parameter["name"],
                    python_name(parameter["name"]),
                    codec_of(self.document, parameter.get("schema", {"type": "string"}), (*place, "schema")),
                    _sentence(parameter.get("description") or ""),
                )
                for place, parameter in paths
            ),
            params=params and class_name(params),
            body=body and class_name(body),
            response=response and class_name(response),
            media_types=self._media_types(operation) if body else (),
        )
        success = {"description": "Success."}
        return {
            "operationId": id_,
            "tags": list(operation.get("tags", ["default"])),
            "parameters": [
                {"name": one["name"], "in": "path", "required": True, "schema": {"type": "string"}} for _, one in paths
            ],
            "responses": {"200": {**success, **_json(response)} if response else success},
            **({"requestBody": {"required": True, **_json(body)}} if body else {}),
        }

    def _parameters(self, path: str, where: Pointer) -> list[tuple[Pointer, Mapping[str, Any]]]:
        """The parameters of an operation, each with its place; its own take the place of those of its path."""
        found: dict[tuple[str, str], tuple[Pointer, Mapping[str, Any]]] = {}
        named: dict[str, str] = {}
        for owner in (where[:-1], where):
            seen = set()
            for index, raw in enumerate(sequence(self.document.at((*owner, "parameters")))):
                place: Pointer = (*owner, "parameters", index)
                parameter = self.document.resolve(raw)
                if "$ref" in raw:
                    place = self.document.target(raw["$ref"]) or place
                name, kind = parameter["name"], parameter["in"]
                if kind not in ("path", "query"):
                    what = f"a {kind} parameter ({name})"
                    raise unsupported(self.source, (*place, "in"), what, "use the path, query or body")
                if (name, kind) in seen:
                    raise self.source.error((*place, "name"), f"{name} is there twice; leave one of them out")
                seen.add((name, kind))
                if kind == "path":
                    self._check_path_parameter(path, name, (*place, "name"), named)
                found[name, kind] = place, parameter
        for name in re.findall(r"\{(.*?)\}", path):
            if (name, "path") not in found:
                raise self.source.error(where, f"{{{name}}} in the path has no parameter; add it, with `in: path`")
        return list(found.values())

    def _check_path_parameter(self, path: str, name: str, place: Pointer, named: dict[str, str]) -> None:
        if path.count(f"{{{name}}}") != 1:
            text = f"{name} is not in the path {path} once; write it there as {{{name}}}"
            raise self.source.error(place, text)
        python = python_name(name)
        if python in _NAMES_OF_REQUEST:
            raise self.source.error(place, f"a path parameter cannot be called {name} in Python; rename it")
        if named.setdefault(python, name) != name:
            text = f"{name} and {named[python]} would both be called {python}; rename one of them"
            raise self.source.error(place, text)

    def _params(
        self, id_: str, operation: Mapping[str, Any], query: list[tuple[Pointer, Mapping[str, Any]]], where: Pointer
    ) -> str | None:
        if not query:
            return None
        name = str(operation.get("x-parameters-schema") or f"{strings.pascal_case(id_)}Params")
        if name in self.schemas:
            place = (*where, "x-parameters-schema") if "x-parameters-schema" in operation else where
            text = f"the query parameters would be called {name}, which is a schema's name; give another name there"
            raise self.source.error(place, text if len(place) > len(where) else f"{text}, in x-parameters-schema")
        properties = {}
        # search_all(limit=...) is the number of records to yield.
        self.taken.add((name, "limit"))
        for place, parameter in query:
            key = "style" if parameter.get("style", "form") != "form" else "explode"
            if key == "style" or parameter.get("explode") is False:
                what = f"the {key} of parameter {parameter['name']}"
                raise unsupported(self.source, (*place, key), what, "use style form with explode")
            self.parameters[name, parameter["name"]] = place
            schema = dict(parameter.get("schema", {}))
            if parameter.get("description"):
                schema["description"] = parameter["description"]
            schema.pop("default", None)
            properties[parameter["name"]] = self._named(name, parameter["name"], schema, (*place, "schema"))
        self.schemas[name] = {
            "type": "object",
            "description": f"The query parameters of {id_}.",
            "required": [parameter["name"] for _, parameter in query if parameter.get("required")],
            "properties": properties,
        }
        self.places[name] = where
        self._use(name, given=True)
        return name

    def _body(self, operation: Mapping[str, Any], where: Pointer) -> str | None:
        if "requestBody" not in operation:
            return None
        content = self.document.resolve(plain(operation["requestBody"])).get("content", {})
        place = self.document.target(operation["requestBody"].get("$ref")) or (*where, "requestBody")
        return self._json_schema(content, operation, place, "Request", given=True)

    def _media_types(self, operation: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(self.document.resolve(plain(operation["requestBody"])).get("content", {}))

    def _response(self, operation: Mapping[str, Any], where: Pointer) -> str | None:
        for status, response in operation.get("responses", {}).items():
            content = self.document.resolve(plain(response)).get("content")
            if str(status).startswith("2") and content:
                place = self.document.target(response.get("$ref")) or (*where, "responses", status)
                name = self._json_schema(content, operation, place, "Response", given=False)
                properties = self.schemas[name].get("properties", {})
                if not {"data", "meta"} <= properties.keys():
                    inner = name
                elif "$ref" in properties["data"] and is_object(self.document.resolve(properties["data"])):
                    inner = str(properties["data"]["$ref"]).rpartition("/")[2]
                else:
                    raise unsupported(
                        self.source,
                        self._place(name, "data"),
                        "data that is no object",
                        "write one with `properties`",
                    )
                self._use(inner, given=False)
                return inner
        return None

    def _without_fhir(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a record comes as besides its FHIR form and a FHIR Bundle, which the SDK makes a record of."""
        described = self.document.resolve(schema)
        options = described.get("anyOf") or described.get("oneOf") or []
        others = [option for option in options if not self._is_fhir(option)]
        return others[0] if len(others) == 1 < len(options) else schema

    def _is_fhir(self, schema: Mapping[str, Any], depth: int = 0) -> bool:
        """Whether this is a resource that the SDK reads as a record, or an envelope or a page with one."""
        described = self.document.resolve(schema)
        properties = described.get("properties", {})
        if properties.get("resourceType", {}).get("const") in ("Bundle", *self.forms):
            return True
        inner = (properties.get("data"), described.get("items"), *described.get("anyOf", ()))
        return depth < 5 and any(self._is_fhir(part, depth + 1) for part in inner if part)

    def _mark_read_as(self, given: str, read: str) -> None:
        """Mark the parts of a request that its response holds as another object: what was read can be given."""
        properties = self.schemas[read]["properties"]
        for key, part in self.schemas[given]["properties"].items():
            name, other = (_object_name(self.schemas, schema) for schema in (part, properties.get(key, {})))
            if name and other and name != other and READ_AS not in self.schemas[name]:
                self.schemas[name][READ_AS] = other
                self._mark_read_as(name, other)

    def _json_schema(
        self, content: Mapping[str, Any], operation: Mapping[str, Any], where: Pointer, suffix: str, *, given: bool
    ) -> str:
        schemas = [self._without_fhir(mapping(entry).get("schema", {})) for entry in content.values()]
        types = [*content]
        if types and all(map(_is_json, types)):
            for type_, one in zip(types, schemas, strict=True):
                if one != schemas[0]:
                    text = f"{type_} has another schema than {types[0]}; give both the same"
                    raise self.source.error((*where, "content", type_), text)
        else:
            other = next((type_ for type_ in types if not _is_json(type_)), "")
            raise unsupported(
                self.source,
                (*where, "content", other),
                f"content of type {', '.join(types) or 'nothing'}",
                "use application/json, or several types of JSON with one schema",
            )
        schema = schemas[0]
        name = f"{strings.pascal_case(operation['operationId'])}{suffix}"
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
        elif is_object(schema):
            place = (*where, "content", next(iter(content)), "schema")
            self.schemas[name], self.places[name] = schema, place
            self._name_inline(name, schema, place)
        if not is_object(self.schemas.get(name, {})):
            place = self._place(name) if name in self.schemas else (*where, "content", next(iter(content)), "schema")
            raise unsupported(
                self.source, place, "a body that is not an object with properties", "write one with `properties`"
            )
        if given:
            self._use(name, given=True)
        return name


def _is_json(media_type: str) -> bool:
    plain_type = media_type.partition(";")[0].strip().lower()
    return plain_type == "application/json" or plain_type.endswith("+json")


def _object_name(schemas: Mapping[str, Any], schema: Mapping[str, Any]) -> str | None:
    """The name of the object that a property holds, alone or in a list."""
    name = str(schema.get("items", schema).get("$ref")).rpartition("/")[2]
    return name if is_object(schemas.get(name, {})) else None


def _as_reference(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as a reference with a description beside it, if it is how OpenAPI 3.0 writes that."""
    parts = schema.get("allOf", [])
    if len(parts) != 1 or "$ref" not in parts[0] or "properties" in schema:
        return schema
    return {**{key: value for key, value in schema.items() if key != "allOf"}, **parts[0]}


def _without_null(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A schema without null among its values, and whether it had it: a class is one thing, null another."""
    types, values = schema.get("type"), schema.get("enum", ())
    kept = {key: value for key, value in schema.items() if key != "nullable"}
    if isinstance(types, list):
        listed = [name for name in types if name != "null"]
        kept["type"] = listed[0] if len(listed) == 1 else listed
    if values:
        kept["enum"] = [value for value in values if value is not None]
    had_null = (isinstance(types, list) and "null" in types) or None in values or schema.get("nullable") is True
    return kept, had_null


def _untitled(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}


def _without_maps(node: Any) -> Any:
    """Schemas for the generator, which would make a class of every object, of one without properties, too."""
    if isinstance(node, list):
        return [_without_maps(value) for value in node]
    if not isinstance(node, Mapping):
        return node
    types = node.get("type")
    if not is_object(node) and (types == "object" or (isinstance(types, list) and "object" in types)):
        return {}
    return {key: value if key in ("enum", "default") else _without_maps(value) for key, value in node.items()}


def _json(name: str | None) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _sentence(text: Any) -> str:
    return "\n".join(line.rstrip() for line in str(text).strip().splitlines())
