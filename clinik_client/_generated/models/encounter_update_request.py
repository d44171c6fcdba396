# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Array, Enumeration, Integer, Text
from ..._help import with_attributes
from ..._model import Model, wire
from ..._objects import Object
from ..types import REASON_CODE

if TYPE_CHECKING:
    from .diagnosis import Diagnosis, DiagnosisFields
    from .encounter_class import EncounterClass, EncounterClassLiteral
    from .encounter_status import EncounterStatus, EncounterStatusLiteral
    from .hospitalization import Hospitalization
    from .hospitalization_update import HospitalizationUpdate, HospitalizationUpdateFields
    from .period import Period, PeriodFields


@with_attributes
@_define(kw_only=True, repr=False)
class EncounterUpdateRequest(Model):
    """The fields of an encounter to change, with their new values. What is not sent stays as it is."""

    status: EncounterStatus | str | None = _field(
        default=None, metadata=wire("status", Enumeration("EncounterStatus", is_open=True))
    )
    """The state that the encounter has now reached."""
    class_: EncounterClass | str | None = _field(
        default=None, metadata=wire("class", Enumeration("EncounterClass", is_open=True))
    )
    """The setting in which the encounter takes place."""
    type: str | None = _field(default=None, metadata=wire("type", Text(max_length=200)))
    """What kind of encounter it is, in words. (at most 200 characters)"""
    service_type: str | None = _field(default=None, metadata=wire("serviceType", Text(max_length=200)))
    """The medical service that it belongs to. (at most 200 characters)"""
    priority: str | None = _field(default=None, metadata=wire("priority", Text(max_length=50)))
    """How urgent it is. (at most 50 characters)"""
    reason_code: str | list[str] | None = _field(default=None, metadata=wire("reasonCode", REASON_CODE))
    """Why the encounter takes place, as one text or as several. (at most 500 characters each)"""
    period: Period | None = _field(default=None, metadata=wire("period", Object("Period")))
    """When the encounter takes place. Send both ends, where both are known."""
    length_minutes: float | None = _field(
        default=None, metadata=wire("lengthMinutes", Integer(minimum=0, maximum=10080))
    )
    """How long the encounter took, in whole minutes. (0 to 10080)"""
    location: str | None = _field(default=None, metadata=wire("location", Text(max_length=200)))
    """Where it takes place, as a name or an identifier. (at most 200 characters)"""
    service_provider: str | None = _field(default=None, metadata=wire("serviceProvider", Text(max_length=200)))
    """The name of the organization that provides the care. (at most 200 characters)"""
    diagnosis: list[Diagnosis] | None = _field(
        default=None, metadata=wire("diagnosis", Array(Object("Diagnosis"), max_items=20))
    )
    """All diagnoses that the encounter should have from now on. The list replaces the one before. (at most 20
    items)"""
    hospitalization: HospitalizationUpdate | Hospitalization | None = _field(
        default=None, metadata=wire("hospitalization", Object("HospitalizationUpdate", "Hospitalization"))
    )
    """What changes about the stay in hospital."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What `from_dict` was given beyond these fields. Nothing may be: sending it is refused."""


class EncounterUpdateRequestFields(TypedDict, total=False):
    """The fields of `EncounterUpdateRequest` as keyword arguments or as a dict in Python names."""

    status: EncounterStatus | EncounterStatusLiteral | str
    """The state that the encounter has now reached."""
    class_: EncounterClass | EncounterClassLiteral | str
    """The setting in which the encounter takes place."""
    type: str
    """What kind of encounter it is, in words. (at most 200 characters)"""
    service_type: str
    """The medical service that it belongs to. (at most 200 characters)"""
    priority: str
    """How urgent it is. (at most 50 characters)"""
    reason_code: str | Sequence[str]
    """Why the encounter takes place, as one text or as several. (at most 500 characters each)"""
    period: Period | PeriodFields
    """When the encounter takes place. Send both ends, where both are known."""
    length_minutes: float
    """How long the encounter took, in whole minutes. (0 to 10080)"""
    location: str
    """Where it takes place, as a name or an identifier. (at most 200 characters)"""
    service_provider: str
    """The name of the organization that provides the care. (at most 200 characters)"""
    diagnosis: Sequence[Diagnosis | DiagnosisFields]
    """All diagnoses that the encounter should have from now on. The list replaces the one before. (at most 20
    items)"""
    hospitalization: HospitalizationUpdate | HospitalizationUpdateFields | Hospitalization
    """What changes about the stay in hospital."""
