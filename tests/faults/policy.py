"""What may come of a call, by what is known about each of its attempts."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from .catalogue import Evidence, Operation, Trouble

Mode = Literal["always", "once", "deadline"]
"""The fault is met by every attempt; by the first one only; by every one, with a deadline that ends the first."""

RETRIES = 1


@frozen
class FaultCell:
    """One operation, one fault, one way to speak, one mode."""

    fault: Trouble
    operation: Operation
    tls: bool
    mode: Mode

    def __str__(self) -> str:
        return f"{self.fault.name} / {self.operation} / {'TLS' if self.tls else 'plain'} / {self.mode}"

    @property
    def row(self) -> str:
        return self.fault.family or self.fault.name

    @property
    def writes(self) -> bool:
        return self.operation in ("create", "update", "delete")

    @property
    def attempts(self) -> int:
        return 1 if self.mode == "deadline" else 1 + RETRIES


@frozen
class Expected:
    """How a call may end. ``outcome`` is ``None`` where it succeeds."""

    outcome: str | None
    attempts: int


def expected(cell: FaultCell, attempt: int = 1, doubt: bool = False, *, hurried: bool = False) -> set[Expected]:
    """The policy: what is known about each attempt decides what may come of the call.

    Args:
        cell: what happens.
        attempt: the number of the attempt that is made.
        doubt: an earlier one may have been carried out.
        hurried: the machine stood still for a part of the time, so the fault may not have come as far as it should.
    """
    fault = cell.fault
    evidence = fault.over_tls if cell.tls and fault.over_tls else fault.evidence
    if cell.operation in fault.misled or (cell.mode == "once" and attempt > 1):
        evidence = ("none",)
    elif hurried:
        evidence = (*evidence, "not_sent", "unknown")
    endings: set[Expected] = set()
    for known in evidence:
        if known == "none":
            endings.add(Expected(None, attempt))
        elif _may_be_repeated(cell, known) and attempt < cell.attempts:
            endings |= expected(cell, attempt + 1, doubt or known in ("unknown", "applied"), hurried=hurried)
        elif cell.writes and doubt and known != "applied":
            endings.add(Expected("unknown", attempt))
        else:
            endings.add(Expected("rejected" if known == "limited" else known, attempt))
    return endings


def _may_be_repeated(cell: FaultCell, known: Evidence) -> bool:
    if cell.fault.final:
        return False
    harmless = cell.operation in ("read", "search", "delete")
    return known in ("not_sent", "limited") or (harmless and known in ("unknown", "applied"))
