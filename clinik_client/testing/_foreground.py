"""Servers as processes: they run until somebody stops them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

__all__ = ["wait_until_stopped"]


def wait_until_stopped(*, until_stdin_closes: bool = False) -> None:
    """Wait for Ctrl-C or a signal to end.

    Args:
        until_stdin_closes: the end of the standard input counts, too.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows's; there, SIGTERM never arrives
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    if until_stdin_closes:
        threading.Thread(target=_stop_when_stdin_closes, args=(stop,), daemon=True).start()
    # In short waits: on Windows, a wait without end does not let a signal through.
    while not stop.wait(0.2):
        pass


def _stop_when_stdin_closes(stop: threading.Event) -> None:
    # Not sys.stdin.read(): a daemon thread inside it holds a lock that the interpreter wants when it ends.
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 4096):
        pass
    stop.set()
