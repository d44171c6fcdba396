"""The rooms of the linter hold what they say: what our own generator may lose, and what only the stock one does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.__main__ import ROOT, generate
from generator.document import DocumentError, load
from generator.lint import HOUSE, LOSSES, STOCK, Rule, lint
from generator.prepare import prepare
from generator.sources import Prepared

from .stock import document, operation
from .test_lint_losses import CASES, FALLBACK, STOPPING

LINT = ROOT / "generator" / "lint"
OK = "'200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Foo'}}}}"
FOO = "Foo: {properties: {a: {type: string}}}"


def responses(more: str) -> str:
    return document(paths=operation("", responses=f"{OK}\n{more}"), schemas=FOO)


# For rules whose plainest documents our generator refuses or makes up for: others, in which it loses something.
LOST_TOO = {
    "single-reference-siblings": document(
        schemas=f"{FOO}\nBar: {{properties: {{foo: {{oneOf: [{{$ref: '#/components/schemas/Foo'}}], maxLength: 1}}}}}}"
    ),
    "reference-siblings": document(
        schemas=f"{FOO}\nBar: {{properties: {{foo: {{$ref: '#/components/schemas/Foo', minProperties: 1}}}}}}"
    ),
    "reference-not-found": document(
        paths=operation("", responses=OK), schemas="Foo: {properties: {tags: {type: array}}}"
    ),
    "encoding-ignored": document(
        paths=operation(
            """
            requestBody:
              content:
                application/json:
                  schema: {$ref: '#/components/schemas/Foo'}
                  encoding: {a: {contentType: text/plain}}
            """,
            method="post",
        ),
        schemas=FOO,
    ),
    "response-several-types": responses(
        "'202': {description: d, content: {application/json: {schema: {type: string}}, text/plain: {schema: {}}}}"
    ),
    "response-without-schema": responses("'202': {description: d, content: {application/json: {}}}"),
    "response-misread": responses("'400': {description: d, content: {text/plain: {schema: {type: integer}}}}"),
    "response-media-type": responses("'202': {description: d, content: {application/pdf: {schema: {type: string}}}}"),
    "response-untyped": document(
        paths=operation("", responses="'400': {description: d, content: {application/json: {schema: {}}}}")
    ),
    "parameter-style": document(
        paths=operation(
            "parameters: [{name: p, in: path, required: true, style: label, schema: {type: string}}]", "/x/{p}"
        )
    ),
    "parameter-type": document(
        paths=operation("parameters: [{name: p, in: path, required: true, schema: {type: [string, 'null']}}]", "/x/{p}")
    ),
    "path-parameters": document(
        paths=operation("parameters: [{name: p.q, in: path, required: true, schema: {type: string}}]", "/x/{p.q}")
    ),
    "parameter-names-collide": document(
        paths=operation(
            "parameters:\n"
            "- {name: '-1', in: path, required: true, schema: {type: string}}\n"
            "- {name: '1', in: path, required: true, schema: {type: string}}",
            "/x/{-1}/{1}",
        )
    ),
}


def prepared(text: str, folder: Path) -> Prepared | None:
    """What our generator makes of a document; ``None`` if it refuses it."""
    file = folder / "document.yaml"
    file.write_text(text)
    try:
        return prepare(load(file))
    except DocumentError:
        return None


@pytest.mark.long
def test_every_rule_of_the_first_room_can_fire_for_a_document_that_our_generator_accepts(tmp_path: Path) -> None:
    texts = [(case.rule, case.text) for case in CASES if case.rule in LOSSES.rules]
    fired = set()
    for rule, text in [*LOST_TOO.items(), *texts]:
        if rule not in fired and prepared(text, tmp_path) is not None:
            findings = lint(tmp_path / "document.yaml", for_="clinik").losses
            fired |= {rule} & {finding.rule.id for finding in findings}
    assert fired == LOSSES.rules.keys() - STOPPING - FALLBACK


@pytest.mark.long
@pytest.mark.parametrize("rule", STOCK.rules.values(), ids=STOCK.rules)
def test_what_only_the_stock_generator_loses_ours_refuses_or_generates_as_the_rule_says(
    rule: Rule, tmp_path: Path
) -> None:
    accepted = False
    for case in CASES:
        if case.rule == rule.id and (made := prepared(case.text, tmp_path)) is not None:
            accepted = True
            assert rule.id not in {
                finding.rule.id for finding in lint(tmp_path / "document.yaml", for_="clinik").losses
            }
            generate(made, tmp_path / "made", "document.yaml")
            for file in (tmp_path / "made").rglob("*.py"):
                compile(file.read_text(), file.name, "exec")
    assert accepted is ("refused" not in rule.ours)


def test_every_rule_of_the_stock_room_says_what_our_generator_does_instead() -> None:
    assert [rule.id for rule in STOCK.rules.values() if not rule.ours] == []


def test_every_rule_that_is_written_is_in_the_room_that_its_module_is_in() -> None:
    written = set()
    for file in LINT.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        expected = "STOCK" if file.parent.name == "stock" else "HOUSE" if file.name == "house.py" else "LOSSES"
        rules = re.findall(r'^\w+ = (\w+)\.(?:breaks|drops|note|asks)\(\s*"([\w-]+)"', text, re.MULTILINE)
        assert {*(room for room, _ in rules), *re.findall(r"^@(\w+)\.check$", text, re.MULTILINE)} <= {expected}, file
        written.update(rules)
    rooms = {"LOSSES": LOSSES, "STOCK": STOCK, "HOUSE": HOUSE}
    assert written == {(name, rule) for name, room in rooms.items() for rule in room.rules}
