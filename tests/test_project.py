"""What `make check` looks at besides the code: the lock, the changelog, links, skipped tests, figures in documents."""

from __future__ import annotations

import ast
import re
import shutil
import tomllib
from collections.abc import Iterator
from inspect import signature
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import clinik_client
from clinik_client import Clinik, _pagination, _privacy, _public_service, _recovery, _retry
from clinik_client._codecs import DEEPEST
from clinik_client._transport import body, connect, pool

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# -- the lock ---------------------------------------------------------------------------------------------------------


def required() -> list[Requirement]:
    texts = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    return [Requirement(text) for text in [*texts, *PROJECT["build-system"]["requires"]]]


def locked() -> dict[str, str]:
    """The version of each package in the lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("requirement", required(), ids=str)
def test_the_lock_has_what_is_declared(requirement: Requirement) -> None:
    version = locked().get(canonicalize_name(requirement.name))
    assert version is not None, f"requirements.lock has no {requirement.name}: run make lock"
    assert requirement.specifier.contains(version), f"requirements.lock has {version}: run make lock"


def test_the_lock_names_no_index() -> None:
    assert "://" not in re.sub(r"^#.*$", "", (ROOT / "requirements.lock").read_text(encoding="utf-8"), flags=re.M)


# -- the changelog ----------------------------------------------------------------------------------------------------


def problems_of(changelog: str, version: str) -> list[str]:
    """What a changelog lacks."""
    first, *entries = re.split(r"^## ", changelog, flags=re.MULTILINE)
    if not first.startswith("# Changelog\n"):
        return ["it does not begin with # Changelog"]
    if not entries:
        return ["it has no entry for any version"]
    problems = []
    for entry in entries:
        title, _, text = entry.partition("\n")
        if not re.fullmatch(r"\d+\.\d+\.\d+ \((?:unreleased|\d{4}-\d\d-\d\d)\)", title):
            problems.append(f"{title}: give a version and a date, or (unreleased)")
        if not re.search(r"^- \S", text, re.MULTILINE):
            problems.append(f"{title}: the entry says nothing")
        problems += [f"{title}: {name} is empty" for name in re.findall(r"^### (.+)\n+(?=###|\Z)", text, re.M)]
    if not entries[0].startswith(f"{version} "):
        problems.append(f"the latest entry is not about {version}, which _version.py names")
    return problems


def test_the_changelog_tells_of_this_version() -> None:
    assert problems_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), clinik_client.__version__) == []


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("", "it does not begin with # Changelog"),
        ("# Changelog\n", "it has no entry for any version"),
        ("# Changelog\n## 1.2.0 (unreleased)\n", "1.2.0 (unreleased): the entry says nothing"),
        (
            "# Changelog\n## 1.2.0 (unreleased)\n- x\n### Added\n\n### Fixed\n- y\n",
            "1.2.0 (unreleased): Added is empty",
        ),
        ("# Changelog\n## 1.2\n- x\n", "1.2: give a version and a date, or (unreleased)"),
        ("# Changelog\n## 1.1.0 (2025-01-01)\n- x\n", "the latest entry is not about 1.2.0, which _version.py names"),
    ],
)
def test_what_a_changelog_lacks_is_told(changelog: str, problem: str) -> None:
    assert problem in problems_of(changelog, "1.2.0")


# -- tests that do not run --------------------------------------------------------------------------------------------

SKIPPED: dict[str, str] = {}
"""Tests that may not run somewhere, by file and line of code, and why. There are none."""


WAYS_OUT = {
    "skip",
    "skipif",
    "xfail",
    "importorskip",
    "skipIf",
    "skipUnless",
    "expectedFailure",
    "skipTest",
    "SkipTest",
}


def ways_out(source: str) -> Iterator[str]:
    """What a module has that lets a test pass without its being run."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in WAYS_OUT:
            whole = ast.unparse(node)
            if re.match(r"(pytest|unittest|self)\.|\w+\.mark\.", whole):
                yield whole
        elif isinstance(node, ast.ImportFrom) and node.module in ("pytest", "unittest"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in {*WAYS_OUT, "mark"})


def skipping() -> Iterator[str]:
    for path in sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("clinik_client/**/*.py"), ROOT / "conftest.py"]):
        if path.name != "_plugin.py":
            for way in ways_out(path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(ROOT).as_posix()}: {way}"


@pytest.mark.parametrize(
    "source",
    [
        "pytest.skip('later')",
        "pytest.param(1, marks=pytest.mark.skip)",
        "import pytest as p\n@p.mark.xfail\ndef test(): ...",
        "from pytest import mark\n@mark.skip\ndef test(): ...",
        "from pytest import importorskip",
        "@unittest.skipIf(True, 'x')\ndef test(): ...",
        "raise unittest.SkipTest",
        "self.skipTest('x')",
    ],
)
def test_each_way_to_skip_a_test_is_seen(source: str) -> None:
    assert list(ways_out(source))


def test_no_test_is_skipped_without_a_reason_in_the_list() -> None:
    assert set(skipping()) == SKIPPED.keys()
    assert all(SKIPPED.values())


