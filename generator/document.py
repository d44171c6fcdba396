"""The OpenAPI document: loaded, followed along its references, and pointed at by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen
from jsonschema.exceptions import ValidationError, best_match
from openapi_spec_validator import OpenAPIV31SpecValidator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Path_ = tuple[str | int, ...]


class DocumentError(Exception):
    """The document cannot be used; the text says where and why."""


@frozen
class Document:
    """A document that was read from a file."""

    file: str
    """The file's name as people know it, for messages."""
    root: CommentedMap = field(repr=False)

    def line(self, path: Path_) -> int:
        """The line (from 1) where the value at this path is written; that of its nearest parent if need be."""
        node: Any = self.root
        line = 0
        for step in path:
            try:
                if isinstance(node, CommentedMap):
                    line = node.lc.key(step)[0]
                elif isinstance(node, CommentedSeq):
                    line = node.lc.item(step)[0]
                node = node[step]
            except (KeyError, IndexError, TypeError, AttributeError):
                break
        return line + 1

    def error(self, path: Path_, text: str) -> DocumentError:
        """An error that names the file and the line of this path."""
        return DocumentError(f"{self.file}:{self.line(path)}: {text}")

    def schemas(self) -> dict[str, Any]:
        """The named schemas."""
        return dict(self.root.get("components", {}).get("schemas", {}))

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
        """Path, method, operation and path item of each operation, in the document's order."""
        for path, item in self.root.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method], item

    def resolve(self, node: Any) -> Any:
        """The node that this one refers to, or itself."""
        seen = set()
        while isinstance(node, Mapping) and "$ref" in node:
            reference = node["$ref"]
            if reference in seen:
                raise DocumentError(f"{self.file}: {reference} refers to itself")
            seen.add(reference)
            node = self._follow(reference)
        return node

    def _follow(self, reference: str) -> Any:
        node: Any = self.root
        for step in reference.removeprefix("#/").split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
        return node


def walk(node: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every node of a document with its path, parents first."""
    yield path, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from walk(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, (*path, index))


def load(file: Path, name: str | None = None) -> Document:
    """Read a document and check that it is one.

    Args:
        file: where it is.
        name: how messages call it; its path if not given.

    Raises:
        DocumentError: it is not there, not YAML, not OpenAPI 3.1, or refers to something that is not there.
    """
    name = name or file.as_posix()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name}: is not UTF-8 text (byte {error.start})") from None
    try:
        root = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise DocumentError(f"{name}:{line}: is not YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        raise DocumentError(f"{name}:1: is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(root, CommentedMap) or not isinstance(root.get("openapi"), str):
        raise DocumentError(f"{name}:1: is not an OpenAPI document: it has no `openapi: 3.1.0` at its top")
    document = Document(name, root)
    check(document)
    return document


def check(document: Document) -> None:
    """Check that a document is OpenAPI 3.1 and that its references lead somewhere.

    Raises:
        DocumentError: it is not, or they do not.
    """
    version = document.root["openapi"]
    if not version.startswith("3.1."):
        raise document.error(("openapi",), f"OpenAPI {version} is not supported; write the document as 3.1")
    _check_references(document)
    _check_form(document)


def _check_references(document: Document) -> None:
    for path, node in walk(document.root):
        if path and path[-1] == "$ref" and isinstance(node, str):
            if not node.startswith("#/"):
                raise document.error(path, f"$ref to another file is not supported: {node}; bring it into this one")
            try:
                document._follow(node)
            except (KeyError, IndexError, TypeError):
                raise document.error(path, f"$ref to something that is not there: {node}") from None


def _check_form(document: Document) -> None:
    error = best_match(OpenAPIV31SpecValidator(plain(document.root)).iter_errors())
    if error is not None:
        path: Path_ = tuple(error.absolute_path) if isinstance(error, ValidationError) else ()
        where = "/".join(map(str, path)) or "the document"
        raise document.error(path, f"is not valid OpenAPI 3.1 at {where}: {error.message[:300]}")


def plain(node: Any) -> Any:
    """The node as ordinary dicts, lists, strings and numbers."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, str):
        return str(node)
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return str(node)
