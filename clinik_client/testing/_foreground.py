"""Servers as processes: they run until somebody stops them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

__all__ = ["CommandParser", "Foreground"]


class Foreground:
    """Notices that its process is to end; a context manager. Ctrl-C and signals do nothing else meanwhile.

    Args:
        until_stdin_closes: the end of the standard input counts, too.
    """

    def __init__(self, *, until_stdin_closes: bool = False) -> None:
        self._until_stdin_closes = until_stdin_closes
        # Of what threads wait on, this alone may be used in a signal handler, whatever it has interrupted.
        self._ends: SimpleQueue[None] = SimpleQueue()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's; there, SIGTERM never arrives
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def tell(self, *lines: str) -> None:
        """Print lines at once. Whoever was to read them may be gone: in a pipe, Ctrl-C ends everybody."""
        try:
            print(*lines, sep="\n", flush=True)
        except BrokenPipeError:
            # Else Python tries again when it ends, and complains.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def wait(self) -> None:
        """Wait for the end, which may have come already."""
        if self._until_stdin_closes:
            threading.Thread(target=self._watch_stdin, daemon=True).start()
        while True:
            try:
                return self._ends.get(timeout=0.2)  # on Windows, a wait without end does not let a signal through
            except Empty:
                continue

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._ends.put(None)

    def _watch_stdin(self) -> None:
        # Not sys.stdin.read(): a daemon thread inside it holds a lock that the interpreter wants when it ends.
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 4096):
            pass
        self._ends.put(None)


class CommandParser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; {self.prog} --help tells all options\n")
