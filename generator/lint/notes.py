"""Silent losses of what a document says for people and for validation: told once for each schema or document."""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Path_
from .keywords import LIMIT_WORDS
from .rules import Finding, check, note
from .source import mapping, sequence
from .subject import Subject, told

LIMITS = note(
    "limits-unchecked",
    "lengths, ranges, patterns and counts are never checked, neither in what is sent nor in what is read",
    "nothing else, but check before sending; the service will",
    ours="every limit is checked before a request is sent, and told in docstrings",
)
FORMAT = note(
    "format-ignored",
    "formats other than date, date-time, uuid and binary stay plain text or number",
    "a pattern or a description, if the form matters",
    ours="`fhir-date-time` is read as FhirDateTime; the others are passed through as text",
)
READ_WRITE = note(
    "read-write-only-ignored",
    "`readOnly` and `writeOnly` are dropped: a required writeOnly property must be in every response, too",
    "one schema for requests and one for responses",
)
DEPRECATED = note(
    "deprecated-ignored",
    "`deprecated` is dropped: nobody is warned",
    "a sentence in the description",
)
ENUM_TEXTS = note(
    "enum-descriptions-lost",
    "what an enumeration and its values mean is not in its class",
    "nothing else: read the document",
    ours="the class and each member have their docstrings, from description and x-enum-descriptions",
)
EXAMPLES = note(
    "examples-lost",
    "`examples` and the examples of parameters, bodies and responses are dropped; only a schema's `example` is kept",
    "`example` in the schema, if it must reach the generated code",
    ours="examples are for the readers of the document and for its tests",
)
DESCRIPTIONS = note(
    "descriptions-lost",
    "the descriptions of request bodies, responses and their headers, and of paths, are dropped",
    "the same in the description of the operation",
    ours="operations, parameters and fields keep theirs; what a response means is told by the error classes",
)
ANNOTATION = note(
    "annotation-ignored",
    "`xml` and `externalDocs` are dropped",
    "a sentence in the description",
)

DATES = {"date", "date-time", "uuid", "binary"}


def _more(places: list[Path_]) -> str:
    more = len(places) - 1
    return f"{told(places[0])}" + (f", and {more} more place{'s' if more > 1 else ''}" if more else "")


@check
def limits(subject: Subject) -> Iterator[Finding]:
    found: dict[Path_, list[tuple[Path_, str]]] = {}
    for schema in subject.schemas:
        for key in LIMIT_WORDS:
            if key in schema.body and key != "format":
                found.setdefault(schema.owner, []).append((schema.path, key))
    for owner, places in found.items():
        words = ", ".join(dict.fromkeys(key for _, key in places))
        counted = f" in {len(places)} places" if len(places) > 1 else ""
        unknown = [key for _, key in places if key in ("minProperties", "maxProperties")]
        path, key = places[0]
        yield subject.found(
            LIMITS, (*path, key), f"{words}{counted} of {told(owner)} are never checked", compensated=not unknown
        )


@check
def formats(subject: Subject) -> Iterator[Finding]:
    found: dict[str, list[Path_]] = {}
    for schema in subject.schemas:
        format_ = schema.body.get("format")
        if isinstance(format_, str) and (format_ not in DATES or "string" not in subject.types(schema.body)):
            found.setdefault(format_, []).append((*schema.path, "format"))
    for format_, places in found.items():
        yield subject.found(FORMAT, places[0], f"the format {format_} of {_more([path[:-1] for path in places])}")


@check
def flags(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        for key in ("readOnly", "writeOnly"):
            if schema.body.get(key) is True:
                yield subject.found(READ_WRITE, (*schema.path, key), f"{key} of {schema.name}")
        if schema.body.get("deprecated") is True:
            path = (*schema.path, "deprecated")
            yield subject.found(DEPRECATED, path, f"that {schema.name} is deprecated")
    for operation in subject.operations:
        if operation.body.get("deprecated") is True:
            path = (*operation.path, "deprecated")
            yield subject.found(DEPRECATED, path, f"that {operation.name} is deprecated")
    for parameter in subject.written_parameters():
        if parameter.body.get("deprecated") is True:
            path = (*parameter.path, "deprecated")
            yield subject.found(DEPRECATED, path, f"that the {parameter.told} is deprecated")


@check
def enum_texts(subject: Subject) -> Iterator[Finding]:
    for schema in subject.schemas:
        if sequence(schema.body.get("enum")) and schema.body.get("type") != "boolean":
            texts = [key for key in ("x-enum-descriptions", "description") if schema.body.get(key)]
            if texts and (schema.role == "component" or texts[0] != "description"):
                yield subject.found(ENUM_TEXTS, (*schema.path, texts[0]), f"{' and '.join(texts)} of {schema.name}")


@check
def examples(subject: Subject) -> Iterator[Finding]:
    places: list[Path_] = [schema.path for schema in subject.schemas if "examples" in schema.body]
    for parameter in subject.written_parameters():
        places += [parameter.path for key in ("example", "examples") if key in parameter.body]
    for operation in subject.operations:
        media = subject.bodies(operation) + [one for *_, many in subject.responses(operation) for one in many]
        places += [one.path for one in media for key in ("example", "examples") if key in one.body]
    if places:
        yield subject.found(EXAMPLES, places[0], f"the examples of {_more(places)}")


@check
def descriptions(subject: Subject) -> Iterator[Finding]:
    places: list[Path_] = []
    for operation in subject.operations:
        places += [operation.path[:2] for key in ("summary", "description") if operation.item.get(key)]
        if subject.source.resolve(operation.body.get("requestBody")).get("description"):
            places.append((*operation.path, "requestBody"))
        places += [path for _, path, response, _ in subject.responses(operation) if response.get("description")]
    places = list(dict.fromkeys(places))
    if places:
        yield subject.found(DESCRIPTIONS, places[0], f"the description of {_more(places)}")


@check
def xml_and_links(subject: Subject) -> Iterator[Finding]:
    found: dict[str, list[Path_]] = {}
    for schema in subject.schemas:
        for key in ("xml", "externalDocs"):
            if key in schema.body:
                found.setdefault(key, []).append(schema.path)
    for operation in subject.operations:
        if "externalDocs" in operation.body:
            found.setdefault("externalDocs", []).append(operation.path)
    for tag_index, tag in enumerate(sequence(subject.source.root.get("tags"))):
        if "externalDocs" in mapping(tag):
            found.setdefault("externalDocs", []).append(("tags", tag_index))
    for key, places in found.items():
        yield subject.found(ANNOTATION, (*places[0], key), f"{key} of {_more(places)}")
