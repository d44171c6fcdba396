"""What went wrong in each cell, and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from attrs import define, field, frozen

COLUMNS = ("duplicates", "wrong", "late", "leaks")


class Cell(Protocol):
    """Something that is tried once. Its ``str`` tells one from another."""

    @property
    def row(self) -> str:
        """The line of the table that counts it."""


@frozen
class Attack:
    """A cell of a section: an attack that no response of a server can make."""

    row: str
    what: str

    def __str__(self) -> str:
        return f"{self.row} / {self.what}"


@define
class CellReport:
    """What went wrong in a cell, by column of the table."""

    cell: Cell
    faults: list[tuple[str, str]] = field(factory=list)
    seconds_over: float = float("-inf")
    """How long after its limit the cell's call ended, where that was measured."""

    def add(self, column: str, text: str) -> None:
        self.faults.append((column, text))


def table(reports: Sequence[CellReport]) -> str:
    """One line a row, and a total."""
    rows: dict[str, Counter[str]] = {}
    for report in reports:
        row = rows.setdefault(report.cell.row, Counter())
        row["cells"] += 1
        row.update({column for column, _ in report.faults})
    total: Counter[str] = Counter()
    for row in rows.values():
        total.update(row)
    rows["all"] = total
    width = 2 + max(map(len, [*rows, "x" * 22]))
    names = ("cells", *COLUMNS)
    lines = ["fault".ljust(width) + "".join(name.rjust(12) for name in names)]
    for name, row in rows.items():
        lines.append(name.ljust(width) + "".join(str(row[column]).rjust(12) for column in names))
    return "\n".join(lines)
