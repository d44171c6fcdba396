"""A recording is found by its name: in the project's own folder first, then among those that come with the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clinik_client.testing import RECORDINGS, Exchange, HarError, Recording, save_recording
from clinik_client.testing._stories import load_stories


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A project's folder, with a recording of its own and one that is called like one of the package."""
    for name in ("mine", "errors"):
        save_recording(Recording(name, [Exchange.of("GET", "/mine")]), tmp_path / f"{name}.har")
    return tmp_path


def test_what_a_project_has_goes_before_what_the_package_has(own: Path) -> None:
    found = load_stories(own, ["paged-search", "errors", "mine"])
    assert [recording.path for recording in found] == [
        RECORDINGS / "paged-search.har",
        own / "errors.har",
        own / "mine.har",
    ]


def test_a_project_needs_no_folder(tmp_path: Path) -> None:
    [recording] = load_stories(tmp_path / "none", ["empty-search"])
    assert recording.path == RECORDINGS / "empty-search.har"


def test_a_name_that_is_nowhere_is_an_error_that_tells_what_there_is(own: Path, tmp_path: Path) -> None:
    there = "there are: errors, mine; with the package come "
    with pytest.raises(HarError, match=re.escape(f"no recording 'yours' in {own.as_posix()}; {there}") + ".*empty-s"):
        load_stories(own, ["mine", "yours"])
    with pytest.raises(
        HarError, match=r"in .*/none, a folder that does not exist; there are: none; with the package come"
    ):
        load_stories(tmp_path / "none", ["yours"])


def test_the_folder_is_told_relative_to_the_root(own: Path) -> None:
    with pytest.raises(HarError, match=re.escape(f"'yours' in {own.name} below the root directory; there are: errors")):
        load_stories(own, ["yours"], root=own.parent)
    with pytest.raises(HarError, match=re.escape(f"'yours' in {own.as_posix()}; there are: errors")):
        load_stories(own, ["yours"], root=own / "elsewhere")


def test_a_recording_that_nobody_names_is_not_read(own: Path) -> None:
    (own / "broken.har").write_text("{}")
    assert [recording.name for recording in load_stories(own, ["mine"])] == ["mine"]
    with pytest.raises(HarError, match="log is missing"):
        load_stories(own, ["broken"])
