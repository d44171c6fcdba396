"""The linter as a whole: what it prints, what it survives, the house rules, and a vendor's document."""

from __future__ import annotations

import cProfile
import json
import random
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from generator.__main__ import DOCUMENT, ROOT
from generator.__main__ import main as generate_main
from generator.document import Document, DocumentError, read
from generator.lint import HOUSE, LOSSES, STOCK, Finding, lint
from generator.lint.__main__ import main
from generator.lint.context import LintContext
from generator.lint.guide import guide

from .edited import write_document
from .stock import Stock, document, made, operation
from .test_generate import folder_bytes
from .vendor import ODDITIES, foreseen, vendor, yaml


def rules(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule.id for finding in findings}


# The command


def test_our_document_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(DOCUMENT), "--for", "clinik"]) == 0
    assert capsys.readouterr().out == f"{DOCUMENT.as_posix()}: no findings\n"


def test_a_finding_has_file_line_rule_reason_and_what_to_write_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(document(schemas="Foo:\n  properties:\n    a: {type: string, const: b, enum: [b]}"))
    assert main([str(file)]) == 1
    found, counted = capsys.readouterr().out.splitlines()
    rule = LOSSES.rules["fixed-value-lost"]
    assert found == (
        f"{file.as_posix()}:8: fixed-value-lost: const of Foo.a, beside enum: {rule.lost}; "
        f"write instead: {rule.instead}"
    )
    assert counted == f"{file.as_posix()}: 1 finding (1 that drops something)"


def test_losses_only_leaves_the_house_rules_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(document(schemas="Foo: {type: string}"))
    assert main([str(file), "--for", "clinik"]) == 1
    assert "house-description" in capsys.readouterr().out
    assert main([str(file), "--for", "clinik", "--losses-only"]) == 0


def test_for_clinik_only_losses_that_our_generator_does_not_make_up_for_are_told(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(document(schemas="Foo: {properties: {a: {type: string, maxLength: 3}, b: {not: {}}}}"))
    assert {"limits-unchecked", "keyword-ignored"} <= rules(lint(file).losses)
    assert rules(lint(file, for_="clinik").losses) == {"keyword-ignored"}


BAD_FILES = {
    "not YAML": ("a.yaml", "openapi: 3.1.0\npaths: [", "a.yaml:2: is not YAML"),
    "not JSON": ("a.json", '{"openapi":\n "3.0.0",}', "a.json:2: is not JSON"),
    "a list": ("a.yaml", "- a\n", "a.yaml:1: is not an OpenAPI 3 document"),
    "a text": ("a.yaml", "just text\n", "a.yaml:1: is not an OpenAPI 3 document"),
    "empty": ("a.yaml", "", "a.yaml:1: is not an OpenAPI 3 document"),
    "a Swagger 2 document": ("a.yaml", "swagger: '2.0'\n", "a.yaml:1: is not an OpenAPI 3 document"),
    "an impossible date": ("a.yaml", "openapi: 3.1.0\nx: 2025-02-30\n", "a.yaml:1: is not YAML"),
    "an alias in itself": ("a.yaml", "openapi: 3.1.0\npaths: &a\n  b: *a\n", "a.yaml:1: holds a YAML alias"),
    "a control character": ("a.yaml", "openapi: 3.1.0\nx: a\n\ny: b\x01\n", "a.yaml:4: is not YAML"),
    "too deep": ("a.json", '{"openapi": "3.1.0", "x": ' + "[" * 9000 + "]" * 9000 + "}", "a.json:1: is nested too"),
}


@pytest.mark.parametrize(("name", "text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_document_gets_one_message(
    name: str, text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert main([str(file)]) == 1
    [told] = capsys.readouterr().err.splitlines()
    assert message in told


def test_a_missing_file_and_one_in_another_encoding_get_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.yaml")]) == 1
    (tmp_path / "latin.yaml").write_bytes("info: Krankenhäuser\n".encode("latin-1"))
    assert main([str(tmp_path / "latin.yaml")]) == 1
    told = capsys.readouterr().err
    assert "none.yaml: cannot be read: No such file" in told
    assert "latin.yaml: is not UTF-8 text (byte 14)" in told


def test_a_broken_reference_is_told_once_for_our_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def edit(document: Any) -> None:
        document["components"]["schemas"]["Period"]["properties"]["start"]["$ref"] = "#/components/schemas/Nowhere"

    file = write_document(edit, tmp_path / "edited.yaml")
    assert main([str(file), "--for", "clinik"]) == 1
    [told] = capsys.readouterr().err.splitlines()
    assert re.search(r"edited\.yaml:\d+: \$ref to something that is not there", told)


def test_every_reference_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    schemas = """
        Foo:
          properties:
            a:
              $ref: '#/components/schemas/Nowhere'
            b:
              $ref: '#/components/schemas/Neither'
            c:
              $ref: other.yaml
    """
    file.write_text(document(schemas=schemas))
    findings = lint(file).losses
    assert [(finding.rule.id, finding.line) for finding in findings] == [
        ("reference-not-found", line) for line in (8, 11, 13)
    ]


def test_json_has_lines_too(tmp_path: Path) -> None:
    schema = {"properties": {"a": {"type": "array"}}}
    written = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Foo": schema}},
    }
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(written, indent=2))
    [found] = lint(file).losses
    line = file.read_text().splitlines().index('          "a": {') + 1
    assert (found.rule.id, found.line) == ("array-without-items", line)
    file.write_text(json.dumps(written, indent="\t"))
    assert rules(lint(file).losses) == {"array-without-items"}


# Losses that do not pass silently


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (document(paths="/x:\n  get:\n    responses:\n      200: {description: d}"), 7),
        (document(schemas="Foo: {type: file}"), 6),
        (document(schemas="Foo:\n  properties:\n    a: true"), 8),
        (document(paths="/x:\n  get:\n    responses:\n      '200': {}"), 7),
        (document(paths="/x:\n  get: {summary: s}"), 5),
        (document().replace("3.1.0", "3.2.0"), 1),
    ],
)
def test_what_makes_the_generator_refuse_a_document_is_told_with_its_line(text: str, line: int, tmp_path: Path) -> None:
    with made(text, tmp_path) as stock:
        assert not stock.succeeded
    findings = lint(tmp_path / "document.yaml").losses
    assert ("document-refused", line) in [(finding.rule.id, finding.line) for finding in findings]


