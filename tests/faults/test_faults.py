"""A fast part of the matrix; ``make faults`` runs all of it. And: the matrix notices a client that breaks a promise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from clinik_client import Clinik, ClinikConnectionError, _transport
from clinik_client._operation import Request
from clinik_client._privacy import Redactor
from clinik_client._transport.network import Network
from clinik_client._transport.pool import HttpConnection
from clinik_client._transport.stream import Stream
from clinik_client.testing._wire import Connection as WireConnection

from .calls import KEY
from .catalogue import FAULTS, Trouble, whole
from .lab import Lab
from .matrix import cells, gateway_cells, run, run_cell
from .policy import FaultCell
from .report import CellReport, table
from .server import FaultServer

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
FEW_STATUSES = ("400", "404", "413", "429", "503")
BY_NAME = {fault.name: fault for fault in FAULTS}


def is_fast(cell: FaultCell) -> bool:
    """All faults and operations; what only a limit ends takes real time, so of that the least."""
    if cell.fault.slow:
        return cell.mode == "deadline" and cell.operation in ("create", "read") and (cell.tls == cell.fault.only_tls)
    if cell.tls and not cell.fault.only_tls:
        return cell.operation == "update" and cell.mode == "once"
    return cell.mode == "once" or cell.operation == "create"


@pytest.fixture(scope="module")
def reports() -> list[CellReport]:
    return run([cell for cell in cells() if is_fast(cell)], threads=6)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_operation_breaks_a_promise_when_it_meets(fault: Trouble, reports: list[CellReport]) -> None:
    met = [report for report in reports if report.cell.row == fault.name]
    assert met
    assert [f"{report.cell}: {column}: {text}" for report in met for column, text in report.faults] == []


def test_a_gateways_page_is_never_taken_for_the_services_word() -> None:
    chosen = [cell for cell in gateway_cells() if cell.mode == "once" and cell.fault.name.split("-")[1] in FEW_STATUSES]
    assert {cell.fault.name.split("-")[1] for cell in chosen} == set(FEW_STATUSES)
    reports = run(chosen, threads=6)
    assert [f"{report.cell}: {column}: {text}" for report in reports for column, text in report.faults] == []


def test_the_document_lists_every_fault_in_the_catalogue_and_no_other() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    listed = re.findall(r"^- `([a-z0-9-]+)`: (.*)$", text, flags=re.MULTILINE)
    assert listed == [(fault.name, fault.text) for fault in FAULTS]
    only_tls = sum(fault.only_tls for fault in FAULTS)
    both = len(FAULTS) - only_tls
    assert f"\n{len(FAULTS)} faults: {both} of them over plain TCP and over TLS, {only_tls} that only TLS has." in text
    assert f"\n{len(cells())} cells." in text
    assert f"{len(gateway_cells())} cells more" in text


# -- the matrix notices -----------------------------------------------------------------------------------------------


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab().open() as lab:
        yield lab


def columns(report: CellReport) -> set[str]:
    return {column for column, _ in report.faults}


def test_a_create_that_is_sent_again_is_noticed(lab: Lab) -> None:
    with mock.patch.object(Request, "repeatable", True):
        report = run_cell(FaultCell(BY_NAME["reset-after-applying"], "create", False, "always"), lab)
    assert columns(report) == {"duplicates", "wrong"}


def test_an_outcome_that_says_too_much_is_noticed(lab: Lab) -> None:
    with mock.patch.object(_transport.Attempt, "success_seen", True):
        report = run_cell(FaultCell(BY_NAME["hang-before-applying"], "update", False, "deadline"), lab)
    assert columns(report) == {"wrong"}


def test_a_limit_that_is_not_kept_is_noticed(lab: Lab) -> None:
    with mock.patch.object(_transport.Attempt, "seconds_left", return_value=2.0):
        report = run_cell(FaultCell(BY_NAME["hang-after-applying"], "read", False, "deadline"), lab)
    assert columns(report) == {"late"}


def test_a_response_about_another_record_is_noticed(lab: Lab) -> None:
    with (
        mock.patch.object(HttpConnection, "is_whole", return_value=True),
        mock.patch.object(Stream, "is_quiet", return_value=True),
    ):
        report = run_cell(FaultCell(BY_NAME["second-response"], "read", False, "once"), lab)
    assert columns(report) == {"wrong"}


def test_a_text_that_the_service_repeats_is_noticed(lab: Lab) -> None:
    with mock.patch.object(Redactor, "clean", lambda self, text: text):
        report = run_cell(FaultCell(BY_NAME["409"], "update", False, "once"), lab)
    assert columns(report) == {"leaks"}


def test_what_a_library_logs_is_noticed(lab: Lab) -> None:
    with mock.patch("clinik_client._transport.pool._keep_out_of_logs"):
        report = run_cell(FaultCell(BY_NAME["redirect"], "read", False, "once"), lab)
    assert "leaks" in columns(report)
    assert any("httpcore" in text for _, text in report.faults)


def test_the_table_counts_cells_and_what_was_broken_in_them() -> None:
    good, bad = (
        CellReport(FaultCell(BY_NAME["refused"], operation, False, "once")) for operation in ("read", "create")
    )
    bad.add("late", "much too late")
    bad.add("late", "and again")
    *_, row, total = table([good, bad]).splitlines()
    assert row.split() == ["refused", "2", "0", "0", "1", "0"]
    assert total.split() == ["all", "2", "0", "0", "1", "0"]


# -- what no response of a script can show ----------------------------------------------------------------------------


def test_a_response_that_is_there_before_the_request_leaves_is_not_taken_for_its_response() -> None:
    def greet(faulty: FaultServer, connection: WireConnection) -> None:
        connection.send(whole(201, b'{"data": {"id": "enc_canary5", "status": "planned"}}'))
        faulty.announced.set()
        faulty.hold(connection)

    with FaultServer(opening=greet) as faulty:
        connect = Network.connect_tcp

        def connect_and_wait(*given: object, **named: object) -> object:
            stream = connect(*given, **named)  # type: ignore[arg-type]  # handed on as it came
            assert faulty.announced.wait(5)
            return stream

        with (
            mock.patch.object(Network, "connect_tcp", connect_and_wait),
            Clinik(KEY, base_url=f"http://127.0.0.1:{faulty.port}", retries=0, trust_env=False) as clinik,
            pytest.raises(ClinikConnectionError) as caught,
        ):
            clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_canary5")
        assert caught.value.outcome == "not_sent"
        assert not faulty.ledger.created
