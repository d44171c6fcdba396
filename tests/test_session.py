"""One call from end to end: what Ctrl-C and closing leave known of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from clinik_client._transport import network
from tests.calls import CALLS, GOOD
from tests.inside import on_virtual_time
from tests.misbehaviour import HEAD, send_signal
from tests.servers import Connect, Serve, Step, limited, refuse, respond

WRITES = ("create", "update", "delete")


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
    assert ("unknown" in notes) == (name in WRITES)
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
