"""Three made-up resources, added to a copy of the repository as docs/regenerating.md says under "Another resource"."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from attrs import evolve, frozen
from ruamel.yaml import YAML

from clinik_client.testing import Exchange, Recording, dump_recording

STATE = {"state": {"type": "string", "maxLength": 20, "description": "How it is.", "examples": ["free"]}}
URGENT = {"isUrgent": {"type": "boolean", "description": "Whether it cannot wait.", "examples": [True]}}
SCORE = {"score": {"type": "number", "minimum": 0, "description": "How well it does.", "examples": [1.5]}}
LEVEL = {
    "level": {"$ref": "#/components/schemas/RoomLevel", "description": "How far up it is.", "examples": [2]},
}
ENUMERATIONS = {
    "RoomLevel": {
        "type": "integer",
        "enum": [1, 2],
        "description": "How far up a room is.",
        "x-enumDescriptions": {"1": "One floor up.", "2": "Two floors up."},
        "examples": [2],
    }
}
LABELS = {
    "labels": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "What is written on it.",
        "examples": [{"door": "4B"}],
    }
}
STAFF = {
    "staff": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Participant"},
        "description": "Who works there.",
        "examples": [[{"practitionerId": "prac_1", "role": "Nurse"}]],
    }
}
SPAN = {
    "span": {
        "$ref": "#/components/schemas/Period",
        "description": "When.",
        "examples": [{"start": "2025-06-01T09:00:00Z"}],
    }
}
STATUS = {"create": "201", "delete": "204"}
PLAIN = ("string", "boolean", "number")
METHODS = {"create": "post", "search": "get", "read": "get", "update": "patch", "delete": "delete"}


@frozen
class NewResource:
    """What is made up about a resource."""

    one: str
    """Its class, ``CareTeam``."""
    path: str
    fields: dict[str, Any]
    operations: tuple[str, ...]
    fhir: str | None = None
    must_filter: bool = False
    """A search has to say by what."""
    has_total: bool = True

    @property
    def many(self) -> str:
        return f"{self.one}s"

    @property
    def snake(self) -> str:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.many).lower()

    @property
    def tag(self) -> str:
        return self.snake.replace("_", "-")

    @property
    def values(self) -> dict[str, Any]:
        return {name: field["examples"][0] for name, field in self.fields.items()}

    @property
    def filters(self) -> dict[str, Any]:
        """The fields that a search may name."""
        return {name: field for name, field in self.fields.items() if field.get("type") in PLAIN}

    @property
    def wanted(self) -> dict[str, Any]:
        """What a search has to name."""
        return {name: self.values[name] for name in self.filters} if self.must_filter else {}

    @property
    def record(self) -> dict[str, Any]:
        return {"id": f"{self.one.lower()}_1", **self.values}

    def id_of(self, operation: str) -> str:
        return operation + (self.many if operation == "search" else self.one)

    def path_of(self, operation: str) -> str:
        return self.path if operation in ("create", "search") else f"{self.path}/{{id}}"


RESOURCES = (
    NewResource(
        "Room",
        "/v1/rooms",
        STATE | URGENT | LEVEL | LABELS | STAFF,
        ("create", "read", "update", "delete", "search"),
        fhir="Location",
    ),
    NewResource("LabResult", "/v1/lab-results", SCORE, ("search",), must_filter=True, has_total=False),
    NewResource("CareTeam", "/v1/patients/{patientId}/care-teams", SPAN | STATE | SCORE, ("create", "read")),
)


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def add_to_document(document: Any, new: NewResource) -> None:
    schemas, paths = document["components"]["schemas"], document["paths"]
    document["tags"].append({"name": new.tag, "description": f"Made up: {new.tag}."})
    first = next(iter(new.fields))
    id_ = {"id": {**ref("RecordId"), "description": "Its id.", "examples": [new.record["id"]]}}

    def add(name: str, required: list[str], properties: Any, example: Any) -> None:
        schemas[name] = {
            "type": "object",
            "description": f"Made up: {name}.",
            **({"required": required} if required else {}),
            "properties": deepcopy(properties),
            "examples": [example],
        }

    add(new.one, ["id"], {**id_, **new.fields}, new.record)
    if new.fhir:
        schemas[new.one]["x-fhir-resource"] = new.fhir
    if "create" in new.operations:
        add(f"{new.one}CreateRequest", [first], new.fields, new.values)
    if "update" in new.operations:
        add(f"{new.one}UpdateRequest", [], new.fields, new.values)
    responses = [new.one]
    if "search" in new.operations:
        responses.append(f"{new.one}Page")
        rows = {"type": "array", "description": "The rows.", "items": ref(new.one), "examples": [[new.record]]}
        page = {**deepcopy(schemas["EncounterPage"]["properties"]), "data": rows}
        if not new.has_total:
            del page["total"]
        add(f"{new.one}Page", ["data", "hasMore"], page, {"data": [new.record], "hasMore": False})
    for name in responses:
        schemas[f"{name}Response"] = {
            "type": "object",
            "description": "The envelope.",
            "required": ["data", "meta"],
            "properties": {
                "data": {**ref(name), "description": "What there is."},
                "meta": {**ref("ResponseMetadata"), "description": "Facts about the request."},
            },
            "examples": [{"data": schemas[name]["examples"][0], "meta": schemas["ResponseMetadata"]["examples"][0]}],
        }
    usual = document["paths"]["/v1/encounters/{id}"]
    for operation in new.operations:
        status, method = STATUS.get(operation, "200"), METHODS[operation]
        item = paths.setdefault(new.path_of(operation), {})
        done: dict[str, Any] = {
            "description": "Done.",
            "headers": deepcopy(usual["get"]["responses"]["200"]["headers"]),
        }
        if operation != "delete":
            name = f"{new.one}PageResponse" if operation == "search" else f"{new.one}Response"
            done["content"] = {"application/json": {"schema": ref(name)}}
        refused = {key: value for key, value in deepcopy(usual["patch"]["responses"]).items() if key >= "400"}
        made: dict[str, Any] = {
            "operationId": new.id_of(operation),
            "tags": [new.tag],
            "summary": f"Made up: {operation}.",
            "description": "Made up.",
            "security": [{"apiKey": []}],
            "responses": {status: done, **refused},
        }
        made["parameters"] = [
            {"name": name, "in": "path", "required": True, "description": "An id.", "schema": ref("RecordId")}
            for name in re.findall(r"{(\w+)}", new.path_of(operation))
        ]
        if operation == "search":
            made["x-parameters-schema"] = f"{new.one}SearchParams"
            filters = {**new.filters, "cursor": {"type": "string", "description": "The page.", "examples": ["20"]}}
            made["parameters"] += [
                {
                    "name": name,
                    "in": "query",
                    "required": name in new.wanted,
                    "description": "A filter.",
                    "schema": deepcopy(field),
                }
                for name, field in filters.items()
            ]
        if operation in ("create", "update"):
            body = ref(f"{new.one}{operation.title()}Request")
            example = {"summary": "Made up", "value": new.values}
            content = {"application/json": {"schema": body, "examples": {"madeUp": example}}}
            made["requestBody"] = {"required": True, "description": "What to write.", "content": content}
        item[method] = made


def facade(new: NewResource) -> str:
    """The class with the signatures."""
    methods = []
    own = "".join(f"{name}: str, " for name in map(_python, re.findall(r"{(\w+)}", new.path)))
    for operation in new.operations:
        module = "endpoints." + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", new.id_of(operation)).lower()
        ids = own + ("" if operation in ("create", "search") else "id: str, ")
        given = ids.replace(": str", "")
        doc = _docstring(new, operation, [*re.findall(r"(\w+):", ids), *_fields(operation)])
        if operation in ("read", "delete"):
            result = f"models.{new.one}" if operation == "read" else "None"
            methods.append(
                f"    def {operation}(self, {ids}/) -> ApiResponse[{result}]:\n{doc}"
                f"        return self._call({module}.request({given.rstrip(', ')}))\n"
            )
            continue
        model = f"models.{new.one}{operation.title()}" + ("Params" if operation == "search" else "Request")
        result = f"models.{new.one}Page" if operation == "search" else f"models.{new.one}"
        mapping = f"{model} | Mapping[str, Any]"
        methods.append(
            f"    @overload\n    def {operation}(self, {ids}/, **fields: Unpack[{model}Fields])"
            f" -> ApiResponse[{result}]: ...\n"
            f"    @overload\n    def {operation}(self, {ids}given: {mapping}, /) -> ApiResponse[{result}]: ...\n"
            f"    def {operation}(self, {ids}given: {mapping} | None = None, /, **fields: Any)"
            f" -> ApiResponse[{result}]:\n{doc}"
            f"        return self._call({module}.request({given}given, **fields))\n"
        )
    return (
        f'"""``clinik.{new.snake}``: made up."""\n\nfrom __future__ import annotations\n\n'
        "from collections.abc import Mapping\nfrom typing import Any, Unpack, overload\n\n"
        f"from .._generated import models\nfrom .._generated.api import {new.snake} as endpoints\n"
        "from .._resource import Resource\nfrom .._response import ApiResponse\n\n\n"
        f'class {new.many}(Resource):\n    """Made up."""\n\n    __slots__ = ()\n\n' + "\n".join(methods)
    )


def _fields(operation: str) -> list[str]:
    return [] if operation in ("read", "delete") else ["given", "fields"]


def _docstring(new: NewResource, operation: str, arguments: list[str]) -> str:
    told = "".join(f"            {name}: made up.\n" for name in arguments)
    status = STATUS.get(operation, "200")
    return (
        f'        """Made up: {operation} of {new.tag}.\n\n        Args:\n{told}\n        Returns:\n'
        f"            What there is.\n\n        Example:\n            >>> {call(new, operation, 'clinik.' + new.snake)}"
        f'.meta.status\n            {status}\n        """\n'
    )


