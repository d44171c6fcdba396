"""The words of the OpenAPI document: names of fields, and values of enumerations. They tell nothing of a record."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Final

from ._errors import DOCUMENTED_CODES, Issue
from ._fhir_form import FhirForm
from ._generated import models
from ._model import Model, schema_of
from ._privacy import Words

# No model has these: what a response has around its data.
_ENVELOPE: Final = (
    *("data", "meta", "requestId", "timestamp", "rateLimitRemaining", "rateLimitReset", "rateLimitTotal"),
    *("error", "message", "issues", "issue", "resourceType", *Issue.__annotations__),
    *("entry", "fullUrl", "resource", "search", "mode"),
)

# The parts of FHIR's data types, which the models have as texts.
_FHIR_PARTS: Final = (
    *("coding", "comparator", "display", "identifier", "individual", "physicalType", "preAdmissionIdentifier"),
    *("reference", "specialCourtesy", "system", "text", "unit", "userSelected", "value", "version"),
)


@cache
def document_words() -> Words:
    """All names, on the wire, in Python and in FHIR, and all values that the document lists."""
    return Words((*_ENVELOPE, *_FHIR_PARTS, *DOCUMENTED_CODES, *_of_models()))


def _of_models() -> Iterator[str]:
    for name in models.__all__:
        thing = getattr(models, name)
        if not isinstance(thing, type):
            continue
        if issubclass(thing, Enum):
            yield from (str(member.value) for member in thing)
        elif issubclass(thing, Model):
            for entry in schema_of(thing).entries:
                yield from (entry.wire, entry.name)
            if isinstance(form := thing._other_form, FhirForm):
                yield form.resource_type
                yield from (element for part in form.elements for element in part.names)
