"""FHIR R4 ``Encounter`` JSON to the simplified wire form of ClinikAPI, and back, losing nothing.

=============================================  =====================================================
FHIR R4                                        simplified
=============================================  =====================================================
``resourceType`` ``"Encounter"``               none: it marks the shape
``class`` (Coding)                             ``class``: the code
``subject``                                    ``patientId``
``participant[]`` that are practitioners       ``practitionerId``: the primary performer, else the
                                               first; the others ``participants[]``, the first type
                                               of each as ``role``
``type[]``, ``serviceType``, ``priority``      same names, as text; of several types the first
``reasonCode[]``                               ``reasonCode``: a text, or a list of several
``length`` (Duration)                          ``lengthMinutes``
``location[]``                                 ``location``: name, else id, of the active one, else
                                               of the first
``serviceProvider``                            ``serviceProvider``: name, else id
``diagnosis[]``                                ``diagnosis[]``: ``condition`` as id, else name;
                                               ``use`` as code, else text
``appointment[]``, ``basedOn[]``, ``partOf``   ``appointmentId``, ``basedOnId``, ``partOfId``
``hospitalization``                            ``hospitalization``: concepts as text, places as name,
                                               else id
``status``, ``period``, all other elements     the same
=============================================  =====================================================

The text of a CodeableConcept is its ``text``, else its first coding's ``display``, else that coding's ``code``.

A simplified field often says less than its element did (a class without its display name, the first of
three locations). Such an element is kept whole, as it came, in a dict under the key ``fhir``, exactly when it
could not be rebuilt from the simplified field. :func:`to_fhir` takes it from there for as long as it still
means what the field says, so a field that was changed afterwards is never overruled by an old detail.

An element of a JSON type that FHIR does not give it stays where it is, unchanged; one that says nothing a field
could hold (a subject without a reference) is only among the details.

Source: FHIR R4, Encounter, https://hl7.org/fhir/R4/encounter.html.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = ["is_fhir", "reference_id", "simplify", "to_fhir"]

_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_PARTICIPATION_TYPE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_DIAGNOSIS_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
_UCUM = "http://unitsofmeasure.org"

_PRACTITIONERS = ("Practitioner", "PractitionerRole")
_PRIMARY_PERFORMER = "PPRF"
_DIAGNOSIS_ROLES = frozenset({"AD", "DD", "CC", "CM", "pre-op", "post-op", "billing"})

_MINUTES = {"min": 1, "h": 60, "d": 24 * 60, "wk": 7 * 24 * 60}  # minutes in one, by UCUM code
_PER_MINUTE = {"s": 60, "ms": 60_000}  # how many make a minute
_UNIT_WORDS = {"millisecond": "ms", "sec": "s", "second": "s", "minute": "min", "hr": "h", "hour": "h"}
_UNIT_WORDS |= {"day": "d", "week": "wk"}
_LONGEST = 10**15  # beyond it a float is no longer exact, and arithmetic can overflow

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")  # of the API; in a diagnosis' condition it tells an id from a name
_OPAQUE = ("urn:", "#")  # references without parts: a URN, and the id of a contained resource


def is_fhir(record: Mapping[str, Any]) -> bool:
    """Whether ``record`` is an Encounter in FHIR's shape rather than the simplified one.

    It is if its ``resourceType`` says ``Encounter`` or, that being absent, its ``class`` or its ``subject`` is an
    object. A record with another ``resourceType`` is no Encounter at all.

    >>> is_fhir({"resourceType": "Encounter", "status": "planned"}), is_fhir({"class": {"code": "AMB"}})
    (True, True)
    >>> is_fhir({"status": "planned", "class": "AMB"}), is_fhir({"resourceType": "OperationOutcome"})
    (False, False)
    """
    kind = record.get("resourceType")
    if kind is not None:
        return bool(kind == "Encounter")
    return isinstance(record.get("class"), dict) or isinstance(record.get("subject"), dict)


def reference_id(reference: str) -> str | None:
    """The id in a reference, which may be an id alone; ``None`` if there is none that the API could have given.

    >>> reference_id("pt_1"), reference_id("Patient/pt_1"), reference_id("https://fhir.example/Patient/pt_1/_history/2")
    ('pt_1', 'pt_1', 'pt_1')
    >>> reference_id("urn:uuid:8f3a"), reference_id("#contained"), reference_id("Patient?identifier=7")
    (None, None, None)
    """
    found = _id({"reference": reference})
    return found if found is not None and _ID.fullmatch(found) else None


def simplify(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The simplified form of a FHIR R4 Encounter; :func:`is_fhir` is false for it.

    :param resource: decoded JSON for which :func:`is_fhir` is true. Anything in it may be missing, null, empty or
        of the wrong type: this never raises. It is not changed; the result shares its unmapped values.
    :returns: the fields by their wire names; elements without a simplified name under their own; and under
        ``fhir``, if needed, the elements of which the fields do not say everything. ``to_fhir(simplify(x)) == x``.

    >>> simplify({
    ...     "resourceType": "Encounter",
    ...     "class": {"code": "AMB", "display": "ambulatory"},
    ...     "subject": {"reference": "Patient/pt_abc123"},
    ... })
    {'class': 'AMB', 'patientId': 'pt_abc123', 'fhir': {'class': {'code': 'AMB', 'display': 'ambulatory'}}}
    """
    simple, kept = _simplify(_ENCOUNTER, resource)
    if "resourceType" not in resource:
        kept["resourceType"] = None  # or else to_fhir would add one
    elif resource["resourceType"] == "Encounter":
        del simple["resourceType"]
    if "fhir" in simple:
        kept["fhir"] = simple.pop("fhir")
    if kept:
        simple["fhir"] = kept
    return simple


