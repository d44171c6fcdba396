"""A fast part of the attacks; ``make faults`` makes all of them. And: each section notices a client that is broken."""

from __future__ import annotations

import gc
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from clinik_client import Clinik, ClinikConnectionError, Encounters
from clinik_client._response import ApiResponse
from clinik_client.testing import Exchange, Recording, save_recording
from tests.testing.processes import server_process

from . import interruptions, late, nested, ownership, unasked
from .calls import Call, Hang, bounded, client, make
from .lab import Lab
from .main import SECTIONS, attack_cells
from .points import Point, Sampling, at, course_of, visiting
from .report import Attack, CellReport, table
from .server import FaultServer, apply, reset

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
FEW = Sampling(most=1)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab().open() as lab:
        yield lab


def breaches(*reports: CellReport) -> list[str]:
    return [f"{report.cell}: {column}: {text}" for report in reports for column, text in report.faults]


def columns(*reports: CellReport) -> set[str]:
    return {column for report in reports for column, _ in report.faults}


# -- a fast part ------------------------------------------------------------------------------------------------------


# An exception may arrive when a socket is made and has no name yet: Python closes it then, with a warning.
drops_sockets = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@drops_sockets
@pytest.mark.parametrize("group", list(interruptions.groups(("create", "delete"))), ids=str)
def test_an_exception_passes_through(group: interruptions.InterruptionGroup, lab: Lab) -> None:
    reports = group.run(lab, FEW)
    # So that the warning comes here.
    gc.collect()
    assert breaches(*reports) == []


@pytest.mark.long
def test_a_signal_of_the_system_passes_through() -> None:
    assert breaches(*interruptions.real_signals(Sampling(most=40))) == []


@pytest.mark.parametrize("service", nested.SERVICES)
@pytest.mark.parametrize("outer", nested.OUTER)
def test_a_call_may_be_made_inside_another_one(outer: Any, service: str, lab: Lab) -> None:
    assert breaches(*list(nested.NestedGroup(outer, "create", service, tls=True).run(lab, Sampling(most=2)))) == []


@pytest.mark.parametrize("guarded", [True, False])
def test_a_handler_of_logs_may_make_calls(guarded: bool, lab: Lab) -> None:
    assert breaches(nested.from_a_log("create", "create", guarded, False, lab)) == []


@pytest.mark.long
@pytest.mark.parametrize(("library", "patch"), [("gevent", "before"), ("eventlet", "without threads")])
def test_green_threads_may_make_calls(library: str, patch: str) -> None:
    assert breaches(nested.in_green_threads(library, patch, FEW)) == []


@pytest.mark.parametrize("framing", unasked.FRAMINGS)
def test_no_response_is_taken_from_a_kept_connection(framing: str, lab: Lab) -> None:
    first: Any = "delete" if framing == "204" else "update"
    assert breaches(unasked.on_a_kept_connection(first, framing, "behind", True, lab)) == []


@pytest.mark.parametrize(("operation", "version"), unasked.NEW, ids=str)
def test_no_response_is_taken_before_a_request_leaves(operation: Any, version: Any, lab: Lab) -> None:
    assert breaches(unasked.on_a_new_connection(operation, version, lab)) == []


@pytest.mark.long
@pytest.mark.parametrize("closing", [each for each in ownership.closings() if each.operation == "create"], ids=str)
def test_the_client_may_be_closed_in_a_call(closing: ownership.Closing, lab: Lab) -> None:
    assert breaches(*closing.run(lab, Sampling(most=2))) == []


@pytest.mark.long
@pytest.mark.parametrize("waiting", [True, False])
def test_the_client_may_be_closed_by_another_thread(waiting: bool, lab: Lab) -> None:
    assert breaches(ownership.closed_by_another_thread(waiting, True, lab)) == []


@pytest.mark.long
def test_the_process_may_be_forked_in_a_call() -> None:
    assert breaches(*ownership.forks(FEW)) == []


@pytest.mark.long
@pytest.mark.parametrize("name", late.TRIES)
def test_nothing_is_late(name: str, lab: Lab) -> None:
    assert breaches(late.run_one(name, lab)) == []


def test_the_document_counts_the_cells_of_every_section() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    listed = {name: int(count) for name, count in re.findall(r"^- `([a-z' ]+)` \((\d+) cells\): ", text, re.MULTILINE)}
    assert listed == dict(attack_cells(Sampling()))
    assert f"\n{sum(listed.values())} cells." in text


