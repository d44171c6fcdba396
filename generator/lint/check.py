"""Runs the rules over a document."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from attrs import frozen

from ..document import read
from . import (
    annotations,
    bodies,
    composition,
    house,
    names,
    operations,
    parameters,
    references,
    responses,
    schemas,
    stock,
    stock_warnings,
)
from .context import LintContext
from .rules import HOUSE, LOSSES, STOCK, Finding

# These add their rules to the rooms when they are imported.
MODULES = (
    *(operations, parameters, bodies, responses, schemas, composition, references, names, annotations),
    *(stock_warnings, stock, house),
)

For = Literal["stock", "clinik"]


@frozen
class Report:
    """What was found."""

    losses: tuple[Finding, ...]
    """What the generator loses, and this project's own does not make up for where it was asked about that."""
    house: tuple[Finding, ...]
    """Where the document is not written as ours is."""

    @property
    def stops(self) -> tuple[Finding, ...]:
        """What must not get into generated code: all losses but those of annotations."""
        return tuple(finding for finding in (*self.losses, *self.house) if finding.rule.stops)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The rest: code can be generated, but the document is to be put right."""
        return tuple(finding for finding in (*self.losses, *self.house) if not finding.rule.stops)


def lint(file: Path, name: str | None = None, *, for_: For = "stock") -> Report:
    """Look for losses in a document.

    Args:
        file: where it is; YAML or JSON.
        name: how messages call it; its path if not given.
        for_: ``stock`` finds what openapi-python-client alone loses; ``clinik`` leaves out what this project's own
            generator makes up for, and adds the house rules.

    Raises:
        DocumentError: it cannot be read, or is not OpenAPI 3.
    """
    context = LintContext(read(file, name))
    losses = LOSSES.look(context)
    if for_ == "stock":
        return Report(_sorted((*losses, *STOCK.look(context))), ())
    left = [one for one in losses if not one.compensated and one.rule.id not in STOCK.rules]
    return Report(_sorted(left), _sorted(HOUSE.look(context)))


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    unique: dict[str, Finding] = {}
    for finding in findings:
        unique.setdefault(str(finding), finding)
    return tuple(sorted(unique.values(), key=lambda finding: (finding.line, finding.rule.id)))
