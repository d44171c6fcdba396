"""An exception arrives in a call, as from a handler of a signal: everywhere, and of every kind.

Each interruption counts twice in the table: for what arrives at the caller, and for what is left of the client.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final
from unittest import mock

from attrs import define, field

from clinik_client import Clinik

from .calls import OPERATIONS, PAGES, Call, Hang, Made, Operation, Patience, bounded, client, dry_run, look, make
from .child import ChildFailed, ask, understood
from .lab import Lab
from .points import Course, Point, Sampling, at, course_of
from .report import Attack, CellReport
from .server import FaultServer
from .watch import shows

SECTION: Final = "interruptions"
AFTERWARDS: Final = "a connection is its call's"
POINTS: Final = 5
"""How many points are tried for each operation, way and kind of exception."""
SIGNALS: Final = 300
"""How many calls get a signal of the system."""
_SIGNAL_WITHIN: Final = 0.004

ARGUMENTS: Final = ("raised by a handler",)

# A client has to write down that something may leave before it leaves: so many points before the first byte, a note is
# right although nothing has left yet.
_ABOUT_TO_LEAVE: Final = 100


class Alarm(Exception):
    """What a program raises when its time is up."""


class Expired(TimeoutError):
    """The same, of a kind that looks like the network's."""


KINDS: Final[tuple[type[BaseException], ...]] = (KeyboardInterrupt, SystemExit, Alarm, Expired, OSError)


@define
class Interrupted:
    """One interruption."""

    made: Made
    afterwards: CellReport
    about_to_leave: bool
    """Something of the request may have left, or was just about to."""
    raised: bool = False
    arrived: bool = False
    arguments: tuple[object, ...] = ARGUMENTS

    def judge(self, server: FaultServer) -> None:
        made = self.made
        made.judge(server.ledger)
        if not self.arrived:
            return
        applied = made.call.applied(server.ledger)
        if made.call.writes and applied and not made.noted:
            made.report.add("wrong", f"{made.call}: applied, and no note says that it may have been")
        if made.noted and not (made.call.writes and self.about_to_leave):
            made.report.add("wrong", f"{made.call}: a note says that something may have been done")


@define
class InterruptionGroup:
    """One operation, over plain TCP or TLS, on a kept connection or a new one."""

    operation: Operation
    tls: bool
    kept: bool
    patience: Patience = field(factory=Patience)
    kinds: tuple[type[BaseException], ...] = KINDS
    done: list[Interrupted] = field(factory=list)

    def __str__(self) -> str:
        return f"{self.operation}, {'TLS' if self.tls else 'plain'}, {'kept' if self.kept else 'new'} connection"

    def run(self, lab: Lab, sampling: Sampling) -> list[CellReport]:
        """Interrupt the operation at each of the chosen points."""
        # Whoever takes the interruption for a fault of the network and tries again, does it at once.
        with mock.patch("random.uniform", return_value=0.0), ExitStack() as stack:
            server = stack.enter_context(FaultServer(context=lab.context if self.tls else None, pages=PAGES))
            failed = CellReport(Attack(SECTION, str(self)))
            if (course := dry_run(lambda: self._course(server, lab), failed)) is None:
                return [failed]
            clinik = self._client(server, lab)
            for kind in self.kinds:
                for point in sampling.points(f"{self} {kind.__name__}", course.points, POINTS):
                    attack = f"{self}, {kind.__name__} at {point}"
                    reports = CellReport(Attack(SECTION, attack)), CellReport(Attack(AFTERWARDS, attack))
                    if self.patience.is_over(reports[1]):
                        self.done.append(Interrupted(Made(Call(self.operation), reports[0]), reports[1], True))
                    elif not self._interrupt(clinik, server, lab, kind, point, course, reports) or not self.kept:
                        clinik.close()
                        clinik = self._client(server, lab)
            clinik.close()
            # When the last connection has ended, the server has read and done everything.
            if left := server.open_connections(0, 2.0):
                self.done[-1].afterwards.add("leaks", f"{left} connections open after close()")
            for interrupted in self.done:
                interrupted.judge(server)
        return [report for interrupted in self.done for report in (interrupted.made.report, interrupted.afterwards)]

    def _client(self, server: FaultServer, lab: Lab) -> Clinik:
        clinik = client(server, lab, retries=1)
        if self.kept:
            # One connection for reads and one for writes.
            bounded(lambda: look(clinik, server, CellReport(Attack(SECTION, "warming up")), "the thread before"))
        return clinik

    def _course(self, server: FaultServer, lab: Lab) -> Course:
        with client(server, lab) as clinik:
            # What is only loaded or made once is there after this.
            make(self._call(server), clinik, CellReport(Attack(SECTION, "warming up")))
            if self.kept:
                call = self._call(server)
                return course_of(lambda: call.make(clinik))
        with client(server, lab) as clinik:
            call = self._call(server)
            return course_of(lambda: call.make(clinik))

    def _call(self, server: FaultServer) -> Call:
        return Call(self.operation).prepare(server)

    def _interrupt(
        self,
        clinik: Clinik,
        server: FaultServer,
        lab: Lab,
        kind: type[BaseException],
        point: Point,
        course: Course,
        reports: tuple[CellReport, CellReport],
    ) -> bool:
        """Make the call, interrupt it, and use the client again; whether it all came to an end."""
        report, afterwards = reports
        made = Made(self._call(server), report)
        interrupted = Interrupted(made, afterwards, point.number >= course.first_send - _ABOUT_TO_LEAVE)
        self.done.append(interrupted)

        def work() -> None:
            lab.logs.leaks().clear()
            raise_at(point, kind, interrupted, clinik)
            # It works at once, whether or not what was begun is still to be ended.
            look(clinik, server, afterwards, "the same thread")
            for leak in lab.logs.leaks():
                report.add("leaks", leak)

        try:
            bounded(work)
            bounded(lambda: look(clinik, server, afterwards, "another thread"))
        except Hang as hang:
            self.patience.hung(afterwards, hang)
            return False
        if (left := server.open_connections(2, 1.0)) > 2:
            afterwards.add("leaks", f"{left} connections open")
            return False
        return True


