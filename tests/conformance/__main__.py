"""Hold the documentation's sentences against a service: ``make conformance``.

Without a key in the environment this is our sandbox. With a test key in ``CLINIKAPI_SECRET_KEY`` it is the real
service, or the one that ``CLINIKAPI_CONFORMANCE_URL`` names; ``CLINIKAPI_CONFORMANCE_PATIENT`` names a patient there.
Only what the tests made is changed, and it is deleted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance.report import DriftReport
from tests.conformance.service import ServiceAddress

PUBLIC = "https://api.clinikapi.com"


def address_of(environment: Mapping[str, str]) -> ServiceAddress | None:
    """Where the real service is, and its key; ``None`` if the sandbox is to be tried.

    Raises:
        ValueError: there is no test key for it.
    """
    key, url = environment.get("CLINIKAPI_SECRET_KEY", ""), environment.get("CLINIKAPI_CONFORMANCE_URL", "")
    if not key and not url:
        return None
    if not key.startswith("clk_test_"):
        raise ValueError("the tests need a key that begins with clk_test_, in CLINIKAPI_SECRET_KEY")
    return ServiceAddress(url or PUBLIC, key, environment.get("CLINIKAPI_CONFORMANCE_PATIENT", "pt_abc123"))


def main() -> int:
    try:
        address = address_of(os.environ)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"Trying {address.url if address else 'the sandbox'}", flush=True)
    report = DriftReport(address)
    code = pytest.main(["--quiet", "--tb=short", str(Path(__file__).parent), *sys.argv[1:]], plugins=[report])
    print(report.text())
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
