"""A test kit for programs that use this SDK: real HTTP servers on this machine, and never the public service.

A sandbox keeps what your program writes, fails when you tell it to, and counts what came of it:

>>> from clinik_client.testing import Sandbox
>>> with Sandbox(seed=3) as sandbox, sandbox.client() as clinik:
...     visit, _ = clinik.encounters.create(status="planned", class_="VR", patient_id="pt_abc123")
...     len(sandbox.records), sandbox.ledger.applied("create")
(4, 1)

What there is; `help` tells more of each, as in ``help(clinik_client.testing.Sandbox)``:

    Sandbox: a ClinikAPI in memory. Its SandboxSettings say how it answers, a Plan among them (SandboxSettingsFields
        types them as keywords); a test moves its SandboxClock; its SandboxKeys are each a SandboxKey; its Usage is
        what was asked this month. A Seed is what there is at the beginning, SeedError says why one cannot be used. As
        a process it is ``clinik-sandbox``.
    Fault, Faults: what goes wrong with which request, of any server here.
    Journal, JournalEntry, Ledger: what a server got, and what came of it.
    FixtureServer: replays recordings strictly, and tells of each Mismatch between them and a ReceivedRequest. As a
        process it is ``python -m clinik_client.testing serve``.
    Recording, Exchange, RECORDINGS: a story, what it consists of, and those that come along. They are HAR 1.2 files:
        load_recording, load_recordings, save_recording, dump_recording, har_entry; HarError.
    Recorder: records what a client and a service say to each other, without what must not be written, or raises
        UnsafeRecordingError. diff_recording tells each Drift of a service from a recording.
    Service: serves any Backend, which gives an Answer to each request.
    WireServer, WireRequest, WireResponse, Connection, Limits: HTTP without any of this, for servers that misbehave.

With pytest, the plugin that comes along starts and checks servers: its fixtures are ``clinik``, ``clinik_sandbox`` and
``clinik_server``. Nothing here is needed at run time.
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
    from ._sandbox.settings import SandboxSettings, SandboxSettingsFields
    from ._server import FixtureServer
    from ._service import Service
    from ._stories import RECORDINGS
    from ._wire import Connection, Limits, WireRequest, WireResponse, WireServer

__all__ = [
    "Sandbox",
    "SandboxSettings",
    "SandboxSettingsFields",
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
    "_sandbox.settings": ("SandboxSettings", "SandboxSettingsFields"),
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


def __dir__() -> list[str]:
    from .._help import names_to_list

    return names_to_list({*__all__, *(name for name in globals() if name.startswith("_"))})
