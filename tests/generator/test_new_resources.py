"""Three resources of different shapes are added to a copy of the repository, as the maintainer's guide says."""

from __future__ import annotations

from pathlib import Path

import pytest

from .new_resources import add_resources
from .test_regenerating import GUIDE, copy_repository, succeeds

# What takes long and knows of no resource: sockets that misbehave, tests of tests, builds.
APART = ("transport", "faults", "mutants", "bench", "test_distribution.py", "test_docs.py")


@pytest.mark.long
def test_three_resources_are_added_as_the_guide_says(tmp_path: Path) -> None:
    root = copy_repository(tmp_path)
    add_resources(root)
    apart = [f"--ignore=tests/{name}" for name in APART]
    for arguments in (["generator"], ["generator", "--check"], ["pytest", "-q", "-p", "no:xdist", *apart]):
        succeeds(root, *arguments)


def test_the_guide_names_each_place_that_a_resource_is_added_in() -> None:
    section = GUIDE.read_text(encoding="utf-8").partition("## Another resource")[2].partition("\n## ")[0]
    for place in ("facade.py", "fhir.py", "lost_create.py", "_client.py", "__init__.py", "conftest.py", "README.md"):
        assert f"{place}`" in section, place
