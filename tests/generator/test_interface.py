"""A break of the public Python interface is found, and needs a version and a line of the changelog that allow it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import clinik_client
from generator.interface import ROOT, declared, main

VERSION = clinik_client.__version__

# Each describes the whole package.
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is now, just released."""
    folder = tmp_path_factory.mktemp("released")
    shutil.copytree(ROOT / "clinik_client", folder / "clinik_client", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "docs").mkdir()
    (folder / "docs" / "interface.json").write_text('{"release": null, "interface": {}}')
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION}\n\n- Things.\n")
    assert main(["--release"], folder) == 0
    return folder


@pytest.fixture
def repository(released: Path, tmp_path: Path) -> Path:
    """What will be the next release, nothing changed yet."""
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    changelog(tmp_path, "")
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


def change_file(file: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: change(folder, file, old, new)


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
        '    zone: str = _field(metadata=wire("zone", DateTime(), required=True))\n    additional_properties:',
    )


def drop_name(folder: Path) -> None:
    change(folder, "__init__.py", "import Verdict as Verdict", "import Verdict as _V")
    change(folder, "__init__.py", '"FindResult Verdict"', '"FindResult"')


FACADE, ERRORS = "_encounters/facade.py", "_errors.py"
CREATE, TESTING = "_generated/models/encounter_create_request.py", "testing/__init__.py"
BREAKS = {
    "another type": (change_type, "Period.end", "its type is str | None, was FhirDateTime | None"),
    "another value": (change_enum_value, "EncounterStatus.CANCELLED", "its value is 'canceled', was 'cancelled'"),
    "a new required field": (add_required_field, "Period.zone", "was added and must be given"),
    "a required field": (require_field, "Period.end", "must be given now"),
    "a method": (drop_method, "Encounters.delete", "is gone"),
    "a parameter": (drop_parameter, "Encounters.read(include)", "is gone"),
    "a field": (drop_model_field, "Period.end", "is gone"),
    "a keyword": (drop_field_of_a_dict, "PeriodFields.end", "is gone"),
    "an enumeration's value": (drop_enum_value, "EncounterStatus.CANCELLED", "is gone"),
    "a name": (drop_name, "Verdict", "is gone"),
    "a name of the list": (change_file("__init__.py", '"Page Pager"', '"Pager"'), "Page", "is gone"),
    "a name of the test kit": (
        change_file(TESTING, '    "Recording",\n', ""),
        "testing.Recording",
        "is gone",
    ),
    "a narrower parameter": (
        change_file("_client.py", "verify: bool | str | os.PathLike[str] | ssl.SSLContext", "verify: bool | str"),
        "Clinik(verify)",
        "takes bool | str, took bool | str | os.PathLike[str] | ssl.SSLContext",
    ),
    "no None": (
        change_file("_client.py", "params: Mapping[str, Any] | None = None,", "params: Mapping[str, Any] = {},"),
        "Clinik.request(params)",
        "takes Mapping[str, Any], took Mapping[str, Any] | None",
    ),
    "a narrower keyword": (
        change_file(CREATE, "EncounterClassLiteral | str", "EncounterClassLiteral"),
        "EncounterCreateRequestFields.class_",
        "takes EncounterClass | EncounterClassLiteral, took EncounterClass | EncounterClassLiteral | str",
    ),
    "a required parameter": (
        change_file(FACADE, "include: Sequence[str] | None = None)", "include: Sequence[str] | None)"),
        "Encounters.read(include)",
        "must be given now",
    ),
    "a result": (
        change_file(FACADE, "-> ApiResponse[None]", "-> ApiResponse[Encounter | None]"),
        "Encounters.delete",
        "gives ApiResponse[Encounter | None], gave ApiResponse[None]",
    ),
    "a value of a literal": (
        change_file("_generated/models/encounter_status.py", ', "cancelled"]', "]"),
        "EncounterStatusLiteral",
        "takes Literal[",
    ),
    "a default": (
        change_file("_client.py", "retries: int = 2", "retries: int = 3"),
        "Clinik(retries)",
        "its default is 3, was 2",
    ),
    "an error's class": (
        change_file(ERRORS, "class ClinikNotFoundError(ClinikApiError)", "class ClinikNotFoundError(Exception)"),
        "ClinikNotFoundError",
        "is not below ClinikApiError any more",
    ),
    "an attribute of a result": (
        change_file("_response.py", "    attempts: int = 1", "    tries: int = 1"),
        "ResponseMeta.attempts",
        "is gone",
    ),
}


