"""Wrappers of pytest's hooks, for each pluggy that pytest may come with."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

__all__ = ["wraps_hook"]

Wrapper = Callable[[pytest.Item], Generator[None, object, object]]


def wraps_hook(wrapper: Wrapper) -> Any:
    """Declare a hook that is called around the others, and may raise.

    pluggy has such ones from 1.2 on. Before, as in Debian 12, a wrapper gets an outcome to change. A plugin that cannot
    be loaded would end the runs of those, too, who do not use it.
    """
    try:
        return pytest.hookimpl(wrapper=True)(wrapper)
    except TypeError:
        return pytest.hookimpl(hookwrapper=True)(_with_outcome(wrapper))


def _with_outcome(wrapper: Wrapper) -> Callable[[pytest.Item], Generator[None, Any, None]]:
    def wrapped(item: pytest.Item) -> Generator[None, Any, None]:
        around = wrapper(item)
        next(around)
        outcome = yield
        try:
            _end(around, outcome)
        except StopIteration as end:
            outcome.force_result(end.value)
        except BaseException as error:  # noqa: BLE001 - it is raised again, by pluggy
            # What is raised here would keep the wrappers further out from ending.
            if hasattr(outcome, "force_exception"):
                outcome.force_exception(error)
            else:  # before pluggy 1.1
                outcome._result, outcome._excinfo = None, (type(error), error, error.__traceback__)

    return wrapped


def _end(around: Generator[None, object, object], outcome: Any) -> None:
    if outcome.excinfo is None:
        around.send(outcome.get_result())
    else:
        around.throw(outcome.excinfo[1])
