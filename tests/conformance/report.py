"""Which sentences of the documentation hold, and which do not: where a service has drifted away from it."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import pytest
from attrs import define, field

from tests.conformance.service import ServiceAddress

REAL: Final = pytest.StashKey[ServiceAddress]()
"""Where the service is, if it is not our sandbox."""

PAGES: Final = (
    "SDK reference, encounters",
    "API reference, encounters",
    "API reference, system",
    "Authentication",
    "Data consistency",
    "Errors",
    "Rate limits",
    "openapi/clinik.yaml",
)
"""The pages of the vendor's documentation that the sentences are from, and our own document."""


def sentence_of(function: Any) -> str:
    """The sentence that a test holds, and the page that it is from: the test's docstring."""
    return " ".join((inspect.getdoc(function) or "").split())


def page_of(sentence: str) -> str | None:
    """The page that a sentence names at its end."""
    found = re.search(r"\. \(([^()]+)\)$", sentence)
    return found[1] if found and found[1] in PAGES else None


@define
class DriftReport:
    """A plugin of pytest: says which service is tried, and counts which sentences hold.

    Args:
        address: the service; ``None`` for our sandbox.
    """

    address: ServiceAddress | None = None
    held: dict[str, bool] = field(factory=dict, init=False)
    """Whether each sentence holds wherever it was tried."""
    left_out: int = field(default=0, init=False)

    def pytest_configure(self, config: pytest.Config) -> None:
        if self.address is not None:
            config.stash[REAL] = self.address

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.left_out += len(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, sentence in report.user_properties:
            if name == "sentence":
                self.held[str(sentence)] = self.held.get(str(sentence), True) and not report.failed

    def text(self) -> str:
        """The report."""
        drifted = [sentence for sentence, holds in self.held.items() if not holds]
        lines = [f"{len(self.held) - len(drifted)} of {len(self.held)} sentences of the documentation hold."]
        if self.left_out:
            lines.append(f"{self.left_out} tests were left out: they need a service whose clock and limits can be set.")
        return "\n".join([*lines, *(f"drift: {sentence}" for sentence in drifted)])
