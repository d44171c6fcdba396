# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""The models of the document, and the types of what may be given in their place."""

from .diagnosis import Diagnosis, DiagnosisFields
from .encounter import Encounter
from .encounter_class import EncounterClass, EncounterClassLiteral
from .encounter_create_request import EncounterCreateRequest, EncounterCreateRequestFields
from .encounter_page import EncounterPage
from .encounter_read_params import EncounterReadParams, EncounterReadParamsFields
from .encounter_search_params import EncounterSearchParams, EncounterSearchParamsFields
from .encounter_status import EncounterStatus, EncounterStatusLiteral
from .encounter_update_request import EncounterUpdateRequest, EncounterUpdateRequestFields
from .hospitalization import Hospitalization, HospitalizationFields
from .hospitalization_update import HospitalizationUpdate, HospitalizationUpdateFields
from .participant import Participant, ParticipantFields
from .period import Period, PeriodFields

__all__ = (
    "Diagnosis",
    "DiagnosisFields",
    "Encounter",
    "EncounterClass",
    "EncounterClassLiteral",
    "EncounterCreateRequest",
    "EncounterCreateRequestFields",
    "EncounterPage",
    "EncounterReadParams",
    "EncounterReadParamsFields",
    "EncounterSearchParams",
    "EncounterSearchParamsFields",
    "EncounterStatus",
    "EncounterStatusLiteral",
    "EncounterUpdateRequest",
    "EncounterUpdateRequestFields",
    "Hospitalization",
    "HospitalizationFields",
    "HospitalizationUpdate",
    "HospitalizationUpdateFields",
    "Participant",
    "ParticipantFields",
    "Period",
    "PeriodFields",
)
