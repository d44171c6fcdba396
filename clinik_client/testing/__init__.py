"""A test kit for programs that use this SDK: a real HTTP server that replays recorded exchanges.

Nothing here is needed at run time. Recordings are HAR 1.2 files, one a story; `FixtureServer` replays them
strictly, on a loopback socket, and tells what was asked that no recording has a response for:

>>> from http.client import HTTPConnection
>>> from clinik_client.testing import Exchange, FixtureServer, Recording
>>> story = Recording("health", [Exchange.of("GET", "/health", response={"status": "ok"})])
>>> with FixtureServer([story], must_use_all=True) as server:
...     connection = HTTPConnection("127.0.0.1", server.port)
...     connection.request("GET", "/health", headers={"x-api-key": "clk_test_fixture"})
...     connection.getresponse().read()
...     connection.close()
b'{"status":"ok"}'
>>> server.verify()

With pytest, the plugin that comes along starts and checks it. As a process of its own it is
``python -m clinik_client.testing serve``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._backend import Answer, Backend
    from ._exchange import Exchange, Recording
    from ._fault import Fault
    from ._faults import Faults
    from ._har import HarError, dump_recording, har_entry, load_recording, load_recordings, save_recording
    from ._journal import Journal, JournalEntry, Ledger
    from ._matching import ReceivedRequest
    from ._recorder.canary import UnsafeRecordingError
    from ._recorder.drift import Drift, diff_recording
    from ._recorder.recorder import Recorder
    from ._recordings import Mismatch
    from ._sandbox.clock import SandboxClock
    from ._sandbox.keys import SandboxKey, SandboxKeys
    from ._sandbox.limits import Plan, Usage
    from ._sandbox.sandbox import Sandbox
    from ._sandbox.seed import Seed, SeedError
    from ._sandbox.settings import SandboxSettings
    from ._server import FixtureServer
    from ._service import Service
    from ._stories import RECORDINGS
    from ._wire import Connection, Limits, WireRequest, WireResponse, WireServer

__all__ = [
    "Sandbox",
    "SandboxSettings",
    "SandboxClock",
    "SandboxKey",
    "SandboxKeys",
    "Plan",
    "Usage",
    "Seed",
    "SeedError",
    "FixtureServer",
    "Mismatch",
    "ReceivedRequest",
    "Recording",
    "Exchange",
    "HarError",
    "load_recording",
    "load_recordings",
    "dump_recording",
    "save_recording",
    "har_entry",
    "RECORDINGS",
    "Service",
    "Backend",
    "Answer",
    "Journal",
    "JournalEntry",
    "Ledger",
    "Fault",
    "Faults",
    "Recorder",
    "UnsafeRecordingError",
    "Drift",
    "diff_recording",
    "WireServer",
    "WireRequest",
    "WireResponse",
    "Connection",
    "Limits",
]

_MODULES = {
    "_backend": ("Answer", "Backend"),
    "_sandbox.clock": ("SandboxClock",),
    "_recorder.canary": ("UnsafeRecordingError",),
    "_recorder.drift": ("Drift", "diff_recording"),
    "_exchange": ("Exchange", "Recording"),
    "_fault": ("Fault",),
    "_faults": ("Faults",),
    "_har": ("HarError", "dump_recording", "har_entry", "load_recording", "load_recordings", "save_recording"),
    "_journal": ("Journal", "JournalEntry", "Ledger"),
    "_sandbox.keys": ("SandboxKey", "SandboxKeys"),
    "_sandbox.limits": ("Plan", "Usage"),
    "_matching": ("ReceivedRequest",),
    "_recordings": ("Mismatch",),
    "_sandbox.sandbox": ("Sandbox",),
    "_sandbox.settings": ("SandboxSettings",),
    "_sandbox.seed": ("Seed", "SeedError"),
    "_recorder.recorder": ("Recorder",),
    "_server": ("FixtureServer",),
    "_service": ("Service",),
    "_stories": ("RECORDINGS",),
    "_wire": ("Connection", "Limits", "WireRequest", "WireResponse", "WireServer"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    # On first use, because pytest imports the plugin, and so this package, in every run of everybody's tests.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