# -- programs that the tests start -------------------------------------------------------------------------------------

PROGRAMS = {"git", "make"}
PUBLISHED = {"npm"}
"""What only `make published` needs."""
BROWSER = {"chromedriver"}
"""What only `make browser` needs."""


def started() -> Iterator[str]:
    """The first word of each command that is written out where it is started."""
    for path in sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("generator/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.") and node.args:
                command = node.args[0]
                if isinstance(command, ast.List) and isinstance(command.elts[0], ast.Constant):
                    yield str(command.elts[0].value)


def test_the_readme_names_the_programs_that_the_tests_start() -> None:
    text = " ".join((ROOT / README).read_text(encoding="utf-8").split())
    assert f"The tests need {' and '.join(sorted(PROGRAMS))}, besides Python" in text
    assert {"git"} <= set(started()) <= PROGRAMS | PUBLISHED | BROWSER


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_what_the_tests_need_is_there(program: str) -> None:
    assert shutil.which(program), f"the tests need {program}"


# -- links by reference -----------------------------------------------------------------------------------------------


def broken_references(markdown: str) -> set[str]:
    """Names in ``[text][name]`` that no line ``[name]: target`` explains."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)
    defined = {name.lower() for name in re.findall(r"^\[([^\]\n]+)\]:\s*\S", text, re.MULTILINE)}
    used = [name or shown for shown, name in re.findall(r"\[([^\]\[]+)\]\[([^\]\[]*)\]", text)]
    return {name for name in used if name.lower() not in defined}


DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("clinik_client/**/*.md")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_every_link_by_reference_is_explained(path: Path) -> None:
    assert broken_references(path.read_text(encoding="utf-8")) == set()


def test_a_broken_reference_is_told() -> None:
    assert broken_references("[a][b] [c][] [d][E] `[f][g]`\n\n[e]: x\n") == {"b", "c"}


# -- figures ----------------------------------------------------------------------------------------------------------

DEFAULTS = {name: parameter.default for name, parameter in signature(Clinik).parameters.items()}
README, RELIABILITY, DECISIONS = "README.md", "docs/reliability.md", "docs/decisions.md"
TESTING = "docs/testing.md"


def seconds(number: float) -> str:
    return f"{number:g} second" + ("" if number == 1 else "s")


MINUTES = {1: "a minute", 2: "two minutes", 5: "five minutes", 10: "ten minutes"}

FIGURES = [
    (
        RELIABILITY,
        f"kept for {seconds(pool.READ_KEEPALIVE)} for reads and for {seconds(pool.WRITE_KEEPALIVE)} for writes",
    ),
    (RELIABILITY, f"after {connect.HEAD_START * 1000:g} ms without a response the next one is"),
    (RELIABILITY, f"4, 8 seconds and so on, never more than {_retry.BACKOFF_CAP:g}."),
    (RELIABILITY, f"`max_retry_wait` (default {DEFAULTS['max_retry_wait']:g} s)"),
    (RELIABILITY, f"sends at most {_retry.RetryBudget.SIZE} further attempts"),
    (RELIABILITY, f"after {seconds(_retry.RetryBudget.GRACE)} without a success"),
    (RELIABILITY, f"`max_response_bytes` (default {DEFAULTS['max_response_bytes'] // 1024**2} MiB)"),
    (RELIABILITY, f"not nested deeper than {DEEPEST} levels"),
    (RELIABILITY, f"one value for each {body._BYTES_PER_VALUE} bytes of `max_response_bytes`"),
    (RELIABILITY, f"more than {_privacy._MOST_CHARACTERS:,} characters or {_privacy._MOST_TEXTS:,} texts"),
    (RELIABILITY, f"search may take {seconds(_recovery.INDEX_LAG)} to show it"),
    (README, f"It waits until {seconds(_recovery.INDEX_LAG)} after that"),
    (RELIABILITY, f"gives up after {_pagination.MOST_IDLE_PAGES} pages in a row that bring nothing new"),
    (RELIABILITY, f"more than {MINUTES[_recovery.CLOCKS_APART.seconds // 60]} before `since`"),
    (RELIABILITY, f"`timeout` (default {DEFAULTS['timeout']:g} s)"),
    (README, f"asks for pages of {_pagination.LARGEST_PAGE} unless `count` says otherwise"),
    (README, f"does not yield an id again that is among the last {_pagination.REMEMBERED:,}"),
    (README, f"(`retries={DEFAULTS['retries']}`), with random waits of up to {seconds(_retry.BACKOFF_CAP)}"),
    (DECISIONS, f"for {_pagination.REMEMBERED:,} rows"),
    (TESTING, _public_service.REASON),
    *((README, f"| `{name}` | `{default!r}` |") for name, default in DEFAULTS.items() if name != "max_response_bytes"),
]


@pytest.mark.parametrize(("document", "sentence"), FIGURES)
def test_a_figure_in_a_document_is_that_of_the_code(document: str, sentence: str) -> None:
    text = " ".join((ROOT / document).read_text(encoding="utf-8").split())
    assert sentence in text, f"{document} does not say: {sentence}"
