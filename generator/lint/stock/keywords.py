"""Keys of operations, parameters, responses and schemas that nobody knows: most likely they are misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...document import Pointer, mapping
from ...form import known_keys, meant
from ..context import LintContext, told
from ..rules import STOCK, Finding

UNKNOWN = STOCK.drops(
    "key-unknown",
    "OpenAPI knows no such key at this place, and what it says is passed over",
    "the key as OpenAPI spells it, or one that begins with `x-`",
    ours="refused with its line",
)


@STOCK.check
def keys(context: LintContext) -> Iterator[Finding]:
    for kind, path, found in _places(context):
        known, body = known_keys(kind), mapping(found)
        for key in map(str, body) if "$ref" not in body or kind == "schema" else ():
            if key not in known and not key.startswith("x-"):
                what = f"{key} of {told(path)}{meant(key, known)}"
                yield UNKNOWN.found(context, (*path, key), what)


def _places(context: LintContext) -> Iterator[tuple[str, Pointer, Any]]:
    for schema in context.schemas:
        yield "schema", schema.path, schema.body
    for parameter in context.written_parameters():
        yield "parameter", parameter.path, parameter.body
    for operation in context.operations:
        yield "operation", operation.path, operation.body
        for _, path, _, media in context.responses(operation):
            yield "response", path, context.document.at(path)
            yield from (("media-type", one.path, one.body) for one in media)
        yield from (("media-type", one.path, one.body) for one in context.bodies(operation))
