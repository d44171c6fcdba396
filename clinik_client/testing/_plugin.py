"""A pytest plugin: tests against recorded exchanges, over real HTTP, that fail on any request not recorded.

It is active wherever the package is installed::

    @pytest.mark.clinik_recording("life-of-an-encounter", use_all=True)
    def test_visit(clinik):
        encounter, _ = clinik.encounters.read("enc_xyz789")

* ``clinik_recording(*names, use_all=False)``, the marker, names the recordings; several markers add up.
* ``clinik_server`` is the `clinik_client.testing.FixtureServer` that replays them, fresh for each test.
* ``clinik`` is a `clinik_client.Clinik` for that server, with a made-up key.
* ``clinik_recordings`` is the directory of the HAR files, from the ini option of the same name (default
  ``tests/recordings``, relative to the root directory). Override the fixture to choose it in code.

A request that matches no recording fails the test that made it, whatever the test did with the response; so does, with
``use_all=True``, a recorded exchange that it has not asked for by its end.
"""

# Imported in every pytest run of whoever has the package installed: everything but pytest is imported on use.
from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from clinik_client import Clinik

    from ._server import FixtureServer

_KEY = "clk_test_fixture"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare where recordings are."""
    parser.addini(
        "clinik_recordings",
        "directory of the recordings (HAR files) for clinik_server, relative to the root directory",
        default="tests/recordings",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker and prepare the place where a test's server is kept."""
    config.addinivalue_line(
        "markers",
        "clinik_recording(*names, use_all=False): the recordings that clinik_server replays; with use_all, the test "
        "fails if it leaves one of their exchanges unasked",
    )


_server_key: pytest.StashKey[FixtureServer] = pytest.StashKey()
_told_key: pytest.StashKey[int] = pytest.StashKey()


def _untold_mismatches(item: pytest.Item) -> str:
    """An account of the requests that matched nothing, if there are any that no report has told of yet."""
    server = item.stash.get(_server_key, None)
    number = len(server.mismatches) if server else 0
    if server is None or number == item.stash.get(_told_key, 0):
        return ""
    item.stash[_told_key] = number
    return server.account(with_unused=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Check the server while the test itself can still fail; in a fixture's teardown, it would have passed."""
    try:
        result = yield
    except pytest.skip.Exception:
        raise  # a note would not be seen; mismatches are told of by the fixture's teardown
    except BaseException as error:
        if account := _untold_mismatches(item):
            error.add_note(f"clinik_server: {account}")
        raise
    if server := item.stash.get(_server_key, None):
        item.stash[_told_key] = len(server.mismatches)
        server.verify()
    return result


@pytest.fixture
def clinik_recordings(pytestconfig: pytest.Config) -> Path:
    """The directory of the recordings."""
    return pytestconfig.rootpath / str(pytestconfig.getini("clinik_recordings"))


@pytest.fixture
def clinik_server(request: pytest.FixtureRequest, clinik_recordings: Path) -> Iterator[FixtureServer]:
    """A running fixture server that replays the test's ``clinik_recording`` recordings."""
    from ._server import FixtureServer

    markers = list(reversed(list(request.node.iter_markers("clinik_recording"))))
    names = list(dict.fromkeys(name for marker in markers for name in marker.args))
    if not names:
        raise pytest.UsageError('clinik_server needs to know what to replay: @pytest.mark.clinik_recording("...")')
    use_all = any(marker.kwargs.get("use_all", False) for marker in markers)
    server = FixtureServer.from_directory(clinik_recordings, names, must_use_all=use_all)
    request.node.stash[_server_key] = server
    with server:
        yield server
    # Once more, for what was asked after the test's own code had ended, as by other fixtures or threads.
    if account := _untold_mismatches(request.node):
        raise AssertionError(account)


@pytest.fixture
def clinik(clinik_server: FixtureServer) -> Iterator[Clinik]:
    """A client of ``clinik_server``; environment and proxies have no say in it."""
    from clinik_client import Clinik

    with Clinik(_KEY, base_url=clinik_server.url, trust_env=False) as client:
        yield client
