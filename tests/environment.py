"""What an environment may say to the SDK and to Python.

It says nothing to the tests, to `make faults`, and to what they start.
"""

from __future__ import annotations

import os
import re

SPEAKING = re.compile(
    r"CLINIKAPI_.*|SSL_CERT_(FILE|DIR)|SSLKEYLOGFILE|(HTTPS?|ALL|NO)_PROXY|PYTHONWARNINGS", re.IGNORECASE
)


def silence() -> None:
    """Take out of this process's environment what the SDK would listen to."""
    for name in list(filter(SPEAKING.fullmatch, os.environ)):
        del os.environ[name]
