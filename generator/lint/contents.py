"""Silent losses in request bodies and responses."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from .rules import Finding, breaks, check, drops
from .source import mapping, sequence
from .subject import Media, Operation, Subject

SEVERAL_BODIES = breaks(
    "body-several-types",
    "for a body in several media types the module may fail to be imported (it uses a name that only an optional "
    "parameter imports); if not, the body is never required, types with the same class are all sent at once, and "
    "lists raise TypeError",
    "one media type",
)
FORM = breaks(
    "form-value",
    "a form body that is no object raises AttributeError, and objects inside it are sent as the text of a Python dict",
    "an object with plain properties",
)
MULTIPART = breaks(
    "multipart-not-object",
    "a multipart body that is no object of its own (a union, a list, free-form) is never sent",
    "an object with a property for each part",
)
ENCODING = drops(
    "encoding-ignored",
    "`encoding` is dropped: content types, headers and styles of single parts",
    "the parts in their default encoding",
)
BINARY = breaks(
    "octets-not-binary",
    "a body of application/octet-stream must be `format: binary`; with anything else the function raises "
    "AttributeError",
    "`schema: {type: string, format: binary}`",
)
SEVERAL_RESPONSES = drops(
    "response-several-types",
    "of the media types of a response only the first that the generator can read is read",
    "one media type",
    ours="errors are read as JSON where they are JSON; a successful response must have JSON alone",
)
WITHOUT_SCHEMA = drops(
    "response-without-schema",
    "a response with content but without a schema is not read: its value is None",
    "`schema:` in the media type",
    ours="errors have one form, read by handwritten code; a successful response without a schema is refused",
)
UNTYPED = drops(
    "response-untyped",
    "where no response of an operation has a type, no response is read, not even JSON: the function always gives None",
    "a schema with a type for the successful response",
)
MISREAD = breaks(
    "response-misread",
    "text that is no JSON is handed over as if it were the schema's type, or reading it fails",
    "`type: string` for text/*, `format: binary` for application/octet-stream, JSON for the rest",
)
BINARY_IN_JSON = breaks(
    "binary-in-json",
    "`format: binary` inside JSON is handed to json as a file object, or read from text as if it were bytes: TypeError",
    "`type: string` with a description of its encoding",
)
STATUS = breaks(
    "status-unknown",
    "for a status that Python's HTTPStatus does not know, reading the response raises ValueError",
    "a registered status",
    ours="any status is read",
)
HEADERS = drops(
    "response-headers",
    "the headers of responses are dropped: they have no type and no name in the generated code",
    "nothing else: they are in `.headers` as text",
    ours="request ids, limits and quotas are read by handwritten code into `meta`",
)

FORM_TYPE, MULTIPART_TYPE, OCTETS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/octet-stream",
)


def _plain(type_: str) -> str:
    return type_.partition(";")[0].strip().lower()


def _is_json(type_: str) -> bool:
    return _plain(type_) == "application/json" or _plain(type_).endswith("+json")


def _is_sent(media: Media) -> bool:
    type_ = _plain(media.type)
    return "schema" in media.body and (_is_json(type_) or type_ in (FORM_TYPE, MULTIPART_TYPE, OCTETS))


def _is_read(type_: str) -> bool:
    return _is_json(type_) or _plain(type_) == OCTETS or _plain(type_).startswith("text/")


def _is_object(subject: Subject, schema: Any) -> bool:
    """Whether the generator makes one class of a schema."""
    body = subject.source.resolve(schema)
    if isinstance(body.get("type"), list) or body.get("nullable") is True:
        return False
    if body.get("oneOf") or body.get("anyOf"):
        return False
    return body.get("type") == "object" or "properties" in body or bool(body.get("allOf"))


@check
def bodies(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations:
        media = [one for one in subject.bodies(operation) if _is_sent(one)]
        if len(media) > 1:
            types = ", ".join(one.type for one in media)
            where = (*operation.path, "requestBody")
            yield subject.found(SEVERAL_BODIES, where, f"how to send {operation.name}, in {types}")
        for one in media:
            yield from _body(subject, operation, one)
        for one in subject.bodies(operation):
            if mapping(one.body.get("encoding")):
                yield subject.found(ENCODING, (*one.path, "encoding"), f"the encoding of the body of {operation.name}")


def _body(subject: Subject, operation: Operation, one: Media) -> Iterator[Finding]:
    type_, schema, where = _plain(one.type), one.body.get("schema"), (*one.path, "schema")
    if _is_json(type_) and _holds_binary(subject, schema, set()):
        yield subject.found(BINARY_IN_JSON, where, f"the binary in the body of {operation.name}")
    if type_ == MULTIPART_TYPE and not _is_object(subject, schema):
        yield subject.found(MULTIPART, where, f"the body of {operation.name}, which is no object")
    elif type_ == FORM_TYPE and not _is_object(subject, schema):
        yield subject.found(FORM, where, f"the body of {operation.name}, which is no object")
    elif type_ == FORM_TYPE:
        for name, child in mapping(subject.source.resolve(schema).get("properties")).items():
            items = subject.source.resolve(child).get("items")
            if _is_object(subject, child) or _is_object(subject, items):
                yield subject.found(FORM, where, f"the object {name} in the form of {operation.name}")
    elif type_ == OCTETS and subject.source.resolve(schema).get("format") != "binary":
        yield subject.found(BINARY, where, f"the body of {operation.name}, which is not binary")


@check
def responses(subject: Subject) -> Iterator[Finding]:
    headers = []
    for operation in subject.operations:
        readable = False
        for status, path, response, media in subject.responses(operation):
            success = status.startswith("2") or status == "default"
            if mapping(response.get("headers")):
                headers.append((path, operation))
            if status.isdecimal() and int(status) not in set(HTTPStatus):
                yield subject.found(STATUS, path, f"every response {status} of {operation.name}")
            read = next((one for one in media if _is_read(one.type)), None)
            if read is None:
                continue
            if len(media) > 1:
                others = ", ".join(one.type for one in media if one is not read)
                where = (*path, "content")
                what = f"{others} in the response {status} of {operation.name}"
                yield subject.found(SEVERAL_RESPONSES, where, what, compensated=not success)
            if "schema" not in read.body:
                what = f"the value of the response {status} of {operation.name}"
                yield subject.found(WITHOUT_SCHEMA, read.path, what, compensated=not success)
                continue
            if _is_json(read.type) and _holds_binary(subject, read.body["schema"], set()):
                where = (*read.path, "schema")
                what = f"the binary in the response {status} of {operation.name}"
                yield subject.found(BINARY_IN_JSON, where, what, compensated=not success)
            readable = readable or _is_typed(subject, read.body["schema"])
            if _is_misread(subject, read):
                where = (*read.path, "schema")
                what = f"the response {status} of {operation.name}, read as {_plain(read.type)}"
                yield subject.found(MISREAD, where, what, compensated=not success)
        untyped = [one for _, _, _, many in subject.responses(operation) for one in many if "schema" in one.body]
        if untyped and not readable:
            yield subject.found(
                UNTYPED, (*untyped[0].path, "schema"), f"the value of every response of {operation.name}"
            )
    if headers:
        more = f", and {len(headers) - 1} more" if len(headers) > 1 else ""
        path, operation = headers[0]
        yield subject.found(
            HEADERS, (*path, "headers"), f"the headers of response {path[-1]} of {operation.name}{more}"
        )


def _is_typed(subject: Subject, schema: Any) -> bool:
    body = subject.source.resolve(schema)
    return bool(subject.types(schema) or any(body.get(key) for key in ("allOf", "anyOf", "oneOf", "enum", "const")))


def _holds_binary(subject: Subject, schema: Any, seen: set[int]) -> bool:
    body = subject.source.resolve(schema)
    if not body or id(body) in seen:
        return False
    seen.add(id(body))
    children = [body.get("items"), body.get("additionalProperties"), *mapping(body.get("properties")).values()]
    children += [part for key in ("allOf", "anyOf", "oneOf") for part in sequence(body.get(key))]
    return body.get("format") == "binary" or any(_holds_binary(subject, child, seen) for child in children)


def _is_misread(subject: Subject, media: Media) -> bool:
    body, types = subject.source.resolve(media.body["schema"]), subject.types(media.body["schema"])
    binary = body.get("format") == "binary"
    if _is_json(media.type):
        return False
    if _plain(media.type) == OCTETS:
        return bool(types) and not binary
    return bool(types - {"string"}) or binary