@pytest.mark.long
def test_as_many_cells_are_tried_as_are_counted(lab: Lab) -> None:
    groups = list(interruptions.groups(("read",)))[:1]
    assert len(groups[0].run(lab, FEW)) == 2 * len(interruptions.KINDS)
    reports = list(unasked.run(lab, FEW))
    assert len(reports) == unasked.cells(FEW)[unasked.SECTION]
    assert set(SECTIONS) == set(attack_cells(FEW))


# -- the sections notice ----------------------------------------------------------------------------------------------

Method = Callable[..., ApiResponse[Any]]


def broken(method: str, by: Callable[[Method], Method]) -> Any:
    """Patch a method of the facade."""
    return mock.patch.object(Encounters, method, by(getattr(Encounters, method)))


def test_an_exception_that_is_swallowed_is_noticed(lab: Lab) -> None:
    def swallows(real: Method) -> Method:
        def read(*given: Any, **named: Any) -> Any:
            try:
                return real(*given, **named)
            except KeyboardInterrupt:
                return real(*given, **named)

        return read

    with broken("read", swallows):
        reports = interruptions.InterruptionGroup("read", False, True, kinds=(KeyboardInterrupt,)).run(lab, FEW)
    assert columns(*reports) == {"wrong"}


def test_a_write_that_is_made_again_after_an_exception_is_noticed(lab: Lab) -> None:
    def repeats(real: Method) -> Method:
        def create(*given: Any, **named: Any) -> Any:
            real(*given, **named)
            return real(*given, **named)

        return create

    with broken("create", repeats):
        reports = nested.NestedGroup("create", "read", "healthy", False).run(lab, FEW)
        assert "duplicates" in columns(*list(reports))


def test_a_note_that_is_missing_is_noticed(lab: Lab) -> None:
    def forgets(real: Method) -> Method:
        def update(*given: Any, **named: Any) -> Any:
            try:
                return real(*given, **named)
            except KeyboardInterrupt as error:
                error.__notes__ = []
                raise

        return update

    with broken("update", forgets):
        reports = interruptions.InterruptionGroup("update", False, True, kinds=(KeyboardInterrupt,)).run(
            lab, Sampling(most=5)
        )
    assert any("no note" in text for report in reports for _, text in report.faults)


def test_a_note_that_says_too_much_is_noticed(lab: Lab) -> None:
    def warns(real: Method) -> Method:
        def read(*given: Any, **named: Any) -> Any:
            try:
                return real(*given, **named)
            except KeyboardInterrupt as error:
                error.add_note("whether it was carried out is unknown: canary")
                raise

        return read

    with broken("read", warns):
        reports = interruptions.InterruptionGroup("read", False, True, kinds=(KeyboardInterrupt,)).run(lab, FEW)
    assert columns(*reports) == {"wrong", "leaks"}


@pytest.mark.long
def test_a_call_that_holds_a_lock_is_noticed(lab: Lab) -> None:
    lock = threading.Lock()

    def locks(real: Method) -> Method:
        def call(*given: Any, **named: Any) -> Any:
            # Given up some time, so that the thread ends.
            held = lock.acquire(timeout=2)
            try:
                return real(*given, **named)
            finally:
                if held:
                    lock.release()

        return call

    with broken("create", locks), mock.patch.object(nested, "bounded", impatient):
        reports = list(nested.NestedGroup("create", "create", "healthy", False).run(lab, FEW))
    assert "late" in columns(*reports)


def impatient(work: Callable[[], Any], seconds: float = 0.3) -> Any:
    """Gives up soon, and goes on when what was given up has ended: nothing of it is left in the tests behind this."""
    ended = threading.Event()

    def whole() -> Any:
        try:
            return work()
        finally:
            ended.set()

    try:
        return bounded(whole, 0.3)
    except Hang:
        ended.wait(20)
        raise


def test_the_response_of_another_call_is_noticed(lab: Lab) -> None:
    def keeps(real: Method) -> Method:
        kept: list[Any] = []

        def create(*given: Any, **named: Any) -> Any:
            kept.append(real(*given, **named))
            return kept[0]

        return create

    with broken("create", keeps), FaultServer() as server, client(server, lab) as clinik:
        report = CellReport(Attack("test", "two creates"))
        for made in [make(Call("create"), clinik, report) for _ in range(2)]:
            made.judge(server.ledger)
    assert columns(report) == {"wrong"}


