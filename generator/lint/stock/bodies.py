"""Request bodies: all that are not JSON alone, have no schema, or stand elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...document import mapping
from ..context import LintContext, Media
from ..rules import STOCK, Finding

JSON_ALONE = "a body that is not JSON is refused with its line"

REFERENCE = STOCK.breaks(
    "body-reference",
    "the operation is left out because its request body is a $ref that leads nowhere in components/requestBodies",
    "`$ref: '#/components/requestBodies/Name'`",
    ours="such a reference is refused with its line",
    says=r"\$ref in request body|in request body$",
)
MEDIA_TYPE = STOCK.breaks(
    "body-media-type",
    "a request body is left out whose media type the generator cannot send; if there is no other, so is the operation",
    "JSON, `application/x-www-form-urlencoded`, `multipart/form-data` or `application/octet-stream`",
    ours=JSON_ALONE,
    says=r"Unsupported content type|Invalid content type",
)
WITHOUT_SCHEMA = STOCK.breaks(
    "body-without-schema",
    "a request body without schema is left out; if there is no other, so is the operation",
    "`schema:` in the media type; `schema: {}` if it may be anything",
    ours="a body that is not an object with properties is refused with its line",
    says=r"Missing schema",
)
SEVERAL_BODIES = STOCK.breaks(
    "body-several-types",
    "for a body in several media types the module may fail to be imported (it uses a name that only an optional "
    "parameter imports); if not, the body is never required, types with the same class are all sent at once, and "
    "lists raise TypeError",
    "one media type",
    ours="several types of JSON with one schema are tried in their order; others are refused",
)
FORM = STOCK.breaks(
    "form-value",
    "a form body that is no object raises AttributeError, and objects inside it are sent as the text of a Python dict",
    "an object with plain properties",
    ours=JSON_ALONE,
)
MULTIPART = STOCK.breaks(
    "multipart-not-object",
    "a multipart body that is no object of its own (a union, a list, free-form) is never sent",
    "an object with a property for each part",
    ours=JSON_ALONE,
)
BINARY = STOCK.breaks(
    "octets-not-binary",
    "a body of application/octet-stream must be `format: binary`; with anything else the function raises "
    "AttributeError",
    "`schema: {type: string, format: binary}`",
    ours=JSON_ALONE,
)

FORM_TYPE, MULTIPART_TYPE = "application/x-www-form-urlencoded", "multipart/form-data"
OCTETS = "application/octet-stream"


@STOCK.check
def bodies(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        sent = [one for one in context.bodies(operation) if "schema" in one.body]
        sent = [one for one in sent if one.is_json or one.plain in (FORM_TYPE, MULTIPART_TYPE, OCTETS)]
        if len(sent) > 1:
            types = ", ".join(one.type for one in sent)
            where = (*operation.path, "requestBody")
            yield SEVERAL_BODIES.found(context, where, f"how to send {operation.name}, in {types}")
        for one in sent:
            yield from _body(context, operation.name, one)


def _body(context: LintContext, name: str, one: Media) -> Iterator[Finding]:
    schema, where = one.body["schema"], (*one.path, "schema")
    if one.plain == MULTIPART_TYPE and not _is_object(context, schema):
        yield MULTIPART.found(context, where, f"the body of {name}, which is no object")
    elif one.plain == FORM_TYPE and not _is_object(context, schema):
        yield FORM.found(context, where, f"the body of {name}, which is no object")
    elif one.plain == FORM_TYPE:
        for key, child in mapping(context.document.resolve(schema).get("properties")).items():
            items = context.document.resolve(child).get("items")
            if _is_object(context, child) or _is_object(context, items):
                yield FORM.found(context, where, f"the object {key} in the form of {name}")
    elif one.plain == OCTETS and context.document.resolve(schema).get("format") != "binary":
        yield BINARY.found(context, where, f"the body of {name}, which is not binary")


def _is_object(context: LintContext, schema: Any) -> bool:
    """Whether the generator makes one class of a schema."""
    body = context.document.resolve(schema)
    if isinstance(body.get("type"), list) or body.get("nullable") is True:
        return False
    if body.get("oneOf") or body.get("anyOf"):
        return False
    return body.get("type") == "object" or "properties" in body or bool(body.get("allOf"))
