"""What ``python -m tests.faults`` does."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from . import interruptions, late, matrix, nested, ownership, unasked
from .catalogue import FAULTS, GATEWAY_PAGES
from .lab import Lab
from .points import Sampling
from .report import CellReport, table


class Section(Protocol):
    """A module of attacks."""

    def cells(self, sampling: Sampling) -> dict[str, int]: ...
    def run(self, lab: Lab, sampling: Sampling) -> Iterator[CellReport]: ...


SECTIONS: Final[dict[str, Section]] = {
    nested.SECTION: nested,
    unasked.SECTION: unasked,
    ownership.SECTION: ownership,
    interruptions.SECTION: interruptions,
    late.SECTION: late,
}
"""By the line of the table; what is left after an interruption counts in that of ownership."""


def attack_cells(sampling: Sampling) -> Counter[str]:
    """How many cells each section has."""
    counted: Counter[str] = Counter()
    for section in SECTIONS.values():
        counted.update(section.cells(sampling))
    return counted


def attack(names: Sequence[str], sampling: Sampling) -> list[CellReport]:
    """Run sections one after the other: some of them look at the whole process."""
    with Lab().open() as lab:
        return [report for name in names for report in SECTIONS[name].run(lab, sampling)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything, or what is named, and print the table. Returns 1 if any promise was broken."""
    faults = {fault.name: fault for fault in FAULTS}
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", help="names of faults and sections; all if none is given")
    parser.add_argument(
        "--threads", type=int, default=4, help="faults that are met side by side (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=Sampling().seed, help="chooses the points (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="try every point, which takes hours")
    options = parser.parse_args(arguments)
    names = options.names or [*faults, GATEWAY_PAGES, *SECTIONS]
    if unknown := set(names) - faults.keys() - SECTIONS.keys() - {GATEWAY_PAGES}:
        parser.error(f"no such fault or section: {', '.join(sorted(unknown))}")
    started = time.monotonic()
    chosen = matrix.cells([fault for name, fault in faults.items() if name in names])
    chosen += matrix.gateway_cells() if GATEWAY_PAGES in names else []
    sampling = Sampling(options.seed, every=options.all)
    reports = matrix.run(chosen, options.threads) + attack([name for name in SECTIONS if name in names], sampling)
    broken = [report for report in reports if report.faults]
    for report in broken:
        for column, text in report.faults:
            print(f"{column}: {report.cell}: {text}", file=sys.stderr)
    print(table(reports))
    latest = max(report.seconds_over for report in reports)
    ended = f"; the latest call ended {latest * 1000:+.0f} ms from its limit" if latest > float("-inf") else ""
    print(f"{time.monotonic() - started:.0f} s, seed {options.seed}{ended}")
    return 1 if broken else 0
