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
class EncounterReadParams(Model):
    """The query parameters of readEncounter."""

    include: list[str] | None = _field(
        default=None,
        metadata=wire(
            "_include",
            Array(
                Text(
                    pattern="^Encounter:[A-Za-z][A-Za-z0-9.-]*$",
                    pattern_text="the name of a reference, such as patient",
                    prefix="Encounter:",
                )
            ),
        ),
    )
    """Records that the encounter refers to and that should be sent with it. Each value is Encounter, a colon and
    the name of the reference, for example Encounter:patient. Every value is sent as a parameter of its own.
    (each the name of a reference, such as patient)"""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What `from_dict` was given beyond these fields. Nothing may be: sending it is refused."""


class EncounterReadParamsFields(TypedDict, total=False):
    """The fields of `EncounterReadParams` as keyword arguments or as a dict in Python names."""

    include: Sequence[str] | None
    """Records that the encounter refers to and that should be sent with it. Each value is Encounter, a colon and
    the name of the reference, for example Encounter:patient. Every value is sent as a parameter of its own.
    (each the name of a reference, such as patient)"""
