"""Where a recording is found by its name: in a project's own folder, or among those that come with the package."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ._exchange import Recording
from ._har import HarError, load_recording

__all__ = ["RECORDINGS", "load_stories"]

RECORDINGS: Final = Path(__file__).parent / "recordings"
"""The folder of the recordings that come with the package. All health data in them is made up."""


def load_stories(folder: Path, names: Iterable[str], *, root: Path | None = None) -> list[Recording]:
    """Read recordings by their names, in the order wanted.

    Args:
        folder: the project's own, which goes first. It need not be there.
        names: without ``.har``.
        root: the folder is told relative to this one, if it is below.

    Raises:
        HarError: there is none of that name, or it is not usable.
    """
    own, packaged = ({file.stem: file for file in sorted(place.glob("*.har"))} for place in (folder, RECORDINGS))
    found = packaged | own
    wanted = list(names)
    for name in wanted:
        if name not in found:
            where = folder.as_posix()
            if root is not None and folder.is_relative_to(root):
                where = f"{folder.relative_to(root).as_posix()} below the root directory"
            if not folder.is_dir():
                where += ", a folder that does not exist"
            there = f"{', '.join(own) or 'none'}; with the package come {', '.join(packaged)}"
            raise HarError(f"there is no recording {name!r} in {where}; there are: {there}")
    return [load_recording(found[name]) for name in wanted]
