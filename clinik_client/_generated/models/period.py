# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from datetime import date as _date
from typing import Any, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import DateTime
from ..._fhir_datetime import FhirDateTime
from ..._help import with_attributes
from ..._model import Model, date_time, wire


@with_attributes
@_define(kw_only=True, repr=False)
class Period(Model):
    """The span of time that something takes. Either end may be unknown."""

    start: FhirDateTime | None = _field(default=None, converter=date_time, metadata=wire("start", DateTime()))
    """When it began, or is to begin."""
    end: FhirDateTime | None = _field(default=None, converter=date_time, metadata=wire("end", DateTime()))
    """When it ended. Left out while it is going on."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What the API sent beyond these fields, as it came, by its name on the wire."""


class PeriodFields(TypedDict, total=False):
    """The fields of `Period` as keyword arguments or as a dict in Python names."""

    start: _date | str | None
    """When it began, or is to begin."""
    end: _date | str | None
    """When it ended. Left out while it is going on."""
