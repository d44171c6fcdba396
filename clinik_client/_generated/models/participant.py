# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from typing import Any, Required, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Text
from ..._help import with_attributes
from ..._model import Model, wire
from ..types import RECORD_ID


@with_attributes
@_define(kw_only=True, repr=False)
class Participant(Model):
    """Somebody who takes part in an encounter besides the responsible practitioner."""

    practitioner_id: str = _field(metadata=wire("practitionerId", RECORD_ID, required=True))
    """The practitioner who takes part. (a RecordId)"""
    role: str | None = _field(default=None, metadata=wire("role", Text()))
    """What this practitioner does in the encounter."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What the API sent beyond these fields, as it came, by its name on the wire."""


class ParticipantFields(TypedDict, total=False):
    """The fields of `Participant` as keyword arguments or as a dict in Python names."""

    practitioner_id: Required[str]
    """The practitioner who takes part. (a RecordId)"""
    role: str | None
    """What this practitioner does in the encounter."""
