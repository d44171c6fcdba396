"""The modules of the generator do not import each other in circles, and no two of its classes have one name."""

from __future__ import annotations

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name

from generator.__main__ import ROOT

FILES = sorted((ROOT / "generator").rglob("*.py"))
MODULES = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in FILES}


def imported_modules(name: str) -> set[str]:
    """The modules of the generator that a module imports, wherever in it that is written."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            # `from . import names` means a module in the package, not the package itself.
            inner = (f"{base}.{alias.name}" for alias in node.names)
            found.update(full if full in MODULES else base for full in inner)
    return found & MODULES.keys()


def test_there_is_no_circle_of_imports() -> None:
    sorter = TopologicalSorter({name: imported_modules(name) for name in MODULES})
    try:
        sorter.prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_no_two_classes_have_one_name() -> None:
    names = [
        node.name
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert [name for name, number in Counter(names).items() if number > 1] == []
