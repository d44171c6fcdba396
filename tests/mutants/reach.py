"""Which tests reach which lines of the SDK, and how long each takes: measured once, by coverage.

A plugin for pytest too: with it, a run tells the time of each test, or runs just the tests that a file names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from itertools import accumulate
from pathlib import Path

import pytest
from attrs import frozen

from tests.mutants.mutations import Mutant
from tests.test_architecture import where_tested

CHOSEN = "CLINIK_MUTANTS_CHOSEN"
"""The file with the names of the tests to run, in their order."""
TIMES = "CLINIK_MUTANTS_TIMES"
"""The file for the seconds that each test took, and ``null`` for one that did not pass."""

LONGEST = 15.0
"""Seconds that the tests of one mutant may take together, when nothing is changed."""


@frozen
class Reach:
    """Args:
    lines: for each module and line, the tests that run it; those of line 0 run anything in the module.
    seconds: for each test, how long it takes.
    """

    lines: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def tests_of(self, mutant: Mutant) -> list[list[str]]:
        """The tests to run, in the order of two runs: those of the module's own room, then others that come there.

        pytest needs seconds to collect all files, and most mutants are noticed where one expects it. The room's tests
        run whole: what is computed once and kept is reached by one of them only.
        """
        lines = self.lines.get(mutant.module, {})
        first, last = mutant.lines
        reaching = {test for line in range(first, last + 1) for test in lines.get(line, ())} or set(lines.get(0, ()))
        room = {test for test in self.seconds if _file_of(test) == where_tested(mutant.module)}
        rooms = self._short(room), self._short((reaching & self.seconds.keys()) - room)
        return [tests for tests in rooms if tests]

    def _short(self, tests: set[str]) -> list[str]:
        """As many as there is time for, the short ones first."""
        ordered = sorted(tests, key=self.seconds.__getitem__)
        totals = accumulate(map(self.seconds.__getitem__, ordered))
        return [test for test, total in zip(ordered, totals, strict=True) if total <= LONGEST] or ordered[:1]


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def environment(copy: Path) -> dict[str, str]:
    """The environment in which a copy of the repository is tested, and not the package that is installed."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    # Compiled once, the tests begin in half the time.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def measure(copy: Path) -> Reach:
    """Run the whole suite once, and learn what each test reaches."""
    from coverage import CoverageData

    times, data_file = copy / "times.json", copy / ".coverage"
    command = ["--numprocesses", "auto", "--quiet", "-p", "tests.mutants.reach", "--no-header"]
    coverage = ["--cov=clinik_client", "--cov-context=test", "--cov-report="]
    subprocess.run(
        [sys.executable, "-m", "pytest", *command, *coverage],
        cwd=copy,
        env={**environment(copy), TIMES: str(times), "COVERAGE_FILE": str(data_file)},
        check=False,
    )
    told = json.loads(times.read_text(encoding="utf-8"))
    data = CoverageData(str(data_file))
    data.read()
    lines: dict[str, dict[int, list[str]]] = {}
    for file in data.measured_files():
        by_line: dict[int, list[str]] = {}
        anything: set[str] = set()
        for line, contexts in data.contexts_by_lineno(file).items():
            by_line[line] = sorted({context.rpartition("|")[0] for context in contexts if context})
            anything.update(by_line[line])
        lines[Path(file).relative_to(copy).as_posix()] = {**by_line, 0: sorted(anything)}
    return Reach(lines, {test: seconds for test, seconds in told.items() if seconds is not None})


# -- the plugin -------------------------------------------------------------------------------------------------------

_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if TIMES in os.environ and not hasattr(session.config, "workerinput"):
        told = {test: None if test in _failed else seconds for test, seconds in _seconds.items()}
        Path(os.environ[TIMES]).write_text(json.dumps(told), encoding="utf-8")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHOSEN in os.environ:
        order = {test: at for at, test in enumerate(Path(os.environ[CHOSEN]).read_text("utf-8").splitlines())}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])
