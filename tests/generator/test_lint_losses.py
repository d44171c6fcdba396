"""Every loss rule finds its loss in the right line, and the stock generator alone lets it pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.lint import LOSSES, STOCK, lint

from . import losses_operations, losses_schemas
from .losses_schemas import Case
from .stock import made

pytestmark = pytest.mark.long

CASES = [*losses_schemas.CASES, *losses_operations.CASES]

# The generator stops by itself, but names no line: these are told for the line.
STOPPING = {"document-refused", "generator-crash"}
# Nothing falls under it as long as the other rules know all reasons: tested with a reason that is made up.
FALLBACK = {"generator-warning"}


def marked(text: str) -> int:
    [line] = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# here")]
    return line


@pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}-{number}" for number, case in enumerate(CASES)])
def test_a_loss_is_found_where_it_is_and_the_generator_lets_it_pass(case: Case, tmp_path: Path) -> None:
    with made(case.text, tmp_path) as stock:
        assert stock.succeeded
        assert stock.silent is case.silent, [error.detail for error in stock.errors]
        assert case.lost(stock)
    findings = lint(tmp_path / "document.yaml").losses
    assert (case.rule, marked(case.text)) in [(finding.rule.id, finding.line) for finding in findings]


def test_every_loss_rule_is_proven() -> None:
    assert {case.rule for case in CASES} == {*LOSSES.rules, *STOCK.rules} - STOPPING - FALLBACK