@pytest.mark.parametrize(("edit", "name", "what"), BREAKS.values(), ids=BREAKS)
def test_a_break_fails_until_version_and_changelog_allow_it(
    repository: Path, edit: Callable[[Path], None], name: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(repository)
    assert main([], repository) == 1
    told = [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]
    assert any(line.startswith(f"{name}: {what}") for line in told), told
    broken = {line.partition(":")[0].partition("(")[0].partition("[")[0] for line in told}
    lines = "\n".join(f"- `{one}` is another now." for one in broken)
    changelog(repository, f"\n### Breaking\n\n{lines}\n")
    assert main([], repository) == 1
    change(repository, "_version.py", VERSION, "0.2.0")
    assert main([], repository) == 0
    changelog(repository, "")
    assert main([], repository) == 1


ADDED = {
    "nothing": lambda folder: None,
    "an attribute": change_file(
        "_response.py", "    attempts: int = 1\n", "    attempts: int = 1\n    region: str | None = None\n"
    ),
    "a wider parameter": change_file("_client.py", "user_agent: str | None", "user_agent: str | bytes | None"),
    "a number of either kind": change_file("_client.py", "retries: int = 2", "retries: float = 2"),
    "another value": change_file("_generated/models/encounter_status.py", '"cancelled"]', '"cancelled", "gone"]'),
    "a limit": change_file("_generated/models/encounter_update_request.py", "max_length=200", "max_length=100"),
}


@pytest.mark.parametrize("edit", ADDED.values(), ids=ADDED)
def test_what_is_added_breaks_nothing(repository: Path, edit: Callable[[Path], None]) -> None:
    edit(repository)
    assert main([], repository) == 0


def test_committing_a_break_does_not_hide_it(repository: Path) -> None:
    drop_method(repository)
    git(repository, "init", "--quiet")
    commit(repository, "A break")
    git(repository, "tag", f"v{VERSION}")
    assert main([], repository) == 1


def test_nothing_breaks_before_there_is_a_release(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "docs" / "interface.json").write_text('{"release": null, "interface": {}}')
    drop_method(repository)
    assert main([], repository) == 0
    assert capsys.readouterr().out == "There is no release yet, so nothing can break.\n"


def test_the_interface_is_written_down_for_a_release_alone(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    described = repository / "docs" / "interface.json"
    before = described.read_bytes()
    change(repository, "_version.py", VERSION, "0.1.1")
    assert main(["--release"], repository) == 1
    assert "no section that is called 0.1.1" in capsys.readouterr().err
    (repository / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1.1\n\n- Things.\n")
    drop_method(repository)
    assert main(["--release"], repository) == 1
    assert described.read_bytes() == before
    change(repository, FACADE, "def remove(", "def delete(")
    assert main(["--release"], repository) == 0
    assert json.loads(described.read_text())["release"] == "0.1.1"


def test_what_is_described_is_an_earlier_release_or_none() -> None:
    last = json.loads((ROOT / "docs" / "interface.json").read_text(encoding="utf-8"))["release"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert last is None or f"## {last}\n" in changelog


def test_a_declaration_in_an_older_section_does_not_count() -> None:
    assert declared("# C\n\n## Unreleased\n\n- x\n\n## 0.1.0\n\n### Breaking\n\n- `Period.end`\n") == set()
