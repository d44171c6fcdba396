"""The distributions: what is in the source distribution is enough to test it, and the wheel is whole."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from clinik_client.testing import RECORDINGS, FixtureServer, load_recordings
from tests.test_docs import Command, Stage, finish, read_blocks, section

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, built and unpacked into an empty folder."""
    folder = tmp_path_factory.mktemp("distribution")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, timeout=120, check=True)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        # Python below 3.11.4 has no filters, and 3.12 warns where none is chosen.
        files.extraction_filter = getattr(tarfile, "data_filter", None)
        files.extractall(folder)
    return folder / archive.name.removesuffix(".tar.gz")


def test_every_room_and_every_file_at_the_root_is_in_the_source_distribution(unpacked: Path) -> None:
    left_out = {"build", "dist"}
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - left_out
    assert there - {"__pycache__"} <= {path.name for path in unpacked.iterdir()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, which is a zip file."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, timeout=120, check=True)
    [found] = folder.glob("*.whl")
    return found


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package = [path for path in (ROOT / "clinik_client").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {path.relative_to(ROOT).as_posix() for path in package} <= set(names)
    assert {
        "clinik_client/testing/_sandbox/page.html",
        "clinik_client/testing/_sandbox/page.js",
        "clinik_client/py.typed",
    } <= set(names)


def test_the_wheel_brings_the_console_script_of_the_sandbox(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [distribution] = metadata.distributions(path=[str(wheel)])
    [script] = distribution.entry_points.select(group="console_scripts", name="clinik-sandbox")
    with pytest.raises(SystemExit, match="0"):
        script.load()(["--help"])
    assert capsys.readouterr().out.startswith("usage: clinik-sandbox ")


# -- the wheel alone --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs, and that Python looks into before all others."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-cache-dir"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], capture_output=True, timeout=120, check=True)
    return folder


@pytest.fixture
def user(installed: Path, tmp_path: Path) -> Iterator[Stage]:
    """An empty folder of somebody who has the wheel only. The service is there for what is to be recorded from it."""
    left_out = ("PYTEST_", "CLINIKAPI_", "FORCE_COLOR", "PY_COLORS")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(left_out)}
    with FixtureServer(load_recordings(RECORDINGS) * 2) as service:
        environment |= {"PYTHONPATH": str(installed), "NO_PROXY": "*", "COLUMNS": "80"}
        environment |= {"CLINIKAPI_BASE_URL": service.url, "CLINIKAPI_SECRET_KEY": "clk_test_wheel"}
        yield Stage(service, tmp_path, environment)


def test_it_is_the_wheel_that_is_used(user: Stage, installed: Path) -> None:
    told = "import clinik_client; print(clinik_client.__file__)"
    user.run("", Command(f"python -c '{told}'", f"{installed / 'clinik_client' / '__init__.py'}\n"))
    (user.folder / "test_it.py").write_text(
        "def test_it(clinik, pytestconfig):\n"
        f"    assert pytestconfig.pluginmanager.get_plugin('clinik_client').__file__.startswith({str(installed)!r})\n"
    )
    user.run("", Command("pytest -q", "...\n1 passed in ..."))


@pytest.mark.parametrize("path", ["README.md", pytest.param("docs/testing.md", marks=pytest.mark.long)])
def test_what_is_shown_of_tests_works_with_the_wheel_alone(user: Stage, path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    if path == "README.md":
        text = section(ROOT / path, "Testing your own code")
    blocks = read_blocks(text)
    code = [block for block in blocks if block.language == "python" and block.file is None]
    (user.folder / "shown.py").write_text("".join(block.text for block in code), encoding="utf-8")
    output, status = finish([sys.executable, "shown.py"], user.folder, user.environment, "")
    assert (output, status) == ("".join(block.expected for block in code), 0)
    for block in blocks:
        if block not in code:
            user.play(path, block)


READING_FILES = (
    *("tests/test_recordings.py", "tests/test_docs.py", "tests/test_examples.py", "tests/test_project.py"),
    *("tests/test_vocabulary.py", "tests/testing", "tests/generator/test_generate.py", "clinik_client"),
)
"""Tests of files that are no modules: of recordings, documents, the OpenAPI document."""


@pytest.mark.long
@pytest.mark.parametrize("arguments", [("--collect-only",), READING_FILES], ids=["found", "passing"])
def test_the_tests_work_in_an_unpacked_source_distribution(unpacked: Path, arguments: tuple[str, ...]) -> None:
    # The commands of the Makefile find their tools there.
    if not (unpacked / ".venv").exists():
        (unpacked / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
    suite = [sys.executable, "-m", "pytest", "-q", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        suite,
        cwd=unpacked,
        env=environment | {"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