def to_fhir(record: Mapping[str, Any]) -> dict[str, Any]:
    """The FHIR R4 Encounter that a simplified record stands for.

    Texts become the ``text`` of a CodeableConcept, names the ``display`` of a Reference, ids its ``reference``;
    a diagnosis' ``condition`` that could be an id is written as one. ``class``, ``lengthMinutes``, the primary
    performer and the diagnosis roles that FHIR defines get FHIR's code systems.

    :param record: a record in wire names, with or without the ``fhir`` that :func:`simplify` added. It is not
        changed; the result shares its values. A field of the wrong type stays under its own name.
    :returns: the resource. Where ``fhir`` holds an element that still simplifies to the present field, it is that
        element; otherwise the whole element is built from the field (within ``hospitalization``, part by part).
        ``simplify(to_fhir(s)) == s`` for every record without ``fhir`` whose fields have their documented types,
        whose ids are legal, whose ``reasonCode`` is not a list of one, and which names no ``participants`` without
        a ``practitionerId``.

    >>> to_fhir({"class": "AMB", "patientId": "pt_abc123"}) == {
    ...     "resourceType": "Encounter",
    ...     "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    ...     "subject": {"reference": "Patient/pt_abc123"},
    ... }
    True
    """
    details = record.get("fhir")
    kept = details if isinstance(details, dict) else {}
    resource = _restore(_ENCOUNTER, record, kept)
    if details is kept:
        del resource["fhir"]
    if "fhir" in kept:
        resource["fhir"] = kept["fhir"]
    if "resourceType" not in resource and kept.get("resourceType", "Encounter") is not None:
        resource["resourceType"] = "Encounter"
    return resource


# How elements and fields correspond. An _Element owns some names, FHIR's and the simplified ones; its two functions
# turn what is there under these names into what is there in the other form.

_Items = dict[str, Any]


class _Element(NamedTuple):
    names: tuple[str, ...]
    read: Callable[[_Items], _Items]  # FHIR to simplified
    write: Callable[[_Items, _Items], _Items]  # simplified to FHIR; the second argument: the element as it once was


