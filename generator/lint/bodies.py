"""Request bodies: their encoding, and binary in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import mapping
from .context import LintContext
from .keywords import parts_of
from .rules import LOSSES, Finding

ENCODING = LOSSES.drops(
    "encoding-ignored",
    "`encoding` is dropped: content types, headers and styles of single parts",
    "the parts in their default encoding",
)
BINARY_IN_JSON = LOSSES.breaks(
    "binary-in-json",
    "`format: binary` inside JSON is handed to json as a file object, or read from text as if it were bytes: TypeError",
    "`type: string` with a description of its encoding",
)


@LOSSES.check
def bodies(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        for one in context.bodies(operation):
            if one.is_json and holds_binary(context, one.body.get("schema")):
                where = (*one.path, "schema")
                yield BINARY_IN_JSON.found(context, where, f"the binary in the body of {operation.name}")
            if mapping(one.body.get("encoding")):
                yield ENCODING.found(context, (*one.path, "encoding"), f"the encoding of the body of {operation.name}")


def holds_binary(context: LintContext, schema: Any) -> bool:
    """Whether `format: binary` is in a schema, or in one that it refers to."""
    seen: set[int] = set()
    stack = [schema]
    while stack:
        body = context.document.resolve(stack.pop())
        if id(body) in seen:
            continue
        seen.add(id(body))
        if body.get("format") == "binary":
            return True
        stack += [body.get("items"), body.get("additionalProperties"), *mapping(body.get("properties")).values()]
        stack += [part for _, part in parts_of(body)]
    return False
