"""Emptying the frames that an exception takes along when it leaves the SDK."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from types import FrameType, FunctionType
from typing import Any, Final, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_OURS: Final = frozenset({"clinik_client", "httpcore", "h11", "httpx", "attr", "dateutil"})


def leaves_nothing(function: F) -> F:
    """Decorates what users call: an exception that leaves it takes no values along in the SDK's frames.

    Crash reporters, ``rich`` and ``pytest --showlocals`` print the variables of each frame that an exception passed.
    The frames of the SDK and of its libraries are emptied; their lines stay. Those of the caller, of a signal handler
    for example, are left alone.
    """
    forget = forget_variables

    def entry(*args: Any, **kwargs: Any) -> Any:
        try:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                forget(error)
                raise
        except BaseException as error:
            # Once more: a signal handler may have raised while the frames were being emptied.
            forget(error)
            raise
        finally:
            del args, kwargs

    return stand_in(entry, function)


def stand_in(wrapper: Callable[..., Any], function: F) -> F:
    """A decorator's wrapper, in the module of what it stands for.

    There doctest looks for examples, and a traceback for the module's name. So the wrapper may use no names of the
    module that it is written in, but only what it encloses.
    """
    code, target = cast(FunctionType, wrapper), cast(FunctionType, function)
    moved = FunctionType(code.__code__, target.__globals__, target.__name__, None, code.__closure__)
    return cast(F, wraps(target)(moved))


def forget_variables(error: BaseException) -> None:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        waiting += [link.__cause__, link.__context__]
        ours = False
        step = link.__traceback__
        while step is not None:
            package = str(step.tb_frame.f_globals.get("__name__")).partition(".")[0]
            # The standard library's frames are ours where we called it: ssl has the request in its hands, too.
            ours = package in _OURS or (ours and package in sys.stdlib_module_names)
            if ours:
                _clear(step.tb_frame)
            step = step.tb_next


def warn(text: str, category: type[Warning]) -> None:
    """Warn of something in the line of the caller's that came into the SDK."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def _clear(frame: FrameType) -> None:
    try:
        frame.clear()
    except RuntimeError as problem:
        # It is still running. What was raised in a frame below is of a signal handler, and none of our business.
        if problem.__traceback__ is not None and problem.__traceback__.tb_next is not None:
            raise
