"""Blocking SDK for the ClinikAPI Encounter resource.

>>> from clinik_client import Clinik
>>> with Clinik() as clinik:  # the key is in CLINIKAPI_SECRET_KEY
...     encounter, meta = clinik.encounters.read("enc_xyz789", include=["patient"])
>>> encounter.type, encounter.period.start.isoformat()
('Annual physical', '2025-06-01T09:00:00+00:00')
"""

from ._client import Clinik, ClinikWarning
from ._encounters.facade import Encounters
from ._errors import (
    ClinikApiError,
    ClinikAuthError,
    ClinikConfigError,
    ClinikConflictError,
    ClinikConnectionError,
    ClinikNotFoundError,
    ClinikPermissionError,
    ClinikQuotaError,
    ClinikRateLimitError,
    ClinikResponseError,
    ClinikServerError,
    ClinikTimeoutError,
    ClinikValidationError,
    Issue,
    Outcome,
)
from ._fhir_datetime import FhirDateTime
from ._generated import models as _models
from ._generated.models import *  # noqa: F403 - each model of the document, as its own __all__ lists them
from ._pagination import Pager
from ._recovery import FindResult
from ._response import ApiResponse, Quota, ResponseMeta
from ._version import __version__

__all__ = [
    "ApiResponse",
    "Clinik",
    "ClinikApiError",
    "ClinikAuthError",
    "ClinikConfigError",
    "ClinikConflictError",
    "ClinikConnectionError",
    "ClinikNotFoundError",
    "ClinikPermissionError",
    "ClinikQuotaError",
    "ClinikRateLimitError",
    "ClinikResponseError",
    "ClinikServerError",
    "ClinikTimeoutError",
    "ClinikValidationError",
    "ClinikWarning",
    "Encounters",
    "FhirDateTime",
    "FindResult",
    "Issue",
    "Outcome",
    "Pager",
    "Quota",
    "ResponseMeta",
    "__version__",
]
__all__ += _models.__all__
