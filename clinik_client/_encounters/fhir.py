"""FHIR R4 ``Encounter`` JSON, element by element, and the fields of the simplified form.

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

>>> ENCOUNTER.matches({"resourceType": "Encounter", "status": "planned"}), ENCOUNTER.matches({"class": {"code": "AMB"}})
(True, True)
>>> ENCOUNTER.matches({"status": "planned", "class": "AMB"}), ENCOUNTER.matches({"resourceType": "OperationOutcome"})
(False, False)
>>> ENCOUNTER.simplify({
...     "resourceType": "Encounter",
...     "class": {"code": "AMB", "display": "ambulatory"},
...     "subject": {"reference": "Patient/pt_abc123"},
... })
{'class': 'AMB', 'patientId': 'pt_abc123', 'fhir': {'class': {'code': 'AMB', 'display': 'ambulatory'}}}
>>> ENCOUNTER.restore({"class": "AMB", "patientId": "pt_abc123"}) == {
...     "resourceType": "Encounter",
...     "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
...     "subject": {"reference": "Patient/pt_abc123"},
... }
True

Source: FHIR R4, Encounter, https://hl7.org/fhir/R4/encounter.html.
"""

from typing import Any, Final

from .._fhir_form import Element, FhirForm, Items, element, link, links, restore, same_name, simplify
from .._fhir_types import (
    API_ID,
    OPAQUE,
    coding_text,
    concept,
    concept_text,
    first,
    for_text,
    get,
    get_list,
    id_of,
    name_of,
    read_concepts,
    read_minutes,
    reference,
    target_of,
    text_of,
    write_concepts,
    write_minutes,
)

_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_PARTICIPATION_TYPE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_DIAGNOSIS_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"

_PRIMARY_PERFORMER = "PPRF"
_DIAGNOSIS_ROLES = frozenset({"AD", "DD", "CC", "CM", "pre-op", "post-op", "billing"})


def _read_class(coding: dict[str, Any]) -> str | None:
    return text_of(coding.get("code"))


def _read_reasons(concepts: list[Any]) -> Any:
    reasons = read_concepts(concepts)
    if reasons is concepts or len(reasons) > 1:
        return reasons
    return reasons[0] if reasons else None


def _read_locations(locations: list[Any]) -> str | None:
    stays = sorted(locations, key=lambda stay: get(stay, "status") != "active")  # stable: else the first
    said: str | None = first(name_of)(get(stay, "location") for stay in stays)
    return said


def _read_diagnosis(diagnosis: Any) -> Any:
    if not isinstance(diagnosis, dict):
        return diagnosis
    said = dict(diagnosis)
    if isinstance(condition := diagnosis.get("condition"), dict):
        said["condition"] = id_of(condition) or name_of(condition)
    if isinstance(use := diagnosis.get("use"), dict):
        said["use"] = coding_text(use, "code") or concept_text(use)
    return {name: value for name, value in said.items() if value is not None or diagnosis[name] is None}


def _write_diagnosis(diagnosis: Any) -> Any:
    if not isinstance(diagnosis, dict):
        return diagnosis
    full = dict(diagnosis)
    if condition := text_of(diagnosis.get("condition")):
        is_id = API_ID.fullmatch(condition) or condition.startswith(OPAQUE)
        full["condition"] = reference("Condition", condition) if is_id else {"display": condition}
    if use := text_of(diagnosis.get("use")):
        coding = {"system": _DIAGNOSIS_ROLE, "code": use}
        full["use"] = {"coding": [coding]} if use in _DIAGNOSIS_ROLES else {"text": use}
    return full


def _practitioner_id(participant: Any) -> str | None:
    """The id of the individual, if that is a practitioner and not, say, a relative."""
    kind, record_id = target_of(get(participant, "individual"))
    return record_id if kind == "Practitioner" else None


def _is_primary(participant: dict[str, Any]) -> bool:
    codings = (coding for concept in get_list(participant, "type") for coding in get_list(concept, "coding"))
    return any(get(coding, "code") == _PRIMARY_PERFORMER for coding in codings)


def _read_participant(practitioner_id: str, participant: dict[str, Any]) -> dict[str, Any]:
    said = {name: item for name, item in participant.items() if name not in ("individual", "type")}
    role = first(concept_text)(get_list(participant, "type"))
    return {**said, "practitionerId": practitioner_id, **({"role": role} if role else {})}


def _write_participant(participant: dict[str, Any]) -> dict[str, Any]:
    full = dict(participant)
    full["individual"] = reference("Practitioner", full.pop("practitionerId"))
    if text_of(full.get("role")):
        full["type"] = [{"text": full.pop("role")}]
    return full


def _read_participants(items: Items) -> Items:
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


def _write_participants(fields: Items, _kept: Items) -> Items:
    items, participants = dict(fields), []
    if primary := text_of(fields.get("practitionerId")):
        del items["practitionerId"]
        kind = {"coding": [{"system": _PARTICIPATION_TYPE, "code": _PRIMARY_PERFORMER}]}
        participants.append({"type": [kind], "individual": reference("Practitioner", primary)})
    more = fields.get("participants")
    if isinstance(more, list) and more and all(text_of(get(item, "practitionerId")) for item in more):
        participants += map(_write_participant, items.pop("participants"))
    return {**items, "participant": participants} if participants else items


def _write_hospitalization(fields: Items, items: Items) -> Items:
    value, kept = fields["hospitalization"], items.get("hospitalization")
    if not isinstance(value, dict):
        return fields
    return {"hospitalization": restore(_HOSPITALIZATION, value, kept if isinstance(kept, dict) else {})}


_named = for_text(lambda name: {"display": name})

_HOSPITALIZATION = (
    *(same_name(name, dict, concept_text, concept) for name in ("admitSource", "dischargeDisposition", "reAdmission")),
    *(same_name(name, list, read_concepts, write_concepts) for name in ("dietPreference", "specialArrangement")),
    *(same_name(name, dict, name_of, _named) for name in ("destination", "origin")),
)
_hospitalization = same_name(
    "hospitalization", dict, lambda value: simplify(_HOSPITALIZATION, value)[0], lambda value: None
)

_ELEMENTS = (
    same_name("class", dict, _read_class, for_text(lambda code: {"system": _ACT_CODE, "code": code})),
    link("subject", "patientId", "Patient"),
    Element(("participant", "practitionerId", "participants"), _read_participants, _write_participants),
    same_name("type", list, first(concept_text), for_text(lambda text: [{"text": text}])),
    same_name("serviceType", dict, concept_text, concept),
    same_name("priority", dict, concept_text, concept),
    same_name("reasonCode", list, _read_reasons, lambda value: write_concepts([value] if text_of(value) else value)),
    element("length", "lengthMinutes", dict, read_minutes, write_minutes),
    same_name("location", list, _read_locations, for_text(lambda name: [{"location": {"display": name}}])),
    same_name("serviceProvider", dict, name_of, _named),
    same_name(
        "diagnosis",
        list,
        lambda items: [_read_diagnosis(item) for item in items],
        lambda items: [_write_diagnosis(item) for item in items] if isinstance(items, list) else None,
    ),
    links("appointment", "appointmentId", "Appointment"),
    links("basedOn", "basedOnId", "ServiceRequest"),
    link("partOf", "partOfId", "Encounter"),
    _hospitalization._replace(write=_write_hospitalization),
)

ENCOUNTER: Final = FhirForm("Encounter", _ELEMENTS, marks=("class", "subject"))
"""The form in which a response may hold a `clinik_client.Encounter`."""
