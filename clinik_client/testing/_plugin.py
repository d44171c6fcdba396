"""A pytest plugin: tests against a sandbox or recorded exchanges, over real HTTP, and never the public service.

It is active wherever the package is installed::

    def test_visit(clinik):
        visit, _ = clinik.encounters.create(status="planned", class_="VR", patient_id="pt_abc123")

* ``clinik`` is a `clinik_client.Clinik` for the test's own service: a sandbox, or recordings if a marker names some.
* ``clinik_sandbox`` is the `clinik_client.testing.Sandbox`. The marker ``clinik_sandbox(seed=0, clock=None,
  **settings)`` says what it holds at the beginning, the moment at which its time stands (or a `SandboxClock`), and how
  it answers (`SandboxSettings`).
* ``clinik_recording(*names, use_all=False)``, a marker, names recordings; several markers add up. ``clinik_server`` is
  the `clinik_client.testing.FixtureServer` that replays them.
* ``clinik_fault(kind, ...)``, a marker, lets requests meet a `clinik_client.testing.Fault`, with its arguments.
* ``clinik_recordings`` is the directory of the project's own HAR files, from the ini option of the same name (default
  ``tests/recordings``, relative to the root directory). Override the fixture to choose it in code.
* ``clinik_public``, a marker, lets a test reach the public service. Another one that tries fails, whatever it catches.

Services are fresh for each test. A request that matches no recording fails the test that made it, whatever the test did
with the response; so does a fault that its requests have not met by its end, a recording of which it has asked nothing
and, with ``use_all=True``, a recorded exchange that it has not asked for. Each is reported once, as a text without a
traceback. A marker that makes no sense, or stands on a test that uses none of these fixtures, is an error.
"""

# Imported in every pytest run of whoever has the package installed: everything but pytest is imported on use.
from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import partial
from pathlib import Path
from traceback import walk_stack, walk_tb
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from clinik_client import _public_service

from ._hooks import wraps_hook

if TYPE_CHECKING:
    from clinik_client import Clinik

    from ._account import Account
    from ._sandbox.sandbox import Sandbox
    from ._server import FixtureServer

_SDK = Path(__file__).parents[1]
_MARKERS = {
    "clinik_recording": "(*names, use_all=False): the recordings that clinik_server replays to the test; it fails if "
    "it asks nothing of one, with use_all if it leaves one of their exchanges unasked",
    "clinik_sandbox": "(seed=0, clock=None, **settings): what clinik_sandbox holds when the test begins, the moment "
    "at which its time stands, and how it answers",
    "clinik_fault": "(kind, **when_and_how): what goes wrong with requests of the test, as in "
    "clinik_client.testing.Fault; it fails if too few of them meet it",
    "clinik_public": ": the test may reach the public service",
}

_account_key: pytest.StashKey[Account] = pytest.StashKey()
_refusals_key: pytest.StashKey[list[str]] = pytest.StashKey()
_refused_key: pytest.StashKey[bool] = pytest.StashKey()


