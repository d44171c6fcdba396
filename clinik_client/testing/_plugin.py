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
``use_all=True``, a recorded exchange that it has not asked for by its end. Each is reported once, as a text without a
traceback.
"""

# Imported in every pytest run of whoever has the package installed: everything but pytest is imported on use.
from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from clinik_client import Clinik

    from ._server import FixtureServer

_KEY = "clk_test_fixture"
_SDK = Path(__file__).parents[1]


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


def _wanted(item: pytest.Item) -> tuple[list[str], bool]:
    """The recordings that a test's markers name, each once, and whether all of their exchanges have to be used."""
    names: dict[str, None] = {}
    use_all = False
    for marker in reversed(list(item.iter_markers("clinik_recording"))):
        given = dict(marker.kwargs)
        one_use_all = given.pop("use_all", False)
        if given:
            raise _failure(
                f"clinik_recording has no argument {', '.join(map(repr, given))}; it takes names and use_all"
            )
        if not isinstance(one_use_all, bool):
            raise _failure(f"clinik_recording: use_all is True or False, not {one_use_all!r}")
        if wrong := [name for name in marker.args if not isinstance(name, str)]:
            raise _failure(f"clinik_recording: the name of a recording is a string, not {wrong[0]!r}")
        names |= dict.fromkeys(marker.args)
        use_all = use_all or one_use_all
    return list(names), use_all


def _failure(text: str) -> BaseException:
    """What fails a test with this text alone."""
    return pytest.fail.Exception(text, pytrace=False)


def _untold_mismatches(item: pytest.Item) -> str:
    """An account of the requests that matched nothing, if there are any that no report has told of yet."""
    server = item.stash.get(_server_key, None)
    number = len(server.mismatches) if server else 0
    if server is None or number == item.stash.get(_told_key, 0):
        return ""
    item.stash[_told_key] = number
    return server.account(with_unused=False)


def _comes_of_a_mismatch(error: BaseException) -> bool:
    """Whether a failure is the SDK's error about a request without a recording, or was raised because of one."""
    chain: BaseException | None = error
    while chain is not None:
        if getattr(chain, "code", None) == "NO_RECORDING":
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def _place(item: pytest.Item, error: BaseException) -> str:
    """The innermost line of the project on the way to an error, such as ``tests/test_visits.py:12``."""
    place = ""
    for frame, line in walk_tb(error.__traceback__):
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(item.config.rootpath) and "site-packages" not in file.parts and _SDK not in file.parents:
            place = f"{file.relative_to(item.config.rootpath).as_posix()}:{line}: "
    return place


def _reporting(item: pytest.Item) -> Generator[None, object, object]:
    """Run a phase of a test; turn a failure that comes of a mismatch into an account, add one to any other."""
    try:
        return (yield)
    except pytest.skip.Exception:
        raise  # a note would not be seen; mismatches are told of at the end of the test
    except BaseException as error:
        if account := _untold_mismatches(item):
            if _comes_of_a_mismatch(error):
                raise _failure(_place(item, error) + account) from None
            error.add_note(f"clinik_server: {account}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Check the markers before anything is started, and report what fixtures asked for without a recording."""
    _wanted(item)
    return (yield from _reporting(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Check the server while the test itself can still fail; in a fixture's teardown, it would have passed."""
    result = yield from _reporting(item)
    if server := item.stash.get(_server_key, None):
        item.stash[_told_key] = len(server.mismatches)
        try:
            server.verify()
        except AssertionError as error:
            raise _failure(str(error)) from None
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Once more, for what was asked after the test's own code had ended, as by other fixtures or threads."""
    result = yield from _reporting(item)
    if account := _untold_mismatches(item):
        raise _failure(account)
    return result


@pytest.fixture
def clinik_recordings(pytestconfig: pytest.Config) -> Path:
    """The directory of the recordings."""
    return pytestconfig.rootpath / str(pytestconfig.getini("clinik_recordings"))


@pytest.fixture
def clinik_server(request: pytest.FixtureRequest, clinik_recordings: Path) -> Iterator[FixtureServer]:
    """A running fixture server that replays the test's ``clinik_recording`` recordings."""
    from ._har import HarError
    from ._server import FixtureServer
    from ._stories import load_stories

    names, use_all = _wanted(request.node)
    if not names:
        raise _failure('clinik_server needs to know what to replay: @pytest.mark.clinik_recording("...")')
    try:
        server = FixtureServer(load_stories(clinik_recordings, names), must_use_all=use_all)
    except HarError as error:
        raise _failure(f"clinik_recording: {error}") from None
    request.node.stash[_server_key] = server
    with server:
        yield server


@pytest.fixture
def clinik(clinik_server: FixtureServer) -> Iterator[Clinik]:
    """A client of ``clinik_server``; environment and proxies have no say in it."""
    from clinik_client import Clinik

    with Clinik(_KEY, base_url=clinik_server.url, trust_env=False) as client:
        yield client