def raise_at(point: Point, kind: type[BaseException], interrupted: Interrupted, clinik: Clinik) -> None:
    """Make a call, and raise an exception at one of its points."""
    made = interrupted.made
    exception = kind(*ARGUMENTS)

    def handler() -> None:
        interrupted.raised = True
        raise exception

    try:
        with at(point.number, handler):
            data = made.call.make(clinik)
    except BaseException as error:  # noqa: BLE001 - what arrives is looked at
        note_what_arrives(error, exception, interrupted)
    else:
        made.right = made.call.is_right(data)
        if interrupted.raised:
            made.report.add("wrong", "the exception is lost")


def note_what_arrives(error: BaseException, raised: BaseException | None, interrupted: Interrupted) -> None:
    """Look at what a caller gets, and compare it with what was raised."""
    made = interrupted.made
    notes = getattr(error, "__notes__", [])
    made.noted = any("unknown" in note or "carried out" in note for note in notes)
    made.kind = type(error).__name__
    if error is raised:
        interrupted.arrived = True
        made.outcome = "raised"
        if error.args != interrupted.arguments or error.__cause__ is not None:
            made.report.add("wrong", "the exception was changed")
    else:
        made.outcome = getattr(error, "outcome", "raised")
        made.report.add("wrong", f"{made.kind} arrives in place of it")
    if any(shows(text) for text in (str(error), repr(error), *notes, *traceback.format_exception_only(error))):
        made.report.add("leaks", "the exception")
    # Its traceback holds the frames of the call.
    error.__traceback__ = error.__context__ = None


def groups(operations: tuple[Operation, ...] = OPERATIONS) -> Iterator[InterruptionGroup]:
    patience = Patience()
    for operation in operations:
        for tls in (False, True):
            for kept in (True, False):
                yield InterruptionGroup(operation, tls, kept, patience)


def real_signals(sampling: Sampling) -> Iterator[CellReport]:
    """Signals of the system at moments that nobody has chosen, in a process of its own."""
    with FaultServer(pages=PAGES) as server:
        calls = [Call(OPERATIONS[number % len(OPERATIONS)]).prepare(server) for number in range(sampling.size(SIGNALS))]
        done = [
            Interrupted(
                Made(call, CellReport(Attack(SECTION, f"{call}, a signal"))), CellReport(Attack(SECTION, "")), True
            )
            for call in calls
        ]
        order = {
            "job": "signals",
            "url": f"http://127.0.0.1:{server.port}",
            "calls": [[call.operation, call.number] for call in calls],
            "seed": sampling.seed,
            "seconds": _SIGNAL_WITHIN,
        }
        try:
            for interrupted, (_, arrived, response) in zip(done, ask(order, 30.0), strict=True):
                interrupted.arrived = arrived
                understood(interrupted.made, response)
        except ChildFailed as failure:
            done[-1].made.report.add("late", f"the process of the signals: {failure}")
        server.open_connections(0, 2.0)
        for interrupted in done:
            interrupted.judge(server)
            yield interrupted.made.report


def cells(sampling: Sampling) -> dict[str, int]:
    """How many cells each row has."""
    count = sum(len(group.kinds) for group in groups()) * sampling.size(POINTS)
    return {SECTION: count + sampling.size(SIGNALS), AFTERWARDS: count}


def run(lab: Lab, sampling: Sampling) -> Iterator[CellReport]:
    for group in groups():
        yield from group.run(lab, sampling)
    yield from real_signals(sampling)
