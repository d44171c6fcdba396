"""What a rule and a finding are, and the book that all rules are written into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from ..document import Path_

if TYPE_CHECKING:
    from .subject import Subject

Grade = Literal["breaks", "drops", "note", "house"]


@frozen
class Rule:
    """One rule of the linter."""

    id: str
    lost: str
    """What is lost and why; for a house rule, what is asked and why."""
    instead: str
    """What to write instead."""
    grade: Grade
    """``breaks``: code is missing or does not work. ``drops``: something that a program would need is gone.
    ``note``: an annotation is gone. ``house``: not a loss, but not how this document is written."""
    ours: str = ""
    """How this project's own generator makes up for the loss; empty where it does not."""
    stops: bool = True
    """Whether nothing may be generated from a document that breaks it."""


@frozen
class Finding:
    """A place that breaks a rule."""

    rule: Rule
    file: str
    line: int
    what: str
    """What is lost at this place."""
    instead: str
    path: Path_ = field(repr=False)
    compensated: bool
    """Whether this project's own generator makes up for it here."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule.id}: {self.what}: {self.rule.lost}; write instead: {self.instead}"


Check = Callable[["Subject"], Iterator[Finding]]

LOSSES: dict[str, Rule] = {}
HOUSE: dict[str, Rule] = {}
CHECKS: list[Check] = []
HOUSE_CHECKS: list[Check] = []


def breaks(id_: str, lost: str, instead: str, ours: str = "") -> Rule:
    """Write down a loss rule: code is missing or does not work."""
    return _write(LOSSES, Rule(id_, lost, instead, "breaks", ours))


def drops(id_: str, lost: str, instead: str, ours: str = "") -> Rule:
    """Write down a loss rule: something that a program would need is gone."""
    return _write(LOSSES, Rule(id_, lost, instead, "drops", ours))


def note(id_: str, lost: str, instead: str, ours: str = "") -> Rule:
    """Write down a loss rule: an annotation is gone."""
    return _write(LOSSES, Rule(id_, lost, instead, "note", ours, stops=False))


def house(id_: str, asked: str, instead: str, *, stops: bool = False) -> Rule:
    """Write down a house rule."""
    return _write(HOUSE, Rule(id_, asked, instead, "house", stops=stops))


def _write(book: dict[str, Rule], rule: Rule) -> Rule:
    if rule.id in LOSSES or rule.id in HOUSE:
        raise ValueError(f"two rules are called {rule.id}")
    book[rule.id] = rule
    return rule


def check(function: Check) -> Check:
    """Have a function look for losses."""
    CHECKS.append(function)
    return function


def house_check(function: Check) -> Check:
    """Have a function look for breaches of the house rules."""
    HOUSE_CHECKS.append(function)
    return function
