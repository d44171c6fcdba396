# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field

from ..._codecs import Array, Boolean, Integer, Text
from ..._help import with_attributes
from ..._model import Model, wire
from ..._objects import Object

if TYPE_CHECKING:
    from .encounter import Encounter


@with_attributes
@_define(kw_only=True, repr=False)
class EncounterPage(Model):
    """One page of a search. Whether another page follows is told by hasMore alone, never by the number of rows."""

    data: list[Encounter] = _field(metadata=wire("data", Array(Object("Encounter")), required=True))
    """The encounters of this page. When the service has something to warn about, a row that is an OperationOutcome
    may stand among them; it is not an encounter."""
    total: int | None = _field(default=None, metadata=wire("total", Integer()))
    """How many encounters match in all, over every page. Not always given."""
    cursor: str | None = _field(default=None, metadata=wire("cursor", Text()))
    """What to ask with for the next page. Its content means nothing to a client. Not always given."""
    has_more: bool = _field(metadata=wire("hasMore", Boolean(), required=True))
    """Whether another page follows."""
    additional_properties: dict[str, Any] = _field(factory=dict)
    """What the API sent beyond these fields, as it came, by its name on the wire."""
