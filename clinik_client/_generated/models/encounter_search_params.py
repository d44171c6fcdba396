# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from datetime import date as _date
from typing import TYPE_CHECKING, Any, TypedDict

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Date, Enumeration, Integer, Text
from ..._help import with_attributes
from ..._model import Model, wire
from ..types import RECORD_ID

if TYPE_CHECKING:
    from .encounter_status import EncounterStatus, EncounterStatusLiteral


@with_attributes
@_define(kw_only=True, repr=False)
class EncounterSearchParams(Model):
    """The query parameters of searchEncounters."""

    patient_id: str | None = _field(default=None, metadata=wire("patientId", RECORD_ID))
    """Only encounters of the patient with this id. (a RecordId)"""
    status: EncounterStatus | str | None = _field(
        default=None, metadata=wire("status", Enumeration("EncounterStatus", is_open=True))
    )
    """Only encounters that are in this state."""
    date_from: _date | None = _field(default=None, metadata=wire("dateFrom", Date()))
    """Only encounters whose period starts on this day or later. A calendar day, written YYYY-MM-DD."""
    date_to: _date | None = _field(default=None, metadata=wire("dateTo", Date()))
    """Only encounters whose period starts on this day or earlier. A calendar day, written YYYY-MM-DD."""
    sort: str | None = _field(default=None, metadata=wire("sort", Text()))
    """The field to order the results by; a hyphen in front of it means descending order. Both -date and
    -period.start put the latest encounter first. The text is passed on as it is, and the service decides which
    fields it can sort by."""
    count: int | None = _field(default=None, metadata=wire("count", Integer()))
    """How many encounters a page should hold. Without it the service takes 20. The number is never refused: above
    100 the service gives 100, and for zero, a negative number or no number at all it gives 20."""
    cursor: str | None = _field(default=None, metadata=wire("cursor", Text()))
    """Where to go on: the cursor of the page before, exactly as it came. Without it the search starts at the
    beginning. It starts at the beginning, too, when the cursor is not valid, and no error says so."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What `from_dict` was given beyond these fields. Nothing may be: sending it is refused."""


class EncounterSearchParamsFields(TypedDict, total=False):
    """The fields of `EncounterSearchParams` as keyword arguments or as a dict in Python names."""

    patient_id: str | None
    """Only encounters of the patient with this id. (a RecordId)"""
    status: EncounterStatus | EncounterStatusLiteral | str | None
    """Only encounters that are in this state."""
    date_from: _date | str | None
    """Only encounters whose period starts on this day or later. A calendar day, written YYYY-MM-DD."""
    date_to: _date | str | None
    """Only encounters whose period starts on this day or earlier. A calendar day, written YYYY-MM-DD."""
    sort: str | None
    """The field to order the results by; a hyphen in front of it means descending order. Both -date and
    -period.start put the latest encounter first. The text is passed on as it is, and the service decides which
    fields it can sort by."""
    count: int | None
    """How many encounters a page should hold. Without it the service takes 20. The number is never refused: above
    100 the service gives 100, and for zero, a negative number or no number at all it gives 20."""
    cursor: str | None
    """Where to go on: the cursor of the page before, exactly as it came. Without it the search starts at the
    beginning. It starts at the beginning, too, when the cursor is not valid, and no error says so."""
