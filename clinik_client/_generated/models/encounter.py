# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Array, Enumeration, Number, Text
from ..._encounters.fhir import ENCOUNTER
from ..._fhir_record import FhirRecord
from ..._help import with_attributes
from ..._model import wire
from ..._objects import Object
from ..types import REASON_CODE, RECORD_ID

if TYPE_CHECKING:
    from .diagnosis import Diagnosis
    from .encounter_class import EncounterClass
    from .encounter_status import EncounterStatus
    from .hospitalization import Hospitalization
    from .participant import Participant
    from .period import Period


@with_attributes
@_define(kw_only=True, repr=False)
class Encounter(FhirRecord):
    """An encounter, as the service knows it. Only the id is certain to be there; any other field may be missing,
    and fields that are not described here may appear."""

    _other_form = ENCOUNTER

    id: str = _field(metadata=wire("id", RECORD_ID, required=True))
    """The id of the encounter, given by the service. (a RecordId)"""
    status: EncounterStatus | str | None = _field(default=None, metadata=wire("status", Enumeration("EncounterStatus")))
    """How far the encounter has come. Responses may hold other values than those that can be written:
    entered-in-error for a record that should never have been made, unknown where the state is not known."""
    class_: EncounterClass | str | None = _field(default=None, metadata=wire("class", Enumeration("EncounterClass")))
    """The setting in which the encounter takes place. Responses may hold other codes than those that can be
    written."""
    patient_id: str | None = _field(default=None, metadata=wire("patientId", RECORD_ID))
    """The patient. (a RecordId)"""
    practitioner_id: str | None = _field(default=None, metadata=wire("practitionerId", RECORD_ID))
    """The practitioner who is responsible. (a RecordId)"""
    participants: list[Participant] | None = _field(
        default=None, metadata=wire("participants", Array(Object("Participant")))
    )
    """Practitioners who take part besides the responsible one."""
    type: str | None = _field(default=None, metadata=wire("type", Text()))
    """What kind of encounter it is, in words."""
    service_type: str | None = _field(default=None, metadata=wire("serviceType", Text()))
    """The medical service that it belongs to."""
    priority: str | None = _field(default=None, metadata=wire("priority", Text()))
    """How urgent it is."""
    reason_code: str | list[str] | None = _field(default=None, metadata=wire("reasonCode", REASON_CODE))
    """Why the encounter takes place, as one text or as several. (at most 500 characters each)"""
    period: Period | None = _field(default=None, metadata=wire("period", Object("Period")))
    """When the encounter takes or took place."""
    length_minutes: float | None = _field(default=None, metadata=wire("lengthMinutes", Number()))
    """How long the encounter took, in minutes. Usually, but not always, a whole number."""
    location: str | None = _field(default=None, metadata=wire("location", Text()))
    """Where it takes place, as a name or an identifier."""
    service_provider: str | None = _field(default=None, metadata=wire("serviceProvider", Text()))
    """The name of the organization that provides the care."""
    diagnosis: list[Diagnosis] | None = _field(default=None, metadata=wire("diagnosis", Array(Object("Diagnosis"))))
    """The diagnoses that matter to the encounter."""
    appointment_id: str | None = _field(default=None, metadata=wire("appointmentId", RECORD_ID))
    """The appointment that led to the encounter. (a RecordId)"""
    based_on_id: str | None = _field(default=None, metadata=wire("basedOnId", RECORD_ID))
    """The service request that the encounter fulfils. (a RecordId)"""
    part_of_id: str | None = _field(default=None, metadata=wire("partOfId", RECORD_ID))
    """The encounter that this one is a part of. (a RecordId)"""
    hospitalization: Hospitalization | None = _field(
        default=None, metadata=wire("hospitalization", Object("Hospitalization"))
    )
    """The circumstances of a stay in hospital, for inpatient encounters."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What the API sent beyond these fields, as it came, by its name on the wire."""
