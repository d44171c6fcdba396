"""Runs the rules over a document."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from attrs import frozen

# The modules of the rules write them into the book when they are imported.
from . import composition, contents, house, names, notes, operations, reasons, schemas, warned
from .rules import CHECKS, HOUSE_CHECKS, Finding
from .source import read
from .subject import Subject

For = Literal["stock", "clinik"]

_RULES = (reasons, warned, names, composition, schemas, operations, contents, notes, house)


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
    subject = Subject(read(file, name))
    losses = _sorted(finding for look in CHECKS for finding in look(subject))
    if for_ == "stock":
        return Report(losses, ())
    return Report(
        tuple(finding for finding in losses if not finding.compensated),
        _sorted(finding for look in HOUSE_CHECKS for finding in look(subject)),
    )


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    unique: dict[str, Finding] = {}
    for finding in findings:
        unique.setdefault(str(finding), finding)
    return tuple(sorted(unique.values(), key=lambda finding: (finding.line, finding.rule.id)))
