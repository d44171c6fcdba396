"""What is changed: mutmut's mutations of one module of the SDK, each as the module's whole text."""

from __future__ import annotations

import ast
import random
from difflib import unified_diff
from pathlib import Path
from typing import cast

from attrs import frozen

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clinik_client"


@frozen
class Mutant:
    """A module with one thing changed.

    Args:
        module: its path below the repository.
        lines: the first and the last line of what is changed.
        text: the changed module.
        diff: what is changed, for a reader.
    """

    module: str
    lines: tuple[int, int]
    text: str
    diff: str


def modules() -> list[str]:
    """The handwritten modules of the SDK with code in them. Generated ones are compared with the document instead."""
    paths = (path for path in sorted(PACKAGE.rglob("*.py")) if not {"_generated", "_version.py"} & set(path.parts))
    return [path.relative_to(ROOT).as_posix() for path in paths]


def sample(module: str, count: int, seed: int) -> list[Mutant]:
    """So many mutants of a module, drawn with a seed; all, if there are fewer."""
    # Imported here since pytest imports each module of the tests to look for examples in it, and libcst takes long.
    from libcst import Module
    from libcst.metadata import MetadataWrapper, PositionProvider
    from mutmut.mutation.file_mutation import create_mutations

    text = (ROOT / module).read_text(encoding="utf-8")
    tree, mutations, _, _ = create_mutations(module, text)
    positions = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    types = [
        (node.lineno, node.end_lineno or node.lineno) for node in ast.parse(text).body if _is_for_type_checkers(node)
    ]
    random.Random(f"{seed} {module}").shuffle(mutations)
    mutants: dict[str, Mutant] = {}
    for mutation in mutations:
        if len(mutants) == count:
            break
        changed = cast(Module, tree.deep_replace(mutation.original_node, mutation.mutated_node)).code
        place = positions[mutation.original_node]
        lines = (place.start.line, place.end.line)
        if changed != text and not any(first <= lines[0] <= last for first, last in types):
            mutants[changed] = Mutant(module, lines, changed, _difference(text, changed))
    return sorted(mutants.values(), key=lambda mutant: mutant.lines)


def _is_for_type_checkers(node: ast.stmt) -> bool:
    """Whether a line of a module names a type, or what is exported: no test runs a type checker over the SDK."""
    if not isinstance(node, ast.Assign):
        return False
    called = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
    return (
        ast.unparse(node.targets[0]) == "__all__" or isinstance(node.value, ast.Subscript) or called.endswith("TypeVar")
    )


def _difference(before: str, after: str) -> str:
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))
    return "\n".join(line for line in lines[2:] if not line.startswith("@@"))
