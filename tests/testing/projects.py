"""Made-up projects with tests of their own, which pytest runs in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from clinik_client import _public_service

ROOT = Path(__file__).parents[2]

Reports = dict[str, list[tuple[str, str]]]
"""For each test of a project, what was reported: kind (failure, error, skipped) and text. Nothing, if it passed."""

WAYS = {
    "warnings_as_errors": ("-W", "error"),
    "importlib": ("--import-mode=importlib",),
    "backwards": ("-p", "tests.testing.backwards"),
    "xdist": ("-p", "xdist", "-n", "2"),
    "old_pluggy": ("-p", "tests.testing.old_pluggy"),
}
"""How people run tests: further arguments of pytest."""

EACH_WAY = pytest.mark.parametrize(
    "arguments",
    # One of them in every run of the suite; all take long.
    [pytest.param(ways, id=name, marks=[pytest.mark.long] * (name != "xdist")) for name, ways in WAYS.items()],
)
"""Tries a test in each of these ways."""


def run_pytest(folder: Path, *arguments: str, strict: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the tests in a folder; ``strict`` lets pytest refuse markers that nobody has declared."""
    # Named, not found by its entry point, so that it does not matter whether the package is installed.
    told = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", *arguments, "-p", "clinik_client.testing._plugin"]
    command += ["--strict-markers"] if strict else []
    # This very run has told its processes not to reach the public service.
    outer = {name: value for name, value in os.environ.items() if name != _public_service.VARIABLE}
    return subprocess.run(
        command,
        cwd=folder,
        env=outer | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def read_reports(folder: Path, *arguments: str, code: int = 1, strict: bool = True) -> Reports:
    """Run the tests in a folder and read what was reported of them.

    Args:
        folder: where.
        arguments: further ones of pytest.
        code: the exit code, which is 1 where a test fails.
        strict: whether pytest refuses markers that nobody has declared.
    """
    finished = run_pytest(folder, "--junitxml=report.xml", *arguments, strict=strict)
    assert finished.returncode == code, finished.stdout + finished.stderr
    cases: Reports = {}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        entries = cases.setdefault(case.attrib["name"], [])
        told = [(child.tag, f"{child.get('message')}\n{child.text}") for child in case]
        entries += [(kind, re.sub("0x[0-9a-f]+", "0x...", text)) for kind, text in told]
    return cases
