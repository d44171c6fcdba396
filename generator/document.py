"""An OpenAPI document: read from a file, followed along its references, and pointed at by line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from attrs import field, frozen
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from .form import problems

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MISSING = object()

Pointer = tuple[str | int, ...]


class DocumentError(Exception):
    """The document cannot be used; the text says where and why."""


@frozen
class Document:
    """A document that was read from a file."""

    file: str
    """The file's name as people know it, for messages."""
    root: dict[str, Any] = field(repr=False)
    """The values, with text for every key: a status may be written 200."""
    raw: Any = field(default=None, repr=False)
    """The values with keys as they are written, for the stock generator."""
    node: Any = field(default=None, repr=False)
    """The marked nodes; ``None`` where there are no lines to tell."""

    def line(self, path: Pointer) -> int:
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

    def error(self, path: Pointer, text: str) -> DocumentError:
        """An error that names the file and the line of this path."""
        return DocumentError(f"{self.file}:{self.line(path)}: {text}")

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
        """Path, method, operation and path item of each operation, in the document's order."""
        for path, item in mapping(self.root.get("paths")).items():
            for method in METHODS:
                if isinstance(mapping(item).get(method), Mapping):
                    yield path, method, item[method], item

    def at(self, path: Pointer) -> Any:
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

    def target(self, reference: Any) -> Pointer | None:
        """The path that a reference inside the document means; ``None`` if nothing is there."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        path: list[str | int] = []
        for part in reference[1:].split("/")[1:]:
            step = unquote(part).replace("~1", "/").replace("~0", "~")
            path.append(int(step) if isinstance(self.at(tuple(path)), list) and step.isdecimal() else step)
        return tuple(path) if path and self.at(tuple(path)) is not MISSING else None

    def resolve(self, node: Any) -> Mapping[str, Any]:
        """What a node refers to, or itself; empty if that is nothing, no mapping, or a reference to itself."""
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


def is_status(key: str) -> bool:
    """Whether a response can stand under this key: 100 to 599, 1XX to 5XX, or default; extensions are no responses."""
    return re.fullmatch("[1-5]([0-9]{2}|XX)|default|x-.*", key) is not None


def walk(node: Any, path: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Every node of a document with its path, parents first."""
    yield path, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from walk(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, (*path, index))


def plain(node: Any) -> Any:
    """A copy of the node, made of dicts, lists, strings and numbers alone."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    for kind in (bool, int, float):
        if isinstance(node, kind):
            return kind(node)
    return None if node is None else str(node)


# Reading


def read(file: Path, name: str | None = None) -> Document:
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
    return Document(name, root, raw, node)


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
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DocumentError(f"{name}:{line}: is not YAML: {str(error).splitlines()[0]}") from None
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


# What the generator asks of a document before it looks at it


def load(file: Path, name: str | None = None) -> Document:
    """Read a document that code is to be generated from, and check it.

    Args:
        file: where it is.
        name: how messages call it; its path if not given.

    Raises:
        DocumentError: it cannot be read, or `check` refuses it.
    """
    document = read(file, name)
    check(document)
    return document


def check(document: Document) -> None:
    """Check that a document is OpenAPI 3.1 and that its references lead somewhere.

    Raises:
        DocumentError: it is not, or they do not.
    """
    version = str(document.root["openapi"])
    if not version.startswith("3.1."):
        raise document.error(("openapi",), f"OpenAPI {version} is not supported; write the document as 3.1.0")
    nodes = [(path, node) for path, node in walk(document.root) if not {"example", "examples"} & {*path}]
    for path, node in nodes:
        if len(path) > 2 and path[-1] == "responses" and path[-2] in METHODS:
            _check_statuses(document, path, node)
    for problem in problems(plain(document.root)):
        where = "/".join(map(str, problem.path)) or "the document"
        raise document.error(problem.path, f"is not valid OpenAPI 3.1 at {where}: {problem.text}")
    for path, node in nodes:
        if path[-1:] == ("$ref",) and isinstance(node, str):
            _check_reference(document, path, node)
        elif isinstance(node, float) and not math.isfinite(node):
            raise document.error(path, f"{node} is no number that JSON can hold")


def _kind_at(path: Pointer) -> str:
    """The section of `components` for what stands at this path."""
    before, last = (None, None, *path)[-3:-1], path[-1]
    if path[0] == "components" and len(path) == 3:
        return str(path[1])
    if path[0] == "paths" and len(path) == 2:
        return "pathItems"
    if "schema" not in path and path[:2] != ("components", "schemas"):
        if before[1] in ("parameters", "responses", "headers", "links", "callbacks"):
            return str(before[1])
        if last == "requestBody":
            return "requestBodies"
    return "schemas"


def _check_reference(document: Document, path: Pointer, reference: str) -> None:
    if not reference.startswith("#/"):
        raise document.error(path, f"$ref to another file is not supported: {reference}; bring it into this one")
    target = document.target(reference)
    if target is None:
        raise document.error(path, f"$ref to something that is not there: {reference}{_meant(document, reference)}")
    if any(isinstance(step, int) for step in target) or (target[:2] == ("components", "schemas") and len(target) != 3):
        raise document.error(path, f"$ref to something without a name: {reference}; give it one below components")
    kind = _kind_at(path[:-1])
    if target[:2] != ("components", kind):
        raise document.error(path, f"$ref to something else than one of components/{kind}: {reference}")
    seen = [reference]
    while isinstance(further := mapping(document.at(document.target(seen[-1]) or ())).get("$ref"), str):
        if further in seen:
            raise document.error(path, f"{reference} refers to itself")
        seen.append(further)


def _meant(document: Document, reference: str) -> str:
    section = tuple(reference.split("/")[1:3])
    close = get_close_matches(reference.rpartition("/")[2], list(mapping(document.at(section))), 1)
    return f"; did you mean {close[0]}, in line {document.line((*section, close[0]))}?" if close else ""


def _check_statuses(document: Document, path: Pointer, responses: Any) -> None:
    for key in mapping(responses):
        if not is_status(key):
            text = f"{key} is no status; write 100 to 599, 1XX to 5XX, or default"
            raise document.error((*path, key), text)
