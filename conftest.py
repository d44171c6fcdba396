"""What all tests share: hypothesis' settings, and what the docstrings' examples run against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from clinik_client import Clinik
from clinik_client.testing import RECORDINGS, FixtureServer
from tests.environment import silence

# A slow machine is no counter-example. `make test` looks at few examples of each property, `make thorough` at many.
settings.register_profile("few", deadline=None, max_examples=20)
settings.register_profile("many", deadline=None, max_examples=500)
settings.load_profile("few")

silence()

STORIES = ["life-of-an-encounter", "included-records", "lost-create"]

# The test kit's own examples start what they need.
WITHOUT_SERVER = ("clinik_client.testing", "generator")

# Examples that are set up by the environment alone; the others say where they talk to.
FROM_ENVIRONMENT = ("clinik_client",)


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment, which says nothing of keys, certificates and proxies, to be changed for one test."""
    return monkeypatch


@pytest.fixture(autouse=True)
def examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each docstring a server and a ``clinik`` of its own, so that none depends on what another one asked."""
    if not isinstance(request.node, pytest.DoctestItem) or request.node.name.startswith(WITHOUT_SERVER):
        yield
        return
    names: dict[str, Any] = request.getfixturevalue("doctest_namespace")
    with FixtureServer.from_directory(RECORDINGS, STORIES) as server:
        if request.node.name in FROM_ENVIRONMENT:
            monkeypatch.setenv("CLINIKAPI_SECRET_KEY", "clk_test_fixture")
            monkeypatch.setenv("CLINIKAPI_BASE_URL", server.url)
        with Clinik("clk_test_fixture", base_url=server.url, trust_env=False) as clinik:
            names["clinik"] = clinik
            yield
            del names["clinik"]
    server.verify()
