"""One call from end to end: what Ctrl-C leaves known of it, and which media types it tries."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import asdict

from clinik_client import Clinik, ClinikApiError
from clinik_client._session import Options
from clinik_client._transport import network
from clinik_client.testing import WireRequest, WireResponse
from tests.calls import CALLS, GOOD, READS
from tests.inside import on_virtual_time
from tests.misbehaviour import HEAD, send_signal
from tests.servers import Connect, ScriptedService, Serve, Step, limited, refuse, respond

# -- Ctrl-C -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def default_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_ctrl_c")
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("parts", [(), (HEAD + b"Content-Length: 500\r\n\r\n{",)])
def test_ctrl_c_during_a_write_says_that_the_outcome_is_unknown(
    serve: Serve, connect: Connect, name: str, parts: tuple[bytes, ...]
) -> None:
    service = serve(send_signal(signal.SIGINT, *parts), GOOD[name])
    clinik = connect(service)
    with pytest.raises(KeyboardInterrupt) as raised:
        CALLS[name](clinik)
    notes = " ".join(getattr(raised.value, "__notes__", []))
    assert notes.count("unknown") == (name not in READS)
    assert "enc_1" not in notes
    assert CALLS[name](clinik).meta.attempts == 1
    assert [seen.connection for seen in service.ledger] == [1, 2]


@pytest.mark.parametrize(("first", "noted"), [(refuse(500), True), (limited(), False)])
def test_ctrl_c_while_waiting_to_send_again(serve: Serve, connect: Connect, first: Step, noted: bool) -> None:
    clinik = connect(serve(first, respond(204)))
    clock = on_virtual_time(clinik)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    clock.sleep = interrupt  # type: ignore[method-assign]  # that is when somebody presses Ctrl-C
    with pytest.raises(KeyboardInterrupt) as raised:
        clinik.encounters.delete("enc_1")
    assert hasattr(raised.value, "__notes__") == noted


def test_ctrl_c_before_anything_was_sent_needs_no_note(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(network, "connect", interrupt)
    with pytest.raises(KeyboardInterrupt) as raised:
        CALLS["create"](connect("http://127.0.0.1:9"))
    assert not hasattr(raised.value, "__notes__")


# -- media types ------------------------------------------------------------------------------------------------------

UNSUPPORTED = refuse(415, "UNSUPPORTED_MEDIA_TYPE")


def media_types(service: ScriptedService) -> list[str | None]:
    return [seen.header("content-type") for seen in service.ledger]


@pytest.mark.parametrize(
    ("name", "types"),
    [
        (name, list(call.described["requestBody"]["content"]))
        for name, call in CALLS.items()
        if "requestBody" in call.described
    ],
)
def test_after_a_415_the_next_media_type_is_tried_at_once_and_kept(
    serve: Serve, connect: Connect, name: str, types: list[str]
) -> None:
    service = serve(*[UNSUPPORTED] * (len(types) - 1), GOOD[name])
    clinik = connect(service, retries=0)
    clock = on_virtual_time(clinik)
    assert CALLS[name](clinik).meta.attempts == len(types)
    assert (media_types(service), clock.waits) == (types, [])
    CALLS[name](clinik)
    CALLS[name](clinik.with_options(timeout=5))
    assert media_types(service)[len(types) :] == [types[-1]] * 2
    assert len({seen.request.body for seen in service.ledger}) == 1


def test_where_no_media_type_is_taken_the_error_says_so_and_nothing_was_done(serve: Serve, connect: Connect) -> None:
    service = serve(UNSUPPORTED)
    clinik = connect(service)
    for _ in range(2):
        with pytest.raises(ClinikApiError) as raised:
            CALLS["create"](clinik)
        assert (raised.value.status, raised.value.outcome, raised.value.attempts) == (415, "rejected", 2)
    assert media_types(service) == ["application/json", "application/fhir+json"] * 2


def test_a_415_that_is_not_the_services_proves_nothing(serve: Serve, connect: Connect) -> None:
    service = serve(respond(415, b"<html>No</html>"))
    with pytest.raises(ClinikApiError) as raised:
        CALLS["create"](connect(service))
    assert (raised.value.outcome, len(service.ledger)) == ("unknown", 1)


def test_another_media_type_is_not_tried_past_the_deadline(serve: Serve, connect: Connect) -> None:
    def late(request: WireRequest) -> WireResponse:
        clock.passed += 10
        return UNSUPPORTED

    service = serve(late)
    clinik = connect(service, deadline=5)
    clock = on_virtual_time(clinik)
    with pytest.raises(ClinikApiError) as raised:
        CALLS["create"](clinik)
    assert (raised.value.status, len(service.ledger)) == (415, 1)


def test_the_limits_are_those_that_a_client_has_if_it_is_given_none() -> None:
    given = inspect.signature(Clinik).parameters
    assert {name: given[name].default for name in asdict(Options())} == asdict(Options())
