# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Required, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Array, Enumeration, Integer, Text
from ..._help import with_attributes
from ..._model import Model, wire
from ..._objects import Object
from ..types import REASON_CODE, RECORD_ID

if TYPE_CHECKING:
    from .diagnosis import Diagnosis, DiagnosisFields
    from .encounter_class import EncounterClass, EncounterClassLiteral
    from .encounter_status import EncounterStatus, EncounterStatusLiteral
    from .hospitalization import Hospitalization, HospitalizationFields
    from .participant import Participant, ParticipantFields
    from .period import Period, PeriodFields


@with_attributes
@_define(kw_only=True, repr=False)
class EncounterCreateRequest(Model):
    """A new encounter, as it is sent to be recorded."""

    status: EncounterStatus | str = _field(metadata=wire("status", Enumeration("EncounterStatus"), required=True))
    """The state in which the encounter begins."""
    class_: EncounterClass | str = _field(
        metadata=wire("class", Enumeration("EncounterClass", is_open=True), required=True)
    )
    """The setting in which the encounter takes place."""
    patient_id: str = _field(metadata=wire("patientId", RECORD_ID, required=True))
    """The patient. Cannot be changed later. (a RecordId)"""
    practitioner_id: str | None = _field(default=None, metadata=wire("practitionerId", RECORD_ID))
    """The practitioner who is responsible. (a RecordId)"""
    participants: list[Participant] | None = _field(
        default=None, metadata=wire("participants", Array(Object("Participant")))
    )
    """Practitioners who take part besides the responsible one."""
    type: str | None = _field(default=None, metadata=wire("type", Text(max_length=200)))
    """What kind of encounter it is, in words. (at most 200 characters)"""
    service_type: str | None = _field(default=None, metadata=wire("serviceType", Text(max_length=200)))
    """The medical service that it belongs to. (at most 200 characters)"""
    priority: str | None = _field(default=None, metadata=wire("priority", Text(max_length=50)))
    """How urgent it is. (at most 50 characters)"""
    reason_code: str | list[str] | None = _field(default=None, metadata=wire("reasonCode", REASON_CODE))
    """Why the encounter takes place, as one text or as several. (at most 500 characters each)"""
    period: Period | None = _field(default=None, metadata=wire("period", Object("Period")))
    """When the encounter takes place."""
    length_minutes: float | None = _field(
        default=None, metadata=wire("lengthMinutes", Integer(minimum=0, maximum=10080))
    )
    """How long the encounter takes, in whole minutes. (0 to 10080)"""
    location: str | None = _field(default=None, metadata=wire("location", Text(max_length=200)))
    """Where it takes place, as a name or an identifier. (at most 200 characters)"""
    service_provider: str | None = _field(default=None, metadata=wire("serviceProvider", Text(max_length=200)))
    """The name of the organization that provides the care. (at most 200 characters)"""
    diagnosis: list[Diagnosis] | None = _field(
        default=None, metadata=wire("diagnosis", Array(Object("Diagnosis"), max_items=20))
    )
    """The diagnoses that matter to the encounter. (at most 20 items)"""
    appointment_id: str | None = _field(default=None, metadata=wire("appointmentId", RECORD_ID))
    """The appointment that led to the encounter. Cannot be changed later. (a RecordId)"""
    based_on_id: str | None = _field(default=None, metadata=wire("basedOnId", RECORD_ID))
    """The service request that the encounter fulfils. Cannot be changed later. (a RecordId)"""
    part_of_id: str | None = _field(default=None, metadata=wire("partOfId", RECORD_ID))
    """The encounter that this one is a part of. Cannot be changed later. (a RecordId)"""
    hospitalization: Hospitalization | None = _field(
        default=None, metadata=wire("hospitalization", Object("Hospitalization"))
    )
    """The circumstances of a stay in hospital, for inpatient encounters."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What `from_dict` was given beyond these fields. Nothing may be: sending it is refused."""


class EncounterCreateRequestFields(TypedDict, total=False):
    """The fields of `EncounterCreateRequest` as keyword arguments or as a dict in Python names."""

    status: Required[EncounterStatus | EncounterStatusLiteral]
    """The state in which the encounter begins."""
    class_: Required[EncounterClass | EncounterClassLiteral | str]
    """The setting in which the encounter takes place."""
    patient_id: Required[str]
    """The patient. Cannot be changed later. (a RecordId)"""
    practitioner_id: str | None
    """The practitioner who is responsible. (a RecordId)"""
    participants: Sequence[Participant | ParticipantFields] | None
    """Practitioners who take part besides the responsible one."""
    type: str | None
    """What kind of encounter it is, in words. (at most 200 characters)"""
    service_type: str | None
    """The medical service that it belongs to. (at most 200 characters)"""
    priority: str | None
    """How urgent it is. (at most 50 characters)"""
    reason_code: str | Sequence[str] | None
    """Why the encounter takes place, as one text or as several. (at most 500 characters each)"""
    period: Period | PeriodFields | None
    """When the encounter takes place."""
    length_minutes: float | None
    """How long the encounter takes, in whole minutes. (0 to 10080)"""
    location: str | None
    """Where it takes place, as a name or an identifier. (at most 200 characters)"""
    service_provider: str | None
    """The name of the organization that provides the care. (at most 200 characters)"""
    diagnosis: Sequence[Diagnosis | DiagnosisFields] | None
    """The diagnoses that matter to the encounter. (at most 20 items)"""
    appointment_id: str | None
    """The appointment that led to the encounter. Cannot be changed later. (a RecordId)"""
    based_on_id: str | None
    """The service request that the encounter fulfils. Cannot be changed later. (a RecordId)"""
    part_of_id: str | None
    """The encounter that this one is a part of. Cannot be changed later. (a RecordId)"""
    hospitalization: Hospitalization | HospitalizationFields | None
    """The circumstances of a stay in hospital, for inpatient encounters."""
