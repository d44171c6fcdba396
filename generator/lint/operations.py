"""Operations: those that are passed over or overwritten, their servers, tags and keys."""

from __future__ import annotations

from collections.abc import Iterator

from ..document import mapping, sequence
from .context import LintContext
from .rules import LOSSES, Finding

SECTION = LOSSES.drops(
    "section-ignored",
    "`webhooks`, `callbacks` and `links` are dropped",
    "an operation for each request that a program makes; the rest in descriptions",
)
PATH_REFERENCE = LOSSES.breaks(
    "path-reference", "a path that is a $ref has no operations", "the operations under the path itself"
)
SERVERS = LOSSES.drops(
    "servers-ignored",
    "no server's URL is in the generated code, and those of single paths and operations do not count",
    "one server for the document, and its URL in the program",
    ours="the client has its base URL by default, and takes another; one for a single path or operation is not known",
)
TAGS = LOSSES.drops(
    "tags-dropped",
    "only the first tag of an operation makes a module; with the others it is not found",
    "one tag for each operation",
)
OPTIONAL_SECURITY = LOSSES.drops(
    "security-optional",
    "an operation that may be called without a key insists on a client with one",
    "`security: []` if no key is needed",
)


@LOSSES.check
def sections(context: LintContext) -> Iterator[Finding]:
    root = context.document.root
    if mapping(root.get("webhooks")):
        yield SECTION.found(context, ("webhooks",), f"{len(root['webhooks'])} webhooks")
    for operation in context.operations:
        if mapping(operation.body.get("callbacks")):
            yield SECTION.found(context, (*operation.path, "callbacks"), f"the callbacks of {operation.name}")
        for status, path, response, _ in context.responses(operation):
            if mapping(response.get("links")):
                where = (*path, "links")
                yield SECTION.found(context, where, f"the links of the response {status} of {operation.name}")
    for url, item in mapping(root.get("paths")).items():
        if "$ref" in mapping(item):
            yield PATH_REFERENCE.found(context, ("paths", url, "$ref"), f"the operations of {url}")


@LOSSES.check
def servers(context: LintContext) -> Iterator[Finding]:
    root = context.document.root
    if sequence(root.get("servers")):
        yield SERVERS.found(context, ("servers",), "the URLs of the servers")
    for url, item in mapping(root.get("paths")).items():
        if sequence(mapping(item).get("servers")):
            yield SERVERS.found(context, ("paths", url, "servers"), f"the servers of {url}", compensated=False)
    for operation in context.operations:
        if sequence(operation.body.get("servers")):
            path = (*operation.path, "servers")
            yield SERVERS.found(context, path, f"the servers of {operation.name}", compensated=False)


@LOSSES.check
def tags(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        others = sequence(operation.body.get("tags"))[1:]
        if others:
            where = (*operation.path, "tags", 1)
            yield TAGS.found(context, where, f"{operation.name} under {', '.join(map(str, others))}")


@LOSSES.check
def security(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        asked = sequence(operation.body.get("security"))
        if {} in asked:
            path = (*operation.path, "security")
            yield OPTIONAL_SECURITY.found(context, path, f"that {operation.name} needs no key")