# -- the run ----------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare where recordings are."""
    parser.addini(
        "clinik_recordings",
        "directory of the project's own recordings (HAR files), relative to the root directory",
        default="tests/recordings",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse the public service before any code of the project is loaded."""
    _refuse(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers. Where a conftest names the plugin, this is the first hook that it gets."""
    _refuse(config)
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", name + text)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the process as it was, since a run may be a part of another one."""
    _public_service.refuse(config.stash[_refused_key])


def _refuse(config: pytest.Config) -> None:
    config.stash.setdefault(_refused_key, _public_service.refused)
    _public_service.refuse(True)


# -- a test -----------------------------------------------------------------------------------------------------------


@wraps_hook
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that says so reach the public service, and hear of what is refused to the others."""
    before, told_before = _public_service.refused, _public_service.on_refusal
    _public_service.on_refusal = partial(_note_refusal, item)
    if item.get_closest_marker("clinik_public") is not None:
        _public_service.refuse(False)
    try:
        return (yield)
    finally:
        _public_service.on_refusal = told_before
        if _public_service.refused != before:
            _public_service.refuse(before)


@wraps_hook
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Check the markers before anything is started, and that there is a service that they speak of."""
    marked = any(marker.name.startswith("clinik_") for marker in item.iter_markers())
    if marked or "clinik_sandbox" in getattr(item, "fixturenames", ()):
        from ._markers import check

        check(item, _MARKERS)
    result = yield
    if marked and _account_key not in item.stash:
        from ._markers import check_served

        check_served(item)
    return result


@wraps_hook
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Look at the account while the test itself can still fail; in a fixture's teardown, it would have passed."""
    result = yield
    account = item.stash.get(_account_key, None)
    _fail_with(_take_refusals(item), account.at_the_end() if account is not None else "")
    return result


@wraps_hook
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Once more, for what was asked after the test's own code had ended, as by other fixtures or threads."""
    result = yield
    account = item.stash.get(_account_key, None)
    _fail_with(_take_refusals(item), account.mismatches() if account is not None else "")
    return result


def _fail_with(*texts: str) -> None:
    if told := "\n".join(filter(None, texts)):
        raise _failure(told)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Tell the reason of a failure in the place of the SDK's error, or in a note on another one.

    Comes after unittest's hook, which brings what a ``TestCase`` has caught, and before the one that makes the report.
    """
    if call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
        return  # a note on a skip would not be seen; it is told of at the end of the test
    error = call.excinfo.value
    account = item.stash.get(_account_key, None)
    mismatches = account.mismatches() if account is not None else ""
    if account is not None:
        account.told()
    refusals = _take_refusals(item)
    text = _reason(error, mismatches)
    if text:
        failure = _failure(_place(item, walk_tb(error.__traceback__)) + text).with_traceback(error.__traceback__)
        call.excinfo = pytest.ExceptionInfo.from_exc_info((type(failure), failure, call.excinfo.tb))
        return
    if mismatches:
        error.add_note(f"clinik_server: {mismatches}")
    if refusals:
        error.add_note(refusals)


def _failure(text: str) -> BaseException:
    """What fails a test with this text alone."""
    return pytest.fail.Exception(text, pytrace=False)


def _reason(error: BaseException, mismatches: str) -> str:
    """What a failure comes of, where the SDK's error says nothing more: it may have led to other errors."""
    chain: BaseException | None = error
    while chain is not None:
        code = getattr(chain, "code", None)
        if code == "NO_RECORDING":
            return mismatches
        if code in ("public_service", "PUBLIC_SERVICE"):  # of the SDK, or of a recorder
            return _public_service.REASON
        chain = chain.__cause__ or chain.__context__
    return ""


def _place(item: pytest.Item, lines: Iterable[tuple[FrameType, int]]) -> str:
    """The last of these lines that is the project's own, such as ``tests/test_visits.py:12: ``."""
    place = ""
    for frame, line in lines:
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(item.config.rootpath) and "site-packages" not in file.parts and _SDK not in file.parents:
            place = f"{file.relative_to(item.config.rootpath).as_posix()}:{line}: "
    return place


def _note_refusal(item: pytest.Item) -> None:
    """Keep the line that would have reached the public service: the test may catch the error."""
    item.stash.setdefault(_refusals_key, []).append(_place(item, reversed(list(walk_stack(None)))))


def _take_refusals(item: pytest.Item) -> str:
    """What is to be told of calls to the public service that were refused since the last time."""
    refusals = item.stash.get(_refusals_key, [])
    told = "\n".join(dict.fromkeys(place + _public_service.REASON for place in refusals))
    refusals.clear()
    return told


# -- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def clinik_recordings(pytestconfig: pytest.Config) -> Path:
    """The directory of the project's own recordings."""
    return pytestconfig.rootpath / str(pytestconfig.getini("clinik_recordings"))


@pytest.fixture
def clinik_server(request: pytest.FixtureRequest, clinik_recordings: Path) -> Iterator[FixtureServer]:
    """A running server that replays the recordings of the test's ``clinik_recording`` markers."""
    from ._markers import server_of

    with server_of(request.node, clinik_recordings) as server:
        _begin(request.node, server)
        yield server


@pytest.fixture
def clinik_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A running sandbox of the test's own, empty if no ``clinik_sandbox`` marker says otherwise."""
    from ._markers import sandbox_of

    with sandbox_of(request.node) as sandbox:
        _begin(request.node, sandbox)
        yield sandbox


def _begin(item: pytest.Item, service: FixtureServer | Sandbox) -> None:
    from ._account import Account
    from ._markers import faults_of, recorded

    item.stash[_account_key] = Account(service, faults_of(item), use_all=recorded(item)[1])


@pytest.fixture
def clinik(request: pytest.FixtureRequest) -> Iterator[Clinik]:
    """A client of ``clinik_sandbox``, or of ``clinik_server`` where a test names recordings.

    Environment and proxies have no say in it.
    """
    from clinik_client import Clinik

    replays = "clinik_server" in request.fixturenames or request.node.get_closest_marker("clinik_recording")
    service = request.getfixturevalue("clinik_server" if replays else "clinik_sandbox")
    key = getattr(service, "key", "clk_test_fixture")
    with Clinik(key, base_url=service.url, trust_env=False) as client:
        yield client
