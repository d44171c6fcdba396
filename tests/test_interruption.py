"""What a signal handler raises is told from what the network raises, whatever its type."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpcore
import pytest

from clinik_client._interruption import is_interruption


class SoftLimit(Exception):
    """What a queue of tasks raises when a task takes too long."""


def caught(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - the test looks at it
        return error
    raise AssertionError("nothing was raised")


@contextmanager
def raising_on_signal(error: BaseException) -> Iterator[None]:
    def handler(*_: Any) -> NoReturn:
        raise error

    before = signal.signal(signal.SIGUSR1, handler)
    yield
    signal.signal(signal.SIGUSR1, before)


def raised_in(module: str) -> BaseException:
    """An error as the code of a module raises it."""
    names: dict[str, Any] = {"__name__": module}
    exec("def work():\n    raise ValueError", names)
    return at_home(caught(names["work"]))


@pytest.mark.parametrize("root", ["httpx", "httpcore", "h11", "orjson", "dateutil", "gevent", "eventlet", "truststore"])
def test_what_the_code_below_a_call_raises_is_none(root: str) -> None:
    assert not is_interruption(raised_in(root))
    assert not is_interruption(raised_in(f"{root}._inner"))
    assert is_interruption(raised_in(f"my{root}"))


@pytest.mark.parametrize("root", ["httpx", "httpcore", "h11", "orjson"])
def test_an_exception_of_a_library_is_none_wherever_it_is_raised(root: str) -> None:
    kind = type("Failed", (Exception,), {"__module__": f"{root}._errors"})

    def work() -> NoReturn:
        raise kind

    assert not is_interruption(caught(work))


@pytest.mark.parametrize(
    "error", [SoftLimit(), TimeoutError("mine"), OSError(5, "mine"), ValueError(), KeyboardInterrupt(), SystemExit(1)]
)
def test_whatever_a_handler_raises_in_the_standard_librarys_code_is_one(error: BaseException) -> None:
    with raising_on_signal(error):
        found = caught(lambda: signal.raise_signal(signal.SIGUSR1))
    assert found is error
    assert is_interruption(found)


def own_timeout() -> NoReturn:
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(0.001)
        left.recv(1)
    raise AssertionError


def at_home(error: BaseException) -> BaseException:
    """The error without this file's frames, as if the SDK itself had made the call."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals["__name__"] == __name__:
        trace = trace.tb_next
    return error.with_traceback(trace)


@pytest.mark.parametrize(
    "work",
    [
        own_timeout,
        lambda: socket.create_connection(("127.0.0.1", 1)),
        lambda: socket.getaddrinfo("nowhere.invalid", 1, flags=socket.AI_NUMERICHOST),
        lambda: ssl.create_default_context().load_verify_locations("/nowhere.pem"),
    ],
)
def test_what_the_network_raises_is_none(work: Callable[[], object]) -> None:
    assert not is_interruption(at_home(caught(work)))


@pytest.mark.parametrize("error", [httpcore.ReadError(), ConnectionResetError(), ssl.SSLEOFError(), socket.gaierror()])
def test_what_only_the_network_raises_is_none_even_in_the_code_of_a_test(error: Exception) -> None:
    def fail() -> NoReturn:
        raise error

    assert not is_interruption(caught(fail))
