"""What the closing of a client has to end, and how it is found without a lock."""

from __future__ import annotations

import queue
import weakref
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Register(Generic[T]):
    """Things that are in use, for as long as somebody else holds them.

    Every step on it is a single one for the interpreter. So a signal handler may use it in the middle of any other use,
    and an interruption leaves nothing locked.
    """

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[Any]] = {}

    def add(self, thing: T) -> None:
        key = id(thing)
        # The callback is C all through: what a signal handler raises would be lost in one that is written in Python.
        self._references[key] = weakref.ref(thing, partial(self._references.pop, key))

    def things(self) -> list[T]:
        found = [reference() for reference in self._references.copy().values()]
        return [thing for thing in found if thing is not None]


class Wait:
    """A wait that another thread, or a signal handler, can end."""

    def __init__(self) -> None:
        # Its put() is made for signal handlers; the locks inside of an Event are not.
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()

    def end(self) -> None:
        self._ended.put(None)

    def sleep(self, seconds: float | None) -> bool:
        """Wait until it is ended. Returns whether it was, within this time."""
        try:
            self._ended.get(timeout=seconds)
        except queue.Empty:
            return False
        return True
