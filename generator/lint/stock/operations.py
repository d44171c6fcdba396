"""Operations: keys that the stock generator does not ask for or send."""

from __future__ import annotations

from collections.abc import Iterator

from ...document import Pointer, mapping, sequence
from ..context import LintContext, told
from ..rules import STOCK, Finding

SECURITY = STOCK.drops(
    "security-inherited",
    "`security` of the whole document is not read: its operations accept a client without a key",
    "`security:` on each operation",
    ours="every client has a key, and every request carries it",
)
SCHEME = STOCK.drops(
    "security-scheme",
    "the only scheme that is generated is `Authorization: Bearer`; another header, a query parameter, a cookie, basic "
    "or the flows of OAuth are left to the program",
    "`type: http, scheme: bearer`, where the API takes it",
    ours="the client sends the key in the header that the API asks for",
)
OVERWRITTEN_OPERATION = STOCK.breaks(
    "operation-overwritten",
    "two operations of one tag get the same module (made of the operationId, or of method and path where there is "
    "none), and the later one is written over the earlier one",
    "an operationId that differs in more than capitals and punctuation",
    ours="two operations of one name are refused with their line",
)


@STOCK.check
def overwritten(context: LintContext) -> Iterator[Finding]:
    operations: dict[tuple[str, str], Pointer] = {}
    for made in context.stock.endpoint_modules:
        if made.endpoint is None:
            continue
        key = (made.tag, made.module)
        if key in operations:
            what = f"{told(operations[key])} has no function: {told(made.path)} is called {made.module} too"
            where = (*operations[key], "operationId")
            yield OVERWRITTEN_OPERATION.found(context, where, f"{what} and is written over it")
        operations[key] = made.path


@STOCK.check
def security(context: LintContext) -> Iterator[Finding]:
    root = context.document.root
    if sequence(root.get("security")):
        without = [operation for operation in context.operations if "security" not in operation.body]
        if without:
            more = f", and {len(without) - 1} more" if len(without) > 1 else ""
            yield SECURITY.found(context, ("security",), f"that {without[0].name}{more} needs a key")
    for name, raw in mapping(mapping(root.get("components")).get("securitySchemes")).items():
        scheme = context.document.resolve(raw)
        kind, detail = str(scheme.get("type")), str(scheme.get("scheme") or scheme.get("name") or "").lower()
        if kind != "http" or detail != "bearer":
            path = ("components", "securitySchemes", name)
            yield SCHEME.found(context, path, f"the scheme {name}, {' '.join(filter(None, (kind, detail)))}")
