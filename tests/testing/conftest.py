"""What the tests of the test kit share."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinik_client.testing import RECORDINGS


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine uses, loopback is not behind it."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="session")
def recordings() -> Path:
    return RECORDINGS
