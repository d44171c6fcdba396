"""What the tests of sending share: services that respond as they are told, clients for them, certificates."""

from __future__ import annotations

import gc
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from clinik_client import Clinik
from tests.misbehaviour import tls_as
from tests.servers import KEY, Connect, ScriptedService, Serve, Step
from tests.stopwatch import heartbeat


def pytest_collection_finish() -> None:
    # Thousands of tests stay until the end: no collection has to look at each of them again.
    gc.collect()
    gc.freeze()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts services that respond with these steps."""
    with ExitStack() as stack:

        def start(*steps: Step, ssl_context: ssl.SSLContext | None = None) -> ScriptedService:
            return stack.enter_context(ScriptedService(*steps, ssl_context=ssl_context))

        yield start


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients, and closes them."""
    with ExitStack() as stack:

        def make(to: ScriptedService | str, **options: Any) -> Clinik:
            url = to if isinstance(to, str) else to.url
            return stack.enter_context(Clinik(KEY, **{"base_url": url, "trust_env": False, **options}))

        yield make


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody knows."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """The TLS settings of a server that is 127.0.0.1 and localhost."""
    return tls_as(authority, "127.0.0.1", "localhost")


@pytest.fixture
def mypy_cache(request: pytest.FixtureRequest, pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    """A cache of the test's own, which stays from one run to the next where the checkout can be written.

    A check of the repository may be writing the other one.
    """
    cache: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    if cache is None or not os.access(pytestconfig.rootpath, os.W_OK):
        return tmp_path
    return cache.mkdir(f"mypy-{request.node.originalname}")


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> Iterator[None]:
    """Fails a module that leaves a thread or (ResourceWarning is an error) an open socket behind."""
    heartbeat()  # stays
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        # One that is just ending is not left behind.
        thread.join(5)
    assert [thread.name for thread in left if thread.is_alive()] == []
