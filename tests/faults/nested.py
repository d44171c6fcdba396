"""Calls that begin inside another call of the same thread: from a handler of a signal, from a log, in green threads."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Final

from attrs import define, field

from clinik_client import Clinik
from clinik_client.testing._wire import WireRequest

from .calls import Call, Hang, Made, Operation, Patience, bounded, client, dry_run, make
from .child import ChildFailed, ask, understood
from .lab import Lab
from .points import Course, Sampling, at, course_of
from .report import Attack, CellReport
from .server import FaultServer, apply, record, reset

SECTION: Final = "nested calls"
POINTS: Final = 4
"""How many points are tried for each pair of calls, service, and way to speak."""

HARMED: Final = "harmed"
"""A call with this mark is carried out, and then its connection is reset."""

OUTER: Final[tuple[Operation, ...]] = ("create", "read", "update", "delete")
INNER: Final[tuple[Operation, ...]] = ("create", "read")
SERVICES: Final = ("healthy", "outer harmed", "inner harmed")
PATCHES: Final = ("before", "after", "without threads")
GREEN: Final = 30
"""How many green threads make a call at once."""
MOST_LOGGED: Final = 300
"""After so many calls a naive handler of logs, which calls itself without end, makes no more."""


def is_harmed(request: WireRequest) -> bool:
    return HARMED in request.target or HARMED.encode() in request.body


def harming_server(lab: Lab, tls: bool) -> FaultServer:
    """Well, but for calls that have the mark."""
    return FaultServer((apply, reset), when=is_harmed, context=lab.context if tls else None)


# -- from a handler of a signal ---------------------------------------------------------------------------------------


@define
class NestedGroup:
    """A call in the middle of another one."""

    outer: Operation
    inner: Operation
    service: str
    tls: bool
    patience: Patience = field(factory=Patience)
    done: list[Made] = field(factory=list)

    def __str__(self) -> str:
        return f"{self.inner} in {self.outer}, {self.service}, {'TLS' if self.tls else 'plain'}"

    def run(self, lab: Lab, sampling: Sampling) -> Iterator[CellReport]:
        with harming_server(lab, self.tls) as server:
            clinik = client(server, lab)
            failed = CellReport(Attack(SECTION, str(self)))
            if (course := dry_run(lambda: self._warm(clinik, server), failed)) is None:
                yield failed
                return
            for point in sampling.points(str(self), course.points, POINTS):
                report = CellReport(Attack(SECTION, f"{self}, at {point}"))
                yield report
                if self.patience.is_over(report):
                    continue
                try:
                    self.done += bounded(partial(self._nest, clinik, server, point.number, report, lab))
                except Hang as hang:
                    self.patience.hung(report, hang)
                    clinik.close()
                    clinik = client(server, lab)
            clinik.close()
            server.open_connections(0, 2.0)
            for made in self.done:
                made.judge(server.ledger, may_fail=bool(made.call.mark))

    def _warm(self, clinik: Clinik, server: FaultServer) -> Course:
        for _ in range(2):
            make(Call(self.outer).prepare(server), clinik, CellReport(Attack(SECTION, "warming up")))
        call = Call(self.outer).prepare(server)
        return course_of(lambda: call.make(clinik))

    def _nest(self, clinik: Clinik, server: FaultServer, number: int, report: CellReport, lab: Lab) -> list[Made]:
        lab.logs.leaks().clear()
        outer = Call(self.outer, mark=HARMED if self.service == "outer harmed" else "").prepare(server)
        inner = Call(self.inner, mark=HARMED if self.service == "inner harmed" else "").prepare(server)
        done: list[Made] = []
        with at(number, lambda: done.append(make(inner, clinik, report))):
            done.append(make(outer, clinik, report))
        for leak in lab.logs.leaks():
            report.add("leaks", leak)
        return done


# -- from a log -------------------------------------------------------------------------------------------------------


class CallingHandler(logging.Handler):
    """Makes a call for each record, which logs in its turn.

    Args:
        operation: which call.
        guarded: whether records of its own calls are left alone.
    """

    def __init__(
        self, operation: Operation, guarded: bool, clinik: Clinik, server: FaultServer, report: CellReport
    ) -> None:
        super().__init__(logging.DEBUG)
        self._operation = operation
        self._guarded = guarded
        self._clinik = clinik
        self._server = server
        self._report = report
        self._busy = False
        self.done: list[Made] = []

    def emit(self, record: logging.LogRecord) -> None:
        if (self._guarded and self._busy) or len(self.done) >= MOST_LOGGED:
            return
        self._busy = True
        try:
            made = Made(Call(self._operation).prepare(self._server), self._report, outcome="raised")
            self.done.append(made)
            made.right = made.call.is_right(made.call.make(self._clinik))
            made.outcome = None
        finally:
            self._busy = False


@contextmanager
def _attached(handler: logging.Handler, logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def from_a_log(outer: Operation, inner: Operation, guarded: bool, tls: bool, lab: Lab) -> CellReport:
    """A handler that makes calls: with a guard on the root logger, or a naive one on the SDK's own."""
    kind = "guarded" if guarded else "naive"
    report = CellReport(Attack(SECTION, f"{inner} for each record of {outer}, {kind}, {'TLS' if tls else 'plain'}"))
    logger = logging.getLogger() if guarded else logging.getLogger("clinik_client")
    with FaultServer(context=lab.context if tls else None) as server, client(server, lab) as clinik:
        handler = CallingHandler(inner, guarded, clinik, server, report)
        first = Made(Call(outer).prepare(server), report, outcome="raised")

        def work() -> None:
            with _attached(handler, logger):
                try:
                    first.right = first.call.is_right(first.call.make(clinik))
                    first.outcome = None
                except RecursionError:
                    # The naive handler's own, which passes through.
                    if guarded:
                        report.add("wrong", "RecursionError")

        try:
            bounded(work, 10.0)
        except Hang as hang:
            report.add("late", f"a call hangs: {hang}")
        except Exception as error:  # noqa: BLE001 - told of in the report
            report.add("wrong", f"{type(error).__name__} escaped")
        if not handler.done:
            report.add("wrong", "nothing was logged")
        clinik.close()
        server.open_connections(0, 2.0)
        for made in (first, *handler.done):
            made.judge(server.ledger)
    return report


