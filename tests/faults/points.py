"""Every point of a call at which CPython looks for signals, and so at which a handler can run or an exception arrive.

CPython 3.11 to 3.13 look for signals when a function begins or goes on (``RESUME``), when a loop goes back, and when
a call has returned. A call of a plain Python function is no call to the interpreter: it goes on in the function's frame
and comes back without a look. A trace function sees all this from outside, and can do at each point what a handler
could: raise, call, close, fork. From 3.12 on, it misses a few where another thread runs the same code at that time.
"""

from __future__ import annotations

import dis
import inspect
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, TypeVar

from attrs import frozen

T = TypeVar("T")

_OURS: Final = ("clinik_client", "httpcore", "h11")
# Counted only where one of the above has called them.
_BELOW: Final = frozenset({"ssl", "socket", "contextlib"})
_CALLS: Final = frozenset({"CALL", "PRECALL", "CALL_KW", "CALL_FUNCTION_EX"})
# A class is called by the interpreter's own code, which calls these in turn, and looks for signals when it is back.
_CALLED_BY_A_CLASS: Final = frozenset({"__init__", "__new__", "__call__"})
# There, f(*args) is a call by the interpreter's own code too.
_ARGUMENTS_ARE_UNPACKED_IN_C: Final = sys.version_info < (3, 12)

_BEGIN: Final = -1
_NOWHERE: Final = -2


@frozen
class Point:
    """One point of a call."""

    number: int
    module: str
    where: str

    def __str__(self) -> str:
        return f"point {self.number}, {self.where}"


@frozen
class _Looks:
    """Where the code of a function is followed by a look for signals."""

    after: dict[int, str]
    """The names of these instructions, by their place; a frame begins as after a RESUME."""
    handlers: dict[int, int]
    """Where an exception goes from each instruction."""


@cache
def _looks_of(code: CodeType) -> _Looks:
    bytecode = dis.Bytecode(code)
    # Public since 3.11, and not in the types of the standard library.
    entries = bytecode.exception_entries  # type: ignore[attr-defined]
    after = {_BEGIN: "RESUME"}
    handlers = {_BEGIN: _NOWHERE}
    for instruction in bytecode:
        place, name = instruction.offset, instruction.opname
        if name == "RESUME" or name in _CALLS or ("JUMP_BACKWARD" in name and not name.endswith("NO_INTERRUPT")):
            after[place] = name
        handlers[place] = next((entry.target for entry in entries if entry.start <= place < entry.end), _NOWHERE)
    return _Looks(after, handlers)


class _Frame:
    """The trace function of one frame. It is called for each instruction, so what it does is little."""

    __slots__ = ("_after", "_called", "_handlers", "_last", "_plainly", "_reached")

    def __init__(self, looks: _Looks, reached: Callable[[FrameType], None]) -> None:
        self._after = looks.after
        self._handlers = looks.handlers
        self._reached = reached
        self._last = _BEGIN
        self._called = 0
        self._plainly = False

    def calls(self, code: CodeType) -> None:
        """A frame of Python code begins right above this one."""
        self._called += 1
        self._plainly = not code.co_flags & inspect.CO_GENERATOR and code.co_name not in _CALLED_BY_A_CLASS

    def __call__(self, frame: FrameType, event: str, arg: Any) -> _Frame:
        if event == "opcode":
            last, now = self._last, frame.f_lasti
            self._last = now
            # Most instructions are not followed by a look.
            looks = last in self._after and self._looks(last, now)
            if now in self._after:
                self._called = 0
            if looks:
                self._reached(frame)
        elif event == "exception":
            # A handler is entered without a look.
            self._last = _NOWHERE
        return self

    def _looks(self, last: int, now: int) -> bool:
        name, following = self._after[last], self._after.get(now)
        if following == "RESUME":
            return False
        if name in _CALLS:
            inline = self._called == 1 and self._plainly
            if name == "CALL_FUNCTION_EX" and _ARGUMENTS_ARE_UNPACKED_IN_C:
                inline = False
            # What a signal raises after a call goes where the call's own errors go. A trace function can only raise
            # where the next instruction's go: the end of a try block, where these differ, is left out.
            return (
                not inline and (name, following) != ("PRECALL", "CALL") and self._handlers[last] == self._handlers[now]
            )
        return name == "RESUME" or now < last


@contextmanager
def visiting(visit: Callable[[Point], None]) -> Iterator[None]:
    """Have ``visit`` called at every point that this thread comes to.

    What it raises is raised there. Nothing is traced while it runs, and nothing any more after it has raised.
    """
    count = 0

    def reached(frame: FrameType) -> None:
        nonlocal count
        count += 1
        module = str(frame.f_globals.get("__name__"))
        visit(Point(count, module, f"{module}.{frame.f_code.co_qualname}, line {frame.f_lineno}"))

    def begins(frame: FrameType, event: str, arg: Any) -> _Frame | None:
        above = frame.f_back.f_trace if frame.f_back is not None else None
        if isinstance(above, _Frame):
            above.calls(frame.f_code)
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] not in _OURS and not (module in _BELOW and isinstance(above, _Frame)):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return _Frame(_looks_of(frame.f_code), reached)

    before = sys.gettrace()
    sys.settrace(begins)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def at(number: int, handler: Callable[[], None]) -> Iterator[None]:
    """Have ``handler`` called at one point, once."""

    def visit(point: Point) -> None:
        if point.number == number:
            sys.settrace(None)
            handler()

    with visiting(visit):
        yield


@frozen
class Course:
    """The points of one call, in their order."""

    points: list[Point]
    first_send: int
    """How many of them come before the first byte of a request leaves."""


def course_of(call: Callable[[], object]) -> Course:
    """Make a call and write its points down."""
    points: list[Point] = []
    sends: list[int] = []

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        # The system's own send, or that of TLS: a handshake uses neither.
        if event == "c_call" and getattr(arg, "__name__", "") in ("send", "sendall", "write"):
            sends.append(len(points))

    sys.setprofile(profile)
    try:
        with visiting(points.append):
            call()
    finally:
        sys.setprofile(None)
    return Course(points, sends[0] if sends else len(points))


@frozen
class Sampling:
    """Which points are tried, where there are too many for all of them.

    Args:
        seed: the same seed chooses the same points.
        most: no more than so many in a place.
        every: all of them.
    """

    seed: int = 1
    most: int | None = None
    every: bool = False

    def size(self, count: int) -> int:
        return count if self.most is None else min(count, self.most)

    def random(self, place: str) -> random.Random:
        return random.Random(f"{self.seed} {place}")

    def points(self, place: str, points: Sequence[Point], count: int) -> list[Point]:
        """So many points, as many from each module that the call comes through as from any other."""
        if self.every:
            return list(points)
        chance = self.random(place)
        modules: dict[str, list[Point]] = {}
        for point in points:
            modules.setdefault(point.module, []).append(point)
        return [chance.choice(modules[chance.choice(list(modules))]) for _ in range(self.size(count))]
