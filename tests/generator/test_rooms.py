"""The rooms of the generator: who imports whom, and which rules are in which room of the linter."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from generator.lint import HOUSE, LOSSES, STOCK

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "generator").rglob("*.py"))
}


def imported(name: str) -> set[str]:
    """The modules of the generator that a module imports, in functions as well."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            # A name that is imported may be a module itself.
            parts = {f"{base}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= parts or {base}
    return found - {name}


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: imported(name) for name in MODULES}
    while free := [name for name, needed in graph.items() if not needed & graph.keys()]:
        for name in free:
            del graph[name]
    assert graph == {}


@pytest.mark.parametrize("rule", STOCK.rules.values(), ids=lambda rule: rule.id)
def test_a_rule_for_stock_generators_says_why_it_does_not_matter_to_ours(rule: object) -> None:
    assert getattr(rule, "ours", "")


def test_a_rule_is_written_in_the_folder_of_its_room() -> None:
    for path in (ROOT / "generator" / "lint").rglob("*.py"):
        rooms = {
            node.value.func.value.id
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and isinstance(node.value.func.value, ast.Name)
        } & {"STOCK", "LOSSES", "HOUSE"}
        expected = "STOCK" if path.parent.name == "stock" else "HOUSE" if path.name == "house.py" else "LOSSES"
        assert rooms <= {expected}, path.name


def test_every_rule_is_in_one_room_alone() -> None:
    names = [*LOSSES.rules, *STOCK.rules, *HOUSE.rules]
    assert len(names) == len(set(names)) > 80
