"""The allow-list of what a recorder writes: headers, parameters, fields, and words that tell nothing of anybody.

Fields of records, and parameters, are those of the generated models. A name that is not here is not written. Of a name
that is, the value stays as it came only where this list says so: a number, a date that is moved, a code that stands
among the `CODES`. Every other text is somebody's, and is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from http import HTTPMethod, HTTPStatus
from typing import Final

from ..._codecs import Array, Codec, Date, DateTime, Enumeration, Number, OneOf, Text
from ..._errors import DOCUMENTED_CODES
from ..._generated import models
from ..._model import Model, schema_of
from ..._vocabulary import document_words

__all__ = [
    "CODED_FIELDS",
    "CODES",
    "DATE_FIELDS",
    "ERROR_CODE",
    "FIELDS",
    "ID_FIELDS",
    "ID_PREFIXES",
    "NUMBER_FIELDS",
    "PARAMETERS",
    "REQUEST_HEADERS",
    "RESPONSE_HEADERS",
    "ROUTE_STEPS",
    "TYPES",
    "UNTOLD_FIELDS",
    "is_field_path",
    "is_told",
]


def _modelled() -> Iterator[tuple[str, str, Codec]]:
    """Model, name on the wire, and codec of each field that is generated; of a list or a choice the codecs in it."""
    for model in _MODELS:
        for entry in schema_of(model).entries:
            waiting = [entry.codec]
            while waiting:
                match waiting.pop():
                    case Array(item=item):
                        waiting.append(item)
                    case OneOf(codecs=codecs):
                        waiting.extend(codecs)
                    case codec:
                        yield model.__name__, entry.wire, codec


def _is_coded_by_number(codec: Codec) -> bool:
    return isinstance(codec, Enumeration) and codec.base is int


_EVERY: Final = [thing for name in models.__all__ if isinstance(thing := getattr(models, name), type)]
_MODELS: Final = [thing for thing in _EVERY if issubclass(thing, Model)]
_MODELLED: Final = list(_modelled())
_ID: Final = {wire: codec for _, wire, codec in _MODELLED if isinstance(codec, Text)}["id"]

# What no model has: the envelope, errors, and the parts of FHIR's types.
ID_FIELDS: Final = frozenset(
    {*(wire for _, wire, codec in _MODELLED if codec == _ID), "requestId", "reference", "fullUrl"},
)
DATE_FIELDS: Final = frozenset(wire for _, wire, codec in _MODELLED if isinstance(codec, Date | DateTime))
"""They tell when somebody was treated. The time of an exchange is another matter: a recording knows its age."""
CODED_FIELDS: Final = frozenset(
    {
        *(wire for _, wire, codec in _MODELLED if isinstance(codec, Enumeration)),
        *(
            "use",
            "code",
            "type",
            "resourceType",
            "mode",
            "severity",
            "priority",
            "system",
            "unit",
            "comparator",
            "error",
        ),
    }
)
NUMBER_FIELDS: Final = frozenset(
    {
        *(wire for _, wire, codec in _MODELLED if isinstance(codec, Number) or _is_coded_by_number(codec)),
        *("value", "status", "rateLimitTotal", "rateLimitRemaining", "rateLimitReset"),
    }
)
_OTHER_FIELDS: Final = frozenset(
    {
        *("data", "meta", "issue", "issues", "entry", "resource", "search", "message", "diagnostics", "length"),
        *("cursor", "timestamp"),
        *("participant", "individual", "subject", "appointment", "basedOn", "partOf", "coding", "text", "display"),
        *("version", "userSelected", "physicalType", "specialCourtesy"),
    }
)
PARAMETERS: Final = frozenset(wire for model, wire, _ in _MODELLED if model.endswith("Params"))
FIELDS: Final = (
    frozenset(wire for model, wire, _ in _MODELLED if not model.endswith("Params"))
    | (ID_FIELDS | CODED_FIELDS | NUMBER_FIELDS) - PARAMETERS
    | _OTHER_FIELDS
)
"""Every field of a body that is written."""
UNTOLD_FIELDS: Final = frozenset(("identifier", "preAdmissionIdentifier"))
"""Fields of the API that are never written: numbers of files and of insurances, in any form."""

ROUTE_STEPS: Final = frozenset(("v1", "encounters", "fhir", "health", "metadata", "bulk", "export", "import", "jobs"))

REQUEST_HEADERS: Final = frozenset(("accept", "content-type", "x-http-method-override"))
RESPONSE_HEADERS: Final = frozenset(
    {
        *("content-type", "retry-after", "x-request-id", "x-timestamp"),
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
        *("x-quota-limit", "x-quota-used", "x-quota-remaining", "x-quota-billable", "x-quota-overage", "x-quota-reset"),
        *("x-sandbox-limit", "x-sandbox-used", "x-sandbox-remaining"),
    }
)

TYPES: Final = frozenset(
    {
        *(
            "Appointment",
            "Bundle",
            "Condition",
            "Coverage",
            "Device",
            "Encounter",
            "EpisodeOfCare",
            "Group",
            "Location",
        ),
        *(
            "Observation",
            "OperationOutcome",
            "Organization",
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "Procedure",
        ),
        *("RelatedPerson", "ServiceRequest"),
    }
)
"""FHIR types of records that an encounter may speak of."""
ID_PREFIXES: Final = frozenset(
    ("enc", "pt", "prac", "appt", "sr", "cond", "loc", "org", "req", "job", "evt", "obs", "proc")
)
"""How ids of the API begin, in front of ``_``. A prefix that is not here could be half a name."""

# From FHIR R4: IssueType, IssueSeverity, DiagnosisRole, BundleType, SearchEntryMode, EncounterLocationStatus, UCUM.
_FHIR_CODES: Final = (
    *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden"),
    *("suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted"),
    *("too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error"),
    *("no-store", "exception", "timeout", "incomplete", "throttled", "informational"),
    *("fatal", "error", "warning", "information"),
    *("AD", "DD", "CC", "CM", "pre-op", "post-op", "billing"),
    *("searchset", "collection", "batch", "batch-response", "transaction", "transaction-response", "history"),
    *("match", "include", "outcome"),
    *("planned", "active", "reserved", "completed", "entered-in-error"),
    *("min", "h", "d", "s", "wk", "minute", "minutes", "hour", "hours", "<", "<=", ">=", ">"),
)
_SYSTEMS: Final = (
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://terminology.hl7.org/CodeSystem/diagnosis-role",
    "http://terminology.hl7.org/CodeSystem/admit-source",
    "http://terminology.hl7.org/CodeSystem/discharge-disposition",
    "http://terminology.hl7.org/CodeSystem/diet",
    "http://terminology.hl7.org/CodeSystem/v3-ActPriority",
    "http://unitsofmeasure.org",
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
)
_MEDIA_TYPES: Final = (
    *("application/json", "application/fhir+json", "application/json-patch+json", "application/merge-patch+json"),
    *("application/problem+json", "application/x-ndjson", "text/html", "text/plain", "*/*"),
)
_ERRORS: Final = ("Validation Error", "Quota exceeded", "Invalid API key", "Rate limit exceeded")
CODES: Final = frozenset(
    {
        *(str(member.value) for thing in _EVERY if issubclass(thing, Enum) for member in thing),
        *(*DOCUMENTED_CODES, *TYPES, *_FHIR_CODES, *_SYSTEMS, *_MEDIA_TYPES, *_ERRORS),
        *("routine", "urgent", "asap", "stat"),
        *(status.phrase for status in HTTPStatus),
        *(str(method) for method in HTTPMethod),
    }
)
"""What may stand in a coded field."""

ERROR_CODE: Final = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
"""The form of a code of the service's own, which may be newer than this list. Only an error has one."""

_LOWER: Final = frozenset(code.lower() for code in CODES)


def is_told(text: str) -> bool:
    """Whether a text tells nothing of anybody, wherever it stands: a code, or words of the API's document.

    >>> is_told("in-progress"), is_told("patient"), is_told("Jane Doe")
    (True, True, False)
    """
    return text.lower() in _LOWER or is_field_path(text) or text in ROUTE_STEPS


def is_field_path(text: str) -> bool:
    """Whether a text is the way to a field: ``diagnosis[0].rank``."""
    return document_words().are(text)
