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
    for before, after in zip(_public(_load(old)), _public(_load(new)), strict=True):
        for breakage in griffe.find_breaking_changes(before, after):
            name = breakage.obj.path.removeprefix(f"{breakage.obj.module.path}.")
            yield name, f"{breakage.kind.value.lower()} {breakage.details}".rstrip()
        yield from _changed_attributes(_attributes(before), _attributes(after))


def _public(package: griffe.Object | griffe.Alias) -> list[griffe.Module]:
    """The modules that users import, each with its public names marked."""
    modules = []
    for module in (package, package.members["testing"]):
        assert isinstance(module, griffe.Module)
        names = [name for name, member in module.members.items() if not name.startswith("_") and member.is_alias]
        # The package derives its list, which cannot be read without running it.
        module.exports = module.exports or list(names)
        modules.append(module)
    return modules


def _attributes(package: griffe.Object | griffe.Alias) -> dict[str, griffe.Attribute]:
    """The attributes of all public classes: fields of models, members of enumerations."""
    found = {str(name): package.members[str(name)] for name in package.exports or () if str(name) in package.members}
    # What a package takes over from its modules is an alias there, and so would its members be.
    classes = {
        name: member.final_target if isinstance(member, griffe.Alias) else member for name, member in found.items()
    }
    return {
        f"{class_name}.{name}": member
        for class_name, target in classes.items()
        if target.is_class
        for name, member in target.members.items()
        if isinstance(member, griffe.Attribute) and not name.startswith("_")
    }


def _changed_attributes(
    old: dict[str, griffe.Attribute], new: dict[str, griffe.Attribute]
) -> Iterator[tuple[str, str]]:
    """What griffe does not look at: types of attributes, values of enumerations, and fields that must be given."""
    classes = {name.partition(".")[0] for name in old}
    for name, attribute in new.items():
        before = old.get(name)
        if before is None:
            if name.partition(".")[0] in classes and _must_be_given(attribute):
                yield name, "a field that must be given was added"
        elif str(before.annotation) != str(attribute.annotation):
            yield name, f"its type is {attribute.annotation}, was {before.annotation}"
        elif attribute.annotation is None and str(before.value) != str(attribute.value):
            yield name, f"its value is {attribute.value}, was {before.value}"
        elif _must_be_given(attribute) and not _must_be_given(before):
            yield name, "the field must be given now"


def _must_be_given(attribute: griffe.Attribute) -> bool:
    value = str(attribute.value)
    return value.startswith("_field(") and "default=" not in value and "factory=" not in value


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
