"""Control and inspection of a sandbox over HTTP, below ``/_sandbox/``: for tests in any language, and for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import orjson
from attrs import asdict

from ._exchange import NOT_JSON, parse_json, split_target
from ._faults import Fault
from ._keys import SandboxKey
from ._limits import Plan
from ._seed import SeedError
from ._wire import WireRequest, WireResponse

if TYPE_CHECKING:
    from ._sandbox import Sandbox

__all__ = ["SandboxControl"]

_PAGE_HEADERS: Final = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'self'"),
]


class _Wrong(Exception):
    """What is wrong with a request to the control, with the status of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class SandboxControl:
    """Answers requests below ``/_sandbox/``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._answers: dict[tuple[str, str], Callable[[WireRequest], Any]] = {
            ("GET", "journal"): self._journal,
            ("DELETE", "journal"): self._clear_journal,
            ("GET", "ledger"): lambda request: self._ledger(),
            ("GET", "faults"): lambda request: self._faults(),
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "clock"): lambda request: self._clock(),
            ("POST", "clock"): self._move_clock,
            ("POST", "reset"): self._reset,
            ("GET", "seed"): lambda request: {"records": self._sandbox.records},
            ("POST", "seed"): self._seed,
            ("GET", "settings"): lambda request: self._settings(),
            ("PATCH", "settings"): self._change_settings,
            ("GET", "keys"): lambda request: self._keys(),
            ("POST", "keys"): self._add_key,
        }

    def __call__(self, request: WireRequest) -> WireResponse:
        """Answer a request."""
        path, _ = split_target(request.target)
        name = path.removeprefix("/_sandbox").strip("/")
        try:
            _refuse_other_sites(request)
            if name in _PAGE and request.method == "GET":
                return _PAGE[name]()
            return _json(self._answer(name, request))
        except _Wrong as wrong:
            return _json({"error": str(wrong)}, wrong.status)
        except (ValueError, TypeError) as error:  # a seed, a fault, a setting or a key that there cannot be
            return _json({"error": str(error.args[0])}, 400)

    def _answer(self, name: str, request: WireRequest) -> Any:
        answer = self._answers.get((request.method, name))
        if answer is not None:
            return answer(request)
        names = sorted({known for _, known in self._answers})
        if name not in names:
            raise _Wrong(f"There is /_sandbox/ with {', '.join(names)}.", 404)
        raise _Wrong(f"{name} takes {', '.join(method for method, known in self._answers if known == name)}.", 405)

    # -- what there is --------------------------------------------------------------------------------------------

    def _journal(self, request: WireRequest) -> dict[str, Any]:
        """How many requests came, and the entries, with ``?after=N`` those that came later."""
        after = dict(split_target(request.target)[1]).get("after", "0")
        if not after.isdecimal():
            raise _Wrong("after is the number of an entry.")
        entries = [entry.to_dict() for entry in self._sandbox.journal.entries if entry.number > int(after)]
        return {"received": self._sandbox.ledger.received(), "entries": entries}

    def _clear_journal(self, request: WireRequest) -> Any:
        self._sandbox.journal.clear()
        return {"received": 0, "entries": []}

    def _ledger(self) -> dict[str, Any]:
        ledger = self._sandbox.ledger
        return {"received": ledger.counts(applied=False), "applied": ledger.counts(applied=True)}

    def _faults(self) -> dict[str, Any]:
        faults = self._sandbox.faults
        pending, met = faults.pending(), faults.met
        return {"pending": [fault.to_dict() for fault in pending], "met": [fault.to_dict() for fault in met]}

    def _add_fault(self, request: WireRequest) -> Any:
        self._sandbox.faults.add(Fault.from_dict(_object(request)))
        return self._faults()

    def _clear_faults(self, request: WireRequest) -> Any:
        self._sandbox.faults.clear()
        return self._faults()

    def _clock(self) -> dict[str, Any]:
        clock = self._sandbox.clock
        return {"now": clock.now().isoformat(), "running": clock.running}

    def _move_clock(self, request: WireRequest) -> Any:
        given, clock = _object(request, "advance", "set", "running"), self._sandbox.clock
        if "set" in given:
            clock.set(datetime.fromisoformat(given["set"]))
        if "advance" in given:
            if isinstance(given["advance"], bool) or not isinstance(given["advance"], int | float):
                raise _Wrong("advance is a number of seconds.")
            clock.advance(given["advance"])
        if "running" in given:
            if not isinstance(given["running"], bool):
                raise _Wrong("running is true or false.")
            (clock.run if given["running"] else clock.stop)()
        return self._clock()

    def _reset(self, request: WireRequest) -> Any:
        self._sandbox.reset()
        return {"records": len(self._sandbox.records)}

    def _seed(self, request: WireRequest) -> Any:
        """``{"count": 500}``, a JSON array of records, or one record a line."""
        value = parse_json(request.body)
        if isinstance(value, dict) and set(value) == {"count"}:
            count = value["count"]
            if isinstance(count, bool) or not isinstance(count, int):
                raise _Wrong("count is a whole number.")
            self._sandbox.seed(count)
        elif isinstance(value, list):
            self._sandbox.seed(value)
        else:
            lines = [parse_json(line) for line in request.body.splitlines() if line.strip()]
            if NOT_JSON in lines:
                raise SeedError(f"line {lines.index(NOT_JSON) + 1}: this is not JSON")
            self._sandbox.seed(lines)
        return {"records": len(self._sandbox.records)}

    def _settings(self) -> dict[str, Any]:
        return asdict(self._sandbox.settings)

    def _change_settings(self, request: WireRequest) -> Any:
        given = _object(request)
        if isinstance(given.get("plan"), Mapping):
            given["plan"] = Plan(**{**asdict(self._sandbox.settings.plan), **given["plan"]})
        self._sandbox.settings.change(**given)
        return self._settings()

    def _keys(self) -> dict[str, Any]:
        return {"keys": [{**asdict(key), "environment": key.environment} for key in self._sandbox.keys]}

    def _add_key(self, request: WireRequest) -> Any:
        given = _object(request, "text", "scopes", "organization", "revoked", "expires")
        if isinstance(given.get("expires"), str):
            given["expires"] = datetime.fromisoformat(given["expires"])
        self._sandbox.keys.add(SandboxKey(**{**given, "scopes": tuple(given.get("scopes", ("*",)))}))
        return self._keys()


def _object(request: WireRequest, *names: str) -> dict[str, Any]:
    """The JSON object of a request, which may hold these names alone, if any are given."""
    value = parse_json(request.body)
    if not isinstance(value, dict):
        raise _Wrong("The body must be a JSON object.")
    if names and (unknown := sorted(set(value) - set(names))):
        raise _Wrong(f"There is no {unknown[0]!r} here; there are {', '.join(names)}.")
    return value


def _refuse_other_sites(request: WireRequest) -> None:
    """A page of another site that is open in a browser may not steer the sandbox."""
    for origin in request.header_values("origin"):
        if origin.partition("://")[2] not in request.header_values("host"):
            raise _Wrong("This is for the sandbox's own page, and for what is no browser.", 403)


def _json(body: Any, status: int = 200) -> WireResponse:
    return WireResponse(status, [("content-type", "application/json")], orjson.dumps(body))


def _page() -> WireResponse:
    return WireResponse(200, _PAGE_HEADERS, (files(__package__) / "_page.html").read_bytes())


def _script() -> WireResponse:
    headers = [("content-type", "text/javascript; charset=utf-8")]
    return WireResponse(200, headers, (files(__package__) / "_page.js").read_bytes())


_PAGE: Final = {"": _page, "page.js": _script}