# -- in green threads -------------------------------------------------------------------------------------------------


def in_green_threads(library: str, patch: str, sampling: Sampling) -> CellReport:
    """Many calls at once in one thread of the system, some of them to a connection that is reset."""
    report = CellReport(Attack(SECTION, f"{library}, patched {patch}"))
    chance = sampling.random(f"{library} {patch}")
    with FaultServer((apply, reset), when=is_harmed) as server:
        server.records["enc_canary0first"] = record("enc_canary0first", "pt_canary0")
        calls = [
            Call(chance.choice(("create", "create", "read", "update")), mark=HARMED if number % 5 == 0 else "").prepare(
                server
            )
            for number in range(GREEN)
        ]
        done = {call.number: Made(call, report) for call in calls}
        order = {
            "job": "greenlets",
            "library": library,
            "patch": patch,
            "url": f"http://127.0.0.1:{server.port}",
            "calls": [[call.operation, call.number, call.mark] for call in calls],
        }
        try:
            responses = ask(order, 20.0)
        except ChildFailed as failure:
            report.add("late" if "no end" in str(failure) else "wrong", f"{library}: {failure}")
            return report
        if len(responses) < len(calls):
            report.add("late", f"{len(calls) - len(responses)} calls came to no end")
        server.open_connections(0, 2.0)
        for number, response in responses:
            understood(done[number], response)
            done[number].judge(server.ledger, may_fail=bool(done[number].call.mark))
    return report


# -- all of it --------------------------------------------------------------------------------------------------------


def groups() -> Iterator[NestedGroup]:
    patience = Patience()
    for outer, inner, service, tls in product(OUTER, INNER, SERVICES, (False, True)):
        yield NestedGroup(outer, inner, service, tls, patience)


LOGS: Final = tuple(product(OUTER, INNER, (True, False), (False, True)))
GREENS: Final = tuple(product(("gevent", "eventlet"), PATCHES))


def cells(sampling: Sampling) -> dict[str, int]:
    """How many cells each row has."""
    return {SECTION: len(list(groups())) * sampling.size(POINTS) + len(LOGS) + len(GREENS)}


def run(lab: Lab, sampling: Sampling) -> Iterator[CellReport]:
    for group in groups():
        # A group judges when it has ended.
        yield from list(group.run(lab, sampling))
    for outer, inner, guarded, tls in LOGS:
        yield from_a_log(outer, inner, guarded, tls, lab)
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda green: in_green_threads(green[0], green[1], sampling), GREENS)
