"""Waits end when they are told to, from a thread or from a signal handler; what is gone is forgotten."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from clinik_client._transport.register import Register, Wait


class Thing:
    pass


def test_a_thing_is_known_for_as_long_as_somebody_holds_it() -> None:
    register: Register[Thing] = Register()
    first, second = Thing(), Thing()
    register.add(first)
    register.add(second)
    assert set(register.things()) == {first, second}
    del first
    assert register.things() == [second]


def test_a_wait_that_nobody_ends_takes_its_time() -> None:
    assert Wait().sleep(0.001) is False


def test_a_wait_may_be_ended_before_it_begins() -> None:
    wait = Wait()
    wait.end()
    assert wait.sleep(30) is True


def test_a_signal_handler_ends_the_wait_that_it_interrupts() -> None:
    wait, ended = Wait(), threading.Event()
    main = threading.main_thread().ident
    assert main is not None

    def handler(*_: Any) -> None:
        wait.end()

    def send() -> None:
        # One that comes right before the wait begins is looked at after it, so there is more than one.
        while not ended.wait(0.01):
            signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=send)
    thread.start()
    started = time.monotonic()
    try:
        assert wait.sleep(30) is True
    finally:
        ended.set()
        thread.join(5)
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() - started < 15
