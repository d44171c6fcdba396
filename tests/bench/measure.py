"""How it is measured: contenders in turn, round after round, each beside its peer of the same round."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

from attrs import frozen


@frozen
class Ratio:
    """The median of a round's figures, each divided by the peer's of the same round; and their range."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"

    @classmethod
    def of(cls, figures: list[float], peers: list[float]) -> Ratio:
        ratios = [figure / peer for figure, peer in zip(figures, peers, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def turned(self) -> Ratio:
        """How often one fits into the other, the other way round."""
        return Ratio(1 / self.median, 1 / self.high, 1 / self.low)


Figures = dict[str, list[float]]
"""For each contender, a figure for each round."""


def in_turns(rounds: int, contenders: dict[str, Callable[[], float]]) -> Figures:
    """Ask each contender for a figure, once in each round; the first round warms up and does not count."""
    figures: Figures = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, measure in contenders.items():
            gc.collect()
            figure = measure()
            if number:
                figures[name].append(figure)
    return figures


def cpu(work: Callable[[], object], times: int = 1) -> Callable[[], float]:
    """Measures the processor time of this process, in seconds for each time. What the work returns is dropped."""

    def measure() -> float:
        started = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - started) / times

    return measure


def ratios(figures: Figures, peer: str) -> dict[str, Ratio]:
    return {name: Ratio.of(values, figures[peer]) for name, values in figures.items()}
