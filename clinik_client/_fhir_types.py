"""Reading and writing FHIR R4's common data types: what a concept, a reference or a duration says, and back.

The text of a CodeableConcept is its ``text``, else its first coding's ``display``, else that coding's ``code``.

Sources: FHIR R4, Data Types, https://hl7.org/fhir/R4/datatypes.html; References, https://hl7.org/fhir/R4/references.html.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

Convert = Callable[[Any], Any]
"""Gives ``None`` for what it cannot express."""

API_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""An id as the API gives them."""

OPAQUE = ("urn:", "#")
"""How references without parts begin: a URN, and the id of a contained resource."""

_UCUM = "http://unitsofmeasure.org"
_MINUTES = {"min": 1, "h": 60, "d": 24 * 60, "wk": 7 * 24 * 60}  # minutes in one, by UCUM code
_PER_MINUTE = {"s": 60, "ms": 60_000}  # how many make a minute
_UNIT_WORDS = {"millisecond": "ms", "sec": "s", "second": "s", "minute": "min", "hr": "h", "hour": "h"}
_UNIT_WORDS |= {"day": "d", "week": "wk"}
_LONGEST = 10**15  # beyond it a float is no longer exact, and arithmetic can overflow


def text_of(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def get_list(value: Any, name: str) -> list[Any]:
    items = get(value, name)
    return items if isinstance(items, list) else []


def for_text(build: Callable[[str], Any]) -> Convert:
    return lambda value: build(value) if text_of(value) else None


def first(read_value: Convert) -> Callable[[Iterable[Any]], Any]:
    """The first entry that says anything."""
    return lambda values: next((said for said in map(read_value, values) if said is not None), None)


def coding_text(concept: dict[str, Any], *names: str) -> str | None:
    for coding in get_list(concept, "coding")[:1]:
        return next((text for name in names if (text := text_of(get(coding, name)))), None)
    return None


def concept_text(concept: Any) -> str | None:
    if isinstance(concept, dict):
        return text_of(concept.get("text")) or coding_text(concept, "display", "code")
    return text_of(concept)  # an entry of a list, simplified already


concept = for_text(lambda text: {"text": text})


def read_concepts(concepts: list[Any]) -> list[Any]:
    if not any(isinstance(concept, dict) for concept in concepts):
        return concepts  # simplified already, or empty
    return [text for concept in concepts if (text := concept_text(concept))]


def write_concepts(texts: Any) -> list[Any] | None:
    return [concept(text) or text for text in texts] if isinstance(texts, list) else None


def target_of(reference: Any) -> tuple[str | None, str | None]:
    """Resource type and id in a Reference to ``[base/]Type/id[/_history/version]``, as far as it tells."""
    kind, address = text_of(get(reference, "type")), text_of(get(reference, "reference"))
    if address is None or address.startswith(OPAQUE):
        return kind, address
    if "?" in address:  # a search in place of an address: only the server knows the id
        return kind, None
    parts = address.split("/")
    if parts[-2:-1] == ["_history"] and len(parts) > 3:
        parts = parts[:-2]
    return (parts[-2] if len(parts) > 1 else kind), text_of(parts[-1])


def id_of(reference: Any) -> str | None:
    return target_of(reference)[1]


def id_of_a(resource_type: str) -> Convert:
    """Reads the id in a reference to this type of resource; a reference that tells no type may be one."""

    def read(reference: Any) -> str | None:
        told, found = target_of(reference)
        return found if told in (None, resource_type) else None

    return read


def name_of(reference: Any) -> str | None:
    return text_of(get(reference, "display")) or id_of(reference)


def reference(kind: str, record_id: str) -> dict[str, Any]:
    if record_id.startswith(OPAQUE):
        return {"reference": record_id, "type": kind}
    return {"reference": f"{kind}/{record_id}"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LONGEST < value < _LONGEST


def read_minutes(duration: dict[str, Any]) -> float | None:
    value, code, word = duration.get("value"), text_of(duration.get("code")), text_of(duration.get("unit")) or ""
    stem = word.strip().lower().removesuffix("s")
    for unit in (code, word, stem, _UNIT_WORDS.get(stem)):
        if unit in _MINUTES or unit in _PER_MINUTE:
            break
    else:
        return None  # a number without a unit could be anything
    if not _is_number(value) or duration.get("comparator") is not None:  # "less than an hour" is not a length
        return None
    from decimal import Decimal  # few records need it, and it takes its time to load

    # In decimal, as FHIR's numbers are: 4.1 h are 246 minutes, not 245.99999999999997.
    minutes = Decimal(str(value)) * _MINUTES.get(unit, 1) / _PER_MINUTE.get(unit, 1)
    return int(minutes) if minutes == int(minutes) else float(minutes)


def write_minutes(minutes: Any) -> dict[str, Any] | None:
    return {"value": minutes, "unit": "min", "system": _UCUM, "code": "min"} if _is_number(minutes) else None


def reference_id(reference: str) -> str | None:
    """The id in a reference, which may be an id alone; ``None`` if there is none that the API could have given.

    >>> reference_id("pt_1"), reference_id("Patient/pt_1"), reference_id("https://fhir.example/Patient/pt_1/_history/2")
    ('pt_1', 'pt_1', 'pt_1')
    >>> reference_id("urn:uuid:8f3a"), reference_id("#contained"), reference_id("Patient?identifier=7")
    (None, None, None)
    """
    found = id_of({"reference": reference})
    return found if found is not None and API_ID.fullmatch(found) else None