def _python(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


FHIR = '''"""FHIR's form of {one}."""

from typing import Final

from .._fhir_form import FhirForm, same_name
from .._fhir_types import for_text, text_of

{name}: Final = FhirForm(
    "{fhir}",
    (same_name("state", dict, lambda coding: text_of(coding.get("code")), for_text(lambda code: {{"code": code}})),),
    marks=("state",),
)
'''

FACADE_TEST = '''"""``clinik.{snake}`` says over HTTP what the document describes."""

import pytest

from clinik_client import Clinik


@pytest.mark.clinik_recording("{tag}", use_all=True)
def test_each_operation_is_sent_and_read(clinik: Clinik) -> None:
    resource = clinik.{snake}
{calls}
'''

FHIR_TEST = '''"""A record in FHIR's form is read like the simple one."""

from clinik_client import {one}


def test_the_form_of_fhir_is_read() -> None:
    assert {one}.from_dict({{"resourceType": "{fhir}", "id": "x_1", "state": {{"code": "free"}}}}).state == "free"
'''


def exchanges(new: NewResource) -> list[Exchange]:
    """One of each operation."""
    made = []
    for number, operation in enumerate(new.operations):
        request_id = f"req_{new.one.lower()[:6]:x<6}0{number}"
        status = int(STATUS.get(operation, "200"))
        moment = "2025-06-01T09:00:00.000Z"
        limits = {"X-RateLimit-Limit": 500, "X-RateLimit-Remaining": 499, "X-RateLimit-Reset": 60}
        meta = {
            "requestId": request_id,
            "timestamp": moment,
            "status": status,
            "rateLimitTotal": 500,
            "rateLimitRemaining": 499,
            "rateLimitReset": 60,
        }
        data = {"data": [new.record], "hasMore": False} if operation == "search" else new.record
        path = new.path_of(operation).replace("{patientId}", "pt_1").replace("{id}", new.record["id"])
        made.append(
            Exchange.of(
                METHODS[operation].upper(),
                path + (f"?{urlencode(new.wanted)}" if operation == "search" and new.wanted else ""),
                json=new.values if operation in ("create", "update") else None,
                status=status,
                response=None if operation == "delete" else {"data": data, "meta": meta},
                headers={"x-request-id": request_id, "x-timestamp": moment, **{k: str(v) for k, v in limits.items()}},
            )
        )
    return [evolve(exchange, source="Made up after ClinikAPI documentation: a test") for exchange in made]


def call(new: NewResource, operation: str, resource: str) -> str:
    given = ["'pt_1'"] if "{patientId}" in new.path else []
    given += [repr(new.record["id"])] if operation not in ("create", "search") else []
    given += [repr(new.values)] if operation in ("create", "update") else []
    given += [repr(new.wanted)] if operation == "search" and new.wanted else []
    return f"{resource}.{operation}({', '.join(given)})"


def calls(new: NewResource) -> str:
    lines = []
    for operation in new.operations:
        seen = {"delete": "is None", "search": f".data[0].id == {new.record['id']!r}"}
        told = seen.get(operation, f".id == {new.record['id']!r}")
        lines.append(f"    assert {call(new, operation, 'resource')}.data{' ' * (told[0] != '.')}{told}")
    return "\n".join(lines)


def add_to_repository(root: Path, new: NewResource) -> None:
    """All that the guide asks for, but for the document."""
    room, tests = root / "clinik_client" / f"_{new.snake}", root / "tests" / new.snake
    for folder in (room, tests):
        folder.mkdir()
    (room / "__init__.py").write_text(f'"""``clinik.{new.snake}``."""\n')
    (tests / "__init__.py").touch()
    (room / "facade.py").write_text(facade(new))
    (tests / "test_facade.py").write_text(FACADE_TEST.format(snake=new.snake, tag=new.tag, calls=calls(new)))
    if new.fhir:
        words = {"one": new.one, "fhir": new.fhir, "name": new.fhir.upper()}
        (room / "fhir.py").write_text(FHIR.format(**words))
        (tests / "test_fhir.py").write_text(FHIR_TEST.format(**words))
    line = f"from ._{new.snake}.facade import {new.many}"
    client = root / "clinik_client" / "_client.py"
    _insert(client, "from ._encounters.facade import Encounters", f"{line}\n", before=True)
    _insert(
        client,
        "        self.encounters = Encounters(session)\n",
        f"        self.{new.snake} = {new.many}(session)\n",
    )
    _insert(
        client,
        "    encounters: Encounters = Encounters.__new__(Encounters)\n",
        f"    {new.snake}: {new.many} = {new.many}.__new__({new.many})\n",
        before=True,
    )
    package = root / "clinik_client" / "__init__.py"
    _insert(package, "    from ._encounters.facade import", f"    {line} as {new.many}\n", before=True)
    _insert(package, '        "_encounters.facade":', f'        "_{new.snake}.facade": "{new.many}",\n', before=True)
    _insert(
        package,
        "    ApiResponse: what a call returns.",
        f"    {new.many}: made up, `clinik.{new.snake}`.\n",
        before=True,
    )
    _insert(root / "conftest.py", 'STORIES = ["life-of-an-encounter"', f', "{new.tag}"')
    recordings = root / "clinik_client" / "testing" / "recordings"
    recording = Recording(new.tag, exchanges(new), "Each operation of a resource, all of it made up.")
    (recordings / f"{new.tag}.har").write_bytes(dump_recording(recording, creator="transcribed by hand"))
    _insert(recordings / "README.md", "| `errors.har` |", f"| `{new.tag}.har` | made up |\n", before=True)


def _insert(file: Path, beside: str, text: str, *, before: bool = False) -> None:
    source = file.read_text(encoding="utf-8")
    assert source.count(beside) == 1, (file, beside)
    file.write_text(source.replace(beside, text + beside if before else beside + text), encoding="utf-8")


def add_resources(root: Path) -> None:
    file = root / "openapi" / "clinik.yaml"
    yaml = YAML(typ="rt")
    document = yaml.load(file.read_text(encoding="utf-8"))
    document["components"]["schemas"].update(deepcopy(ENUMERATIONS))
    for new in RESOURCES:
        add_to_document(document, new)
        add_to_repository(root, new)
    with file.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)