def _simplify(elements: Iterable[_Element], source: Mapping[str, Any]) -> tuple[_Items, _Items]:
    """The simplified fields, and the items that cannot be rebuilt from them."""
    simple, kept = dict(source), {}
    for element in elements:
        items = {name: simple.pop(name) for name in element.names if name in simple}
        if items:
            fields = element.read(items)
            if element.write(fields, {}) != items:
                kept.update(items)
            simple.update(fields)
    return simple, kept


def _restore(elements: Iterable[_Element], record: Mapping[str, Any], kept: _Items) -> _Items:
    """The elements: the kept ones that still say what the fields say, and new ones for the other fields."""
    resource = dict(record)
    for element in elements:
        fields = {name: resource.pop(name) for name in element.names if name in resource}
        items = {name: kept[name] for name in element.names if name in kept}
        if items and element.read(items) == fields:
            resource.update(items)
        elif fields:
            resource.update(element.write(fields, items))
    return resource


_Convert = Callable[[Any], Any]  # gives None for what it cannot express
_Kind = type[dict[str, Any]] | type[list[Any]]


def _element(name: str, field: str, kind: _Kind, read_value: _Convert, write_value: _Convert) -> _Element:
    """One FHIR element, of JSON type ``kind``, for one field."""

    def read(items: _Items) -> _Items:
        if not isinstance(items.get(name), kind):
            return items
        fields = dict(items)
        said = read_value(fields.pop(name))
        return fields if said is None else {**fields, field: said}

    def write(fields: _Items, _kept: _Items) -> _Items:
        said = write_value(fields.get(field))
        if said is None:
            return fields
        items = dict(fields)
        del items[field]
        return {**items, name: said}

    return _Element((name,) if name == field else (name, field), read, write)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any, name: str) -> list[Any]:
    items = _get(value, name)
    return items if isinstance(items, list) else []


def _for_text(build: Callable[[str], Any]) -> _Convert:
    return lambda value: build(value) if _text(value) else None


def _first(read_value: _Convert) -> Callable[[Iterable[Any]], Any]:
    """The first entry that says anything."""
    return lambda values: next((said for said in map(read_value, values) if said is not None), None)


def _coding_text(concept: dict[str, Any], *names: str) -> str | None:
    for coding in _list(concept, "coding")[:1]:
        return next((text for name in names if (text := _text(_get(coding, name)))), None)
    return None


def _concept_text(concept: Any) -> str | None:
    if isinstance(concept, dict):
        return _text(concept.get("text")) or _coding_text(concept, "display", "code")
    return _text(concept)  # an entry of a list, simplified already


_concept = _for_text(lambda text: {"text": text})


def _read_concepts(concepts: list[Any]) -> list[Any]:
    if not any(isinstance(concept, dict) for concept in concepts):
        return concepts  # simplified already, or empty
    return [text for concept in concepts if (text := _concept_text(concept))]


def _write_concepts(texts: Any) -> list[Any] | None:
    return [_concept(text) or text for text in texts] if isinstance(texts, list) else None


def _read_reasons(concepts: list[Any]) -> Any:
    reasons = _read_concepts(concepts)
    if reasons is concepts or len(reasons) > 1:
        return reasons
    return reasons[0] if reasons else None


def _target(reference: Any) -> tuple[str | None, str | None]:
    """Resource type and id in a Reference to ``[base/]Type/id[/_history/version]``, as far as it tells."""
    kind, address = _text(_get(reference, "type")), _text(_get(reference, "reference"))
    if address is None or address.startswith(_OPAQUE):
        return kind, address
    if "?" in address:  # a search in place of an address: only the server knows the id
        return kind, None
    parts = address.split("/")
    if parts[-2:-1] == ["_history"] and len(parts) > 3:
        parts = parts[:-2]
    return (parts[-2] if len(parts) > 1 else kind), _text(parts[-1])


