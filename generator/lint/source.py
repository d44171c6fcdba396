"""Any OpenAPI 3 document, read as the generator reads it, with the line of each part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from attrs import field, frozen
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode

from ..document import DocumentError, Path_

MISSING = object()


@frozen
class Source:
    """A document that may break any rule but those of YAML."""

    file: str
    """The file's name as people know it, for messages."""
    raw: Any = field(repr=False)
    """The values as the generator reads them."""
    root: Mapping[str, Any] = field(repr=False)
    """The same with text for every key: a status may be written 200."""
    node: Any = field(repr=False)
    """The marked nodes; ``None`` where there are no lines to tell."""

    def line(self, path: Path_) -> int:
        """The line (from 1) where the value at this path is written; that of its nearest parent if need be."""
        node, line = self.node, 1
        for step in path:
            if isinstance(node, MappingNode):
                pair = next((pair for pair in node.value if str(pair[0].value) == str(step)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            else:
                break
        return line

    def at(self, path: Path_) -> Any:
        """The value at a path, `MISSING` if there is none."""
        node: Any = self.root
        for step in path:
            if isinstance(node, Mapping) and str(step) in node:
                node = node[str(step)]
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                return MISSING
        return node

    def target(self, reference: Any) -> Path_ | None:
        """The path that a reference inside the document means; ``None`` if nothing is there."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        path: list[str | int] = []
        for part in reference[1:].split("/")[1:]:
            step = unquote(part).replace("~1", "/").replace("~0", "~")
            path.append(int(step) if isinstance(self.at(tuple(path)), list) and step.isdecimal() else step)
        return tuple(path) if path and self.at(tuple(path)) is not MISSING else None

    def resolve(self, node: Any) -> Mapping[str, Any]:
        """What a node refers to, or itself; empty if that is nothing or no mapping."""
        seen: set[str] = set()
        while isinstance(node, Mapping) and isinstance(reference := node.get("$ref"), str):
            target = self.target(reference)
            if target is None or reference in seen:
                return {}
            seen.add(reference)
            node = self.at(target)
        return mapping(node)


def mapping(node: Any) -> Mapping[str, Any]:
    """The node if it is a mapping, else an empty one."""
    return node if isinstance(node, Mapping) else {}


def sequence(node: Any) -> list[Any]:
    """The node if it is a list, else an empty one."""
    return node if isinstance(node, list) else []


def read(file: Path, name: str | None = None) -> Source:
    """Read a document, YAML or JSON, without asking more of it than to be OpenAPI 3.

    Args:
        file: where it is.
        name: how messages call it; its path if not given.

    Raises:
        DocumentError: it is not there, not YAML or JSON, or not OpenAPI 3.
    """
    name = name or file.as_posix()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name}: is not UTF-8 text (byte {error.start})") from None
    try:
        raw, node = _read_json(text, name) if file.suffix == ".json" else _read_yaml(text, name)
        root = _with_text_keys(raw, ())
    except RecursionError:
        raise DocumentError(f"{name}:1: is nested too deeply to be read") from None
    except _Endless:
        raise DocumentError(f"{name}:1: holds a YAML alias to a part that it is in itself; write it as $ref") from None
    version = mapping(root).get("openapi")
    if not str(version).startswith("3."):
        found = f"`openapi: {version}`" if version is not None else "no `openapi: 3.1.0`"
        raise DocumentError(f"{name}:1: is not an OpenAPI 3 document: it has {found} at its top")
    return Source(name, raw, root, node)


def _read_json(text: str, name: str) -> tuple[Any, Any]:
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"{name}:{error.lineno}: is not JSON: {error.msg}") from None
    try:
        return raw, YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        # Tabs between tokens are JSON but not YAML: then there are no lines to tell.
        return raw, None


def _read_yaml(text: str, name: str) -> tuple[Any, Any]:
    try:
        constructor, parser = YAML(typ="safe", pure=True).get_constructor_parser(text)
        try:
            node = constructor.composer.get_single_node()
            return constructor.construct_document(node) if node is not None else None, node
        finally:
            parser.dispose()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise DocumentError(f"{name}:{line}: is not YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError) as error:
        # A ValueError is a date such as 2025-02-30, written without quotes.
        raise DocumentError(f"{name}:1: is not YAML: {str(error).splitlines()[0]}") from None


class _Endless(Exception):
    pass


def _with_text_keys(node: Any, parents: tuple[int, ...]) -> Any:
    if not isinstance(node, dict | list):
        return node
    if id(node) in parents:
        raise _Endless
    inside = (*parents, id(node))
    if isinstance(node, dict):
        return {str(key): _with_text_keys(value, inside) for key, value in node.items()}
    return [_with_text_keys(value, inside) for value in node]


__all__ = ["MISSING", "Source", "mapping", "read", "sequence"]
