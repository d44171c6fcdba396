"""What the markers of a test ask for. What makes no sense fails the test with a text alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import fields_dict

from ._choices import require_known
from ._fault import Fault
from ._sandbox.clock import SandboxClock, clock_of
from ._sandbox.sandbox import Sandbox
from ._sandbox.settings import SandboxSettings
from ._server import FixtureServer
from ._stories import load_stories

__all__ = ["check", "check_served", "faults_of", "failure", "recorded", "sandbox_of", "server_of"]

_ONE_SERVICE: Final = (
    "A test has one service: recordings (clinik_recording, clinik_server), or a sandbox (clinik_sandbox)."
)
_SERVED_BY: Final = {
    "clinik_recording": ("clinik", "clinik_server"),
    "clinik_sandbox": ("clinik", "clinik_sandbox"),
    "clinik_fault": ("clinik", "clinik_sandbox", "clinik_server"),
}
"""The fixtures without which a marker says nothing."""
_SANDBOX: Final = ("seed", "clock", *fields_dict(SandboxSettings))


def failure(text: str) -> BaseException:
    """What fails a test with this text alone."""
    return pytest.fail.Exception(text, pytrace=False)


@contextmanager
def _told_of(marker: str) -> Iterator[None]:
    """Turn what is wrong with the arguments of a marker into a failure that names it."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise failure(f"{marker}: {error}") from None


def _given(item: pytest.Item, name: str) -> list[pytest.Mark]:
    """The markers of a name, as one reads them: those of the class first, then from top to bottom."""
    return list(item.iter_markers(name))[::-1]


def _no_texts(marker: pytest.Mark, takes: str) -> None:
    if marker.args:
        raise ValueError(f"it takes {takes}, not {marker.args[0]!r}")


# -- recordings -------------------------------------------------------------------------------------------------------


def recorded(item: pytest.Item) -> tuple[list[str], bool]:
    """The recordings that a test names, each once, and whether all of their exchanges have to be used."""
    names: dict[str, None] = {}
    use_all = False
    with _told_of("clinik_recording"):
        for marker in _given(item, "clinik_recording"):
            given = dict(marker.kwargs)
            one_use_all = given.pop("use_all", False)
            if given:
                raise ValueError(f"it has no argument {', '.join(map(repr, given))}; it takes names and use_all")
            if not isinstance(one_use_all, bool):
                raise ValueError(f"use_all is True or False, not {one_use_all!r}")
            if wrong := [name for name in marker.args if not isinstance(name, str)]:
                raise ValueError(f"the name of a recording is a string, not {wrong[0]!r}")
            names |= dict.fromkeys(marker.args)
            use_all = use_all or one_use_all
    return list(names), use_all


def server_of(item: pytest.Item, folder: Path) -> FixtureServer:
    """A server of the recordings that a test names."""
    names, use_all = recorded(item)
    if not names:
        raise failure('clinik_server needs to know what to replay: @pytest.mark.clinik_recording("...")')
    with _told_of("clinik_recording"):
        return FixtureServer(load_stories(folder, names, root=item.config.rootpath), must_use_all=use_all)


# -- the sandbox ------------------------------------------------------------------------------------------------------


def _wanted_of_the_sandbox(item: pytest.Item) -> tuple[Any, SandboxClock | None, SandboxSettings]:
    """Seed, clock and settings."""
    wanted: dict[str, Any] = {}
    for marker in _given(item, "clinik_sandbox"):
        _no_texts(marker, "arguments by name, such as seed=3")
        for name in marker.kwargs:
            require_known("argument", name, _SANDBOX)
        wanted |= marker.kwargs
    seed, clock = wanted.pop("seed", 0), wanted.pop("clock", None)
    if isinstance(seed, str | Path):
        seed = item.config.rootpath / seed
    return seed, None if clock is None else clock_of(clock), SandboxSettings(**wanted)


def sandbox_of(item: pytest.Item) -> Sandbox:
    """A sandbox as a test wants it. Of several markers, the one nearest to the test has the last word."""
    if item.get_closest_marker("clinik_recording") is not None:  # the fixture may come without its name
        raise failure(_ONE_SERVICE)
    with _told_of("clinik_sandbox"):
        seed, clock, settings = _wanted_of_the_sandbox(item)
        if clock is not None:
            clock.reset()  # the marker may be that of several tests
        return Sandbox(seed, settings=settings, clock=clock)


# -- faults -----------------------------------------------------------------------------------------------------------


def faults_of(item: pytest.Item) -> list[Fault]:
    """The faults that a test's requests are to meet."""
    faults = []
    for marker in _given(item, "clinik_fault"):
        with _told_of("clinik_fault"):
            if len(marker.args) > 1 or (marker.args and "kind" in marker.kwargs):
                raise ValueError("it takes one kind, and everything else by name")
            faults.append(Fault.from_dict({**dict(zip(("kind",), marker.args, strict=False)), **marker.kwargs}))
    return faults


# -- all of them ------------------------------------------------------------------------------------------------------


def check(item: pytest.Item, names: Collection[str]) -> None:
    """Fail a test whose markers make no sense, before anything is started for it.

    Args:
        item: the test.
        names: of all markers that there are.
    """
    _check_names(item, names)
    fixtures = getattr(item, "fixturenames", ())
    replays = item.get_closest_marker("clinik_recording") is not None or "clinik_server" in fixtures
    if replays and (item.get_closest_marker("clinik_sandbox") is not None or "clinik_sandbox" in fixtures):
        raise failure(_ONE_SERVICE)
    recorded(item)
    with _told_of("clinik_sandbox"):
        _wanted_of_the_sandbox(item)
    faults_of(item)
    with _told_of("clinik_public"):
        for marker in _given(item, "clinik_public"):
            if marker.args or marker.kwargs:
                raise ValueError("it takes no arguments")


def _check_names(item: pytest.Item, names: Collection[str]) -> None:
    """Names that begin as ours do are ours, or the project has declared them."""
    unknown = [marker.name for marker in item.iter_markers() if marker.name not in names]
    for name in unknown:
        if name.startswith("clinik_") and name not in _declared(item.config):
            with _told_of("pytest.mark"):
                require_known("marker", name, names)


def _declared(config: pytest.Config) -> set[str]:
    """The names of the markers that are declared, each in a line such as ``slow(seconds): takes long``."""
    return {re.split(r"[:(]", line, maxsplit=1)[0].strip() for line in config.getini("markers")}


def check_served(item: pytest.Item) -> None:
    """Fail a test that has no service for what its markers ask for."""
    for name, (*others, last) in _SERVED_BY.items():
        if item.get_closest_marker(name) is not None:
            raise failure(f"{name} needs a service: the test uses none of {', '.join(others)} and {last}")