def _id(reference: Any) -> str | None:
    return _target(reference)[1]


def _name(reference: Any) -> str | None:
    return _text(_get(reference, "display")) or _id(reference)


def _reference(kind: str, record_id: str) -> dict[str, Any]:
    if record_id.startswith(_OPAQUE):
        return {"reference": record_id, "type": kind}
    return {"reference": f"{kind}/{record_id}"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LONGEST < value < _LONGEST


def _read_length(duration: dict[str, Any]) -> float | None:
    value, code, word = duration.get("value"), _text(duration.get("code")), _text(duration.get("unit")) or ""
    stem = word.strip().lower().removesuffix("s")
    for unit in (code, word, stem, _UNIT_WORDS.get(stem)):
        if unit in _MINUTES or unit in _PER_MINUTE:
            break
    else:
        return None  # a number without a unit could be anything
    if not _is_number(value) or duration.get("comparator") is not None:  # "less than an hour" is not a length
        return None
    # In decimal, as FHIR's numbers are: 4.1 h are 246 minutes, not 245.99999999999997.
    minutes = Decimal(str(value)) * _MINUTES.get(unit, 1) / _PER_MINUTE.get(unit, 1)
    return int(minutes) if minutes == int(minutes) else float(minutes)


def _write_length(minutes: Any) -> dict[str, Any] | None:
    return {"value": minutes, "unit": "min", "system": _UCUM, "code": "min"} if _is_number(minutes) else None


def _read_locations(locations: list[Any]) -> str | None:
    stays = sorted(locations, key=lambda stay: _get(stay, "status") != "active")  # stable: else the first
    said: str | None = _first(_name)(_get(stay, "location") for stay in stays)
    return said


def _read_diagnosis(diagnosis: Any) -> Any:
    if not isinstance(diagnosis, dict):
        return diagnosis
    said = dict(diagnosis)
    if isinstance(condition := diagnosis.get("condition"), dict):
        said["condition"] = _id(condition) or _name(condition)
    if isinstance(use := diagnosis.get("use"), dict):
        said["use"] = _coding_text(use, "code") or _concept_text(use)
    return {name: value for name, value in said.items() if value is not None or diagnosis[name] is None}


def _write_diagnosis(diagnosis: Any) -> Any:
    if not isinstance(diagnosis, dict):
        return diagnosis
    full = dict(diagnosis)
    if condition := _text(diagnosis.get("condition")):
        is_id = _ID.fullmatch(condition) or condition.startswith(_OPAQUE)
        full["condition"] = _reference("Condition", condition) if is_id else {"display": condition}
    if use := _text(diagnosis.get("use")):
        coding = {"system": _DIAGNOSIS_ROLE, "code": use}
        full["use"] = {"coding": [coding]} if use in _DIAGNOSIS_ROLES else {"text": use}
    return full


def _practitioner_id(participant: Any) -> str | None:
    """The id of the individual, if that is a practitioner and not, say, a relative."""
    kind, record_id = _target(_get(participant, "individual"))
    return record_id if kind in _PRACTITIONERS else None


def _is_primary(participant: dict[str, Any]) -> bool:
    codings = (coding for concept in _list(participant, "type") for coding in _list(concept, "coding"))
    return any(_get(coding, "code") == _PRIMARY_PERFORMER for coding in codings)


def _read_participant(practitioner_id: str, participant: dict[str, Any]) -> dict[str, Any]:
    said = {name: item for name, item in participant.items() if name not in ("individual", "type")}
    role = _first(_concept_text)(_list(participant, "type"))
    return {**said, "practitionerId": practitioner_id, **({"role": role} if role else {})}


def _write_participant(participant: dict[str, Any]) -> dict[str, Any]:
    full = dict(participant)
    full["individual"] = _reference("Practitioner", full.pop("practitionerId"))
    if _text(full.get("role")):
        full["type"] = [{"text": full.pop("role")}]
    return full


def _read_participants(items: _Items) -> _Items:
    if not isinstance(items.get("participant"), list):
        return items
    fields = dict(items)
    found = [(found_id, item) for item in fields.pop("participant") if (found_id := _practitioner_id(item))]
    found.sort(key=lambda pair: not _is_primary(pair[1]))  # stable: the first primary performer, else the first
    if found:
        fields["practitionerId"] = found[0][0]
    if found[1:]:
        fields["participants"] = [_read_participant(*pair) for pair in found[1:]]
    return fields


def _write_participants(fields: _Items, _kept: _Items) -> _Items:
    items, participants = dict(fields), []
    if primary := _text(fields.get("practitionerId")):
        del items["practitionerId"]
        kind = {"coding": [{"system": _PARTICIPATION_TYPE, "code": _PRIMARY_PERFORMER}]}
        participants.append({"type": [kind], "individual": _reference("Practitioner", primary)})
    more = fields.get("participants")
    if isinstance(more, list) and more and all(_text(_get(item, "practitionerId")) for item in more):
        participants += map(_write_participant, items.pop("participants"))
    return {**items, "participant": participants} if participants else items


def _write_hospitalization(fields: _Items, items: _Items) -> _Items:
    value, kept = fields["hospitalization"], items.get("hospitalization")
    if not isinstance(value, dict):
        return fields
    return {"hospitalization": _restore(_HOSPITALIZATION, value, kept if isinstance(kept, dict) else {})}


def _same(name: str, kind: _Kind, read_value: _Convert, write_value: _Convert) -> _Element:
    return _element(name, name, kind, read_value, write_value)


def _link(name: str, field: str, target: str) -> _Element:
    return _element(name, field, dict, _id, _for_text(lambda record_id: _reference(target, record_id)))


def _links(name: str, field: str, target: str) -> _Element:
    return _element(name, field, list, _first(_id), _for_text(lambda record_id: [_reference(target, record_id)]))


_named = _for_text(lambda name: {"display": name})

_HOSPITALIZATION = (
    *(_same(name, dict, _concept_text, _concept) for name in ("admitSource", "dischargeDisposition", "reAdmission")),
    *(_same(name, list, _read_concepts, _write_concepts) for name in ("dietPreference", "specialArrangement")),
    *(_same(name, dict, _name, _named) for name in ("destination", "origin")),
)
_hospitalization = _same(
    "hospitalization", dict, lambda value: _simplify(_HOSPITALIZATION, value)[0], lambda value: None
)

_ENCOUNTER = (
    _same("class", dict, lambda c: _text(c.get("code")), _for_text(lambda code: {"system": _ACT_CODE, "code": code})),
    _link("subject", "patientId", "Patient"),
    _Element(("participant", "practitionerId", "participants"), _read_participants, _write_participants),
    _same("type", list, _first(_concept_text), _for_text(lambda text: [{"text": text}])),
    _same("serviceType", dict, _concept_text, _concept),
    _same("priority", dict, _concept_text, _concept),
    _same("reasonCode", list, _read_reasons, lambda value: _write_concepts([value] if _text(value) else value)),
    _element("length", "lengthMinutes", dict, _read_length, _write_length),
    _same("location", list, _read_locations, _for_text(lambda name: [{"location": {"display": name}}])),
    _same("serviceProvider", dict, _name, _named),
    _same(
        "diagnosis",
        list,
        lambda items: [_read_diagnosis(item) for item in items],
        lambda items: [_write_diagnosis(item) for item in items] if isinstance(items, list) else None,
    ),
    _links("appointment", "appointmentId", "Appointment"),
    _links("basedOn", "basedOnId", "ServiceRequest"),
    _link("partOf", "partOfId", "Encounter"),
    _hospitalization._replace(write=_write_hospitalization),
)
