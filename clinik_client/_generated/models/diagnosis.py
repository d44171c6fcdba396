# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from typing import Any, Required, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Integer, Text
from ..._help import with_attributes
from ..._model import Model, wire


@with_attributes
@_define(kw_only=True, repr=False)
class Diagnosis(Model):
    """One diagnosis that matters to an encounter."""

    condition: str = _field(metadata=wire("condition", Text(), required=True))
    """What was diagnosed, as a code or the id of a condition."""
    use: str | None = _field(default=None, metadata=wire("use", Text()))
    """The part that the diagnosis plays in the encounter, for example AD for the diagnosis at admission or DD for
    the one at discharge."""
    rank: int | None = _field(default=None, metadata=wire("rank", Integer(minimum=1)))
    """The place of the diagnosis among those of the same use; 1 is the most important one. (at least 1)"""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What the API sent beyond these fields, as it came, by its name on the wire."""


class DiagnosisFields(TypedDict, total=False):
    """The fields of `Diagnosis` as keyword arguments or as a dict in Python names."""

    condition: Required[str]
    """What was diagnosed, as a code or the id of a condition."""
    use: str | None
    """The part that the diagnosis plays in the encounter, for example AD for the diagnosis at admission or DD for
    the one at discharge."""
    rank: int | None
    """The place of the diagnosis among those of the same use; 1 is the most important one. (at least 1)"""
