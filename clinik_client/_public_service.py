"""Whether requests may leave for the public service. In tests they may not, unless a test says so.

The pytest plugin loads this module in everybody's tests: it loads nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

HOST: Final = "api.clinikapi.com"
"""What stands in every base URL of the public service, whatever else does."""

VARIABLE: Final = "CLINIKAPI_PUBLIC_SERVICE"
"""Tells processes that a test starts the same; its value is ``refused``."""

REASON: Final = (
    "Nothing was sent: this is a test, and the request was for the public service. Use the fixture clinik, or give "
    "base_url or CLINIKAPI_BASE_URL. A test with @pytest.mark.clinik_public may reach it."
)


def _unheard() -> None:
    pass


on_refusal: Callable[[], None] = _unheard
"""Is called where a request is refused, since a program may catch the error."""

refused: bool = os.environ.get("CLINIKAPI_PUBLIC_SERVICE") == "refused"


def refuse(whether: bool) -> None:
    """Let requests leave for the public service from now on, or refuse it: here, and in processes started here."""
    global refused
    refused = whether
    if whether:
        os.environ[VARIABLE] = "refused"
    else:
        os.environ.pop(VARIABLE, None)
