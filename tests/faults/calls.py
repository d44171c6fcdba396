"""A call that is told from all others: with a patient and a record of its own, and what is right for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, Generic, Literal, TypeVar, cast

from attrs import define, field, frozen

from clinik_client import Clinik, ClinikApiError

from .lab import Lab, numbers
from .report import CellReport
from .server import AppliedLedger, FaultServer, record

T = TypeVar("T")

KEY: Final = "clk_test_canary0key"
PATIENCE: Final = 3.0
"""Seconds after which a call that has no reason to wait hangs."""
MOST_HANGS: Final = 3
"""A section tries no more points when so many have hung."""

Operation = Literal["create", "read", "update", "delete", "walk"]
OPERATIONS: Final[tuple[Operation, ...]] = ("create", "read", "update", "delete", "walk")
PAGES: Final = 3
"""How many pages a walk has."""


@frozen
class Call:
    """One call of one operation."""

    operation: Operation
    number: int = field(factory=lambda: next(numbers))
    mark: str = ""
    """Part of the ids; for a server that chooses by it whom it treats badly."""

    @property
    def patient_id(self) -> str:
        return f"pt_canary{self.number}{self.mark}"

    @property
    def record_id(self) -> str:
        return f"enc_canary{self.number}{self.mark}"

    @property
    def writes(self) -> bool:
        return self.operation in ("create", "update", "delete")

    def __str__(self) -> str:
        return self.operation

    def prepare(self, server: FaultServer) -> Call:
        """Put the record there that the call is about."""
        server.records[self.record_id] = record(self.record_id, self.patient_id)
        return self

    def make(self, clinik: Clinik) -> Any:
        encounters = clinik.encounters
        match self.operation:
            case "create":
                return encounters.create(status="planned", class_="AMB", patient_id=self.patient_id).data
            case "read":
                return encounters.read(self.record_id).data
            case "update":
                return encounters.update(self.record_id, status="finished").data
            case "delete":
                return encounters.delete(self.record_id).data
            case "walk":
                return list(encounters.search_all(patient_id=self.patient_id))

    def is_right(self, data: Any) -> bool:
        """Whether this is the response to this call and no other."""
        match self.operation:
            case "create":
                return bool(data.patient_id == self.patient_id)
            case "delete":
                return data is None
            case "walk":
                return len(data) == PAGES and all(found.patient_id == self.patient_id for found in data)
            case _:
                return bool(data.id == self.record_id)

    def applied(self, ledger: AppliedLedger) -> int:
        """How many times the service did it. How often it was asked, where doing it again changes nothing."""
        match self.operation:
            case "create":
                return ledger.created[self.patient_id]
            case "update":
                return ledger.updated[self.record_id]
            case "delete":
                return ledger.asked[f"DELETE /v1/encounters/{self.record_id}"]
            case _:
                return 0


@define
class Made:
    """A call that was made, and what came of it."""

    call: Call
    report: CellReport
    outcome: str | None = None
    """``None`` where it succeeded, ``raised`` where an exception came that is not the SDK's."""
    kind: str = ""
    """The class of the error."""
    right: bool = True
    noted: bool = False
    """A note on the exception says that nobody knows what came of it."""

    def judge(self, ledger: AppliedLedger, *, may_fail: bool = False, unharmed: bool = True) -> None:
        """Look at what was promised, when the server has nothing left to do.

        Args:
            ledger: what the service did.
            may_fail: whether an error is a right end.
            unharmed: whether the call may not have been repeated, even if that is harmless.
        """
        applied = self.call.applied(ledger)
        report = self.report
        if applied > 1 and (unharmed or self.call.operation != "delete"):
            report.add("duplicates", f"{self.call} came {applied} times")
        if not self.right:
            report.add("wrong", f"{self.call}: the response of another call")
        if self.outcome not in (None, "raised") and not may_fail:
            report.add("wrong", f"{self.call}: {self.kind}, {self.outcome}")
        truth = {None: {1}, "applied": {1}, "not_sent": {0}, "rejected": {0}}.get(self.outcome, {0, 1})
        if self.call.writes and min(applied, 1) not in truth:
            report.add("wrong", f"{self.call}: {self.kind or 'success'}, {self.outcome}, applied {applied} times")


def make(call: Call, clinik: Clinik, report: CellReport) -> Made:
    """Make a call, and write down what came of it. What is no error of the SDK is a breach."""
    made = Made(call, report)
    try:
        data = call.make(clinik)
    except ClinikApiError as error:
        made.outcome, made.kind = error.outcome, type(error).__name__
    except BaseException as error:  # noqa: BLE001 - told of in the report
        made.outcome, made.kind = "raised", type(error).__name__
        report.add("wrong", f"{call}: {type(error).__name__} escaped")
    else:
        made.right = call.is_right(data)
    return made


class Hang(Exception):
    """Something that has no reason to wait has not come to an end."""


def dry_run(work: Callable[[], T], report: CellReport) -> T | None:
    """What is done to see how a call goes; ``None`` where it does not go at all, and the report tells it."""
    try:
        return bounded(work)
    except (Hang, ClinikApiError) as error:
        report.add("wrong", f"the call fails before anything is tried: {error}")
        return None


@define
class Patience:
    """With a client that hangs everywhere, a section would take for ever."""

    hangs: int = 0

    def hung(self, report: CellReport, hang: Hang) -> None:
        """Tell of a call that hangs."""
        self.hangs += 1
        report.add("late", f"the client hangs: {hang}")

    def is_over(self, report: CellReport) -> bool:
        """Whether nothing more is tried; the report tells it."""
        over = self.hangs >= MOST_HANGS
        if over:
            report.add("late", "not tried any more: too many before it have hung")
        return over


@define
class _Result(Generic[T]):
    value: T | None = None
    error: BaseException | None = None


def bounded(work: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Work in a thread of its own, which is left behind if it does not end.

    Raises:
        Hang: it has not ended in time.
    """
    result: _Result[T] = _Result()

    def run() -> None:
        try:
            result.value = work()
        except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
            result.error = error

    thread = threading.Thread(target=run, name="bounded", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Hang(f"no end within {seconds} s")
    if result.error is not None:
        raise result.error
    return cast("T", result.value)


def client(server: FaultServer, lab: Lab, **settings: Any) -> Clinik:
    """A client of this server; a call is tried once if the settings say no more."""
    scheme = "http" if server.context is None else "https"
    options = {"retries": 0, "timeout": 1.5, "verify": lab.trusting, "trust_env": False, **settings}
    return Clinik(KEY, base_url=f"{scheme}://127.0.0.1:{server.port}", **options)


def look(clinik: Clinik, server: FaultServer, report: CellReport, who: str) -> None:
    """The client works: reads and writes get their responses at once, and the right ones."""
    for call in (Call("read"), Call("update")):
        made = make(call.prepare(server), clinik, report)
        if made.outcome is not None or not made.right:
            report.add("wrong", f"{call} afterwards from {who}: {made.kind}, {made.outcome}")