def test_an_outcome_that_is_not_true_is_noticed(lab: Lab) -> None:
    def lies(real: Method) -> Method:
        def create(*given: Any, **named: Any) -> Any:
            try:
                return real(*given, **named)
            except ClinikConnectionError as error:
                error.outcome = "not_sent"
                raise

        return create

    report = CellReport(Attack("test", "a create"))
    with broken("create", lies), FaultServer((apply, reset)) as server, client(server, lab) as clinik:
        make(Call("create"), clinik, report).judge(server.ledger, may_fail=True)
    assert columns(report) == {"wrong"}


@pytest.mark.long
def test_a_close_that_leaves_something_open_is_noticed(lab: Lab) -> None:
    real = Clinik.close
    left: list[Clinik] = []
    with mock.patch.object(Clinik, "close", lambda clinik: left.append(clinik)):
        reports = list(ownership.Closing("read", False, True).run(lab, FEW))
    for clinik in left:
        real(clinik)
    assert columns(*reports) == {"wrong", "leaks"}


@pytest.mark.long
def test_a_wait_that_is_not_ended_is_noticed(lab: Lab) -> None:
    def waits(real: Method) -> Method:
        def find_created(*given: Any, **named: Any) -> Any:
            time.sleep(late.LIMIT + 2 * late.TOLERANCE)
            return real(*given, **named)

        return find_created

    with broken("find_created", waits):
        assert columns(late.run_one("find_created before its time", lab)) == {"late"}


@pytest.mark.long
def test_a_walk_without_end_is_noticed(lab: Lab) -> None:
    def walks(real: Method) -> Method:
        return lambda *given, **named: iter(())  # type: ignore[return-value]  # it takes the pages for none

    with broken("search_all", walks):
        assert columns(late.run_one("empty pages without end", lab)) == {"late"}


# -- the points -------------------------------------------------------------------------------------------------------


def test_the_points_are_those_after_calls_and_at_the_beginning_of_functions(tmp_path: Path) -> None:
    record = {"id": "enc_1", "status": "planned", "class": "AMB", "patientId": "pt_1"}
    read = Exchange.of("GET", "/v1/encounters/enc_1", response={"data": record, "meta": {}})
    save_recording(Recording("read", [read]), tmp_path / "read.har")
    # In a process of its own: from Python 3.12 on, a thread that runs the same code untraced hides points of it.
    command = [sys.executable, "-m", "clinik_client.testing", "serve", str(tmp_path), "--loop"]
    with (
        server_process(command, {**os.environ, "PYTHONPATH": str(ROOT)}, lines=1) as server,
        Clinik("clk_test_points", base_url=server.url, trust_env=False) as clinik,
    ):
        for _ in range(3):
            course = course_of(lambda: clinik.encounters.read("enc_1"))
        again = course_of(lambda: clinik.encounters.read("enc_1"))
    assert [point.where for point in course.points] == [point.where for point in again.points]
    modules = {point.module.partition(".")[0] for point in course.points}
    assert (
        {"clinik_client", "httpcore", "h11"}
        <= modules
        <= {"clinik_client", "httpcore", "h11", "ssl", "socket", "contextlib"}
    )
    assert 0 < course.first_send < len(course.points)


def test_nothing_is_traced_any_more_after_a_handler_has_run(lab: Lab) -> None:
    met: list[Point] = []
    with FaultServer() as server, client(server, lab) as clinik:
        call = Call("read").prepare(server)
        with at(10, lambda: met.append(Point(10, "", ""))):
            call.make(clinik)
            assert sys.gettrace() is None
        with visiting(met.append):
            pass
    assert len(met) == 1


def test_a_client_whose_call_has_fewer_points_than_the_one_before_is_closed_after_it(lab: Lab) -> None:
    report = CellReport(Attack(ownership.SECTION, "close"))
    with FaultServer() as server:
        made = ownership.close_at(1_000_000, report, client(server, lab), Call("delete").prepare(server))
        made.judge(server.ledger)
    assert breaches(report) == []


def test_a_seed_chooses_the_same_points_again() -> None:
    points = [Point(number, f"module{number % 3}", "") for number in range(100)]
    assert Sampling(1).points("place", points, 5) == Sampling(1).points("place", points, 5)
    assert Sampling(1).points("place", points, 20) != Sampling(2).points("place", points, 20)
    assert Sampling(every=True).points("place", points, 5) == points


def test_attacks_and_faults_share_the_table() -> None:
    report = CellReport(Attack("late", "something"))
    report.add("late", "too late")
    assert table([report]).splitlines()[-1].split() == ["all", "1", "0", "0", "1", "0"]
