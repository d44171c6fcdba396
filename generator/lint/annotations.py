"""What is written for people and for validation: told once for each schema or document."""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Pointer, mapping, sequence
from .context import LintContext, and_more, told
from .keywords import LIMIT_WORDS
from .rules import LOSSES, Finding

LIMITS = LOSSES.note(
    "limits-unchecked",
    "lengths, ranges, patterns and counts are never checked, neither in what is sent nor in what is read",
    "nothing else, but check before sending; the service will",
    ours="every limit is checked before a request is sent, and told in docstrings",
)
READ_WRITE = LOSSES.note(
    "read-write-only-ignored",
    "`readOnly` and `writeOnly` are dropped: a required writeOnly property must be in every response, too",
    "one schema for requests and one for responses",
)
DEPRECATED = LOSSES.note(
    "deprecated-ignored", "`deprecated` is dropped: nobody is warned", "a sentence in the description"
)
ANNOTATION = LOSSES.note("annotation-ignored", "`xml` and `externalDocs` are dropped", "a sentence in the description")


@LOSSES.check
def limits(context: LintContext) -> Iterator[Finding]:
    found: dict[Pointer, list[tuple[Pointer, str]]] = {}
    for schema in context.schemas:
        for key in LIMIT_WORDS:
            if key in schema.body and key != "format":
                found.setdefault(schema.owner, []).append((schema.path, key))
    for owner, places in found.items():
        words = ", ".join(dict.fromkeys(key for _, key in places))
        counted = f" in {len(places)} places" if len(places) > 1 else ""
        unknown = [key for _, key in places if key in ("minProperties", "maxProperties")]
        path, key = places[0]
        yield LIMITS.found(
            context, (*path, key), f"{words}{counted} of {told(owner)} are never checked", compensated=not unknown
        )


@LOSSES.check
def flags(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        for key in ("readOnly", "writeOnly"):
            if schema.body.get(key) is True:
                yield READ_WRITE.found(context, (*schema.path, key), f"{key} of {schema.name}")
        if schema.body.get("deprecated") is True:
            path = (*schema.path, "deprecated")
            yield DEPRECATED.found(context, path, f"that {schema.name} is deprecated")
    for operation in context.operations:
        if operation.body.get("deprecated") is True:
            path = (*operation.path, "deprecated")
            yield DEPRECATED.found(context, path, f"that {operation.name} is deprecated")
    for parameter in context.written_parameters():
        if parameter.body.get("deprecated") is True:
            path = (*parameter.path, "deprecated")
            yield DEPRECATED.found(context, path, f"that the {parameter.told} is deprecated")


@LOSSES.check
def xml_and_links(context: LintContext) -> Iterator[Finding]:
    found: dict[str, list[Pointer]] = {}
    for schema in context.schemas:
        for key in ("xml", "externalDocs"):
            if key in schema.body:
                found.setdefault(key, []).append(schema.path)
    for operation in context.operations:
        if "externalDocs" in operation.body:
            found.setdefault("externalDocs", []).append(operation.path)
    for tag_index, tag in enumerate(sequence(context.document.root.get("tags"))):
        if "externalDocs" in mapping(tag):
            found.setdefault("externalDocs", []).append(("tags", tag_index))
    for key, places in found.items():
        yield ANNOTATION.found(context, (*places[0], key), f"{key} of {and_more(places)}")
