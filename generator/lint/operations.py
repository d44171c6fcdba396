"""Silent losses around operations: sections that are passed over, security, and how parameters are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import Path_
from .rules import Finding, breaks, check, drops
from .source import MISSING, mapping, sequence
from .subject import Parameter, Subject

SECTION = drops(
    "section-ignored",
    "`webhooks`, `callbacks` and `links` are dropped",
    "an operation for each request that a program makes; the rest in descriptions",
)
PATH_REFERENCE = breaks(
    "path-reference",
    "a path that is a $ref has no operations",
    "the operations under the path itself",
)
SERVERS = drops(
    "servers-ignored",
    "no server's URL is in the generated code, and those of single paths and operations do not count",
    "one server for the document, and its URL in the program",
    ours="the client has its base URL by default, and takes another; one for a single path or operation is not known",
)
TAGS = drops(
    "tags-dropped",
    "only the first tag of an operation makes a module; with the others it is not found",
    "one tag for each operation",
)
SECURITY = drops(
    "security-inherited",
    "`security` of the whole document is not read: its operations accept a client without a key",
    "`security:` on each operation",
    ours="every client has a key, and every request carries it",
)
OPTIONAL_SECURITY = drops(
    "security-optional",
    "an operation that may be called without a key insists on a client with one",
    "`security: []` if no key is needed",
)
SCHEME = drops(
    "security-scheme",
    "the only scheme that is generated is `Authorization: Bearer`; another header, a query parameter, a cookie, basic "
    "or the flows of OAuth are left to the program",
    "`type: http, scheme: bearer`, where the API takes it",
    ours="the client sends the key in the header that the API asks for",
)
DESCRIPTION = drops(
    "parameter-description",
    "a parameter's own description is dropped: only that of its schema reaches the docstring",
    "the description in the schema too",
    ours="a parameter's description is taken before that of its schema",
)
CONTENT = breaks(
    "parameter-content",
    "a parameter with `content` instead of `schema` is dropped",
    "`schema: {type: string}` and a description of the form",
)
STYLE = breaks(
    "parameter-style",
    "every parameter is sent in the default style of its place: lists as repeated names, objects as one name for each "
    "property",
    "`style: form` with `explode: true` in a query; otherwise `type: string` and a description of the form",
)
FLAGS = drops(
    "parameter-flags",
    "`allowReserved` and `allowEmptyValue` are dropped: everything is percent-encoded",
    "a description of what may be sent",
)
NESTED = breaks(
    "query-nested",
    "an object inside a list, an object or a union is sent as the text of a Python dict",
    "`type: string` with a description of the form, or flat parameters",
)
PATH_TEXT = breaks(
    "path-value",
    "a boolean, a date-time, a list or an object in a path is sent as Python prints it",
    "`type: string` with a description of the form",
)
HEADER_UNION = breaks(
    "header-union",
    "a header of several types is handed to httpx unconverted, which refuses anything but text",
    "`type: string`",
)
COOKIE = breaks(
    "cookie-value",
    "a cookie that is not text is handed to httpx unconverted, which refuses it",
    "`type: string`",
)


@check
def sections(subject: Subject) -> Iterator[Finding]:
    root = subject.source.root
    if mapping(root.get("webhooks")):
        yield subject.found(SECTION, ("webhooks",), f"{len(root['webhooks'])} webhooks")
    for operation in subject.operations:
        if mapping(operation.body.get("callbacks")):
            yield subject.found(SECTION, (*operation.path, "callbacks"), f"the callbacks of {operation.name}")
        for status, path, response, _ in subject.responses(operation):
            if mapping(response.get("links")):
                where = (*path, "links")
                yield subject.found(SECTION, where, f"the links of the response {status} of {operation.name}")
    for url, item in mapping(root.get("paths")).items():
        if "$ref" in mapping(item):
            yield subject.found(PATH_REFERENCE, ("paths", url, "$ref"), f"the operations of {url}")


@check
def servers(subject: Subject) -> Iterator[Finding]:
    root = subject.source.root
    if sequence(root.get("servers")):
        yield subject.found(SERVERS, ("servers",), "the URLs of the servers")
    for url, item in mapping(root.get("paths")).items():
        if sequence(mapping(item).get("servers")):
            yield subject.found(SERVERS, ("paths", url, "servers"), f"the servers of {url}", compensated=False)
    for operation in subject.operations:
        if sequence(operation.body.get("servers")):
            path = (*operation.path, "servers")
            yield subject.found(SERVERS, path, f"the servers of {operation.name}", compensated=False)


@check
def tags(subject: Subject) -> Iterator[Finding]:
    for operation in subject.operations:
        others = sequence(operation.body.get("tags"))[1:]
        if others:
            where = (*operation.path, "tags", 1)
            yield subject.found(TAGS, where, f"{operation.name} under {', '.join(map(str, others))}")


@check
def security(subject: Subject) -> Iterator[Finding]:
    root = subject.source.root
    if sequence(root.get("security")):
        without = [operation for operation in subject.operations if "security" not in operation.body]
        if without:
            more = f", and {len(without) - 1} more" if len(without) > 1 else ""
            yield subject.found(SECURITY, ("security",), f"that {without[0].name}{more} needs a key")
    for operation in subject.operations:
        asked = sequence(operation.body.get("security"))
        if {} in asked:
            path = (*operation.path, "security")
            yield subject.found(OPTIONAL_SECURITY, path, f"that {operation.name} needs no key")
    for name, raw in mapping(mapping(root.get("components")).get("securitySchemes")).items():
        scheme = subject.source.resolve(raw)
        kind, detail = str(scheme.get("type")), str(scheme.get("scheme") or scheme.get("name") or "").lower()
        if kind != "http" or detail != "bearer":
            path = ("components", "securitySchemes", name)
            yield subject.found(SCHEME, path, f"the scheme {name}, {' '.join(filter(None, (kind, detail)))}")


@check
def written(subject: Subject) -> Iterator[Finding]:
    for parameter in subject.written_parameters():
        body, path = parameter.body, parameter.path
        schema = mapping(body.get("schema"))
        # With a reference, the description of what it refers to is all there is.
        same = schema.get("description") == body.get("description") and "$ref" not in schema
        if body.get("description") and "schema" in body and not same:
            yield subject.found(DESCRIPTION, (*path, "description"), f"the description of the {parameter.told}")
        if "schema" not in body and "content" in body and path[0] == "paths":
            yield subject.found(CONTENT, (*path, "content"), f"the whole {parameter.told}")
        for key in ("allowReserved", "allowEmptyValue"):
            if body.get(key) is True:
                yield subject.found(FLAGS, (*path, key), f"{key} of the {parameter.told}")
        yield from _style(subject, parameter)


def _style(subject: Subject, parameter: Parameter) -> Iterator[Finding]:
    body, types = parameter.body, subject.types(parameter.body.get("schema"))
    usual = "form" if parameter.place in ("query", "cookie") else "simple"
    style = body.get("style", usual)
    if style != usual:
        where = (*parameter.path, "style")
        yield subject.found(STYLE, where, f"the style {style} of the {parameter.told}, sent as {usual}")
    elif body.get("explode", usual == "form") is not (usual == "form") and types & {"array", "object"}:
        where = (*parameter.path, "explode")
        yield subject.found(STYLE, where, f"explode: {str(body['explode']).lower()} of the {parameter.told}")


@check
def values(subject: Subject) -> Iterator[Finding]:
    for parameter in subject.written_parameters():
        schema = parameter.body.get("schema")
        if schema is None:
            continue
        where: Path_ = (*parameter.path, "schema")
        types = subject.types(schema) - {"null"}
        match parameter.place:
            case "query" if _holds_objects(subject, schema):
                yield subject.found(NESTED, where, f"the objects inside the {parameter.told}")
            case "path" if types & {"boolean", "array", "object"} or _is_time(subject, schema):
                kind = " or ".join(sorted(types & {"boolean", "array", "object"})) or "date-time"
                yield subject.found(PATH_TEXT, where, f"the {kind} in the {parameter.told}")
            case "header" if _is_union(subject, schema) and types <= {"string", "integer", "number", "boolean"}:
                yield subject.found(HEADER_UNION, where, f"the values of the {parameter.told}")
            case "cookie" if (types and types != {"string"}) or _is_time(subject, schema) or _is_union(subject, schema):
                yield subject.found(COOKIE, where, f"the values of the {parameter.told}")


def _is_time(subject: Subject, schema: Any) -> bool:
    return bool(subject.source.resolve(schema).get("format") == "date-time")


def _is_union(subject: Subject, schema: Any) -> bool:
    body = subject.source.resolve(schema)
    if "enum" in body and None not in sequence(body["enum"]):
        return False
    return (
        isinstance(body.get("type"), list)
        or body.get("nullable") is True
        or len([*sequence(body.get("oneOf")), *sequence(body.get("anyOf"))]) > 1
        or None in sequence(body.get("enum"))
    )


def _holds_objects(subject: Subject, schema: Any, inside: bool = False, depth: int = 0) -> bool:
    body = subject.source.resolve(schema)
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
    return any(_holds_objects(subject, child, True, depth + 1) for child in children if isinstance(child, dict))
