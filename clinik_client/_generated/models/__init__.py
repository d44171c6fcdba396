# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Contains all the data models used in inputs/outputs"""

from .diagnosis import Diagnosis
from .encounter import Encounter
from .encounter_class import EncounterClass
from .encounter_create_request import EncounterCreateRequest
from .encounter_page import EncounterPage
from .encounter_read_params import EncounterReadParams
from .encounter_search_params import EncounterSearchParams
from .encounter_status import EncounterStatus
from .encounter_update_request import EncounterUpdateRequest
from .hospitalization import Hospitalization
from .hospitalization_update import HospitalizationUpdate
from .participant import Participant
from .period import Period

__all__ = (
    "Diagnosis",
    "Encounter",
    "EncounterClass",
    "EncounterCreateRequest",
    "EncounterPage",
    "EncounterReadParams",
    "EncounterSearchParams",
    "EncounterStatus",
    "EncounterUpdateRequest",
    "Hospitalization",
    "HospitalizationUpdate",
    "Participant",
    "Period",
)
