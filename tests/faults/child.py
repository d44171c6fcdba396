"""Work for a process of its own: ``python -m tests.faults.child``, an order as JSON comes in, a response goes out.

The server stays in the parent, and so does judgement. Nothing of the SDK is imported before a job asks for it: some
change the standard library first.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clinik_client import Clinik

    from .calls import Call, Made

_ROOT: Final = Path(__file__).parents[2]


class ChildFailed(Exception):
    """A child came to no end, or to a bad one."""


def ask(order: dict[str, Any], seconds: float) -> list[Any]:
    """Have a child do a job.

    Raises:
        ChildFailed: there is no response.
    """
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.child"]
    try:
        done = subprocess.run(
            command, input=json.dumps(order), cwd=_ROOT, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"no end within {seconds} s") from None
    if done.returncode:
        raise ChildFailed((done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1])
    response: list[Any] = json.loads(done.stdout)
    return response


def told(made: Made) -> dict[str, Any]:
    """What came of a call, for the parent."""
    return {
        "outcome": made.outcome,
        "kind": made.kind,
        "right": made.right,
        "noted": made.noted,
        "faults": made.report.faults,
    }


def understood(made: Made, told: dict[str, Any]) -> None:
    """The reverse of `told`."""
    made.outcome, made.kind = told["outcome"], told["kind"]
    made.right, made.noted = told["right"], told["noted"]
    made.report.faults += [(column, text) for column, text in told["faults"]]


def _client(url: str) -> Clinik:
    from clinik_client import Clinik

    return Clinik("clk_test_canary0key", base_url=url, retries=0, timeout=3.0, trust_env=False)


def _made(call: Call, clinik: Clinik) -> Made:
    from .calls import make
    from .report import Attack, CellReport

    return make(call, clinik, CellReport(Attack("child", str(call))))


# -- green threads ----------------------------------------------------------------------------------------------------


def greenlets(order: dict[str, Any]) -> list[Any]:
    """Make all calls at once, each in a green thread."""
    patch = order["patch"]
    clinik = _client(order["url"]) if patch == "after" else None
    if clinik is not None:
        # A connection is made before the patch, and used after it.
        clinik.request("GET", "/v1/encounters/enc_canary0first")
    run = (_with_gevent if order["library"] == "gevent" else _with_eventlet)(patch != "without threads")
    clinik = clinik or _client(order["url"])
    from .calls import Call

    responses: list[Any] = []

    def work(given: list[Any]) -> None:
        responses.append([given[1], told(_made(Call(given[0], given[1], given[2]), clinik))])

    run(work, order["calls"])
    clinik.close()
    return responses


Run = Callable[[Callable[[list[Any]], None], list[list[Any]]], None]


def _with_gevent(threads: bool) -> Run:
    # Neither of the two libraries has types.
    import gevent.monkey  # type: ignore[import-untyped]  # it brings no types

    gevent.monkey.patch_all(thread=threads)

    def run(work: Callable[[list[Any]], None], given: list[list[Any]]) -> None:
        gevent.joinall([gevent.spawn(work, each) for each in given], timeout=10)

    return run


def _with_eventlet(threads: bool) -> Run:
    import eventlet  # type: ignore[import-untyped]  # it brings no types

    eventlet.monkey_patch(thread=threads)

    def run(work: Callable[[list[Any]], None], given: list[list[Any]]) -> None:
        pool = eventlet.GreenPool(len(given))
        with eventlet.Timeout(10, False):
            for _ in pool.imap(work, given):
                pass

    return run


# -- forks ------------------------------------------------------------------------------------------------------------


def forks(order: dict[str, Any]) -> list[Any]:
    """Fork in the middle of calls. The forked process reads a record of its own with the same client, and ends."""
    import signal

    from .calls import Call
    from .points import Sampling, at, course_of

    numbers = iter(order["numbers"])
    sampling = Sampling(order["seed"], order["most"], order["every"])
    responses: list[Any] = []
    with _client(order["url"]) as clinik:
        for operation in order["operations"]:
            for _ in range(2):
                _made(Call(operation, next(numbers)), clinik)
            course = course_of(lambda operation=operation: Call(operation, next(numbers)).make(clinik))  # type: ignore[misc]  # a loop's variable as a default
            for point in sampling.points(f"fork {operation}", course.points, order["count"]):
                inner, outer = Call("read", next(numbers)), Call(operation, next(numbers))
                forked: list[int] = []

                def handler(inner: Call = inner, forked: list[int] = forked) -> None:
                    pid = os.fork()
                    if pid == 0:
                        # Ends this process, should it hang.
                        signal.alarm(3)
                        made = _made(inner, clinik)
                        os._exit(0 if made.outcome is None and made.right else 1)
                    forked.append(pid)

                with at(point.number, handler):
                    made = _made(outer, clinik)
                ends = [os.waitpid(pid, 0)[1] for pid in forked]
                responses.append([operation, outer.number, str(point), told(made), ends])
    return responses


# -- real signals -----------------------------------------------------------------------------------------------------


def signals(order: dict[str, Any]) -> list[Any]:
    """Make calls one after the other, each with a signal at some moment. The handler raises if it meets a call."""
    import random
    import signal

    from .calls import Call
    from .interruptions import Alarm, Expired, Interrupted, note_what_arrives
    from .report import Attack, CellReport

    chance = random.Random(order["seed"])
    kinds = (KeyboardInterrupt, Alarm, Expired)
    raised: list[BaseException] = []
    ignored: list[BaseException | None] = []
    sys.unraisablehook = lambda unraisable: ignored.append(unraisable.exc_value)

    def handler(number: int, frame: FrameType | None) -> None:
        if any(str(above.f_globals.get("__name__")).startswith("clinik_client.") for above in _stack(frame)):
            error = chance.choice(kinds)("raised by a handler")
            raised.append(error)
            raise error

    signal.signal(signal.SIGALRM, handler)
    responses: list[Any] = []
    with _client(order["url"]) as clinik:
        for operation, number in order["calls"]:
            made = _new_made(Call(operation, number))
            interrupted = Interrupted(made, CellReport(Attack("child", "afterwards")), about_to_leave=True)
            raised.clear()
            ignored.clear()
            try:
                # The least that the system's timers take is more than nothing.
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, order["seconds"]))
                data = made.call.make(clinik)
            except BaseException as error:  # noqa: BLE001 - what arrives is looked at
                note_what_arrives(error, raised[-1] if raised else None, interrupted)
            else:
                made.right = made.call.is_right(data)
                # What is raised in a finalizer goes nowhere: Python's rule.
                if raised and raised[-1] not in ignored:
                    made.report.add("wrong", "the exception is lost")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            responses.append([number, interrupted.arrived, told(made)])
    return responses


def _new_made(call: Call) -> Made:
    from .calls import Made
    from .report import Attack, CellReport

    return Made(call, CellReport(Attack("child", str(call))))


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def main() -> None:
    order = json.load(sys.stdin)
    response = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        responses = {"greenlets": greenlets, "forks": forks, "signals": signals}[order["job"]](order)
    json.dump(responses, response)


if __name__ == "__main__":
    main()
