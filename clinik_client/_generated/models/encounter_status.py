# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from enum import StrEnum
from typing import Literal


class EncounterStatus(StrEnum):
    """How far an encounter has come. The values are in the order in which an encounter runs through them; finished
    and cancelled are the two ends.

    Attributes:
        PLANNED: The encounter is intended for later; nothing has happened yet.
        ARRIVED: The patient is there and waits to be seen.
        TRIAGED: The urgency has been assessed, and the patient waits for care.
        IN_PROGRESS: The patient is being seen.
        ONLEAVE: The patient is away for a while, for example home over a weekend, and is expected back.
        FINISHED: The encounter is over.
        CANCELLED: The encounter was called off before it began.
    """

    PLANNED = "planned"
    ARRIVED = "arrived"
    TRIAGED = "triaged"
    IN_PROGRESS = "in-progress"
    ONLEAVE = "onleave"
    FINISHED = "finished"
    CANCELLED = "cancelled"


EncounterStatusLiteral = Literal["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled"]
