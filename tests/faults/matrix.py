"""Every cell of the matrix: one operation meets one fault, and every promise is looked at."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

from clinik_client import Clinik, ClinikApiError, ClinikRateLimitError
from clinik_client._response import ApiResponse
from tests.inside import VirtualClock, on_virtual_time, parts_of
from tests.stopwatch import Stopwatch

from .calls import KEY
from .catalogue import FAULTS, GATEWAY, MAX_RESPONSE_BYTES, OPERATIONS, RETRY_AFTER, Operation, Trouble
from .lab import Lab, Place, numbers, place_for
from .policy import RETRIES, Expected, FaultCell, Mode, expected
from .report import CellReport
from .server import FaultServer, record
from .watch import leaks_of, shows, survives_pickle, unclosed

SLOW_TIMEOUT = 0.3
FAST_TIMEOUT = 30.0
"""For what no limit ends: whatever comes, comes at once."""
TOLERANCE = 0.1
MOST_STALLED = SLOW_TIMEOUT / 3
"""Seconds that the machine may stand still while a fault takes its course within its limit."""


def run_cell(cell: FaultCell, lab: Lab) -> CellReport:
    """Run one cell and look at every promise."""
    report = CellReport(cell)
    lab.logs.leaks().clear()
    with place_for(cell, lab) as place:
        timeout = SLOW_TIMEOUT if cell.fault.slow else FAST_TIMEOUT
        with Clinik(
            KEY,
            base_url=place.url,
            timeout=10 * timeout if cell.mode == "deadline" else timeout,
            deadline=timeout if cell.mode == "deadline" else None,
            retries=RETRIES,
            verify=lab.trusting,
            trust_env=False,
            max_response_bytes=MAX_RESPONSE_BYTES,
        ) as clinik:
            _Trial(cell, place, clinik, report, timeout).run()
        server = place.server()
        if left := server.open_connections(0, 1.0):
            report.add("leaks", f"{left} connections open after close()")
        if server.ledger.strays:
            report.add("leaks", "a redirect was followed")
    for leak in lab.logs.leaks():
        report.add("leaks", leak)
    return report


class _Trial:
    """The calls of one cell."""

    def __init__(self, cell: FaultCell, place: Place, clinik: Clinik, report: CellReport, timeout: float) -> None:
        number = next(numbers)
        self.cell, self.place, self.clinik, self.report = cell, place, clinik, report
        self.timeout = timeout
        self.hurried = False
        self.record_id = f"enc_canary{number}"
        self.patient_id = f"pt_canary{number}"
        self.clock = on_virtual_time(clinik, VirtualClock(share=0.0))

    def run(self) -> None:
        cell, fault = self.cell, self.cell.fault
        if fault.network in ("refused", "silent"):
            if cell.mode == "once":
                self.clock.before_wait = self._start
        else:
            self._add_records(self.place.server())
        if fault.kept:
            # The same pool of connections as the call that counts.
            self._call("update" if cell.writes else "read", "enc_canary0first")
            self.place.server().announced.wait(5)
        self._judge(*self._timed())
        self._look_at_reprs()
        self._use_again()

    def _start(self) -> None:
        self._add_records(self.place.server())

    def _add_records(self, server: FaultServer) -> None:
        for record_id in (self.record_id, "enc_canary0first", "enc_canary0other"):
            server.records.setdefault(record_id, record(record_id, self.patient_id))

    def _call(self, operation: Operation, record_id: str) -> ApiResponse[Any]:
        encounters = self.clinik.encounters
        match operation:
            case "create":
                return encounters.create(
                    status="planned",
                    class_="AMB",
                    patient_id=self.patient_id,
                    type="canary visit",
                    reason_code="a canary",
                )
            case "read":
                return encounters.read(record_id)
            case "update":
                return encounters.update(record_id, status="finished", reason_code="canary fever & more of it")
            case "delete":
                return encounters.delete(record_id)
            case "search":
                return encounters.search(patient_id=self.patient_id, status="finished")

    def _timed(self) -> tuple[ApiResponse[Any] | None, BaseException | None]:
        response: ApiResponse[Any] | None = None
        problem: BaseException | None = None
        with Stopwatch() as watch:
            try:
                response = self._call(self.cell.operation, self.record_id)
            except BaseException as error:  # noqa: BLE001 - the matrix tells of whatever escapes
                problem = error
        attempts = 1 if self.cell.mode == "deadline" else max(1, 1 + len(self.clock.waits))
        self.hurried = self.cell.fault.slow and watch.stalled > MOST_STALLED
        self.report.seconds_over = watch.seconds - attempts * self.timeout
        if self.report.seconds_over > TOLERANCE:
            self.report.add("late", f"{watch.seconds:.3f} s for {attempts} attempts of {self.timeout} s")
        return response, problem

    def _judge(self, response: ApiResponse[Any] | None, problem: BaseException | None) -> None:
        cell, report = self.cell, self.report
        if response is not None:
            found = Expected(None, response.meta.attempts)
            self._judge_response(response)
        elif isinstance(problem, ClinikApiError):
            found = Expected(problem.outcome, problem.attempts)
            self._judge_error(problem)
        else:
            found = Expected(type(problem).__name__, 0)
        if found not in (endings := expected(cell, hurried=self.hurried)):
            report.add("wrong", f"{found}, not {endings}")
        if cell.fault.evidence == ("limited",) and self.clock.waits != [RETRY_AFTER]:
            report.add("wrong", f"waited {self.clock.waits}, not Retry-After")
        self._judge_ledger(found.outcome)

    def _judge_response(self, response: ApiResponse[Any]) -> None:
        cell = self.cell
        if cell.operation == "delete":
            right = response.data is None and response.meta.already_deleted == (
                cell.fault.applies and response.meta.attempts > 1
            )
        elif cell.operation in cell.fault.misled:
            right = True
        elif cell.operation == "search":
            right = [found.patient_id for found in response.data.data] == [self.patient_id]
        elif cell.operation == "create":
            right = response.data.patient_id == self.patient_id
        else:
            right = response.data.id == self.record_id
        if not right:
            self.report.add("wrong", "the response of another request, or one that says the wrong thing")

    def _judge_error(self, error: ClinikApiError) -> None:
        if type(error) is not self.cell.fault.error:
            self.report.add("wrong", f"{type(error).__name__}, not {self.cell.fault.error.__name__}")
        if isinstance(error, ClinikRateLimitError) and error.retry_after is None:
            self.report.add("wrong", "no retry_after")
        if not survives_pickle(error):
            self.report.add("wrong", "does not pickle")
        for leak in leaks_of(error):
            self.report.add("leaks", leak)

    def _judge_ledger(self, outcome: str | None) -> None:
        cell = self.cell
        if not cell.writes:
            return
        ledger = self.place.server().ledger
        counts = {"create": ledger.created, "update": ledger.updated, "delete": ledger.deleted}[cell.operation]
        applied = counts[self.patient_id if cell.operation == "create" else self.record_id]
        if applied > 1:
            self.report.add("duplicates", f"applied {applied} times")
        truth = {None: {1}, "applied": {1}, "not_sent": {0}, "rejected": {0}}.get(outcome, {0, 1})
        if min(applied, 1) not in truth:
            self.report.add("wrong", f"says {outcome}, applied {applied} times")

    def _look_at_reprs(self) -> None:
        if any(shows(text) for thing in parts_of(self.clinik) for text in (repr(thing), str(thing))):
            self.report.add("leaks", "repr of the client")

    def _use_again(self) -> None:
        """The fault is over: reads and writes work, and what the fault has cost is given back."""
        if self.cell.fault.only_tls and self.cell.fault.opening is None:
            return  # a wrong certificate stays
        self.place.heal()
        server = self.place.server()
        server.heal()
        self._add_records(server)
        self.clock.waits.clear()
        for operation in ("read", "update"):
            try:
                response = self._call(operation, "enc_canary0other")
            except ClinikApiError as error:
                self.report.add("wrong", f"{operation} afterwards: {error!r}")
            else:
                if response.data.id != "enc_canary0other" or response.meta.attempts != 1:
                    self.report.add("wrong", f"{operation} afterwards: a wrong response, or not at once")
        # One connection for reads and one for writes, whatever happened.
        if (left := server.open_connections(2, 1.0)) > 2:
            self.report.add("leaks", f"{left} connections open")


def cells(faults: Sequence[Trouble] = FAULTS, modes: Sequence[Mode] = get_args(Mode)) -> list[FaultCell]:
    """All cells there are. A deadline matters to what only a limit ends; what hits a kept connection hits it once."""
    return [
        FaultCell(fault, operation, tls, mode)
        for fault in faults
        for tls in (False, True)
        if tls or not fault.only_tls
        for operation in OPERATIONS
        for mode in modes
        if (mode != "deadline" or fault.slow) and (mode != "always" or not fault.kept)
    ]


def gateway_cells() -> list[FaultCell]:
    """What a gateway sends in the service's place; TLS changes nothing about it."""
    return [cell for cell in cells(GATEWAY) if not cell.tls]


def run(chosen: Sequence[FaultCell], threads: int) -> list[CellReport]:
    """Run cells side by side. Sockets that are left over when all are done are told of in the last report."""
    with Lab().open() as lab, unclosed() as dropped:
        gc.collect()
        before = _descriptors()
        with ThreadPoolExecutor(threads, thread_name_prefix="cell") as pool:
            reports = list(pool.map(lambda cell: run_cell(cell, lab), chosen))
        gc.collect()
        if reports and (after := _descriptors()) > before:
            reports[-1].add("leaks", f"{after - before} more open descriptors than before")
        for text in dropped:
            reports[-1].add("leaks", text)
    return reports


def _descriptors() -> int:
    """How many files and sockets this process has open; 0 where the system does not tell."""
    folder = "/proc/self/fd"
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0