def test_an_exception_of_the_generator_is_told(tmp_path: Path) -> None:
    text = document(schemas="Foo:\n  type: string\n  enum:\n  - a\n  - A")
    with pytest.raises(ValueError, match="Duplicate key"), made(text, tmp_path):
        pass
    findings = lint(tmp_path / "document.yaml").losses
    assert [(finding.rule.id, finding.line) for finding in findings] == [
        ("generator-crash", 1),
        ("enum-members-collide", 10),
    ]


def test_a_warning_that_no_rule_knows_is_told_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.lint.stock_warnings.ROOMS", ())
    text = document(schemas="Foo:\n  properties:\n    a: {type: array}")
    with made(text, tmp_path) as stock:
        assert stock.succeeded
        assert not stock.has("Foo")
    [found] = lint(tmp_path / "document.yaml").losses
    assert (found.rule.id, found.line) == ("generator-warning", 8)


def test_a_document_that_loses_nothing_has_no_findings(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(
        document(
            paths=operation(
                """
                tags: [things]
                security: [{key: []}]
                parameters:
                - {name: since, in: query, schema: {type: string, format: date, description: From this day.}}
                - {name: states, in: query, schema: {type: array, items: {$ref: '#/components/schemas/State'}}}
                requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
                """,
                method="post",
                responses="""
                '200': {description: '', content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
                4XX: {description: ''}
                default: {description: ''}
                """,
            ),
            schemas="""
                State: {type: string, enum: [open, closed]}
                Thing:
                  description: A thing.
                  required: [id]
                  properties:
                    id: {type: string, format: uuid}
                    state: {$ref: '#/components/schemas/State'}
                    parts: {type: array, items: {$ref: '#/components/schemas/Thing'}}
                    size: {type: [number, 'null'], default: 1}
                    place: {type: object, properties: {street: {type: string}}, additionalProperties: false}
                    kind: {type: string, const: thing}
                    either: {oneOf: [{type: string}, {type: integer}]}
            """,
            components="securitySchemes: {key: {type: http, scheme: bearer}}",
        )
    )
    assert [str(finding) for finding in lint(file).losses] == []


# A vendor's document


@frozen
class Examined:
    """The document, what the stock generator made of it, and what the linter found."""

    stock: Stock
    findings: tuple[Finding, ...]

    def told(self, *grades: str) -> set[tuple[Any, ...]]:
        """The places of the findings of these grades, and all above them but the topmost."""
        found = [finding for finding in self.findings if finding.rule.grade in grades]
        return {place for finding in found for place in _above(finding.path)}


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    folder = tmp_path_factory.mktemp("vendor")
    text = yaml(vendor())
    assert text.count("\n") > 10_000
    with made(text, folder) as stock:
        yield Examined(stock, lint(folder / "document.yaml").losses)


def work_for(resources: int, folder: Path) -> tuple[int, int]:
    """How many calls it takes to examine a vendor's document, and how many lines that has."""
    text = yaml(vendor(resources))
    file = folder / f"{resources}.yaml"
    file.write_text(text, encoding="utf-8")
    profile = cProfile.Profile()
    profile.runcall(lint, file)
    return sum(entry.callcount for entry in profile.getstats()), text.count("\n")


@pytest.mark.long
def test_the_work_for_a_document_grows_with_its_lines_and_no_faster(tmp_path: Path) -> None:
    # Each oddity is there once, then three times: resources of other kinds would take other work.
    calls, lines = work_for(len(ODDITIES), tmp_path)
    more_calls, more_lines = work_for(3 * len(ODDITIES), tmp_path)
    assert more_calls / calls < 1.1 * more_lines / lines
    # 1,400 were counted, the parsing of YAML and the stock generator included.
    assert more_calls / more_lines < 2_000


@pytest.mark.long
def test_the_oddities_of_a_vendors_document_are_found(examined: Examined) -> None:
    assert examined.stock.succeeded
    expected = set(foreseen())
    found = {(finding.rule.id, place) for finding in examined.findings for place in _above(finding.path)}
    assert expected - found == set()
    told = examined.told("breaks", "drops")
    for number in range(62):
        items = ("properties", "address", "properties", "lines", "items")
        assert ("components", "schemas", f"Resource{number:02d}", *items) in told
        assert ("paths", f"/resource{number:02d}/{{id}}", "delete") in told


@pytest.mark.long
def test_every_warning_of_the_generator_is_a_finding_at_its_place(examined: Examined) -> None:
    told = examined.told("breaks")
    assert examined.stock.errors
    for error in examined.stock.errors:
        if match := re.match(r"WARNING parsing (\w+) (\S+) within", error.header):
            assert ("paths", match[2], match[1].lower()) in told, error
            continue
        named = re.findall(r"/components/schemas/(\w+)", f"{error.header}{error.detail}")
        assert named, error
        for name in named:
            assert ("components", "schemas", name) in told, (name, error)


@pytest.mark.long
def test_whatever_is_not_in_the_output_is_a_finding(examined: Examined) -> None:
    told = examined.told("breaks", "drops")
    missing = list(_missing(vendor(), examined.stock))
    assert len(missing) > 50
    for place in missing:
        assert place in told or (place[3] == "parameters" and place[:3] in told), place


def _above(place: tuple[Any, ...]) -> set[tuple[Any, ...]]:
    return {place[:length] for length in range(2, len(place) + 1)}


def _missing(written: Any, stock: Stock) -> Iterator[tuple[Any, ...]]:
    """What a reader of the document looks for in the output, and does not find."""
    classes = {}
    for file in sorted((stock.folder / "models").glob("*.py")):
        text = file.read_text()
        for name in re.findall(r"^class (\w+)", text, re.MULTILINE):
            classes[name] = text
    for name, schema in written["components"]["schemas"].items():
        if "properties" not in schema:
            continue
        if name not in classes:
            yield ("components", "schemas", name)
            continue
        for wire in schema["properties"]:
            if f'"{wire}"' not in classes[name]:
                yield ("components", "schemas", name, "properties", wire)
    modules = [file.read_text() for file in (stock.folder / "api").rglob("*.py")]
    for url, item in written["paths"].items():
        for method in set(item) & {"get", "post", "delete"}:
            place = ("paths", url, method)
            sent = [text for text in modules if f'"{method}"' in text and f'"url": "{url}"' in text]
            if not sent:
                yield place
                continue
            for parameter in (*item.get("parameters", ()), *item[method].get("parameters", ())):
                if parameter["in"] == "query" and f'params["{parameter["name"]}"]' not in sent[0]:
                    yield (*place, "parameters", parameter["name"])
            for status in item[method]["responses"]:
                if f"response.status_code == {status}:" not in sent[0]:
                    yield (*place, "responses", status)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_a_document_with_anything_anywhere_is_examined_without_an_exception(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    junk: list[Any] = [None, True, 0, -1.5, "", "text", [], {}, [None], {"": None}, {"$ref": "#/nowhere"}, {"$ref": 1}]
    for number in range(4):
        written = vendor(2)
        for _ in range(6):
            nodes = [node for node in _nodes(written) if node]
            node = chance.choice(nodes)
            key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if key not in ("openapi",):
                node[key] = deepcopy(chance.choice(junk))
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(written, indent=1))
        for finding in (*lint(file).losses, *lint(file, for_="clinik").house):
            assert str(finding)


def _nodes(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list):
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from _nodes(child)


# The house rules


@pytest.fixture(scope="module")
def ours() -> Any:
    """Our document."""
    return read(DOCUMENT).root


def breached(ours: Any, edit: Callable[[Any], None]) -> set[str]:
    """The house rules that an edit of our document breaks."""
    document = deepcopy(ours)
    edit(document)
    return {finding.rule.id for finding in HOUSE.look(LintContext(Document("edited.yaml", document)))}


def _schema(document: Any, name: str = "Period") -> Any:
    return document["components"]["schemas"][name]


def _search(document: Any) -> Any:
    return document["paths"]["/v1/encounters"]["get"]


def _scheme(document: Any) -> Any:
    return document["components"]["securitySchemes"]["apiKey"]


def _without(node: Any, *keys: str) -> None:
    for key in keys:
        del node[key]


def _not_described(document: Any) -> None:
    del _schema(document, "EncounterClass")["x-enumDescriptions"]["VR"]


def _described_in_vain(document: Any) -> None:
    _schema(document, "EncounterClass")["x-enumDescriptions"]["ZZ"] = "Nothing."


HOUSE_CASES: list[tuple[str, Callable[[Any], None]]] = [
    ("house-security", lambda document: _without(_search(document), "security")),
    ("house-operation-id", lambda document: _search(document).update(operationId="search_encounters")),
    ("house-operation-id", lambda document: _without(_search(document), "operationId")),
    ("house-one-tag", lambda document: _search(document)["tags"].append("other")),
    ("house-one-tag", lambda document: _without(_search(document), "tags")),
    ("house-operation-texts", lambda document: _without(_search(document), "summary")),
    ("house-operation-texts", lambda document: _without(_search(document), "description")),
    (
        "house-inline",
        lambda document: _schema(document)["properties"].update(
            place={"type": "object", "description": "d", "properties": {"a": {"type": "string"}}}
        ),
    ),
    (
        "house-inline",
        lambda document: _search(document)["parameters"][4].update(schema={"type": "string", "enum": ["a"]}),
    ),
    (
        "house-allof",
        lambda document: document["components"]["schemas"].update(
            Both={"description": "d", "allOf": [{"$ref": "#/components/schemas/Period"}, {"properties": {}}]}
        ),
    ),
    ("house-query-default", lambda document: _search(document)["parameters"][5]["schema"].update(default=20)),
    ("house-description", lambda document: _without(_schema(document), "description")),
    ("house-description", lambda document: _without(_schema(document)["properties"]["start"], "description")),
    ("house-description", lambda document: _without(_search(document)["parameters"][0], "description")),
    (
        "house-example",
        lambda document: _schema(document)["properties"].update(note={"type": "string", "description": "d"}),
    ),
    ("house-example", lambda document: _without(_schema(document, "EncounterStatus"), "examples")),
    ("house-enum-description", _not_described),
    ("house-enum-description", _described_in_vain),
    ("house-success-content", lambda document: _without(_search(document)["responses"]["200"], "content")),
    ("house-handwritten", lambda document: document["servers"][0].update(url="https://api.example")),
    ("house-handwritten", lambda document: _scheme(document).update(name="x-key")),
    ("house-handwritten", lambda document: _scheme(document).update({"in": "query"})),
    ("house-security-scheme", lambda document: _search(document).update(security=[{"apiKye": []}])),
    ("house-tag-listed", lambda document: _search(document).update(tags=["encountres"])),
    (
        "house-schema-name",
        lambda document: document["components"]["schemas"].update(
            bed_place={"type": "string", "description": "d", "examples": ["a"]}
        ),
    ),
    (
        "house-name-taken",
        lambda document: document["components"]["schemas"].update(
            Operation={"description": "d", "examples": [{"a": "b"}], "properties": {"a": {"type": "string"}}}
        ),
    ),
]


@pytest.mark.parametrize(
    ("rule", "edit"), HOUSE_CASES, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(HOUSE_CASES)]
)
def test_a_house_rule_finds_its_breach(rule: str, edit: Callable[[Any], None], ours: Any) -> None:
    assert rule in breached(ours, edit)


