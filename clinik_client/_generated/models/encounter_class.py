# Generated from openapi/clinik.yaml by `make generate`; do not edit.
from enum import StrEnum
from typing import Literal


class EncounterClass(StrEnum):
    """The setting of an encounter, as a code of the HL7 ActCode system.

    Attributes:
        AMB: Ambulatory; the patient comes and goes on the same day, as in a practice or an outpatient
            clinic.
        IMP: Inpatient; the patient is admitted and stays.
        EMER: Emergency; unplanned care that cannot wait.
        HH: Home health; the patient is seen at home.
        VR: Virtual; by video, telephone or another remote means.
    """

    AMB = "AMB"
    IMP = "IMP"
    EMER = "EMER"
    HH = "HH"
    VR = "VR"


EncounterClassLiteral = Literal["AMB", "IMP", "EMER", "HH", "VR"]
