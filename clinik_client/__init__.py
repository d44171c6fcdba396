"""Blocking SDK for the ClinikAPI Encounter resource.

>>> from clinik_client import Clinik
>>> with Clinik() as clinik:  # the key is in CLINIKAPI_SECRET_KEY
...     encounter, meta = clinik.encounters.read("enc_xyz789", include=["patient"])
>>> encounter.type, encounter.period.start.isoformat()
('Annual physical', '2025-06-01T09:00:00+00:00')
"""

import typing as _typing

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
from ._version import __version__ as __version__

if not _typing.TYPE_CHECKING:
    # Derived, since the models are the document's. A type checker takes the names above as they stand: those that are
    # imported as themselves, and all of the models. (pytest adds names of its own that begin with @.)
    __all__ = sorted(name for name in globals() if name[0].isalpha() or name == "__version__")
