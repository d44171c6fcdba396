"""A copy of the SDK, generated from an edited copy of the document, for the tests of this folder."""

from __future__ import annotations

import importlib
import logging
import shutil
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import frozen
from ruamel.yaml import YAML

from generator.__main__ import DOCUMENT, ROOT, generate
from generator.document import Document
from generator.prepare import prepare

Edit = Callable[[Any], None]


@frozen
class EditedSdk:
    """An importable copy of the package under a name of its own."""

    name: str
    folder: Path
    """The folder that holds the package."""

    @property
    def package(self) -> Path:
        return self.folder / self.name

    def load(self, module: str = "") -> ModuleType:
        """Import the copy, or one of its modules."""
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))
        return importlib.import_module(f"{self.name}.{module}" if module else self.name)

    def unload(self) -> None:
        """Forget the copy, and what it added to the logger that all copies share."""
        del logging.getLogger("clinik_client").handlers[1:]
        if str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))
        for loaded in [key for key in sys.modules if key.partition(".")[0] == self.name]:
            del sys.modules[loaded]


@cache
def _document() -> Any:
    return YAML(typ="rt").load(DOCUMENT.read_text(encoding="utf-8"))


def edited_document(edit: Edit) -> Document:
    """Our document with an edit made to it, without a file."""
    root = deepcopy(_document())
    edit(root)
    return Document("edited.yaml", root)


def write_document(edit: Edit, file: Path) -> Path:
    """Write a copy of our document with an edit made to it."""
    with file.open("w", encoding="utf-8") as stream:
        YAML(typ="rt").dump(edited_document(edit).root, stream)
    return file


def make_sdk(edit: Edit, folder: Path, name: str, add: Callable[[Path], object] = lambda package: None) -> EditedSdk:
    """Make a copy of the SDK that follows an edited document; ``add`` writes what is added by hand."""
    package = folder / name
    shutil.copytree(
        ROOT / "clinik_client", package, ignore=shutil.ignore_patterns("_generated", "__pycache__", "testing")
    )
    add(package)
    generate(prepare(edited_document(edit), package), package / "_generated", f"{name}.yaml")
    return EditedSdk(name, folder)
