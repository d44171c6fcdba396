"""Whether the public Python interface breaks without the changelog saying so: ``python -m generator.interface``.

The interface is compared with the last release tag (``v*``), or with the last commit while there is none.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent
PACKAGE = "clinik_client"


def baseline(root: Path) -> str | None:
    """The git reference to compare with; ``None`` where there is no history."""
    tag = _git(root, "describe", "--tags", "--abbrev=0", "--match", "v*")
    return tag or ("HEAD" if _git(root, "rev-parse", "--verify", "HEAD") else None)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def committed(root: Path, reference: str, path: str, folder: Path) -> Path | None:
    """Unpack what a commit has below a path into a folder; ``None`` if it has nothing there."""
    archive = subprocess.run(
        ["git", "-C", str(root), "archive", "--format=tar", reference, path], capture_output=True, check=False
    )
    if archive.returncode != 0:
        return None
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder / path


def breakages(old: Path, new: Path) -> Iterator[tuple[str, str]]:
    """The public names that a change of the package breaks, each with what happened to it.

    Args:
        old: the folder that holds the package as it was.
        new: the folder that holds it now.
    """
    for breakage in griffe.find_breaking_changes(_load(old), _load(new)):
        # The value of a generated field holds its limits: those are the change report's business.
        if breakage.kind is not griffe.BreakageKind.ATTRIBUTE_CHANGED_VALUE:
            name = breakage.obj.path.removeprefix(f"{breakage.obj.module.path}.")
            yield name, f"{breakage.kind.value.lower()} {breakage.details}".rstrip()


def _load(folder: Path) -> griffe.Object | griffe.Alias:
    loader = griffe.GriffeLoader(search_paths=[str(folder)], modules_collection=griffe.ModulesCollection())
    package = loader.load(PACKAGE, try_relative_path=False)
    loader.resolve_aliases(implicit=True, external=False)
    return package


def declared(changelog: str) -> set[str]:
    """The names that the changelog's newest section declares as broken: in backticks below ``### Breaking``."""
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:2]
    section = re.search(r"^### Breaking\n(.*?)(?=^### |\Z)", "".join(newest), re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([\w.]+)", section[1])) if section else set()


def main(root: Path = ROOT) -> int:
    reference = baseline(root)
    if reference is None:
        print("There is no earlier version to compare the public interface with.")
        return 0
    with tempfile.TemporaryDirectory(prefix="clinik-interface-") as folder:
        if committed(root, reference, PACKAGE, Path(folder)) is None:
            print(f"{reference} has no {PACKAGE} to compare the public interface with.")
            return 0
        found = list(breakages(Path(folder), root))
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    silent = [f"{name}: {what}" for name, what in found if name not in declared(changelog)]
    if silent:
        print(f"The public interface breaks since {reference}, and CHANGELOG.md does not say so:", file=sys.stderr)
        print("\n".join(f"  {line}" for line in silent), file=sys.stderr)
        print("Take it back, or name each in backticks below `### Breaking` in the newest section.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
