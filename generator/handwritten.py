"""What document and handwritten code both say: where the service is, which header carries the key, what has which name.

Nothing is generated from it, because a client needs it before anything else. It is compared instead.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .document import Document, Pointer, mapping, sequence
from .fhir import SDK


def facts(document: Document) -> Iterator[tuple[Pointer, str, str]]:
    """The place, the constant in ``clinik_client`` that repeats it, and what the document says."""
    for index, server in enumerate(sequence(document.root.get("servers"))):
        yield ("servers", index, "url"), "BASE_URL", str(mapping(server).get("url"))
    schemes = mapping(mapping(document.root.get("components")).get("securitySchemes"))
    for name in schemes:
        path: Pointer = ("components", "securitySchemes", name)
        scheme = document.resolve(schemes[name])
        if (scheme.get("type"), scheme.get("in")) != ("apiKey", "header"):
            yield (*path, "in" if scheme.get("type") == "apiKey" else "type"), "KEY_HEADER", "no key in a header"
        else:
            yield (*path, "name"), "KEY_HEADER", str(scheme.get("name")).lower()


def constants(sdk: Path = SDK) -> dict[str, tuple[str, str]]:
    """The module and the value of each constant that `facts` names. Read from the source, as the forms are."""
    found: dict[str, tuple[str, str]] = {}
    for file in (sdk / "_client.py", sdk / "_operation.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            match node:
                case ast.AnnAssign(
                    target=ast.Name(id="BASE_URL" | "KEY_HEADER" as name), value=ast.Constant(value=str(value))
                ):
                    found[name] = (f"{sdk.name}/{file.name}", value)
    return found


def public_names(sdk: Path = SDK) -> frozenset[str]:
    """What the package has for its users and is written by hand, as its ``__init__`` lists it for type checkers."""
    tree = ast.parse((sdk / "__init__.py").read_text(encoding="utf-8"))
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level)
    return frozenset(alias.asname for node in imports for alias in node.names if alias.asname == alias.name)
