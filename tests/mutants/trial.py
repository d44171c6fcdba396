"""Whether the tests notice a mutant."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from tests.mutants.mutations import ROOT, Mutant
from tests.mutants.reach import CHOSEN, Reach, environment


class Verdict(StrEnum):
    KILLED = "killed"
    """A test failed."""
    STUCK = "stuck"
    """The tests did not end: noticed, too."""
    SURVIVED = "survived"
    HARMLESS = "harmless"
    """Survived, and is known to change nothing."""
    UNREACHED = "unreached"
    """No test runs what is changed."""


def copy_repository(to: Path) -> Path:
    """A copy to change things in."""
    left = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", "dist")
    return shutil.copytree(ROOT, to, ignore=left, symlinks=True)


def run_tests(copy: Path, tests: list[str], seconds: float) -> Verdict:
    """Run these tests in a copy, until one fails."""
    chosen = copy / "chosen.txt"
    chosen.write_text("\n".join(tests), encoding="utf-8")
    options = ["-x", "--quiet", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "tests.mutants.reach"]
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "--hypothesis-seed=0", *files],
        cwd=copy,
        env={**environment(copy), CHOSEN: str(chosen)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return Verdict.STUCK
    finally:
        _end(process)
    return Verdict.SURVIVED if status == 0 else Verdict.KILLED


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the tests, and whatever they started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_moments = itertools.count(1_000_000_000)


def _write(path: Path, text: str) -> None:
    """Write a module with a time of its own: code that was compiled counts for a time and a size."""
    path.write_text(text, encoding="utf-8")
    moment = next(_moments)
    os.utime(path, (moment, moment))


def judge(mutant: Mutant, copy: Path, reach: Reach, patience: float = 15.0) -> Verdict:
    """Whether the tests that run the changed lines notice the change.

    Args:
        mutant: the change.
        copy: the copy of the repository to make it in; it is taken back afterwards.
        reach: which tests run which lines.
        patience: seconds that they may take beyond twice their usual time.
    """
    parts = reach.tests_of(mutant)
    if not parts:
        return Verdict.UNREACHED
    path = copy / mutant.module
    whole = path.read_text(encoding="utf-8")
    _write(path, mutant.text)
    verdict = Verdict.SURVIVED
    try:
        for tests in parts:
            verdict = run_tests(copy, tests, patience + 2 * sum(reach.seconds[test] for test in tests))
            if verdict is not Verdict.SURVIVED:
                break
    finally:
        _write(path, whole)
    return verdict
