"""Whether the public Python interface breaks since the last release: ``python -m generator.interface``.

``docs/interface.json`` describes the interface of that release. ``--release`` writes it, once for each release.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).parent.parent
PACKAGE = "clinik_client"
MODULES = (PACKAGE, f"{PACKAGE}.testing")

Interface = dict[str, dict[str, Any]]
"""Each public thing by its name, ``Period.end`` or ``Clinik(timeout)``, and what programs may depend on."""


# What there is


def describe(folder: Path) -> Interface:
    """The public interface of the package in a folder."""
    loader = griffe.GriffeLoader(search_paths=[str(folder)], modules_collection=griffe.ModulesCollection())
    loader.load(PACKAGE, try_relative_path=False)
    loader.resolve_aliases(implicit=True, external=False)
    found: Interface = {}
    for module, names in _public_names(folder).items():
        prefix = module.removeprefix(PACKAGE).removeprefix(".")
        for name in names:
            thing = loader.modules_collection[f"{module}.{name}"]
            shown = f"{prefix}.{name}" if prefix else name
            found.update(_described(shown, thing.final_target if isinstance(thing, griffe.Alias) else thing))
    return dict(sorted(found.items()))


def _public_names(folder: Path) -> dict[str, list[str]]:
    # The package derives its list, so only running it tells.
    program = (
        "import importlib, json, sys\n"
        "print(json.dumps({name: importlib.import_module(name).__all__ for name in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, *MODULES],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    names: dict[str, list[str]] = json.loads(done.stdout)
    return names


def _described(name: str, thing: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(thing, griffe.Class):
        yield name, {"below": sorted(_ancestors(thing))}
        for inner, member in thing.all_members.items():
            target = member.final_target if isinstance(member, griffe.Alias) else member
            if inner == "__init__" and isinstance(target, griffe.Function):
                yield from _parameters(name, target)
            elif not inner.startswith("_"):
                yield from _described(f"{name}.{inner}", target)
    elif isinstance(thing, griffe.Function):
        # What type checkers see: the overloads, where there are some.
        for number, function in enumerate(thing.overloads or [thing], 1):
            shown = f"{name}[{number}]" if thing.overloads else name
            yield shown, {"gives": str(function.returns)}
            yield from _parameters(shown, function)
    elif isinstance(thing, griffe.Attribute):
        yield name, _attribute(name, thing)


def _ancestors(thing: griffe.Class) -> set[str]:
    """The names of all classes above one: an ``except`` or an ``isinstance`` may name any of them."""
    above = {name for base in thing.bases if not (name := str(base).partition("[")[0]).startswith("_")}
    for base in thing.resolved_bases:
        target = base.final_target if isinstance(base, griffe.Alias) else base
        if isinstance(target, griffe.Class):
            above |= _ancestors(target)
    return above


def _parameters(name: str, function: griffe.Function) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, parameter in enumerate(function.parameters):
        if parameter.name == "self" and place == 0:
            continue
        kind = parameter.kind
        if kind in (griffe.ParameterKind.var_positional, griffe.ParameterKind.var_keyword):
            yield f"{name}({parameter.name})", {"takes": str(parameter.annotation)}
            continue
        by_name = kind is not griffe.ParameterKind.positional_only
        by_place = None if kind is griffe.ParameterKind.keyword_only else place
        given = {"required": True} if parameter.default is None else {"default": str(parameter.default)}
        takes = str(parameter.annotation)
        yield f"{name}({parameter.name})", {"takes": takes, "by_name": by_name, "by_place": by_place, **given}


def _attribute(name: str, attribute: griffe.Attribute) -> dict[str, Any]:
    annotation, value = str(attribute.annotation), str(attribute.value)
    if "property" in attribute.labels:
        return {"gives": annotation}
    if name == "__version__":
        return {}
    if attribute.annotation is None:
        if "class-attribute" not in attribute.labels and "instance-attribute" in attribute.labels:
            return {}
        return {"takes": value} if value.startswith("Literal[") else {"value": value}
    if name.partition(".")[0].endswith("Fields"):
        required = annotation.startswith("Required[")
        return {"takes": annotation[len("Required[") : -1] if required else annotation, "required": required}
    given = "default=" not in value and "factory=" not in value
    return {"type": annotation, "required": value.startswith("_field(") and given}


# What breaks


def breakages(old: Interface, new: Interface) -> Iterator[tuple[str, str]]:
    """The names that a change breaks, each with what happened to it."""
    for name, was in old.items():
        now = new.get(name)
        if now is not None:
            yield from ((name, what) for what in _changes(was, now))
        elif _owner(name) == name or _owner(name) not in old or _owner(name) in new:
            yield name, "is gone"
    for name in new.keys() - old.keys():
        if new[name].get("required") and _owner(name) in old:
            yield name, "was added and must be given"


def _owner(name: str) -> str:
    return re.sub(r"(\.\w+(\[\d+\])?|\(\w+\))$", "", name)


def _changes(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    if was.keys() - {"default", "required"} != now.keys() - {"default", "required"}:
        yield "is something else now"
        return
    if "takes" in was and not _covers(now["takes"], was["takes"]):
        yield f"takes {now['takes']}, took {was['takes']}"
    if "gives" in was and not _covers(was["gives"], now["gives"]):
        yield f"gives {now['gives']}, gave {was['gives']}"
    for what in ("type", "value"):
        if what in was and was[what] != now[what]:
            yield f"its {what} is {now[what]}, was {was[what]}"
    if missing := set(was.get("below", ())) - set(now.get("below", ())):
        yield f"is not below {', '.join(sorted(missing))} any more"
    if was.get("by_name") and not now["by_name"]:
        yield "cannot be given by its name any more"
    if was.get("by_place") not in (None, now.get("by_place")):
        yield "cannot be given in its place any more"
    if now.get("required") and not was.get("required"):
        yield "must be given now"
    elif "default" in was and was["default"] != now["default"]:
        yield f"its default is {now['default']}, was {was['default']}"


# Types whose parts may be wider where the whole is.
_COVARIANT = {"Sequence", "Collection", "Iterable", "Iterator", "Mapping", "tuple", "ApiResponse", "Unpack"}


def _covers(wider: str, narrower: str) -> bool:
    """Whether a type takes all that another one takes. Where that cannot be told, it does not.

    >>> _covers("int | str | None", "str"), _covers("str", "str | None"), _covers("Literal['a', 'b']", "Literal['b']")
    (True, False, True)
    >>> _covers("Sequence[str | int]", "Sequence[str]"), _covers("float", "int"), _covers("list[Any]", "list[str]")
    (True, True, False)
    """
    there, here = (_members(ast.parse(text, mode="eval").body) for text in (wider, narrower))
    return all(any(_is_within(one, other) for other in there) for one in here)


def _members(node: ast.expr) -> list[ast.expr]:
    """The members of a union; each value of a ``Literal`` is one."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_members(left), *_members(right)]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
            return list(values.elts) if isinstance(values, ast.Tuple) else [values]
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return [*_members(inner), ast.Constant(None)]
    return [node]