@pytest.mark.parametrize("status", ["204", "205"])
def test_a_successful_response_that_cannot_have_content_needs_none(status: str, ours: Any) -> None:
    def edit(document: Any) -> None:
        responses = _search(document)["responses"]
        responses[status] = {"description": responses.pop("200")["description"]}

    assert "house-success-content" not in breached(ours, edit)


def test_where_document_and_code_differ_both_are_told(ours: Any) -> None:
    document = deepcopy(ours)
    document["servers"][0]["url"] = "https://api.example"
    [found] = [one for one in HOUSE.look(LintContext(Document("a.yaml", document))) if "house-handwritten" in str(one)]
    told = "servers.0.url is https://api.example, but BASE_URL in clinik_client/_client.py is https://api.clinikapi.com"
    assert told in str(found)


def test_every_house_rule_is_proven() -> None:
    assert {rule for rule, _ in HOUSE_CASES} == HOUSE.rules.keys()


def test_a_property_may_take_its_example_from_its_object_or_its_reference(ours: Any) -> None:
    def edit(document: Any) -> None:
        _schema(document)["properties"].update(
            note={"type": "string", "description": "d"},
            by={"$ref": "#/components/schemas/RecordId", "description": "d"},
        )
        _schema(document)["examples"][0]["note"] = "as agreed"

    assert breached(ours, edit) == set()


