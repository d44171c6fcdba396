"""Parameters: those that cost their operation, and how the others are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import MISSING, Pointer, mapping, sequence
from .context import LintContext, Parameter
from .rules import LOSSES, Finding

TYPE = LOSSES.breaks(
    "parameter-type",
    "a type that cannot stand at this place of a request (a date, time, list, object, constant or file in a "
    "header; None in a path; an optional path parameter) costs the whole operation",
    "`type: string` with a description of the form; `required: true` in a path",
    says=r"is not allowed in|Path parameter must be required",
)
TEMPLATING = LOSSES.breaks(
    "path-parameters",
    "the operation is left out because the names in braces are not those of its path parameters; only "
    "letters, digits, - and _ count",
    "one parameter with `in: path` for each name in braces, and names of letters, digits, - and _ alone",
    says=r"Incorrect path templating",
)
REFERENCE = LOSSES.breaks(
    "parameter-reference",
    "a named parameter without `schema` (with `content`), or one that is a $ref itself, is left out, and so "
    "is every operation that uses it",
    "a named parameter with `schema`, referred to directly",
    says=r"Parameter has no schema|Reference parameters are not supported|Reference `.*` not found",
)
CONTENT = LOSSES.breaks(
    "parameter-content",
    "a parameter with `content` instead of `schema` is dropped",
    "`schema: {type: string}` and a description of the form",
)
STYLE = LOSSES.breaks(
    "parameter-style",
    "every parameter is sent in the default style of its place: lists as repeated names, objects as one name for each "
    "property",
    "`style: form` with `explode: true` in a query; otherwise no `style`, `type: string` and a description of the form",
)
FLAGS = LOSSES.drops(
    "parameter-flags",
    "`allowReserved` and `allowEmptyValue` are dropped: everything is percent-encoded",
    "a description of what may be sent",
)
NESTED = LOSSES.breaks(
    "query-nested",
    "an object inside a list, an object or a union is sent as the text of a Python dict",
    "`type: string` with a description of the form, or flat parameters",
)
PATH_TEXT = LOSSES.breaks(
    "path-value",
    "a boolean, a date-time, a list or an object in a path is sent as Python prints it",
    "`type: string` with a description of the form",
)


@LOSSES.check
def written(context: LintContext) -> Iterator[Finding]:
    for parameter in context.written_parameters():
        body, path = parameter.body, parameter.path
        if "schema" not in body and "content" in body and path[0] == "paths":
            yield CONTENT.found(context, (*path, "content"), f"the whole {parameter.told}")
        for key in ("allowReserved", "allowEmptyValue"):
            if body.get(key) is True:
                yield FLAGS.found(context, (*path, key), f"{key} of the {parameter.told}")
        yield from _style(context, parameter)


def _style(context: LintContext, parameter: Parameter) -> Iterator[Finding]:
    body, types = parameter.body, context.types(parameter.body.get("schema"))
    usual = "form" if parameter.place in ("query", "cookie") else "simple"
    style = body.get("style", usual)
    if style != usual:
        where = (*parameter.path, "style")
        yield STYLE.found(context, where, f"the style {style} of the {parameter.told}, sent as {usual}")
    elif body.get("explode", usual == "form") is not (usual == "form") and types & {"array", "object"}:
        where = (*parameter.path, "explode")
        yield STYLE.found(context, where, f"explode: {str(body['explode']).lower()} of the {parameter.told}")


@LOSSES.check
def values(context: LintContext) -> Iterator[Finding]:
    for parameter in context.written_parameters():
        schema = parameter.body.get("schema")
        if schema is None:
            continue
        where: Pointer = (*parameter.path, "schema")
        types = context.types(schema) - {"null"}
        match parameter.place:
            case "query" if _holds_objects(context, schema):
                yield NESTED.found(context, where, f"the objects inside the {parameter.told}")
            case "path" if types & {"boolean", "array", "object"} or is_time(context, schema):
                kind = " or ".join(sorted(types & {"boolean", "array", "object"})) or "date-time"
                yield PATH_TEXT.found(context, where, f"the {kind} in the {parameter.told}")


def is_time(context: LintContext, schema: Any) -> bool:
    """Whether a schema is a date with a time."""
    return bool(context.document.resolve(schema).get("format") == "date-time")


def _holds_objects(context: LintContext, schema: Any, inside: bool = False, depth: int = 0) -> bool:
    body = context.document.resolve(schema)
    if depth > 10:
        return False
    is_object = body.get("type") == "object" or "properties" in body
    if is_object and inside:
        return True
    children: list[Any] = [part for key in ("oneOf", "anyOf") for part in sequence(body.get(key))]
    if isinstance(body.get("type"), list) and "object" in body["type"]:
        return True
    children += [body.get("items", MISSING)]
    if is_object:
        children += [body.get("additionalProperties"), *mapping(body.get("properties")).values()]
    return any(_holds_objects(context, child, True, depth + 1) for child in children if isinstance(child, dict))
