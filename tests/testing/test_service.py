"""A backend behind HTTP: it is asked once for each request, and the journal tells what came of it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from clinik_client import Clinik
from clinik_client.testing import (
    Answer,
    Fault,
    FixtureServer,
    Limits,
    Recording,
    Sandbox,
    Service,
    WireRequest,
    WireResponse,
)
from tests.testing.asking import ask
from tests.testing.counting import KEY, PATIENT, CountingBackend

CREATE = {"status": "planned", "class": "AMB", "patientId": PATIENT}


@pytest.fixture
def backend() -> CountingBackend:
    return CountingBackend()


@pytest.fixture
def service(backend: CountingBackend) -> Iterator[Service]:
    with Service(backend) as service:
        yield service


def test_the_backend_responds_and_the_journal_tells_it(service: Service, backend: CountingBackend) -> None:
    assert ask(service.port, "POST", "/v1/encounters", json=CREATE, key=KEY).status == 201
    assert ask(service.port, "DELETE", "/v1/encounters/enc_1", key=None).status == 204
    assert ask(service.port, "GET", "/v1/nothing").status == 404
    assert backend.applied == {"create": 1, "delete": 1}
    create, delete, other = service.journal.entries
    assert (create.number, create.operation, create.status, create.applied, create.has_key) == (
        1,
        "create",
        201,
        True,
        True,
    )
    assert b'"id":"enc_1"' in (create.response_body or b"")
    assert (delete.operation, delete.status, delete.applied, delete.has_key) == ("delete", 204, True, False)
    assert (other.operation, other.status, other.applied, other.fault) == (None, 404, False, None)
    assert (service.ledger.received(), service.ledger.applied(), service.ledger.applied("create")) == (3, 2, 1)


def test_every_operation_of_the_sdk_comes_through(service: Service) -> None:
    with Clinik(KEY, base_url=service.url, trust_env=False) as clinik:
        clinik.encounters.create(CREATE)
        clinik.encounters.read("enc_1")
        clinik.encounters.update("enc_1", status="finished")
        clinik.encounters.search(patient_id=PATIENT)
        clinik.encounters.delete("enc_1")
    assert [entry.operation for entry in service.ledger.entries] == ["create", "read", "update", "search", "delete"]
    assert [entry.applied for entry in service.ledger.entries] == [True, False, True, False, True]
    assert "counted" not in str([entry.to_dict() for entry in service.ledger.entries])


def test_its_moments_come_from_the_clock_that_it_is_given(backend: CountingBackend) -> None:
    moment = datetime(2031, 1, 1, tzinfo=UTC)
    with Service(backend, now=lambda: moment) as service:
        ask(service.port, "GET", "/health")
    assert [entry.received for entry in service.journal.entries] == [moment]


def test_without_a_clock_its_moments_are_now(service: Service) -> None:
    before = datetime.now(UTC)
    ask(service.port, "GET", "/health")
    assert before <= service.journal.entries[0].received <= datetime.now(UTC)


def test_what_is_below_the_path_of_control_is_in_no_journal(backend: CountingBackend) -> None:
    seen: list[str] = []

    def control(request: WireRequest) -> WireResponse | None:
        seen.append(request.target)
        return WireResponse(200, body=b"controlled") if "known" in request.target else None

    with Service(backend, control=control) as service:
        assert ask(service.port, "GET", "/_sandbox/known").body == b"controlled"
        assert service.journal.entries == []
        # What it does not know is a request like any other; and so is what only looks like it.
        assert ask(service.port, "GET", "/_sandbox/else").status == 404
        assert ask(service.port, "GET", "/_sandboxes/known").status == 404
    assert seen == ["/_sandbox/known", "/_sandbox/else"]
    assert [entry.target for entry in service.journal.entries] == ["/_sandbox/else", "/_sandboxes/known"]


def test_a_request_that_cannot_be_read_is_in_the_journal(backend: CountingBackend) -> None:
    with Service(backend, limits=Limits(body_bytes=10)) as service:
        assert ask(service.port, "POST", "/v1/encounters", body=b"x" * 11).status == 413
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as sock:
            sock.sendall(b"nonsense\r\n\r\n")
            assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert [entry.status for entry in service.journal.entries] == [413, 400]
    assert [entry.refusal for entry in service.journal.entries] == [
        "a request body may have 10 bytes",
        "this is not a well-formed HTTP/1.1 request",
    ]
    assert (service.ledger.received(), backend.applied.total()) == (2, 0)


def test_a_backend_that_fails_is_in_the_journal_as_what_the_client_got(monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingBackend(CountingBackend):
        def answer(self, request: WireRequest) -> Answer:
            raise ZeroDivisionError

    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    with Service(FailingBackend()) as service:
        assert ask(service.port, "GET", "/health").status == 500
    assert [entry.status for entry in service.journal.entries] == [500]
    assert [type(args.exc_value.__cause__) for args in reported if args.exc_value] == [ZeroDivisionError]


def test_it_speaks_tls_with_a_context(backend: CountingBackend, server_tls: ssl.SSLContext, ca_file: object) -> None:
    with (
        Service(backend, ssl_context=server_tls) as service,
        Clinik(KEY, base_url=service.url, trust_env=False, verify=str(ca_file)) as clinik,
    ):
        assert service.url.startswith("https://")
        assert clinik.encounters.read("enc_1").meta.status == 200


def test_it_can_be_started_and_stopped_by_hand_and_its_accounts_stay(backend: CountingBackend) -> None:
    service = Service(backend)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = service.port
    assert service.start() is service
    assert ask(service.port, "GET", "/health").status == 200
    service.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(service.port, "GET", "/health")
    assert service.ledger.received("health") == 1


def test_it_listens_where_it_is_told(backend: CountingBackend, service: Service) -> None:
    port = service.port
    service.stop()
    with Service(backend, port=port) as again:
        assert (again.port, again.url) == (port, f"http://127.0.0.1:{port}")


def test_a_fault_that_too_few_requests_met_is_told() -> None:
    with Sandbox(seed=1) as sandbox, sandbox.client() as clinik:
        sandbox.verify()
        sandbox.faults.add(Fault("latency", operation="read", seconds=0, times=2))
        clinik.encounters.read("enc_seed0001")
        with pytest.raises(AssertionError) as caught:
            sandbox.verify()
        assert str(caught.value).splitlines() == [
            "Faults that too few requests met (1):",
            "  - 'latency', operation='read', times=2, seconds=0, met by 1",
        ]
        clinik.encounters.read("enc_seed0001")
        sandbox.verify()


def test_a_fault_is_told_beside_a_request_that_matched_nothing() -> None:
    with FixtureServer([Recording("none", [])]) as server:
        server.faults.add(Fault("hang", operation="read"))
        assert ask(server.port, "GET", "/v1/encounters").status == 400
        with pytest.raises(AssertionError, match=r"(?s)GET /v1/encounters.*\nFaults that too few requests met \(1\):"):
            server.verify()
