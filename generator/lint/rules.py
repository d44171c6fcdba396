"""Rules and findings, and the three rooms that the rules are in: `LOSSES`, `STOCK` and `HOUSE`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from attrs import field, frozen

from ..document import Pointer
from .context import LintContext

Grade = Literal["breaks", "drops", "note", "house"]


@frozen
class Rule:
    """One rule of the linter."""

    id: str
    grade: Grade
    """``breaks``: code is missing or does not work. ``drops``: something that a program would need is gone.
    ``note``: an annotation is gone. ``house``: not a loss, but not how this document is written."""
    lost: str
    """What is lost and why; for a house rule, what is asked and why."""
    instead: str
    """What to write instead."""
    ours: str = ""
    """How this project's own generator makes up for the loss, or refuses it; empty where it does not."""
    says: str = ""
    """What the stock generator says where this gets lost, as a regular expression; empty if it says nothing."""
    stops: bool = True
    """Whether nothing may be generated from a document that breaks it."""

    def found(
        self, context: LintContext, path: Pointer, what: str, instead: str = "", *, compensated: bool = True
    ) -> Finding:
        """A finding of this rule.

        Args:
            context: the document.
            path: where it is.
            what: what is lost at this place.
            instead: what to write instead, if not what the rule says.
            compensated: False where this project's own generator does not make up for it, though it mostly does.
        """
        return Finding(
            rule=self,
            file=context.document.file,
            line=context.document.line(path),
            what=what,
            instead=instead or self.instead,
            path=path,
            compensated=bool(self.ours) and compensated,
        )


@frozen
class Finding:
    """A place that breaks a rule."""

    rule: Rule
    file: str
    line: int
    what: str
    instead: str
    path: Pointer = field(repr=False)
    compensated: bool
    """Whether this project's own generator makes up for it here."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule.id}: {self.what}: {self.rule.lost}; write instead: {self.instead}"


Check = Callable[[LintContext], Iterable[Finding]]


@frozen
class Room:
    """Rules that belong together, and the functions that look for what breaks them."""

    rules: dict[str, Rule] = field(factory=dict)
    checks: list[Check] = field(factory=list)

    def breaks(self, id_: str, lost: str, instead: str, ours: str = "", says: str = "") -> Rule:
        """Add a rule for a loss that breaks code: it is missing or does not work."""
        return self._add(Rule(id_, "breaks", lost, instead, ours, says))

    def drops(self, id_: str, lost: str, instead: str, ours: str = "") -> Rule:
        """Add a rule for a loss of something that a program would need."""
        return self._add(Rule(id_, "drops", lost, instead, ours))

    def note(self, id_: str, lost: str, instead: str, ours: str = "") -> Rule:
        """Add a rule for the loss of an annotation."""
        return self._add(Rule(id_, "note", lost, instead, ours, stops=False))

    def asks(self, id_: str, asked: str, instead: str, *, stops: bool = False) -> Rule:
        """Add a house rule."""
        return self._add(Rule(id_, "house", asked, instead, stops=stops))

    def _add(self, rule: Rule) -> Rule:
        if any(rule.id in room.rules for room in (LOSSES, STOCK, HOUSE)):
            raise ValueError(f"two rules are called {rule.id}")
        self.rules[rule.id] = rule
        return rule

    def check(self, function: Check) -> Check:
        """Have a function look for what breaks the rules of this room."""
        self.checks.append(function)
        return function

    def look(self, context: LintContext) -> Iterator[Finding]:
        """Whatever the functions of this room find in a document."""
        for check in self.checks:
            yield from check(context)


LOSSES = Room()
"""What can get lost of a document that this project's own generator accepts."""
STOCK = Room()
"""What gets lost with the stock generator alone: ours makes up for it, or refuses the document."""
HOUSE = Room()
"""How our own document is written."""
