# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Array, Text
from ..._help import with_attributes
from ..._model import Model, wire


@with_attributes
@_define(kw_only=True, repr=False)
class HospitalizationUpdate(Model):
    """What can be changed about a stay in hospital. The origin cannot; it is given on creation."""

    admit_source: str | None = _field(default=None, metadata=wire("admitSource", Text()))
    """From where, or by whose referral, the patient was admitted."""
    discharge_disposition: str | None = _field(default=None, metadata=wire("dischargeDisposition", Text()))
    """What kind of place the patient left for at discharge."""
    re_admission: str | None = _field(default=None, metadata=wire("reAdmission", Text()))
    """That this is a readmission, and of what kind."""
    destination: str | None = _field(default=None, metadata=wire("destination", Text()))
    """The place or organization to which the patient is discharged."""
    diet_preference: list[str] | None = _field(default=None, metadata=wire("dietPreference", Array(Text())))
    """What the patient eats, and does not eat."""
    special_arrangement: list[str] | None = _field(default=None, metadata=wire("specialArrangement", Array(Text())))
    """What has to be provided for the patient during the stay."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What `from_dict` was given beyond these fields. Nothing may be: sending it is refused."""


class HospitalizationUpdateFields(TypedDict, total=False):
    """The fields of `HospitalizationUpdate` as keyword arguments or as a dict in Python names."""

    admit_source: str | None
    """From where, or by whose referral, the patient was admitted."""
    discharge_disposition: str | None
    """What kind of place the patient left for at discharge."""
    re_admission: str | None
    """That this is a readmission, and of what kind."""
    destination: str | None
    """The place or organization to which the patient is discharged."""
    diet_preference: Sequence[str] | None
    """What the patient eats, and does not eat."""
    special_arrangement: Sequence[str] | None
    """What has to be provided for the patient during the stay."""
