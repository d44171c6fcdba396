"""What came of the mutants, room by room, and which of them change nothing."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.trial import Verdict

CRITICAL = ("_retry", "_transport", "_privacy", "_pagination", "_recovery", "_errors")
"""The rooms on which it depends whether a record is doubled, lost or shown."""
HEAD = """\
# Mutants

<!-- Written by `make mutants`; do not edit. -->

A mutant is the SDK with one thing changed: a comparison, a number, a text, an argument that is left out. Where all
tests pass with it, they do not hold what was changed. `make mutants` draws mutants of each module from those that
mutmut makes, runs the tests that come to the changed lines, and writes this page. It takes about half an hour and is
run before a release. `--seed` draws others, `--count` more, and the names of modules try just these. This page is of
{count} mutants of each module in the critical rooms and half as many of the others, drawn with seed {seed}.

The generated code is left out: it is compared with the document instead. A mutant that behaves like the code itself is
not counted, and `tests/mutants/harmless.toml` says why it does. Of the others at least 95 % have to be noticed in each
critical room, where it is decided whether a record is doubled, lost or shown, and 90 % elsewhere.

| room | mutants | noticed | change nothing | not noticed | share |
|---|---|---|---|---|---|
"""


class Harmless:
    """The mutants that change nothing which anybody could see."""

    def __init__(self, entries: list[dict[str, str]]) -> None:
        self._known = {(entry["module"], _compact(entry["change"])) for entry in entries}

    def __contains__(self, mutant: Mutant) -> bool:
        return (mutant.module, _compact(mutant.diff)) in self._known


def _compact(diff: str) -> tuple[str, ...]:
    return tuple(f"{line[:1]} {line[1:].strip()}" for line in diff.strip().splitlines())


def harmless() -> Harmless:
    text = (Path(__file__).parent / "harmless.toml").read_text(encoding="utf-8")
    return Harmless(tomllib.loads(text)["mutant"])


class Tally:
    """How many mutants of each room came to what."""

    def __init__(self) -> None:
        self.rooms: dict[str, Counter[Verdict]] = defaultdict(Counter)

    def count(self, mutant: Mutant, verdict: Verdict) -> None:
        self.rooms[room_of(mutant.module)][verdict] += 1

    @property
    def elsewhere(self) -> Counter[Verdict]:
        """The rooms that are not critical, together: each has few mutants."""
        return sum((counts for room, counts in self.rooms.items() if room not in CRITICAL), Counter())

    @property
    def is_enough(self) -> bool:
        critical = all(share(counts) >= 0.95 for room, counts in self.rooms.items() if room in CRITICAL)
        return critical and share(self.elsewhere) >= 0.90


def room_of(module: str) -> str:
    """The part of the package that a module is in."""
    return Path(module).with_suffix("").parts[1]


def is_critical(module: str) -> bool:
    return room_of(module) in CRITICAL


def noticed(counts: Counter[Verdict]) -> int:
    return counts[Verdict.KILLED] + counts[Verdict.STUCK]


def share(counts: Counter[Verdict]) -> float:
    """How many of those that change something were noticed."""
    changing = counts.total() - counts[Verdict.HARMLESS]
    return noticed(counts) / changing if changing else 1.0


def document(tally: Tally, count: int, seed: int) -> str:
    """The text of docs/mutants.md."""
    lines = []
    for room, counts in sorted(tally.rooms.items(), key=lambda item: (item[0] not in CRITICAL, item[0])):
        lines.append(_line(f"`{room}`" + (" (critical)" if room in CRITICAL else ""), counts))
    return "".join([HEAD.format(count=count, seed=seed), *lines, _line("all that are not critical", tally.elsewhere)])


def _line(name: str, counts: Counter[Verdict]) -> str:
    left = counts[Verdict.SURVIVED] + counts[Verdict.UNREACHED]
    numbers = [counts.total(), noticed(counts), counts[Verdict.HARMLESS], left]
    return f"| {name} | {' | '.join(map(str, numbers))} | {share(counts):.0%} |\n"