# Before generating


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "_generated"
    folder.mkdir()
    (folder / "before.py").write_text("# as it was\n")
    return folder


@pytest.mark.long
def test_a_loss_stops_the_generator_and_the_output_stays(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(document: Any) -> None:
        _schema(document)["properties"]["start"] = {"type": "string", "not": {"const": "never"}, "description": "d"}

    before = folder_bytes(output)
    file = write_document(edit, tmp_path / "edited.yaml")
    assert generate_main(["--document", str(file), "--output", str(output)]) == 1
    [told] = capsys.readouterr().err.splitlines()
    assert re.match(r"edited\.yaml:\d+: keyword-ignored: not of Period\.start: ", told)
    assert folder_bytes(output) == before


@pytest.mark.long
def test_what_would_end_the_generator_with_a_traceback_is_told_before(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(document: Any) -> None:
        _schema(document)["title"] = "The time between"
        _schema(document, "EncounterStatus")["enum"].append("PLANNED")

    before = folder_bytes(output)
    file = write_document(edit, tmp_path / "edited.yaml")
    assert generate_main(["--document", str(file), "--output", str(output)]) == 1
    told = capsys.readouterr().err
    assert re.search(r"^edited\.yaml:\d+: enum-members-collide: the values 'planned' and 'PLANNED'", told, re.MULTILINE)
    assert "Traceback" not in told
    assert folder_bytes(output) == before


@pytest.mark.long
def test_a_breach_of_the_house_rules_is_only_warned_of(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_document(lambda document: _without(_schema(document), "description"), tmp_path / "edited.yaml")
    assert generate_main(["--document", str(file), "--output", str(output)]) == 0
    [told] = capsys.readouterr().err.splitlines()
    assert re.match(r"warning: edited\.yaml:\d+: house-description: Period has no description: ", told)
    assert (output / "models" / "period.py").is_file()


# The guide


def test_the_guide_lists_the_rules_as_they_are() -> None:
    written = (ROOT / "docs" / "linting.md").read_text(encoding="utf-8")
    assert written.endswith(f"{guide()}\n"), "run `python -m generator.lint --rules`, and put its output at the end"
    listed = re.findall(r"^- \*\*([\w-]+)\*\*: ", written, re.MULTILINE)
    assert sorted(listed) == sorted([*LOSSES.rules, *STOCK.rules, *HOUSE.rules])


def test_the_rules_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rules"]) == 0
    assert capsys.readouterr().out == f"{guide()}\n"


def test_a_file_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "FILE" in capsys.readouterr().err


def test_reading_says_what_it_raises(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        lint(tmp_path / "none.yaml")
