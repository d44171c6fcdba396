"""Control and inspection of a sandbox over HTTP, below ``/_sandbox/``: for tests in any language, and for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson
from attrs import asdict, evolve, fields

from .._exchange import parse_json, split_target
from .._fault import Fault
from .._journal import JournalEntry
from .._routes import NAMES
from .._wire import WireRequest, WireResponse
from .checks import check_seconds
from .json_names import JsonNames, check_names
from .keys import SandboxKey
from .limits import Plan, Usage
from .page import page, script
from .settings import SandboxSettings

if TYPE_CHECKING:
    from .sandbox import Sandbox

__all__ = ["SandboxControl"]

_HOME: Final = "/_sandbox/"
_PARAMETERS: Final = {"journal": ("after",)}
_ENTRY: Final = JsonNames(JournalEntry)
_FAULT: Final = JsonNames(Fault)
_SETTINGS: Final = JsonNames(SandboxSettings)
_PLAN: Final = JsonNames(Plan)
_KEY: Final = JsonNames(SandboxKey)
_USAGE: Final = JsonNames(Usage)
_SECONDS: Final = [setting.name for setting in fields(SandboxSettings) if setting.validator is check_seconds]


class SandboxControl:
    """Answers requests below ``/_sandbox/``. What it cannot do is told as ``{"error": "..."}``, and changes nothing.

    Args:
        sandbox: what is controlled.
        is_local: only this machine can reach it.
    """

    def __init__(self, sandbox: Sandbox, *, is_local: bool) -> None:
        self._sandbox = sandbox
        self._is_local = is_local
        self._answers: dict[str, dict[str, Callable[[WireRequest], Any]]] = {
            "": {"GET": page},
            "page.js": {"GET": script},
            "journal": {"GET": self._journal, "DELETE": self._clear_journal},
            "ledger": {"GET": self._ledger},
            "faults": {"GET": self._faults, "POST": self._add_fault, "DELETE": self._clear_faults},
            "clock": {"GET": self._clock, "POST": self._move_clock},
            "reset": {"POST": self._reset},
            "seed": {"POST": self._seed},
            "records": {"GET": self._records},
            "settings": {"GET": self._settings, "PATCH": self._change_settings},
            "usage": {"GET": self._usage, "PATCH": self._change_usage},
            "keys": {"GET": self._keys, "POST": self._add_key},
        }

    def __call__(self, request: WireRequest) -> WireResponse:
        """Answer a request."""
        path, query = split_target(request.target)
        if path + "/" == _HOME:
            return WireResponse(308, [("location", _HOME)])
        name = path.removeprefix(_HOME)
        methods = self._answers.get(name)
        if methods is None:
            known = ", ".join(known for known in self._answers if known.isalpha())
            return _wrong(404, f"below {_HOME} there are {known}")
        if request.method not in methods:
            allowed = ", ".join(methods)
            return _wrong(405, f"this takes {allowed}", ("allow", allowed))
        if not _is_from_here(request):
            return _wrong(403, "a page of another site may not steer the sandbox")
        if self._is_local and not all(map(_is_own_name, request.header_values("host"))):
            return _wrong(403, "ask for localhost or an address: another name may be another site's")
        try:
            check_names(dict(query), _PARAMETERS.get(name, ()))
            answer = methods[request.method](request)
        except ValueError as error:
            return _wrong(400, str(error))
        return answer if isinstance(answer, WireResponse) else _json(answer)

    # -- what there is --------------------------------------------------------------------------------------------

    def _journal(self, request: WireRequest) -> Any:
        after = dict(split_target(request.target)[1]).get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 10):
            raise ValueError("after is the number of an entry")
        told = self._sandbox.journal.to_dict(after=int(after))
        return {**told, "entries": [_ENTRY.to_json(entry) for entry in told["entries"]]}

    def _clear_journal(self, _: WireRequest) -> Any:
        self._sandbox.journal.clear()
        return self._sandbox.journal.to_dict()

    def _ledger(self, _: WireRequest) -> Any:
        return {
            "received": self._counts(applied=False),
            "applied": self._counts(applied=True),
            "keysSentToDownloads": self._sandbox.keys_sent_to_downloads,
        }

    def _counts(self, *, applied: bool) -> dict[str, int]:
        counts = self._sandbox.ledger.counts(applied=applied)
        return {"total": sum(counts.values()), **dict.fromkeys(NAMES, 0), "other": 0, **counts}

    def _faults(self, _: WireRequest) -> Any:
        faults = self._sandbox.faults
        pending, met = faults.pending(), list(faults.met)
        return {
            "pending": [_FAULT.to_json(fault.to_dict()) for fault in pending],
            "met": [_FAULT.to_json(fault.to_dict()) for fault in met],
        }

    def _add_fault(self, request: WireRequest) -> Any:
        given = _FAULT.to_python(_object(request))
        try:
            self._sandbox.faults.add(Fault.from_dict(given))
        except ValueError as error:
            raise ValueError(_FAULT.in_text(str(error))) from None
        return self._faults(request)

    def _clear_faults(self, request: WireRequest) -> Any:
        self._sandbox.faults.clear()
        return self._faults(request)

    def _clock(self, _: WireRequest) -> Any:
        clock = self._sandbox.clock
        return {"now": clock.now().isoformat(), "running": clock.running}

    def _move_clock(self, request: WireRequest) -> Any:
        given, clock = _object(request), self._sandbox.clock
        check_names(given, ("advance", "set", "running"))
        if len(given) != 1:
            raise ValueError("give one of advance, set and running")
        running = _of_type(given, "running", bool, "true or false")
        seconds = _of_type(given, "advance", (int, float), "a number of seconds")
        moment = _moment(given, "set")
        if seconds is not None:
            clock.advance(seconds)
        if moment is not None:
            clock.set(moment)
        if running is not None:
            (clock.run if running else clock.stop)()
        return self._clock(request)

    def _reset(self, request: WireRequest) -> Any:
        if request.body.strip() and parse_json(request.body) != {}:
            raise ValueError("reset takes nothing: it goes back to the seed")
        self._sandbox.reset()
        return self._count(request)

    def _seed(self, request: WireRequest) -> Any:
        """``{"count": 500}``, or the text of a seed file."""
        if not request.body.strip():
            raise ValueError("a seed is a count, a JSON array, or has one record a line")
        value = parse_json(request.body)
        if isinstance(value, dict) and "count" in value:
            check_names(value, ("count",))
            self._sandbox.seed(_of_type(value, "count", int, "a whole number"))
        else:
            self._sandbox.seed(request.body)
        return self._count(request)

    def _count(self, _: WireRequest) -> Any:
        return {"count": len(self._sandbox.records)}

    def _records(self, _: WireRequest) -> Any:
        return {"records": self._sandbox.records}

    def _settings(self, _: WireRequest) -> Any:
        told = _SETTINGS.to_json(asdict(self._sandbox.settings))
        return {**told, "plan": _PLAN.to_json(told["plan"])}

    def _change_settings(self, request: WireRequest) -> Any:
        given = _SETTINGS.to_python(_object(request))
        # JSON has no number without an end.
        given |= {name: math.inf for name in _SECONDS if name in given and given[name] is None}
        plan = _of_type(given, "plan", dict, "an object")
        try:
            if plan is not None:
                given["plan"] = Plan(**{**asdict(self._sandbox.settings.plan), **_PLAN.to_python(plan)})
            self._sandbox.settings.change(**given)
        except ValueError as error:
            raise ValueError(_SETTINGS.in_text(str(error))) from None
        return self._settings(request)

    def _usage(self, _: WireRequest) -> Any:
        return _USAGE.to_json(asdict(self._sandbox.usage))

    def _change_usage(self, request: WireRequest) -> Any:
        given, usage = _USAGE.to_python(_object(request)), self._sandbox.usage
        try:
            evolve(usage, **given)  # nothing is changed if one of them is wrong
        except ValueError as error:
            raise ValueError(_USAGE.in_text(str(error))) from None
        for name, value in given.items():
            setattr(usage, name, value)
        return self._usage(request)

    def _keys(self, _: WireRequest) -> Any:
        keys = self._sandbox.keys
        return {"keys": [{**_KEY.to_json(asdict(key)), "environment": key.environment} for key in keys]}

    def _add_key(self, request: WireRequest) -> Any:
        told = _object(request)
        environment = told.pop("environment", None)
        given = _KEY.to_python(told)
        if given.get("expires") is None:
            given.pop("expires", None)  # as it is told
        _of_type(given, "text", str, "the key itself")
        _of_type(given, "organization", str, "a text")
        _of_type(given, "revoked", bool, "true or false")
        if "text" not in given:
            raise ValueError("a key needs its text")
        if "scopes" in given:
            given["scopes"] = map(str, _of_type(given, "scopes", list, "a list"))
        key = SandboxKey(**{**given, "expires": _moment(given, "expires")})
        if environment not in (None, key.environment):
            raise ValueError("environment is what the text of the key says: test or live")
        self._sandbox.keys.add(key)
        return self._keys(request)


# -- requests ---------------------------------------------------------------------------------------------------------


def _is_from_here(request: WireRequest) -> bool:
    """Whether a request comes from the sandbox's own page, or from what is no browser."""
    own = request.header_values("host")
    return all(origin.partition("://")[2] in own for origin in request.header_values("origin"))


