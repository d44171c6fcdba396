"""The maintainer's guide is followed to the letter, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.__main__ import ROOT

from .test_interface import commit, git

GUIDE = ROOT / "docs" / "regenerating.md"

# They take as long as this suite and more; what they do to the result is tested by themselves.
TOO_LONG = {"make check", "make test"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def succeeds(repository: Path, *arguments: str) -> None:
    """Run a module of Python in a copy of the repository, whose packages it finds first."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def copy_repository(folder: Path) -> Path:
    copy = folder / "repository"
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", "dist", "build")
    shutil.copytree(ROOT, copy, ignore=ignored)
    (copy / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
    git(copy, "init", "--quiet")
    commit(copy, "As it is")
    return copy


@pytest.mark.long
def test_the_guide_holds_from_the_edit_to_the_use(tmp_path: Path) -> None:
    repository = copy_repository(tmp_path)
    document = repository / "openapi" / "clinik.yaml"
    [field] = blocks("yaml")
    text, places = re.subn(
        r"^        hospitalization:$",
        lambda found: field + found[0],
        document.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert places == 3
    document.write_text(text, encoding="utf-8")
    [script] = blocks("python")
    (repository / "triage.py").write_text(script, encoding="utf-8")
    ran = []
    for block in blocks("console"):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            if command not in TOO_LONG:
                # The copy shares this environment, which is not to be installed anew from there.
                words = command.replace("make ", "make --assume-old=.venv/.installed ").split()
                environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
                done = subprocess.run(
                    words, cwd=repository, env=environment, capture_output=True, text=True, check=False
                )
                assert (done.returncode, done.stdout) == (0, shown), done.stderr
                ran.append(command)
    assert ran == ["make generate", ".venv/bin/python triage.py"]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", "triage.py"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    status = subprocess.run(
        ["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert {line[3:] for line in status.stdout.splitlines()} == {
        "clinik_client/_generated/models/encounter.py",
        "clinik_client/_generated/models/encounter_create_request.py",
        "clinik_client/_generated/models/encounter_update_request.py",
        "openapi/clinik.yaml",
        "triage.py",
    }
