"""Mutants are drawn and tried as `make mutants` says, and those that are said to change nothing are still there."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mutations import ROOT, Mutant, modules, sample
from tests.mutants.reach import Reach
from tests.mutants.report import Tally, document, harmless, share
from tests.mutants.trial import Verdict, judge

RETRY = "clinik_client/_retry.py"
HARMLESS = tomllib.loads((Path(__file__).parent / "harmless.toml").read_text(encoding="utf-8"))["mutant"]


def test_a_sample_is_drawn_with_its_seed_and_each_mutant_differs_in_one_place() -> None:
    whole = (ROOT / RETRY).read_text(encoding="utf-8").splitlines()
    mutants = sample(RETRY, 6, seed=1)
    assert mutants == sample(RETRY, 6, seed=1) != sample(RETRY, 6, seed=2)
    for mutant in mutants:
        first, last = mutant.lines
        changed = mutant.text.splitlines()
        assert changed != whole
        assert changed[: first - 1] == whole[: first - 1]
        assert changed[len(changed) - (len(whole) - last) :] == whole[last:]


@pytest.mark.parametrize("entry", HARMLESS, ids=lambda entry: str(entry["module"]))
def test_what_a_harmless_mutant_changes_is_still_in_its_module_and_has_a_reason(entry: dict[str, str]) -> None:
    assert entry["module"] in modules()
    assert entry["why"].endswith(".")
    lines = [line.strip() for line in (ROOT / entry["module"]).read_text(encoding="utf-8").splitlines()]
    removed = [line[1:].strip() for line in entry["change"].strip().splitlines() if line.startswith("-")]
    assert removed
    assert set(removed) <= set(lines)
    assert Mutant(entry["module"], (1, 1), "", entry["change"]) in harmless()


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "verdict"),
    [("TWO = 3\n", Verdict.KILLED), ("TWO = 1 + 1\n", Verdict.SURVIVED), ("while True: pass\n", Verdict.STUCK)],
)
def test_a_mutant_is_tried_by_the_tests_that_reach_it(tmp_path: Path, text: str, verdict: Verdict) -> None:
    """In a project of one module, whose one test is told to take no time at all."""
    (tmp_path / "two.py").write_text("TWO = 2\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / "test_two.py").write_text("def test_two():\n    from two import TWO\n    assert TWO == 2\n")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    reach = Reach({"two.py": {1: ["test_two.py::test_two"]}}, {"test_two.py::test_two": 0.0})
    patience = 3.0 if verdict is Verdict.STUCK else 60.0
    assert judge(Mutant("two.py", (1, 1), text, ""), tmp_path, reach, patience) is verdict
    assert (tmp_path / "two.py").read_text() == "TWO = 2\n"


def test_what_no_test_reaches_is_told_without_a_run(tmp_path: Path) -> None:
    assert judge(Mutant("two.py", (1, 1), "", ""), tmp_path, Reach({}, {})) is Verdict.UNREACHED


def test_the_page_has_a_line_for_each_room_and_says_whether_it_is_enough() -> None:
    tally = Tally()
    for verdict, count in {Verdict.KILLED: 18, Verdict.STUCK: 1, Verdict.HARMLESS: 5, Verdict.SURVIVED: 1}.items():
        for _ in range(count):
            tally.count(Mutant("clinik_client/_transport/pool.py", (1, 1), "", ""), verdict)
    assert "| `_transport` (critical) | 25 | 19 | 5 | 1 | 95% |" in document(tally, 25, 1)
    assert tally.is_enough
    tally.count(Mutant(RETRY, (1, 1), "", ""), Verdict.UNREACHED)
    assert not tally.is_enough
    assert share(Counter()) == 1.0
