"""The rows of the table, and what is wanted of each: ``make bench-check`` fails where one is worse."""

from __future__ import annotations

from attrs import frozen

from tests.bench.measure import Ratio


@frozen
class Row:
    """One comparison with its result.

    Args:
        title: what is compared.
        peer: what counts as 1.
        ratio: what was measured; for memory, MiB.
        most: it may not be above this.
        least: it may not be below this.
    """

    title: str
    peer: str
    ratio: Ratio
    most: float | None = None
    least: float | None = None

    @property
    def wanted(self) -> str:
        if self.most is not None:
            return f"at most {self.most:.2f}"
        return "" if self.least is None else f"at least {self.least:.2f}"

    @property
    def is_met(self) -> bool:
        if self.most is not None and self.ratio.median > self.most:
            return False
        return self.least is None or self.ratio.median >= self.least
