"""Which service is tried, which tests can be tried on it, and what is told of one that fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from clinik_client.testing import Sandbox
from tests.conformance.report import REAL, sentence_of
from tests.conformance.service import ServiceAddress, ServiceUnderTest, Steering, wait


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only our sandbox can be asked for."""
    if REAL not in config.stash:
        return
    steered = [item for item in items if "steering" in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if item not in steered]
    config.hook.pytest_deselected(items=steered)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say which sentence a test holds, and show it where the test fails."""
    report = yield
    sentence = sentence_of(getattr(item, "function", None))
    if item.path.parent == Path(__file__).parent and sentence:
        report.user_properties.append(("sentence", sentence))
        if report.failed:
            report.sections.append(("What the documentation says, in our words", sentence))
    return report


@pytest.fixture(scope="module")
def address(pytestconfig: pytest.Config) -> Iterator[ServiceAddress]:
    real = pytestconfig.stash.get(REAL, None)
    if real is not None:
        yield real
        return
    with Sandbox() as sandbox:
        yield ServiceAddress(sandbox.url, sandbox.key, "pt_abc123")


@pytest.fixture
def service(address: ServiceAddress, pytestconfig: pytest.Config) -> Iterator[ServiceUnderTest]:
    """The service that is tried. What a test makes there is deleted."""
    real = REAL in pytestconfig.stash
    if not real:
        steering = Steering(address.url)
        steering.begin()
        steering.close()
    service = ServiceUnderTest(address, wait if real else None)
    yield service
    service.leave(delete=real)


@pytest.fixture
def steering(service: ServiceUnderTest) -> Iterator[Steering]:
    """What can be done to our sandbox alone: a test that asks for it is left out elsewhere."""
    steering = Steering(service.address.url)
    yield steering
    steering.close()
