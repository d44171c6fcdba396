"""Blocking SDK for the ClinikAPI Encounter resource.

>>> from clinik_client import Clinik
>>> with Clinik() as clinik:  # the key is in CLINIKAPI_SECRET_KEY
...     encounter, meta = clinik.encounters.read("enc_xyz789", include=["patient"])
>>> encounter.type, encounter.period.start.isoformat()
('Annual physical', '2025-06-01T09:00:00+00:00')

What there is; `help` tells more of each, as in ``help(clinik_client.Encounter)``:

    Clinik: the client. It has `encounters`, which is an Encounters with create, read, update, delete, search,
        search_all and find_created. `with_options` gives a view of it with other limits, and `request` sends
        anything else.
    ApiResponse: what a call returns. It unpacks as ``data, meta``; meta is a ResponseMeta, with a Quota.
    Encounter, EncounterPage: what `data` is. They are made of Diagnosis, Hospitalization, Participant and Period,
        and of EncounterStatus, EncounterClass and FhirDateTime with its Precision. All models have `from_dict` and
        `to_dict`; to_json is for the json module.
    EncounterCreateRequest, EncounterUpdateRequest, EncounterSearchParams: what may be given instead of keywords. Their
        keywords are in types that end with Fields, the texts of an enumeration in one that ends with Literal.
    Pager: what search_all returns, to iterate over. Page is for annotations.
    FindResult: what find_created returns, with a Verdict.
    ClinikApiError: any failed call, with its Outcome and Issues. Below it: ClinikAuthError, ClinikConfigError,
        ClinikConflictError, ClinikConnectionError, ClinikNotFoundError, ClinikPermissionError, ClinikQuotaError,
        ClinikRateLimitError, ClinikResponseError, ClinikServerError, ClinikTimeoutError, which names its Phase, and
        ClinikValidationError.
    ClinikWarning: what works, but should not be.
    clinik_client.testing: servers for your tests: a sandbox, and one that replays recorded exchanges.
"""

import typing as _typing
from importlib import import_module as _import_module

from ._generated import models as _models
from ._version import __version__ as __version__

if _typing.TYPE_CHECKING:
    from ._client import Clinik as Clinik
    from ._encounters.facade import Encounters as Encounters
    from ._errors import ClinikApiError as ClinikApiError
    from ._errors import ClinikAuthError as ClinikAuthError
    from ._errors import ClinikConfigError as ClinikConfigError
    from ._errors import ClinikConflictError as ClinikConflictError
    from ._errors import ClinikConnectionError as ClinikConnectionError
    from ._errors import ClinikNotFoundError as ClinikNotFoundError
    from ._errors import ClinikPermissionError as ClinikPermissionError
    from ._errors import ClinikQuotaError as ClinikQuotaError
    from ._errors import ClinikRateLimitError as ClinikRateLimitError
    from ._errors import ClinikResponseError as ClinikResponseError
    from ._errors import ClinikServerError as ClinikServerError
    from ._errors import ClinikTimeoutError as ClinikTimeoutError
    from ._errors import ClinikValidationError as ClinikValidationError
    from ._errors import ClinikWarning as ClinikWarning
    from ._errors import Issue as Issue
    from ._errors import Outcome as Outcome
    from ._errors import Phase as Phase
    from ._fhir_datetime import FhirDateTime as FhirDateTime
    from ._fhir_datetime import Precision as Precision
    from ._generated.models import *  # noqa: F403 - each model of the document, as its own __all__ lists them
    from ._model import to_json as to_json
    from ._pagination import Page as Page
    from ._pagination import Pager as Pager
    from ._recovery import FindResult as FindResult
    from ._recovery import Verdict as Verdict
    from ._response import ApiResponse as ApiResponse
    from ._response import Quota as Quota
    from ._response import ResponseMeta as ResponseMeta
else:
    # The same for Python, which loads each module when a name of it is used for the first time: a program that only
    # imports this package, or its errors, does not wait for what speaks HTTP.
    _NAMES = {
        "_client": "Clinik",
        "_encounters.facade": "Encounters",
        "_errors": "ClinikApiError ClinikAuthError ClinikConfigError ClinikConflictError ClinikConnectionError "
        "ClinikNotFoundError ClinikPermissionError ClinikQuotaError ClinikRateLimitError ClinikResponseError "
        "ClinikServerError ClinikTimeoutError ClinikValidationError ClinikWarning Issue Outcome Phase",
        "_fhir_datetime": "FhirDateTime Precision",
        "_generated.models": " ".join(_models.__all__),
        "_model": "to_json",
        "_pagination": "Page Pager",
        "_recovery": "FindResult Verdict",
        "_response": "ApiResponse Quota ResponseMeta",
    }
    _HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

    __all__ = sorted([*_HOMES, "__version__"])

    def __getattr__(name):
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        thing = globals()[name] = getattr(_import_module(f"{__name__}.{home}"), name)
        return thing


def __dir__() -> list[str]:
    from ._help import names_to_list

    return names_to_list({*globals(), *globals()["__all__"]})
