"""A pytest plugin for the projects of these tests: hooks are wrapped as before pluggy 1.2, which Debian 12 has."""

from __future__ import annotations

from typing import Any

from pluggy import HookimplMarker

_now = HookimplMarker.__call__


def _before(self: HookimplMarker, *arguments: Any, **options: Any) -> Any:
    if "wrapper" in options:
        raise TypeError("__call__() got an unexpected keyword argument 'wrapper'")
    return _now(self, *arguments, **options)


setattr(HookimplMarker, "__call__", _before)  # noqa: B010 - mypy knows no method that may be replaced
