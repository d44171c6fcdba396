"""A connection is its call's: closing and forking in the middle of calls.

What is left of a client after an interruption is looked at where it is interrupted, and counts here in the table.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Final, TypeVar

from attrs import define, field

from clinik_client import Clinik, ClinikConfigError
from tests.stopwatch import Stopwatch

from .calls import PAGES, Call, Hang, Made, Operation, Patience, bounded, client, dry_run, make
from .child import ChildFailed, ask, understood
from .interruptions import AFTERWARDS
from .lab import Lab
from .points import Course, Sampling, at, course_of
from .report import Attack, CellReport
from .server import FaultServer, apply, hang

T = TypeVar("T")

SECTION: Final = AFTERWARDS
POINTS: Final = 8
"""At how many points of each operation the client is closed, or the process forked."""
OPERATIONS: Final[tuple[Operation, ...]] = ("create", "read", "update", "delete")
MANY: Final = 50
"""How many calls are under way when another thread closes the client."""
AT_ONCE: Final = 0.5
"""Seconds that may pass until so many calls have ended."""


@define
class Closing:
    """A handler of a signal closes the client in the middle of a call."""

    operation: Operation
    tls: bool
    kept: bool
    patience: Patience = field(factory=Patience)

    def __str__(self) -> str:
        return (
            f"close in {self.operation}, {'TLS' if self.tls else 'plain'}, {'kept' if self.kept else 'new'} connection"
        )

    def run(self, lab: Lab, sampling: Sampling) -> Iterator[CellReport]:
        with FaultServer(context=lab.context if self.tls else None, pages=PAGES) as server:
            failed = CellReport(Attack(SECTION, str(self)))
            if (course := dry_run(lambda: self._in_a_client(server, lab, course_of_call), failed)) is None:
                yield failed
                return
            for point in sampling.points(str(self), course.points, POINTS):
                report = CellReport(Attack(SECTION, f"{self}, at {point}"))
                yield report
                if self.patience.is_over(report):
                    continue
                lab.logs.leaks().clear()
                try:
                    made = bounded(partial(self._in_a_client, server, lab, partial(close_at, point.number, report)))
                except Hang as late:
                    self.patience.hung(report, late)
                    continue
                if left := server.open_connections(0, 2.0):
                    report.add("leaks", f"{left} connections open after close()")
                made.judge(server.ledger, may_fail=True)

    def _in_a_client(self, server: FaultServer, lab: Lab, work: Callable[[Clinik, Call], T]) -> T:
        # What is only loaded or made once is there already.
        clinik = client(server, lab)
        try:
            if self.kept:
                make(Call(self.operation).prepare(server), clinik, CellReport(Attack(SECTION, "warming up")))
            return work(clinik, Call(self.operation).prepare(server))
        finally:
            clinik.close()


def close_at(number: int, report: CellReport, clinik: Clinik, call: Call) -> Made:
    """Make a call in whose middle the client is closed, and then another one."""
    closed = False

    def close() -> None:
        nonlocal closed
        closed = True
        clinik.close()

    with at(number, close):
        made = make(call, clinik, report)
    # TLS may bring its bytes in fewer steps than it did when the points were counted.
    if not closed:
        close()
    try:
        call.make(clinik)
    except ClinikConfigError:
        return made
    except Exception as error:  # noqa: BLE001 - told of in the report
        report.add("wrong", f"after close(): {type(error).__name__}")
    else:
        report.add("wrong", "a closed client works")
    return made


def course_of_call(clinik: Clinik, call: Call) -> Course:
    """The points of a call."""
    return course_of(lambda: call.make(clinik))


def closed_by_another_thread(waiting: bool, tls: bool, lab: Lab) -> CellReport:
    """50 calls are under way in as many threads, each waiting for its response, or one after the other in five."""
    way = "TLS" if tls else "plain"
    report = CellReport(Attack(SECTION, f"close in {MANY} calls, {'waiting' if waiting else 'in full flow'}, {way}"))
    context = lab.context if tls else None
    enough = threading.Event()
    done: list[Made] = []
    with FaultServer((apply, hang) if waiting else None, context=context) as server:
        clinik = client(server, lab, timeout=10.0)
        calls = [Call(OPERATIONS[number % 3]).prepare(server) for number in range(MANY)]
        rows = [[call] for call in calls] if waiting else [calls[start::5] for start in range(5)]

        def work(row: list[Call]) -> None:
            for call in row:
                done.append(make(call, clinik, report))
                if len(done) >= MANY // 2:
                    enough.set()

        threads = [threading.Thread(target=work, args=(row,), daemon=True) for row in rows]
        for thread in threads:
            thread.start()
        if waiting:
            end = time.monotonic() + 5
            while sum(server.ledger.asked.values()) < MANY and time.monotonic() < end:
                enough.wait(0.005)
        else:
            enough.wait(5)
        with Stopwatch() as watch:
            end = time.monotonic() + 5
            try:
                bounded(clinik.close)
            except Hang as late:
                report.add("late", f"close() hangs: {late}")
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
        if watch.seconds > AT_ONCE:
            report.add("late", f"the calls ended {watch.seconds:.2f} s after close()")
        if left := server.open_connections(0, 2.0):
            report.add("leaks", f"{left} connections open after close()")
        for made in list(done):
            made.judge(server.ledger, may_fail=True)
    return report


def forks(sampling: Sampling) -> Iterator[CellReport]:
    """A handler forks in the middle of a call; the new process uses the client, and ends."""
    count = sampling.size(POINTS)
    with FaultServer() as server:
        # With all points there are as many calls as there are points.
        calls = [Call("read").prepare(server).number for _ in range(20_000 if sampling.every else 400)]
        order = {
            "job": "forks",
            "url": f"http://127.0.0.1:{server.port}",
            "numbers": calls,
            "operations": OPERATIONS,
            "seed": sampling.seed,
            "most": sampling.most,
            "every": sampling.every,
            "count": POINTS,
        }
        try:
            responses = ask(order, 600.0 if sampling.every else 30.0)
        except ChildFailed as failure:
            for _ in range(count * len(OPERATIONS)):
                report = CellReport(Attack(SECTION, "fork"))
                report.add("late", f"the process that forks: {failure}")
                yield report
            return
        server.open_connections(0, 2.0)
        for operation, number, where, response, ends in responses:
            report = CellReport(Attack(SECTION, f"fork in {operation}, at {where}"))
            made = Made(Call(operation, number), report)
            understood(made, response)
            made.judge(server.ledger)
            if any(os.waitstatus_to_exitcode(end) for end in ends):
                report.add("wrong", "the forked process did not get its response")
            yield report


def closings() -> Iterator[Closing]:
    patience = Patience()
    for operation, tls, kept in product(OPERATIONS, (False, True), (True, False)):
        yield Closing(operation, tls, kept, patience)


OTHERS: Final = tuple(product((True, False), (False, True)))


def cells(sampling: Sampling) -> dict[str, int]:
    """How many cells each row has."""
    count = (len(list(closings())) + len(OPERATIONS)) * sampling.size(POINTS) + len(OTHERS)
    return {SECTION: count}


def run(lab: Lab, sampling: Sampling) -> Iterator[CellReport]:
    for closing in closings():
        yield from closing.run(lab, sampling)
    for waiting, tls in OTHERS:
        yield closed_by_another_thread(waiting, tls, lab)
    if hasattr(os, "fork"):
        yield from forks(sampling)
