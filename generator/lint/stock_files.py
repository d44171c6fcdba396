"""The files that the stock generator wrote: whether they are Python, and which names they hide."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from attrs import field, frozen

from ..document import Pointer


@frozen(slots=False)
class StockFile:
    """A file that the stock generator wrote."""

    name: str
    path: Pointer
    """What it was made from."""
    text: str = field(repr=False)
    problem: str
    """Why it is not Python; empty if it is."""

    @cached_property
    def hidden(self) -> list[str]:
        """The names that are imported from two places, or imported and then a class."""
        # Lines that look like this may stand in a docstring, too; only the parser knows, and it takes its time.
        lines = re.findall(r"^ *from (\S+) import (.+)$|^class (\w+)", self.text, re.MULTILINE)
        if self.problem or not _shared((module, name.split("#")[0] or cls) for module, name, cls in lines):
            return []
        tree = ast.parse(self.text)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        bound = [
            ("." * node.level + str(node.module), one.asname or one.name) for node in imports for one in node.names
        ]
        bound += [("", node.name) for node in tree.body if isinstance(node, ast.ClassDef)]
        return _shared(bound)


def read_files(folder: Path, origins: Mapping[str, Pointer]) -> Iterator[StockFile]:
    """The files in a folder, given what they were made from."""
    for file in sorted(folder.rglob("*.py")):
        name = file.relative_to(folder).as_posix()
        text = file.read_text(encoding="utf-8")
        yield StockFile(name, origins.get(name, ()), text, _problem(name, text))


def _shared(bound: Iterable[tuple[str, str]]) -> list[str]:
    """The names that come from more than one module, of pairs of modules and their names."""
    origins: dict[str, set[str]] = {}
    for module, names in bound:
        for name in names.split(","):
            origins.setdefault(name.split(" as ")[-1].strip(), set()).add(module)
    return [name for name, modules in origins.items() if len(modules) > 1]


def _problem(name: str, text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, name, "exec")
    except (SyntaxError, ValueError) as error:
        return str(getattr(error, "msg", error))
    # A default that is no finite number is written as a name that nothing defines.
    unknown = re.search(r" = -?(nan|inf)$", text, re.MULTILINE)
    return f"{unknown[1]} is not defined" if unknown else ""