def _is_within(one: ast.expr, other: ast.expr) -> bool:
    if isinstance(other, ast.Name) and other.id in ("Any", "object"):
        return True
    match one, other:
        case ast.Constant(value=str()), ast.Name(id="str"):
            return True
        case ast.Constant(value=int()), ast.Name(id="int"):
            return True
        case ast.Name(id="int"), ast.Name(id="float"):
            return True
        case ast.Subscript(value=head, slice=parts), ast.Subscript(value=ast.Name(id=name), slice=others):
            if name in _COVARIANT and ast.unparse(head) == name:
                pairs = zip(_parts(parts), _parts(others), strict=False)
                return len(_parts(parts)) == len(_parts(others)) and all(
                    _covers(ast.unparse(wide), ast.unparse(narrow)) for narrow, wide in pairs
                )
    return ast.unparse(one) == ast.unparse(other)


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


# What the version and the changelog allow


def may_break(released: str, version: str) -> bool:
    """Whether a version may break what an earlier one had, as docs/versioning.md says.

    >>> may_break("0.1.0", "0.2.0"), may_break("0.1.0", "0.1.1"), may_break("0.9.0", "1.0.0")
    (True, False, True)
    >>> may_break("1.1.0", "1.2.0"), may_break("1.1.0", "2.0.0")
    (False, True)
    """
    old, new = ([int(part) for part in text.split(".")] for text in (released, version))
    return new[: 2 - (new[0] > 0)] > old[: 2 - (new[0] > 0)]


def declared(changelog: str) -> set[str]:
    """The names that the changelog's newest section declares as broken: in backticks below ``### Breaking``."""
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:2]
    section = re.search(r"^### Breaking\n(.*?)(?=^### |\Z)", "".join(newest), re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([\w.]+)", section[1])) if section else set()


def _version(root: Path) -> str:
    text = (root / PACKAGE / "_version.py").read_text(encoding="utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def check(root: Path) -> list[str]:
    """Every break since the last release that the version or the changelog does not allow, as a line each."""
    last = json.loads((root / "docs" / "interface.json").read_text(encoding="utf-8"))
    if last["release"] is None:
        print("There is no release yet, so nothing can break.")
        return []
    found = list(breakages(last["interface"], describe(root)))
    if not may_break(last["release"], _version(root)):
        return [f"{name}: {what}" for name, what in found]
    names = declared((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    return [f"{name}: {what}" for name, what in found if re.split(r"[(\[]", name)[0] not in names]


def release(root: Path) -> None:
    """Write down the interface of the version that is released now.

    Raises:
        ValueError: the changelog calls that version unreleased.
    """
    version = _version(root)
    if not re.search(rf"^## {re.escape(version)}$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
        raise ValueError(f"CHANGELOG.md has no section that is called {version} and nothing more.")
    made = {"release": version, "interface": describe(root)}
    (root / "docs" / "interface.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m generator.interface", description=__doc__)
    parser.add_argument("--release", action="store_true", help="write docs/interface.json for the version of now")
    options = parser.parse_args(arguments)
    if silent := check(root):
        print("The public interface breaks since the last release:", file=sys.stderr)
        print("\n".join(f"  {line}" for line in silent), file=sys.stderr)
        print(
            "Take it back, or raise the version so that it may break (docs/versioning.md) and name each in backticks "
            "below `### Breaking` in the newest section of CHANGELOG.md.",
            file=sys.stderr,
        )
        return 1
    if options.release:
        try:
            release(root)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
