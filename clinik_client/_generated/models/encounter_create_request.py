# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Required, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Array, Enumeration, Integer, OneOf, Text
from ..._model import Model, wire
from ..._objects import Object

if TYPE_CHECKING:
    from .diagnosis import Diagnosis, DiagnosisFields
    from .encounter_class import EncounterClass, EncounterClassLiteral
    from .encounter_status import EncounterStatus, EncounterStatusLiteral
    from .hospitalization import Hospitalization, HospitalizationFields
    from .participant import Participant, ParticipantFields
    from .period import Period, PeriodFields


@_define(kw_only=True, repr=False)
class EncounterCreateRequest(Model):
    """A new encounter, as it is sent to be recorded."""

    status: EncounterStatus | str = _field(metadata=wire("status", Enumeration("EncounterStatus"), required=True))
    """The state in which the encounter begins."""
    class_: EncounterClass | str = _field(metadata=wire("class", Enumeration("EncounterClass"), required=True))
    """The setting in which the encounter takes place."""
    patient_id: str = _field(
        metadata=wire(
            "patientId",
            Text(
                min_length=1,
                max_length=128,
                pattern="^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}$",
                pattern_text="1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor ..",
            ),
            required=True,
        )
    )
    """The patient. Cannot be changed later. (1 to 128 letters, digits, hyphens, underscores and dots, and neither
    . nor ..)"""
    practitioner_id: str | None = _field(
        default=None,
        metadata=wire(
            "practitionerId",
            Text(
                min_length=1,
                max_length=128,
                pattern="^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}$",
                pattern_text="1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor ..",
            ),
        ),
    )
    """The practitioner who is responsible. (1 to 128 letters, digits, hyphens, underscores and dots, and neither .
    nor ..)"""
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
    reason_code: str | list[str] | None = _field(
        default=None,
        metadata=wire(
            "reasonCode",
            OneOf(
                (
                    Text(max_length=500),
                    Array(Text(max_length=500)),
                )
            ),
        ),
    )
    """Why the encounter takes place, as one text or as several. (at most 500 characters; or each at most 500
    characters)"""
    period: Period | None = _field(default=None, metadata=wire("period", Object("Period")))
    """When the encounter takes place."""
    length_minutes: int | None = _field(default=None, metadata=wire("lengthMinutes", Integer(minimum=0, maximum=10080)))
    """How long the encounter takes, in whole minutes. (0 to 10080)"""
    location: str | None = _field(default=None, metadata=wire("location", Text(max_length=200)))
    """Where it takes place, as a name or an identifier. (at most 200 characters)"""
    service_provider: str | None = _field(default=None, metadata=wire("serviceProvider", Text(max_length=200)))
    """The name of the organization that provides the care. (at most 200 characters)"""
    diagnosis: list[Diagnosis] | None = _field(
        default=None, metadata=wire("diagnosis", Array(Object("Diagnosis"), max_items=20))
    )
    """The diagnoses that matter to the encounter. (at most 20 items)"""
    appointment_id: str | None = _field(
        default=None,
        metadata=wire(
            "appointmentId",
            Text(
                min_length=1,
                max_length=128,
                pattern="^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}$",
                pattern_text="1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor ..",
            ),
        ),
    )
    """The appointment that led to the encounter. Cannot be changed later. (1 to 128 letters, digits, hyphens,
    underscores and dots, and neither . nor ..)"""
    based_on_id: str | None = _field(
        default=None,
        metadata=wire(
            "basedOnId",
            Text(
                min_length=1,
                max_length=128,
                pattern="^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}$",
                pattern_text="1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor ..",
            ),
        ),
    )
    """The service request that the encounter fulfils. Cannot be changed later. (1 to 128 letters, digits, hyphens,
    underscores and dots, and neither . nor ..)"""
    part_of_id: str | None = _field(
        default=None,
        metadata=wire(
            "partOfId",
            Text(
                min_length=1,
                max_length=128,
                pattern="^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}$",
                pattern_text="1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor ..",
            ),
        ),
    )
    """The encounter that this one is a part of. Cannot be changed later. (1 to 128 letters, digits, hyphens,
    underscores and dots, and neither . nor ..)"""
    hospitalization: Hospitalization | None = _field(
        default=None, metadata=wire("hospitalization", Object("Hospitalization"))
    )
    """The circumstances of a stay in hospital, for inpatient encounters."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What the API sent beyond these fields, as it came, by its name on the wire."""


class EncounterCreateRequestFields(TypedDict, total=False):
    """The fields of `EncounterCreateRequest` as keyword arguments or as a dict in Python names."""

    status: Required[EncounterStatus | EncounterStatusLiteral]
    """The state in which the encounter begins."""
    class_: Required[EncounterClass | EncounterClassLiteral]
    """The setting in which the encounter takes place."""
    patient_id: Required[str]
    """The patient. Cannot be changed later. (1 to 128 letters, digits, hyphens, underscores and dots, and neither
    . nor ..)"""
    practitioner_id: str | None
    """The practitioner who is responsible. (1 to 128 letters, digits, hyphens, underscores and dots, and neither .
    nor ..)"""
    participants: Sequence[Participant | ParticipantFields] | None
    """Practitioners who take part besides the responsible one."""
    type: str | None
    """What kind of encounter it is, in words. (at most 200 characters)"""
    service_type: str | None
    """The medical service that it belongs to. (at most 200 characters)"""
    priority: str | None
    """How urgent it is. (at most 50 characters)"""
    reason_code: str | Sequence[str] | None
    """Why the encounter takes place, as one text or as several. (at most 500 characters; or each at most 500
    characters)"""
    period: Period | PeriodFields | None
    """When the encounter takes place."""
    length_minutes: int | None
    """How long the encounter takes, in whole minutes. (0 to 10080)"""
    location: str | None
    """Where it takes place, as a name or an identifier. (at most 200 characters)"""
    service_provider: str | None
    """The name of the organization that provides the care. (at most 200 characters)"""
    diagnosis: Sequence[Diagnosis | DiagnosisFields] | None
    """The diagnoses that matter to the encounter. (at most 20 items)"""
    appointment_id: str | None
    """The appointment that led to the encounter. Cannot be changed later. (1 to 128 letters, digits, hyphens,
    underscores and dots, and neither . nor ..)"""
    based_on_id: str | None
    """The service request that the encounter fulfils. Cannot be changed later. (1 to 128 letters, digits, hyphens,
    underscores and dots, and neither . nor ..)"""
    part_of_id: str | None
    """The encounter that this one is a part of. Cannot be changed later. (1 to 128 letters, digits, hyphens,
    underscores and dots, and neither . nor ..)"""
    hospitalization: Hospitalization | HospitalizationFields | None
    """The circumstances of a stay in hospital, for inpatient encounters."""
