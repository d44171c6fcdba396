"""Blocking SDK for the ClinikAPI Encounter resource.

>>> from clinik_client import Clinik
>>> with Clinik() as clinik:  # doctest: +SKIP
...     encounter, meta = clinik.encounters.read("enc_xyz789")
"""

from ._generated import models as _models
from ._generated.models import *  # noqa: F403 - each model of the document, as its own __all__ lists them
from .client import Clinik, ClinikWarning
from .encounters import Encounters
from .errors import (
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
from .fhir_datetime import FhirDateTime
from .pagination import Pages
from .response import ApiResponse, Quota, ResponseMeta
from .version import __version__

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
    "Issue",
    "Outcome",
    "Pages",
    "Quota",
    "ResponseMeta",
    "__version__",
]
__all__ += _models.__all__