def _is_own_name(host: str) -> bool:
    """Whether no other site can have led a browser here by this name, as its own page (DNS rebinding)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        ip_address(name)
    except ValueError:
        return False
    return True


def _object(request: WireRequest) -> dict[str, Any]:
    value = parse_json(request.body)
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value


def _of_type(given: Mapping[str, Any], name: str, kind: type | tuple[type, ...], told: str) -> Any:
    """A value, ``None`` if it is not there. Raises `ValueError` if it is of another type: what ``told`` says."""
    if name not in given:
        return None
    value = given[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} is {told}")
    return value


def _moment(given: Mapping[str, Any], name: str) -> datetime | None:
    told = "a moment with an offset from UTC, such as 2025-06-01T09:00:00Z"
    text = _of_type(given, name, str, told)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name} is {told}") from None
    if moment.utcoffset() is None:
        raise ValueError(f"{name} is {told}")
    return moment


# -- answers ----------------------------------------------------------------------------------------------------------


def _json(body: Any, status: int = 200, *headers: tuple[str, str]) -> WireResponse:
    told = [("content-type", "application/json"), ("cache-control", "no-store"), *headers]
    return WireResponse(status, told, orjson.dumps(body))


def _wrong(status: int, message: str, *headers: tuple[str, str]) -> WireResponse:
    return _json({"error": message}, status, *headers)
