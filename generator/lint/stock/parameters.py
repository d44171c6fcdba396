"""Parameters: names that the generated function uses, descriptions, headers and cookies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...document import Pointer, mapping, sequence
from ..context import LintContext, told
from ..parameters import is_time
from ..rules import STOCK, Finding

SHADOWED = STOCK.breaks(
    "parameter-shadows",
    "the generated function uses a variable of this name itself: it does not compile, fails or sends something else",
    "another name, if the API allows it",
    ours="query parameters are fields of a model, and requests are built by handwritten code",
)
DESCRIPTION = STOCK.drops(
    "parameter-description",
    "a parameter's own description is dropped: only that of its schema reaches the docstring",
    "the description in the schema too",
    ours="a parameter's description is taken before that of its schema",
)
NAMES_COLLIDE = STOCK.breaks(
    "parameter-names-collide",
    "two parameters get the same Python name; the operation is left out",
    "names that differ in letters or digits, each once for each place",
    ours="two of one name are refused with their line",
    says=r"Parameters MUST NOT contain duplicates|Parameters with same Python identifier",
)
HEADER_UNION = STOCK.breaks(
    "header-union",
    "a header of several types is handed to httpx unconverted, which refuses anything but text",
    "`type: string`",
    ours="header parameters are refused with their line",
)
COOKIE = STOCK.breaks(
    "cookie-value",
    "a cookie that is not text is handed to httpx unconverted, which refuses it",
    "`type: string`",
    ours="cookie parameters are refused with their line",
)


@STOCK.check
def parameters(context: LintContext) -> Iterator[Finding]:
    for made in context.stock.endpoint_modules:
        for part in made.shadowing:
            name = part.name.get_untrusted_value()
            what = (
                f"the parameter {name} of {told(made.path)} breaks the function, which uses {part.python_name} itself"
            )
            yield SHADOWED.found(context, _parameter(context, made.path, name), what)


def _parameter(context: LintContext, path: Pointer, name: str) -> Pointer:
    for operation in context.operations:
        if operation.path == path:
            for parameter in context.parameters(operation):
                if parameter.name == name:
                    return parameter.path
    return path


@STOCK.check
def written(context: LintContext) -> Iterator[Finding]:
    for parameter in context.written_parameters():
        body, path = parameter.body, parameter.path
        schema = mapping(body.get("schema"))
        # With a reference, the description of what it refers to is all there is.
        same = schema.get("description") == body.get("description") and "$ref" not in schema
        if body.get("description") and "schema" in body and not same:
            yield DESCRIPTION.found(context, (*path, "description"), f"the description of the {parameter.told}")


@STOCK.check
def values(context: LintContext) -> Iterator[Finding]:
    for parameter in context.written_parameters():
        schema = parameter.body.get("schema")
        if schema is None:
            continue
        where: Pointer = (*parameter.path, "schema")
        types = context.types(schema) - {"null"}
        match parameter.place:
            case "header" if _is_union(context, schema) and types <= {"string", "integer", "number", "boolean"}:
                yield HEADER_UNION.found(context, where, f"the values of the {parameter.told}")
            case "cookie" if (types and types != {"string"}) or is_time(context, schema) or _is_union(context, schema):
                yield COOKIE.found(context, where, f"the values of the {parameter.told}")


def _is_union(context: LintContext, schema: Any) -> bool:
    body = context.document.resolve(schema)
    if "enum" in body and None not in sequence(body["enum"]):
        return False
    return (
        isinstance(body.get("type"), list)
        or body.get("nullable") is True
        or len([*sequence(body.get("oneOf")), *sequence(body.get("anyOf"))]) > 1
        or None in sequence(body.get("enum"))
    )
