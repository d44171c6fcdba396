"""What is written for people and for validation: told once for each schema or document."""

from __future__ import annotations

from collections.abc import Iterator

from ...document import Pointer, sequence
from ..context import LintContext, and_more
from ..rules import STOCK, Finding

FORMAT = STOCK.note(
    "format-ignored",
    "formats other than date, date-time, uuid and binary stay plain text or number",
    "a pattern or a description, if the form matters",
    ours="`fhir-date-time` is read as FhirDateTime; the others are passed through as text",
)
ENUM_TEXTS = STOCK.note(
    "enum-descriptions-lost",
    "what an enumeration and its values mean is not in its class",
    "nothing else: read the document",
    ours="the class and each member have their docstrings, from description and x-enumDescriptions",
)
EXAMPLES = STOCK.note(
    "examples-lost",
    "`examples` and the examples of parameters, bodies and responses are dropped; only a schema's `example` is kept",
    "`example` in the schema, if it must reach the generated code",
    ours="examples are for the readers of the document and for its tests",
)
DESCRIPTIONS = STOCK.note(
    "descriptions-lost",
    "the descriptions of request bodies, responses and their headers, and of paths, are dropped",
    "the same in the description of the operation",
    ours="operations, parameters and fields keep theirs; what a response means is told by the error classes",
)
DATES = {"date", "date-time", "uuid", "binary"}


@STOCK.check
def formats(context: LintContext) -> Iterator[Finding]:
    found: dict[str, list[Pointer]] = {}
    for schema in context.schemas:
        format_ = schema.body.get("format")
        if isinstance(format_, str) and (format_ not in DATES or "string" not in context.types(schema.body)):
            found.setdefault(format_, []).append((*schema.path, "format"))
    for format_, places in found.items():
        yield FORMAT.found(context, places[0], f"the format {format_} of {and_more([path[:-1] for path in places])}")


@STOCK.check
def enum_texts(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if sequence(schema.body.get("enum")) and schema.body.get("type") != "boolean":
            texts = [key for key in ("x-enumDescriptions", "description") if schema.body.get(key)]
            if texts and (schema.role == "component" or texts[0] != "description"):
                yield ENUM_TEXTS.found(context, (*schema.path, texts[0]), f"{' and '.join(texts)} of {schema.name}")


@STOCK.check
def examples(context: LintContext) -> Iterator[Finding]:
    places: list[Pointer] = [schema.path for schema in context.schemas if "examples" in schema.body]
    for parameter in context.written_parameters():
        places += [parameter.path for key in ("example", "examples") if key in parameter.body]
    for operation in context.operations:
        media = context.bodies(operation) + [one for *_, many in context.responses(operation) for one in many]
        places += [one.path for one in media for key in ("example", "examples") if key in one.body]
    if places:
        yield EXAMPLES.found(context, places[0], f"the examples of {and_more(places)}")


@STOCK.check
def descriptions(context: LintContext) -> Iterator[Finding]:
    places: list[Pointer] = []
    for operation in context.operations:
        places += [operation.path[:2] for key in ("summary", "description") if operation.item.get(key)]
        if context.document.resolve(operation.body.get("requestBody")).get("description"):
            places.append((*operation.path, "requestBody"))
        places += [path for _, path, response, _ in context.responses(operation) if response.get("description")]
    places = list(dict.fromkeys(places))
    if places:
        yield DESCRIPTIONS.found(context, places[0], f"the description of {and_more(places)}")
