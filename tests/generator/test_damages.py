"""A damaged document gets one message with the line of the damage, whatever it is, and never a traceback."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from generator.__main__ import DOCUMENT, generate, main
from generator.codecs import python_name
from generator.document import Document, DocumentError, Pointer, check, read, walk
from generator.lint.__main__ import main as lint_main
from generator.prepare import prepare

from .edited import edited_document, write_document


@frozen
class Damage:
    """A document with one place spoilt."""

    path: Pointer
    what: str
    document: Document

    @property
    def lines(self) -> set[int]:
        """Those of the damaged place; where something is gone, those of what it was in."""
        gone = self.what == "gone"
        return {self.document.line(self.path), self.document.line(self.path[:-1] if gone else self.path)}


@cache
def _ours() -> Document:
    return read(DOCUMENT, "spoilt.yaml")


def _spoilt(root: Any, path: Pointer, spoil: Callable[[Any, Any], object]) -> Any:
    """A copy that shares what is not on the path."""
    made = copy(root)
    if len(path) == 1:
        spoil(made, path[0])
    else:
        made[path[0]] = _spoilt(made[path[0]], path[1:], spoil)
    return made


def _put(value: Any) -> Callable[[Any, Any], object]:
    return lambda parent, key: parent.__setitem__(key, value)


def _places() -> list[tuple[Pointer, Any]]:
    places = [(path, value) for path, value in walk(_ours().root) if path and path != ("openapi",)]
    return [(path, value) for path, value in places if not {"example", "examples"} & {*path}]


# What can stand for anything in a document, and for nothing in another place.
OTHERS: tuple[Any, ...] = (None, True, 7, -1.5, "maybe", [], [None], [[1]], {"zzz": {"a": 1}})


def damages() -> Iterator[Damage]:
    ours = _ours()
    for path, value in _places():
        for other in OTHERS:
            if type(other) is not type(value):
                yield Damage(
                    path, repr(other), Document(ours.file, _spoilt(ours.root, path, _put(other)), None, ours.node)
                )
        root = _spoilt(ours.root, path, lambda parent, key: parent.pop(key))
        yield Damage(path, "gone", Document(ours.file, root, None, ours.node))


def told(document: Document) -> str | None:
    """What the generator says against a document; ``None`` if it takes it."""
    try:
        check(document)
        prepare(document)
    except DocumentError as error:
        return str(error)
    return None


def sample(number: int, seed: int) -> list[Damage]:
    return random.Random(seed).sample(list(damages()), number)


def _holds(damage: Damage) -> None:
    message = told(damage.document)
    if message is None:
        return
    place = f"{damage.what} at {'/'.join(map(str, damage.path))}: {message}"
    found = re.match(r"spoilt\.yaml:(\d+): .", message)
    assert found, place
    assert "\n" not in message, place
    named = [int(line) for line in re.findall(r"in line (\d+)", message)]
    referred = damage.what == "gone" or "$ref to something that is not there" in message
    assert referred or {int(found[1]), *named} & damage.lines or _below(damage, int(found[1])), place


def _below(damage: Damage, line: int) -> bool:
    """Whether a line is inside of the damaged part, as that of the element of a list is."""
    inner = [damage.document.line(path) for path, _ in walk(_ours().at(damage.path), damage.path)]
    return min(inner) <= line <= max(inner)


def test_a_damage_gets_one_message_with_its_line() -> None:
    for damage in sample(8, 20):
        _holds(damage)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_any_damage_gets_one_message_with_its_line(seed: int) -> None:
    for damage in sample(40, seed):
        _holds(damage)


# Damages that people do


def _schema(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]


def _operation(document: Any, method: str = "get") -> Any:
    return document["paths"]["/v1/encounters"][method]


def _renamed(node: Any, old: str, new: str) -> None:
    node[new] = node.pop(old)


TYPING_MISTAKES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a text for a length": (lambda d: _schema(d, "RecordId").update(maxLength="fifty"), "maxLength: fifty"),
    "a regular expression": (lambda d: _schema(d, "RecordId").update(pattern="(a"), "pattern: (a"),
    "a word for a list": (lambda d: _schema(d, "Participant").update(required="maybe"), "required: maybe"),
    "a type": (lambda d: _schema(d, "RecordId").update(type="integr"), "type: integr"),
    "a status": (lambda d: _renamed(_operation(d)["responses"], "500", "5O0"), "5O0:"),
    "a list of meanings": (
        lambda d: _schema(d, "EncounterStatus").update({"x-enumDescriptions": ["Open."]}),
        "x-enumDescriptions:",
    ),
    "a value of another type": (lambda d: _schema(d, "EncounterStatus")["enum"].append(7), "- 7"),
    "a constant of another type": (
        lambda d: _schema(d, "Bundle")["properties"]["resourceType"].update(const=7),
        "const: 7",
    ),
    "limits that nothing keeps": (lambda d: _schema(d, "RecordId").update(minLength=5000), "maxLength: 128"),
    "a value twice": (lambda d: _schema(d, "EncounterClass")["enum"].append("VR"), "- VR"),
    "a limit": (lambda d: _renamed(_schema(d, "RecordId"), "maxLength", "maxLenght"), "maxLenght: 128"),
    "what is required": (lambda d: _renamed(_schema(d, "Participant"), "required", "requird"), "requird:"),
    "properties": (lambda d: _renamed(_schema(d, "EncounterCreateRequest"), "properties", "propertes"), "propertes:"),
    "our own extension": (
        lambda d: _renamed(_schema(d, "RecordId"), "x-pattern-text", "x-patern-text"),
        "x-patern-text:",
    ),
    "the former name of an extension": (
        lambda d: _renamed(_schema(d, "EncounterStatus"), "x-enumDescriptions", "x-enum-descriptions"),
        "x-enum-descriptions:",
    ),
    "an extension elsewhere": (lambda d: _operation(d).update({"x-prefix": "Encounter:"}), "x-prefix: 'Encounter:'"),
    "a section": (lambda d: _renamed(d["components"], "headers", "heders"), "heders:"),
    "a format": (lambda d: _schema(d, "FhirDateTime").update(format="fhir-datetime"), "format: fhir-datetime"),
    "a media type": (
        lambda d: _renamed(_operation(d, "post")["requestBody"]["content"], "application/json", "applicationjson"),
        "applicationjson:",
    ),
    "a parameter that the path has not": (
        lambda d: d["components"]["parameters"]["EncounterId"].update(name="encounterId"),
        "name: encounterId",
    ),
    "a schema that is true": (lambda d: _schema(d, "Period")["properties"].update(end=True), "end: true"),
    "a reference to a parameter where a schema stands": (
        lambda d: _schema(d, "Period")["properties"]["start"].update({"$ref": "#/components/parameters/EncounterId"}),
        "$ref: '#/components/parameters/EncounterId'",
    ),
    "a reference to a schema where a parameter stands": (
        lambda d: _operation(d)["parameters"].append({"$ref": "#/components/schemas/Period"}),
        "- $ref: '#/components/schemas/Period'",
    ),
    "a reference to a schema where a response stands": (
        lambda d: _operation(d)["responses"]["500"].update({"$ref": "#/components/schemas/Period"}),
        "$ref: '#/components/schemas/Period'",
    ),
    "a reference to what is no component": (
        lambda d: _schema(d, "Period")["properties"]["start"].update({"$ref": "#/info/title"}),
        "$ref: '#/info/title'",
    ),
    "a limit without end": (
        lambda d: _schema(d, "Diagnosis")["properties"]["rank"].update(minimum=float("-inf")),
        "minimum: -.inf",
    ),
    "an operation twice": (
        lambda d: _operation(d, "post").update(operationId="updateEncounter"),
        "operationId: updateEncounter",
    ),
}


# Each costs a second: these few are tried always.
OFTEN = {
    "a text for a length",
    "a reference to a parameter where a schema stands",
    "what is required",
    "the former name of an extension",
    "an operation twice",
}


@pytest.mark.parametrize(
    ("edit", "written"),
    [
        pytest.param(*case, id=name, marks=[] if name in OFTEN else [pytest.mark.long])
        for name, case in TYPING_MISTAKES.items()
    ],
)
def test_a_typing_mistake_is_told_in_its_own_line_by_the_generator_and_by_the_linter(
    edit: Callable[[Any], None], written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_document(edit, tmp_path / "spoilt.yaml")
    lines = [number for number, line in enumerate(file.read_text().splitlines(), 1) if line.strip().startswith(written)]
    assert lint_main([str(file), "--for", "clinik"]) == 1
    [message] = capsys.readouterr().err.splitlines()
    assert int(message.removeprefix(f"{file.as_posix()}:").partition(":")[0]) in lines, message


def test_what_the_stock_generator_refuses_is_told_alike_by_ours_and_by_the_linter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(document: Any) -> None:
        _schema(document, "EncounterStatus")["enum"].clear()

    file = write_document(edit, tmp_path / "spoilt.yaml")
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if text.strip() == "enum: []")
    assert main(["--document", str(file), "--output", str(tmp_path / "made")]) == 1
    [generator] = capsys.readouterr().err.splitlines()
    assert lint_main([str(file), "--for", "clinik"]) == 1
    told = capsys.readouterr()
    assert (told.out.splitlines()[0].partition(":")[2], told.err) == (generator.partition(":")[2], "")
    assert generator.startswith(f"spoilt.yaml:{line}: document-refused: ")


# Names that Python or the generated classes need


@pytest.mark.parametrize("name", ["self", "given", "("])
def test_a_field_that_cannot_be_a_keyword_is_refused(name: str) -> None:
    def edit(document: Any) -> None:
        _schema(document, "EncounterCreateRequest")["properties"][name] = {"type": "string"}

    with pytest.raises(DocumentError, match=re.escape(f"a field cannot be called {name} in Python; rename it")):
        prepare(edited_document(edit))


def test_a_name_that_the_classes_need_gets_an_underscore(tmp_path: Path) -> None:
    names = ["cls", "class", "fromDict", "toDict", "toFhir", "fromFhir", "additionalProperties", "wire", "dateTime"]
    names += ["None", "fields", "total", "type", "Text", "str", "metadata", "default"]

    def edit(document: Any) -> None:
        for owner in ("EncounterCreateRequest", "Encounter"):
            properties = _schema(document, owner)["properties"]
            properties.update({name: {"type": "string", "format": "date-time"} for name in names if name != "class"})

    generate(prepare(edited_document(edit)), tmp_path / "made", "spoilt.yaml")
    made = (tmp_path / "made" / "models" / "encounter.py").read_text()
    compile(made, "encounter.py", "exec")
    assert [python_name(name) for name in names[:9]] == [
        *("cls", "class_", "from_dict_", "to_dict_", "to_fhir_", "from_fhir_", "additional_properties_"),
        *("wire_", "date_time_"),
    ]
    assert re.findall(r"^    (from_dict|to_dict|to_fhir|from_fhir|wire|date_time):", made, re.MULTILINE) == []


@pytest.mark.parametrize("name", ["class", "import", "list", "self", "1abc", "_x"])
def test_an_operation_that_cannot_be_a_module_is_refused_at_its_id(name: str) -> None:
    document = edited_document(lambda document: _operation(document, "post").update(operationId=name))
    line = document.line(("paths", "/v1/encounters", "post", "operationId"))
    assert told(document) == f"{document.file}:{line}: an operation cannot be called {name} in Python; rename it"


def _period_called(name: str) -> Document:
    def edit(document: Any) -> None:
        _renamed(document["components"]["schemas"], "Period", name)
        for _, value in list(walk(document)):
            if isinstance(value, dict) and value.get("$ref") == "#/components/schemas/Period":
                value["$ref"] = f"#/components/schemas/{name}"

    return edited_document(edit)


@pytest.mark.parametrize("name", ["1X", "_1"])
def test_a_schema_that_cannot_be_a_class_is_refused_at_its_name(name: str) -> None:
    document = _period_called(name)
    line = document.line(("components", "schemas", name))
    assert told(document) == f"{document.file}:{line}: a schema cannot be called {name} in Python; rename it"


@pytest.mark.parametrize("name", ["Clinik", "Page", "Quota", "ApiResponse", "ClinikApiError"])
def test_a_schema_that_would_take_the_place_of_what_the_package_has_is_refused(name: str) -> None:
    document = _period_called(name)
    line = document.line(("components", "schemas", name))
    assert told(document) == (
        f"{document.file}:{line}: {name} is a name that clinik_client has for something else; rename the schema"
    )


@pytest.mark.parametrize("name", ["self", "given", "fields"])
def test_a_path_parameter_that_the_function_has_another_use_for_is_refused(name: str) -> None:
    def edit(document: Any) -> None:
        document["paths"][f"/v1/encounters/{{{name}}}"] = document["paths"].pop("/v1/encounters/{id}")
        document["components"]["parameters"]["EncounterId"]["name"] = name

    message = told(edited_document(edit)) or ""
    assert (f"a path parameter cannot be called {name} in Python" in message) is (name != "self")


def test_a_parameter_that_is_there_twice_is_refused_at_the_second() -> None:
    def edit(document: Any) -> None:
        parameters = document["paths"]["/v1/encounters/{id}"]["delete"]["parameters"]
        parameters.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})

    assert "id is there twice; leave one of them out" in (told(edited_document(edit)) or "")
