"""A break of the public Python interface is found, and must be declared."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.interface import ROOT, baseline, declared, main

# Each loads two versions of the whole package.
pytestmark = pytest.mark.long


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose last commit is the package as it is now."""
    shutil.copytree(ROOT / "clinik_client", tmp_path / "clinik_client", ignore=shutil.ignore_patterns("__pycache__"))
    changelog(tmp_path, "")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "The package")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def changelog(folder: Path, breaking: str) -> None:
    (folder / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## Unreleased\n\n- Things.\n{breaking}\n## 0.1.0\n\n### Breaking\n\n- `Old.name`\n",
        encoding="utf-8",
    )


def change(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / "clinik_client" / file
    source = path.read_text(encoding="utf-8")
    assert old in source
    path.write_text(source.replace(old, new), encoding="utf-8")


def drop_method(folder: Path) -> None:
    change(folder, "_encounters/facade.py", "def delete(", "def remove(")


def drop_parameter(folder: Path) -> None:
    change(folder, "_encounters/facade.py", ", *, include: Sequence[str] | None = None)", ")")


def drop_model_field(folder: Path) -> None:
    change(folder, "_generated/models/period.py", "    end: FhirDateTime", "    finish: FhirDateTime")


def drop_field_of_a_dict(folder: Path) -> None:
    change(folder, "_generated/models/period.py", "    end: _date", "    finish: _date")


def drop_enum_value(folder: Path) -> None:
    change(folder, "_generated/models/encounter_status.py", "    CANCELLED = ", "    _CANCELLED = ")


def drop_name(folder: Path) -> None:
    change(folder, "__init__.py", '    "FhirDateTime",\n', "")


def change_type(folder: Path) -> None:
    change(folder, "_generated/models/period.py", "    end: FhirDateTime | None", "    end: str | None")


def change_enum_value(folder: Path) -> None:
    change(folder, "_generated/models/encounter_status.py", '"cancelled"', '"canceled"')


def require_field(folder: Path) -> None:
    change(folder, "_generated/models/period.py", "_field(default=None, ", "_field(")


def add_required_field(folder: Path) -> None:
    change(
        folder,
        "_generated/models/period.py",
        "    additional_properties:",
        '    zone: str = _field(metadata=wire("zone", Text(), required=True))\n    additional_properties:',
    )


BREAKS = [
    (change_type, "Period.end"),
    (change_enum_value, "EncounterStatus.CANCELLED"),
    (add_required_field, "Period.zone"),
    (drop_method, "Encounters.delete"),
    (drop_parameter, "Encounters.read"),
    (drop_model_field, "Period.end"),
    (drop_field_of_a_dict, "PeriodFields.end"),
    (drop_enum_value, "EncounterStatus.CANCELLED"),
]


@pytest.mark.parametrize(("edit", "name"), BREAKS)
def test_a_break_fails_until_the_changelog_declares_it(
    repository: Path, edit: Callable[[Path], None], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(repository)
    assert main(repository) == 1
    assert f"  {name}: " in capsys.readouterr().err
    changelog(repository, f"\n### Breaking\n\n- `{name}` went away, use something else.\n")
    assert main(repository) == 0


def test_nothing_changed_and_things_added_break_nothing(repository: Path) -> None:
    assert main(repository) == 0
    change(
        repository, "_response.py", "    attempts: int = 1\n", "    attempts: int = 1\n    region: str | None = None\n"
    )
    assert main(repository) == 0


def test_a_field_that_must_be_given_from_now_on_is_a_break(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_field(repository)
    assert main(repository) == 1
    told = capsys.readouterr().err
    assert "  Period.start: the field must be given now" in told
    assert "  Period.end: the field must be given now" in told


def test_a_changed_limit_is_no_break_of_the_python_interface(repository: Path) -> None:
    change(repository, "_generated/models/encounter_update_request.py", "max_length=200", "max_length=100")
    assert main(repository) == 0


def test_the_comparison_is_with_the_last_release_tag_once_there_is_one(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert baseline(repository) == "HEAD"
    git(repository, "tag", "v0.1.0")
    assert baseline(repository) == "v0.1.0"
    drop_method(repository)
    commit(repository, "Committing a break does not hide it")
    assert main(repository) == 1
    assert "since v0.1.0" in capsys.readouterr().err


def test_a_declaration_in_an_older_section_does_not_count() -> None:
    assert declared("# C\n\n## Unreleased\n\n- x\n\n## 0.1.0\n\n### Breaking\n\n- `Period.end`\n") == set()


def test_without_history_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    assert baseline(tmp_path) is None
    assert main(tmp_path) == 0
