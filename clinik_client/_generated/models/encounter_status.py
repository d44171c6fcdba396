# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from enum import StrEnum
from typing import Literal


class EncounterStatus(StrEnum):
    """How far an encounter has come. The values are in the order in which an encounter runs through them; finished
    and cancelled are the two ends."""

    PLANNED = "planned"
    """The encounter is intended for later; nothing has happened yet."""
    ARRIVED = "arrived"
    """The patient is there and waits to be seen."""
    TRIAGED = "triaged"
    """The urgency has been assessed, and the patient waits for care."""
    IN_PROGRESS = "in-progress"
    """The patient is being seen."""
    ONLEAVE = "onleave"
    """The patient is away for a while, for example home over a weekend, and is expected back."""
    FINISHED = "finished"
    """The encounter is over."""
    CANCELLED = "cancelled"
    """The encounter was called off before it began."""


EncounterStatusLiteral = Literal["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled"]
