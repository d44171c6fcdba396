# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""The models of the document, and the types of what may be given in their place."""

import typing as _typing
from importlib import import_module as _import_module

if _typing.TYPE_CHECKING:
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
else:
    # The same for Python, which loads each module when a name of it is used for the first time.
    _HOMES = {
        "Diagnosis": "diagnosis",
        "DiagnosisFields": "diagnosis",
        "Encounter": "encounter",
        "EncounterCreateRequest": "encounter_create_request",
        "EncounterCreateRequestFields": "encounter_create_request",
        "EncounterPage": "encounter_page",
        "EncounterReadParams": "encounter_read_params",
        "EncounterReadParamsFields": "encounter_read_params",
        "EncounterSearchParams": "encounter_search_params",
        "EncounterSearchParamsFields": "encounter_search_params",
        "EncounterUpdateRequest": "encounter_update_request",
        "EncounterUpdateRequestFields": "encounter_update_request",
        "Hospitalization": "hospitalization",
        "HospitalizationFields": "hospitalization",
        "HospitalizationUpdate": "hospitalization_update",
        "HospitalizationUpdateFields": "hospitalization_update",
        "Participant": "participant",
        "ParticipantFields": "participant",
        "Period": "period",
        "PeriodFields": "period",
        "EncounterClass": "encounter_class",
        "EncounterClassLiteral": "encounter_class",
        "EncounterStatus": "encounter_status",
        "EncounterStatusLiteral": "encounter_status",
    }

    def __getattr__(name):
        if (home := _HOMES.get(name)) is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        thing = globals()[name] = getattr(_import_module(f"{__name__}.{home}"), name)
        return thing


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
