"""Responses: media types and schemas that are not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .bodies import BINARY_IN_JSON, holds_binary
from .context import LintContext, Media
from .rules import LOSSES, Finding

MEDIA_TYPE = LOSSES.breaks(
    "response-media-type",
    "a response is left out that has none of the media types that the generator reads: JSON, text/*, "
    "application/octet-stream",
    "`application/json` with a schema; `application/octet-stream` with `format: binary` for files",
    ours="errors are read by handwritten code, whatever the document says of them",
    says=r"Unsupported content_type",
)
REFERENCE = LOSSES.breaks(
    "response-reference",
    "a response is left out whose $ref is not to one written in components/responses",
    "`$ref: '#/components/responses/Name'`, where Name is not a reference itself",
    ours="errors are read by handwritten code, whatever the document says of them",
    says=r"not allowed in responses|Could not find reference:|Top-level \$ref inside components/responses",
)
SEVERAL_RESPONSES = LOSSES.drops(
    "response-several-types",
    "of the media types of a response only the first that the generator can read is read",
    "one media type",
    ours="errors are read as JSON where they are JSON; a successful response must have JSON alone",
)
WITHOUT_SCHEMA = LOSSES.drops(
    "response-without-schema",
    "a response with content but without a schema is not read: its value is None",
    "`schema:` in the media type",
    ours="errors have one form, read by handwritten code; a successful response without a schema is refused",
)
UNTYPED = LOSSES.drops(
    "response-untyped",
    "where no response of an operation has a type, no response is read, not even JSON: the function always gives None",
    "a schema with a type for the successful response",
)
MISREAD = LOSSES.breaks(
    "response-misread",
    "text that is no JSON is handed over as if it were the schema's type, or reading it fails",
    "`type: string` for text/*, `format: binary` for application/octet-stream, JSON for the rest",
)


@LOSSES.check
def responses(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        readable = False
        with_schema: list[Media] = []
        for status, path, _, media in context.responses(operation):
            with_schema += [one for one in media if "schema" in one.body]
            is_error = not status.startswith("2") and status != "default"
            told = f"the response {status} of {operation.name}"
            read = next((one for one in media if _is_read(one)), None)
            if read is None:
                continue
            if len(media) > 1:
                others = ", ".join(one.type for one in media if one is not read)
                where = (*path, "content")
                yield SEVERAL_RESPONSES.found(context, where, f"{others} in {told}", compensated=is_error)
            if "schema" not in read.body:
                yield WITHOUT_SCHEMA.found(context, read.path, f"the value of {told}", compensated=is_error)
                continue
            where = (*read.path, "schema")
            if read.is_json and holds_binary(context, read.body["schema"]):
                yield BINARY_IN_JSON.found(context, where, f"the binary in {told}")
            readable = readable or _is_typed(context, read.body["schema"])
            if _is_misread(context, read):
                yield MISREAD.found(context, where, f"{told}, read as {read.plain}")
        if with_schema and not readable:
            where = (*with_schema[0].path, "schema")
            yield UNTYPED.found(context, where, f"the value of every response of {operation.name}")


def _is_read(media: Media) -> bool:
    return media.is_json or media.plain == "application/octet-stream" or media.plain.startswith("text/")


def _is_typed(context: LintContext, schema: Any) -> bool:
    body = context.document.resolve(schema)
    return bool(context.types(schema) or any(body.get(key) for key in ("allOf", "anyOf", "oneOf", "enum", "const")))


def _is_misread(context: LintContext, media: Media) -> bool:
    types = context.types(media.body["schema"])
    binary = context.document.resolve(media.body["schema"]).get("format") == "binary"
    if media.is_json:
        return False
    if media.plain == "application/octet-stream":
        return bool(types) and not binary
    return bool(types - {"string"}) or binary
